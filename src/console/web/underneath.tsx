import type { CallAnswer } from '../calls-routes.ts';
import type { OrganizationAnswer } from './api.ts';
import { useSeconds } from './asking.ts';
import { countdown, duration, slotWords } from './format.ts';
import type { LineCall, TurnView, Underneath } from './line-call.ts';
import { Chip, StepChip, TextChip } from './pieces.tsx';

/** What happens underneath a call while it is on: the ledger first, then turn by turn, the latest on top. */
export function UnderneathPanel({ call, clinic }: { call: LineCall; clinic: OrganizationAnswer }) {
  return (
    <section class="underneath" aria-label="What happens underneath">
      <h2>Underneath</h2>
      {call.record === undefined ? (
        <p class="hint">The call’s step, its hold, the tools it runs and the ledger’s rows appear here.</p>
      ) : (
        <LedgerCard record={call.record} atMs={call.recordAtMs} clinic={clinic} />
      )}
      <ol class="turns" reversed>
        {call.turns.toReversed().map((turn) => (
          <li key={turn.key}>
            <TurnCard turn={turn} />
          </li>
        ))}
      </ol>
    </section>
  );
}

function LedgerCard({
  record,
  atMs,
  clinic,
}: {
  record: CallAnswer;
  atMs: number;
  clinic: OrganizationAnswer;
}) {
  const now = useSeconds();
  const { call, appointments, texts } = record;
  const leftMs = call.holdEndsInMs === null ? null : call.holdEndsInMs - (now - atMs);
  return (
    <div class="card ledger">
      <div class="row">
        <span class="label">Step</span>
        <StepChip step={call.step} />
      </div>
      {leftMs !== null && leftMs > 0 && call.slotId !== null ? (
        <div class="row">
          <span class="label">Hold</span>
          <span>
            {slotWords(call.slotId, clinic)} <Chip tone="held">{countdown(leftMs)} left</Chip>
          </span>
        </div>
      ) : null}
      {appointments.map((appointment) => (
        <div class="row" key={appointment.id}>
          <span class="label">Appointment</span>
          <span data-testid="ledger-row">
            {slotWords(appointment.slotId, clinic)}{' '}
            <Chip tone={appointment.status === 'booked' ? 'good' : 'neutral'}>{appointment.status}</Chip>{' '}
            {appointment.name}
          </span>
        </div>
      ))}
      {texts.map((text) => (
        <div class="row" key={`${text.number} ${text.wording}`}>
          <span class="label">Text</span>
          <span>
            {text.wording} to {text.number} <TextChip text={text} />
          </span>
        </div>
      ))}
      <a href={`#/calls/${encodeURIComponent(call.callSid)}`}>The whole call</a>
    </div>
  );
}

function TurnCard({ turn }: { turn: TurnView }) {
  const spans = Object.entries(turn.spans).filter(([name]) => name !== 'total');
  return (
    <div class="card">
      <div class="turn-head">
        <strong>Turn {turn.key}</strong>
        <span>first word {duration(turn.firstWordMs)}</span>
        {turn.state === 'cut' ? <Chip>cut off</Chip> : null}
        {turn.state === 'broken' ? <Chip tone="bad">broken off</Chip> : null}
      </div>
      <Spans spans={spans} totalMs={turn.spans['total'] ?? 0} />
      {turn.underneath.map((event, index) => (
        // Events are only ever added at the end.
        <EventLine key={index} event={event} />
      ))}
    </div>
  );
}

/** Where the time of a turn went, longest first. */
function Spans({ spans, totalMs }: { spans: [string, number][]; totalMs: number }) {
  if (spans.length === 0) return null;
  const longest = Math.max(totalMs, ...spans.map(([, ms]) => ms), 0.01);
  return (
    <dl class="spans">
      {spans.map(([name, ms]) => (
        <div key={name}>
          <dt>{spanWords(name)}</dt>
          <dd>
            <span class="bar" style={{ width: `${Math.max(1, (ms / longest) * 100)}%` }} />
            <span class="ms">{duration(ms)}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** `firstWord` as people read it. */
function spanWords(name: string): string {
  return name.replace(/[A-Z_-]/g, (letter) => ` ${letter.toLowerCase().replace(/[_-]/, '')}`);
}

function EventLine({ event }: { event: Underneath }) {
  if (event.type === 'hand-off') {
    return (
      <p class="event">
        The platform runs <code>{event.name}</code>.
      </p>
    );
  }
  const { name, arguments: given, result, durationMs } = event;
  return (
    <details class="event">
      <summary>
        <code>{name}</code> <Outcome result={result} /> {result === undefined ? '' : duration(durationMs)}
      </summary>
      <h3>Asked for</h3>
      <pre>{JSON.stringify(given, null, 2)}</pre>
      {result === undefined ? null : (
        <>
          <h3>Answered</h3>
          <pre>{JSON.stringify(result, null, 2)}</pre>
        </>
      )}
    </details>
  );
}

function Outcome({ result }: { result: { success: boolean } | undefined }) {
  if (result === undefined) return <Chip>running</Chip>;
  return <Chip tone={result.success ? 'good' : 'held'}>{result.success ? 'done' : 'said no'}</Chip>;
}
