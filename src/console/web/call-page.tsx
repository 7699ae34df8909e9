import { useState } from 'preact/hooks';
import type { CallAnswer, RevealAnswer } from '../calls-routes.ts';
import type { OrganizationAnswer } from './api.ts';
import { useAsked, useDoing } from './asking.ts';
import { useSoon } from './calls-page.tsx';
import { dateAndClock, duration, preciseClock, slotWords, stepWords } from './format.ts';
import { useLive } from './live.ts';
import type { PageProps } from './page.ts';
import { Chip, Empty, PageHead, ProblemNote, StepChip, TextChip, Waiting } from './pieces.tsx';

/** One call, step by step: when, what, how fast, and what became of what was promised. */
export function CallPage({ api, organization, rest: callSid }: PageProps) {
  const asked = useAsked<CallAnswer>(api, `/calls/${encodeURIComponent(callSid)}`);
  const soon = useSoon(asked.reload);
  useLive(api, (event) => {
    if (event.call === callSid) soon();
  });
  const { data } = asked;
  return (
    <>
      <PageHead title="Call">
        <a href="#/calls">All calls</a>
      </PageHead>
      <ProblemNote problem={asked.problem} />
      {data === undefined ? (
        asked.problem === undefined ? (
          <Waiting />
        ) : null
      ) : (
        <div class="call">
          <div class="call-facts">
            <Facts answer={data} clinic={organization} />
            <Caller api={api} answer={data} onShown={asked.reload} />
            <Promised answer={data} clinic={organization} />
          </div>
          <div class="call-course">
            <Steps answer={data} clinic={organization} />
            <Turns answer={data} />
          </div>
        </div>
      )}
    </>
  );
}

function Facts({ answer: { call }, clinic }: { answer: CallAnswer; clinic: OrganizationAnswer }) {
  return (
    <section class="card">
      <div class="row">
        <span class="label">Began</span>
        <span>{dateAndClock(call.startedAt, clinic.zone)}</span>
      </div>
      <div class="row">
        <span class="label">Ended</span>
        <span>
          {call.endedAt !== null ? (
            dateAndClock(call.endedAt, clinic.zone)
          ) : call.live ? (
            <Chip tone="good">on now</Chip>
          ) : (
            'nobody said so'
          )}
        </span>
      </div>
      <div class="row">
        <span class="label">Outcome</span>
        <span>
          <StepChip step={call.step} /> {call.fault}
        </span>
      </div>
      <div class="row">
        <span class="label">Call</span>
        <code>{call.callSid}</code>
      </div>
    </section>
  );
}

function Caller({
  api,
  answer,
  onShown,
}: {
  api: PageProps['api'];
  answer: CallAnswer;
  onShown: () => void;
}) {
  const [shown, setShown] = useState<RevealAnswer>();
  const doing = useDoing();
  const { call, looks } = answer;
  const show = () =>
    void doing.run(async () => {
      setShown(await api.send('POST', `/calls/${encodeURIComponent(call.callSid)}/reveal`));
      onShown();
    });
  return (
    <section class="card">
      <h2>Caller</h2>
      {shown === undefined ? (
        <>
          <p>
            {call.name ?? 'No name yet'}, {call.caller ?? 'number withheld'}
          </p>
          <button type="button" disabled={doing.busy} onClick={show}>
            Show name and number
          </button>
          <p class="hint">That you asked is recorded.</p>
        </>
      ) : (
        <dl class="facts">
          <dt>number</dt>
          <dd>{shown.caller ?? 'withheld'}</dd>
          {Object.entries(shown.patient).map(([key, value]) => (
            <div key={key}>
              <dt>{key}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
      <ProblemNote problem={doing.problem} />
      {looks.length === 0 ? null : (
        <details>
          <summary>Shown {looks.length === 1 ? 'once' : `${looks.length} times`}</summary>
          <ul class="plain">
            {looks.map((look) => (
              <li key={look.at}>
                {look.who}, {dateAndClock(look.at, 'UTC')} UTC
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

function Promised({ answer, clinic }: { answer: CallAnswer; clinic: OrganizationAnswer }) {
  return (
    <section class="card">
      <h2>Promised</h2>
      {answer.appointments.length === 0 ? <Empty>Nothing was booked in this call.</Empty> : null}
      <ul class="plain">
        {answer.appointments.map((one) => (
          <li key={one.id}>
            {slotWords(one.slotId, clinic)}{' '}
            <Chip tone={one.status === 'booked' ? 'good' : 'neutral'}>{one.status}</Chip>
          </li>
        ))}
        {answer.texts.map((text) => (
          <li key={`${text.number} ${text.wording}`}>
            Text, {text.wording}, to {text.number} <TextChip text={text} />
          </li>
        ))}
        {answer.events.map((event) => (
          <li key={event.slotId}>
            Calendar, {slotWords(event.slotId, clinic)}{' '}
            <Chip tone={event.status === 'failing' ? 'bad' : event.status === 'told' ? 'good' : 'neutral'}>
              {event.status === 'told' ? 'in the calendar' : event.status}
            </Chip>
            {event.problem === null ? null : <span class="sub">{event.problem}</span>}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Steps({ answer, clinic }: { answer: CallAnswer; clinic: OrganizationAnswer }) {
  return (
    <section class="card">
      <h2>Step by step</h2>
      <ol class="steps">
        {answer.history.map((row, index) => (
          // The history is only ever added to.
          <li key={index}>
            <time dateTime={row.at}>{preciseClock(row.at, clinic.zone)}</time>
            <span>
              {row.toStep === null || row.toStep === row.fromStep ? null : (
                <strong>{stepWords[row.toStep] ?? row.toStep} </strong>
              )}
              {row.cause}
              {row.slotId === null ? null : <span class="sub">{slotWords(row.slotId, clinic)}</span>}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Turns({ answer: { turns } }: { answer: CallAnswer }) {
  const longest = Math.max(1, ...turns.map((turn) => (turn.firstWordMs ?? 0) + (turn.toolMs ?? 0)));
  return (
    <section class="card">
      <h2>How fast each turn was</h2>
      {turns.length === 0 ? <Empty>No turn was answered here.</Empty> : null}
      <dl class="spans">
        {turns.map((turn) => (
          <div key={turn.number}>
            <dt>
              Turn {turn.number}
              {turn.tools.length === 0 ? null : <span class="sub">{turn.tools.join(', ')}</span>}
            </dt>
            <dd>
              <span
                class="bar"
                style={{ width: `${Math.max(1, ((turn.firstWordMs ?? 0) / longest) * 100)}%` }}
              />
              <span class="ms">
                {duration(turn.firstWordMs)}
                {turn.toolMs === null ? '' : `, tool ${duration(turn.toolMs)}`}
              </span>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
