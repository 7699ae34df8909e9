import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { CallsAnswer, ListedCallAnswer } from '../calls-routes.ts';
import type { OrganizationAnswer } from './api.ts';
import { useAsked, useDoing, useSeconds } from './asking.ts';
import { ago, countdown, dateAndClock, duration, slotWords } from './format.ts';
import { useLive } from './live.ts';
import type { PageProps } from './page.ts';
import { Chip, Choice, Empty, PageHead, ProblemNote, StepChip, Waiting } from './pieces.tsx';

type Filter = 'all' | 'live' | 'booked' | 'failed';

const filters: { value: Filter; label: string }[] = [
  { value: 'all', label: 'All' },
  { value: 'live', label: 'On now' },
  { value: 'booked', label: 'Booked' },
  { value: 'failed', label: 'Failed' },
];

/** Many events come at once; one look at the list after them is enough. */
const settleMs = 400;

/** Calls that are on and that were, the latest first; new ones appear by themselves. */
export function CallsPage({ api, organization }: PageProps) {
  const [filter, setFilter] = useState<Filter>('all');
  const first = useAsked<CallsAnswer>(api, `/calls?filter=${filter}`);
  const more = useMore(api.organization + filter, first.data, (before) =>
    api.get<CallsAnswer>(`/calls?filter=${filter}&before=${encodeURIComponent(before)}`),
  );
  const soon = useSoon(first.reload);
  const { connected } = useLive(api, (event) => {
    if (event.type !== 'heartbeat') soon();
  });
  return (
    <>
      <PageHead title="Calls">
        <span class="live-state" role="status">
          {connected ? 'Live' : 'Not live'}
        </span>
        <Choice label="Which calls" value={filter} options={filters} onChange={setFilter} />
      </PageHead>
      <ProblemNote problem={first.problem ?? more.problem} />
      {first.data === undefined ? (
        first.problem === undefined ? (
          <Waiting />
        ) : null
      ) : (
        <CallTable calls={[...first.data.calls, ...more.calls]} clinic={organization} />
      )}
      {more.before === null ? null : (
        <button type="button" class="more" disabled={more.busy} onClick={more.load}>
          Older calls
        </button>
      )}
    </>
  );
}

function CallTable({ calls, clinic }: { calls: ListedCallAnswer[]; clinic: OrganizationAnswer }) {
  const [atMs, setAtMs] = useState(Date.now);
  // A hold is counted down from when the list came.
  useEffect(() => setAtMs(Date.now()), [calls.length, calls[0]]);
  const now = useSeconds();
  if (calls.length === 0) return <Empty>No calls here yet. Try the line, and there is one.</Empty>;
  return (
    <table class="calls">
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">Caller</th>
          <th scope="col">Outcome</th>
          <th scope="col">About</th>
          <th scope="col" class="number">
            Turns
          </th>
          <th scope="col" class="number">
            First word
          </th>
        </tr>
      </thead>
      <tbody>
        {calls.map((call) => (
          <tr key={call.callSid}>
            <td>
              <a href={`#/calls/${encodeURIComponent(call.callSid)}`}>
                {dateAndClock(call.startedAt, clinic.zone)}
              </a>
              <span class="sub">
                {call.live ? <Chip tone="good">on now</Chip> : ago(call.startedAt, now)}
              </span>
            </td>
            <td>
              {call.name ?? 'no name yet'}
              <span class="sub">{call.caller ?? 'number withheld'}</span>
            </td>
            <td>
              <StepChip step={call.step} />
              {call.holdEndsInMs === null || call.holdEndsInMs - (now - atMs) <= 0 ? null : (
                <span class="sub">hold ends in {countdown(call.holdEndsInMs - (now - atMs))}</span>
              )}
              {call.fault === null ? null : <span class="sub">{call.fault}</span>}
            </td>
            <td>{call.slotId === null ? '–' : slotWords(call.slotId, clinic)}</td>
            <td class="number">{call.turns}</td>
            <td class="number">{duration(call.firstWordMs)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Further pages behind the first one, dropped when the list becomes another. */
function useMore(
  list: string,
  first: CallsAnswer | undefined,
  ask: (before: string) => Promise<CallsAnswer>,
) {
  const [pages, setPages] = useState<{ list: string; calls: ListedCallAnswer[]; before: string | null }>();
  const doing = useDoing();
  const kept = pages?.list === list ? pages : undefined;
  const before = kept === undefined ? (first?.before ?? null) : kept.before;
  const shown = new Set(first?.calls.map((call) => call.callSid));
  const load = () =>
    void doing.run(async () => {
      if (before === null) return;
      const page = await ask(before);
      setPages({ list, calls: [...(kept?.calls ?? []), ...page.calls], before: page.before });
    });
  return {
    calls: (kept?.calls ?? []).filter((call) => !shown.has(call.callSid)),
    before,
    load,
    busy: doing.busy,
    problem: doing.problem,
  };
}

/** Does something once things came to rest. */
export function useSoon(work: () => void): () => void {
  const timer = useRef<number | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  return useCallback(() => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      work();
    }, settleMs) as unknown as number;
  }, [work]);
}
