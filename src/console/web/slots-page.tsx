import { useEffect, useState } from 'preact/hooks';
import type { WeekAnswer } from '../slots-routes.ts';
import { useAsked, useDoing, useSeconds } from './asking.ts';
import { BlockForm } from './block-form.tsx';
import { useSoon } from './calls-page.tsx';
import { clockTime, countdown, dateAndClock, dayName } from './format.ts';
import { useLive } from './live.ts';
import type { PageProps } from './page.ts';
import { Chip, Dialog, PageHead, ProblemNote, Waiting } from './pieces.tsx';
import { type Slot, SlotPanel } from './slot-panel.tsx';

const daysShown = 7;

/** The coming weeks of one practitioner, a week at a time. */
export function SlotsPage({ api, organization, mayEdit }: PageProps) {
  const [practitioner, setPractitioner] = useState(organization.practitioners[0]?.key ?? '');
  const [from, setFrom] = useState<string>();
  const [chosen, setChosen] = useState<Slot>();
  const [blocking, setBlocking] = useState(false);
  const [moving, setMoving] = useState<Slot>();
  const query = `/slots?practitioner=${encodeURIComponent(practitioner)}${from === undefined ? '' : `&from=${from}`}`;
  const asked = useAsked<WeekAnswer>(api, query);
  const soon = useSoon(asked.reload);
  const doing = useDoing();
  useLive(api, (event) => {
    if (changesSlots.has(event.type)) soon();
  });
  const change = (work: () => Promise<unknown>) =>
    void doing.run(async () => {
      await work();
      setChosen(undefined);
      setBlocking(false);
      setMoving(undefined);
      asked.reload();
    });
  const pick = (slot: Slot) => {
    if (moving?.appointment == null) return setChosen(slot);
    const { id } = moving.appointment;
    const { slotId, version } = slot;
    change(() => api.send('POST', `/appointments/${id}/move`, { slotId, version }));
  };
  const week = asked.data;
  return (
    <>
      <PageHead title="Slots">
        <WhoseWeek organization={organization} chosen={practitioner} onChoose={setPractitioner} />
        <WeekSteps week={week} onFrom={setFrom} />
        {mayEdit ? (
          <button type="button" onClick={() => setBlocking(true)}>
            Block time
          </button>
        ) : null}
      </PageHead>
      <Legend />
      <ProblemNote problem={asked.problem ?? doing.problem} />
      {moving === undefined ? null : (
        <p class="note" role="status">
          Choose an open time for the appointment of {dateAndClock(moving.startsAt, organization.zone)}.{' '}
          <button type="button" class="quiet" onClick={() => setMoving(undefined)}>
            Leave it where it is
          </button>
        </p>
      )}
      {week === undefined ? (
        asked.problem === undefined ? (
          <Waiting />
        ) : null
      ) : (
        <Week week={week} moving={moving !== undefined} onPick={pick} />
      )}
      {chosen === undefined || week === undefined ? null : (
        <SlotPanel
          api={api}
          slot={chosen}
          week={week}
          mayEdit={mayEdit}
          problem={doing.problem}
          onClose={() => setChosen(undefined)}
          onChange={change}
          onMove={() => {
            setMoving(chosen);
            setChosen(undefined);
          }}
        />
      )}
      {!blocking || week === undefined ? null : (
        <Dialog title="Block time" onClose={() => setBlocking(false)}>
          <BlockForm
            date={week.days[0]?.date ?? week.today}
            problem={doing.problem}
            onBlock={(stretch) => change(() => api.send('POST', '/blocks', { practitioner, ...stretch }))}
          />
        </Dialog>
      )}
    </>
  );
}

function WhoseWeek({
  organization,
  chosen,
  onChoose,
}: {
  organization: PageProps['organization'];
  chosen: string;
  onChoose: (key: string) => void;
}) {
  return (
    <select
      aria-label="Practitioner"
      value={chosen}
      onChange={(event) => onChoose(event.currentTarget.value)}
    >
      {organization.practitioners.map((one) => (
        <option key={one.key} value={one.key}>
          {one.name}
        </option>
      ))}
    </select>
  );
}

const changesSlots = new Set(['step-changed', 'hold', 'hold-extended', 'appointment-booked', 'watching']);

function WeekSteps({
  week,
  onFrom,
}: {
  week: WeekAnswer | undefined;
  onFrom: (date: string | undefined) => void;
}) {
  const first = week?.days[0]?.date;
  const step = (days: number) => first !== undefined && onFrom(addDays(first, days));
  return (
    <span class="week-steps">
      <button type="button" aria-label="The week before" onClick={() => step(-daysShown)}>
        ←
      </button>
      <button type="button" onClick={() => onFrom(undefined)}>
        Today
      </button>
      <button type="button" aria-label="The week after" onClick={() => step(daysShown)}>
        →
      </button>
    </span>
  );
}

function Legend() {
  return (
    <ul class="legend" aria-label="What the colours mean">
      <li class="slot-open">open</li>
      <li class="slot-held">held</li>
      <li class="slot-booked">booked</li>
      <li class="slot-blocked">blocked</li>
      <li class="slot-conflict">conflict</li>
    </ul>
  );
}

function Week({ week, moving, onPick }: { week: WeekAnswer; moving: boolean; onPick: (slot: Slot) => void }) {
  const [atMs, setAtMs] = useState(Date.now);
  // Holds are counted down from when the week came.
  useEffect(() => setAtMs(Date.now()), [week]);
  const now = useSeconds();
  const ledgerNowMs = Date.parse(week.now) + now - atMs;
  return (
    <div class="week">
      {week.days.map(({ date, slots }) => {
        const { weekday, day } = dayName(date);
        const open = slots.filter((slot) => slot.state === 'open').length;
        return (
          <section
            key={date}
            class={date === week.today ? 'day today' : 'day'}
            aria-label={`${weekday} ${day}`}
          >
            <h2>
              <span>{weekday}</span> {day}
              <span class="sub">{slots.length === 0 ? 'closed' : `${open} open`}</span>
            </h2>
            <ul>
              {slots.map((slot) => (
                <li key={slot.slotId}>
                  <SlotButton
                    slot={slot}
                    zone={week.zone}
                    ledgerNowMs={ledgerNowMs}
                    disabled={slot.state === 'past' || (moving && slot.state !== 'open')}
                    onPick={onPick}
                  />
                </li>
              ))}
            </ul>
          </section>
        );
      })}
    </div>
  );
}

function SlotButton({
  slot,
  zone,
  ledgerNowMs,
  disabled,
  onPick,
}: {
  slot: Slot;
  zone: string;
  ledgerNowMs: number;
  disabled: boolean;
  onPick: (slot: Slot) => void;
}) {
  const leftMs = slot.expiresAt === null ? 0 : Date.parse(slot.expiresAt) - ledgerNowMs;
  const state = slot.state === 'held' && leftMs <= 0 ? 'open' : slot.state;
  return (
    <button type="button" class={`slot slot-${state}`} disabled={disabled} onClick={() => onPick(slot)}>
      <span class="slot-time">{clockTime(slot.startsAt, zone)}</span>
      <span class="slot-what">
        {state === 'held' ? (
          `held ${countdown(leftMs)}`
        ) : state === 'booked' ? (
          (slot.appointment?.name ?? 'booked')
        ) : (
          <span class={state === 'open' ? 'unseen' : ''}>{state}</span>
        )}
      </span>
      {state === 'conflict' ? <Chip tone="bad">{slot.appointment?.name ?? ''}</Chip> : null}
    </button>
  );
}

function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T12:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}
