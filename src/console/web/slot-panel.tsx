import { useState } from 'preact/hooks';
import type { PatientAnswer, WeekAnswer } from '../slots-routes.ts';
import type { Api } from './api.ts';
import { useDoing } from './asking.ts';
import { clockTime, dateAndClock } from './format.ts';
import { Dialog, ProblemNote } from './pieces.tsx';

export type Slot = WeekAnswer['days'][number]['slots'][number];

interface Panel {
  api: Api;
  slot: Slot;
  week: WeekAnswer;
  mayEdit: boolean;
  problem: string | undefined;
  onClose: () => void;
  onChange: (work: () => Promise<unknown>) => void;
  onMove: () => void;
}

/** One slot, and what can be done about it. */
export function SlotPanel(panel: Panel) {
  const { slot, week, onClose } = panel;
  return (
    <Dialog title={dateAndClock(slot.startsAt, week.zone)} onClose={onClose}>
      <p>
        Until {clockTime(slot.endsAt, week.zone)}, {sentences[slot.state]}
        {slot.conflict === null ? '' : ` ${conflicts[slot.conflict]} Move or cancel the appointment.`}
      </p>
      {slot.callSid === null ? null : (
        <p>
          <a href={`#/calls/${encodeURIComponent(slot.callSid)}`}>The call it comes from</a>
        </p>
      )}
      {slot.appointment === null ? null : <Appointment {...panel} id={slot.appointment.id} />}
      {slot.state === 'open' && panel.mayEdit ? <BlockSlot {...panel} /> : null}
      {slot.state === 'blocked' || slot.state === 'conflict' ? <Busy {...panel} /> : null}
      <ProblemNote problem={panel.problem} />
    </Dialog>
  );
}

const sentences: Record<Slot['state'], string> = {
  open: 'open to callers.',
  held: 'held by a call that has not confirmed it yet.',
  booked: 'booked.',
  blocked: 'not open: something else is in its way.',
  conflict: 'booked, but in conflict:',
  past: 'over.',
};

const conflicts: Record<NonNullable<Slot['conflict']>, string> = {
  busy: 'the time is blocked or busy.',
  'outside-hours': 'the hours were changed, and the practitioner is not there.',
  overlap: 'something else lies on it in the calendar.',
  moved: 'its event was moved in the calendar.',
  removed: 'its event was removed from the calendar.',
};

function Appointment({ api, slot, mayEdit, onChange, onMove, id }: Panel & { id: string }) {
  const [shown, setShown] = useState<PatientAnswer>();
  const [sure, setSure] = useState(false);
  const doing = useDoing();
  const show = () =>
    void doing.run(async () => setShown(await api.send('POST', `/appointments/${id}/reveal`)));
  return (
    <>
      {shown === undefined ? (
        <p>
          {slot.appointment?.name ?? 'No name'}, {slot.appointment?.phone ?? 'no number'}{' '}
          <button type="button" class="quiet" onClick={show}>
            Show name and number
          </button>
        </p>
      ) : (
        <dl class="facts">
          {Object.entries(shown.patient).map(([key, value]) => (
            <div key={key}>
              <dt>{key}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
      <ProblemNote problem={doing.problem} />
      {mayEdit ? (
        <div class="actions">
          <button type="button" onClick={onMove}>
            Move
          </button>
          {sure ? (
            <button
              type="button"
              class="danger"
              onClick={() => onChange(() => api.send('POST', `/appointments/${id}/cancel`))}
            >
              Yes, cancel it
            </button>
          ) : (
            <button type="button" onClick={() => setSure(true)}>
              Cancel the appointment
            </button>
          )}
        </div>
      ) : null}
    </>
  );
}

function BlockSlot({ api, slot, week, onChange }: Panel) {
  const block = () =>
    onChange(() =>
      api.send('POST', '/blocks', {
        practitioner: week.practitioner,
        from: clinicLocal(slot.startsAt, week.zone),
        to: clinicLocal(slot.endsAt, week.zone),
      }),
    );
  return (
    <div class="actions">
      <button type="button" onClick={block}>
        Block this time
      </button>
    </div>
  );
}

/** Whatever covers the slot; what the clinic itself blocked can be opened again here. */
function Busy({ api, slot, week, mayEdit, onChange }: Panel) {
  const over = week.busy.filter((one) => one.endsAt > slot.startsAt && one.startsAt < slot.endsAt);
  return (
    <ul class="plain">
      {over.map((one) => (
        <li key={one.id}>
          {one.ours ? 'Blocked' : `Busy (${one.source})`} {dateAndClock(one.startsAt, week.zone)} to{' '}
          {dateAndClock(one.endsAt, week.zone)}{' '}
          {one.ours && mayEdit ? (
            <button type="button" onClick={() => onChange(() => api.send('DELETE', `/blocks/${one.id}`))}>
              Unblock
            </button>
          ) : null}
        </li>
      ))}
    </ul>
  );
}

/** The clinic's wall clock at an instant, as the API takes it. */
function clinicLocal(iso: string, zone: string): string {
  const text = new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'short',
  }).format(new Date(iso));
  return text.replace(' ', 'T');
}
