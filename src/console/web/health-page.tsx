import { useState } from 'preact/hooks';
import type { HealthAnswer, JobsAnswer } from '../health-routes.ts';
import { useAsked, useDoing } from './asking.ts';
import { useSoon } from './calls-page.tsx';
import { FigureCards } from './figures.tsx';
import { dateAndClock } from './format.ts';
import { useLive } from './live.ts';
import type { PageProps } from './page.ts';
import { Chip, Choice, Empty, PageHead, ProblemNote, Waiting } from './pieces.tsx';
import { Distribution, LatencyPlot } from './plot.tsx';

/** What the caller notices while a dependency is gone: the ladder of the design, one rung each. */
const rungs: Record<string, { is: string; without: string }> = {
  ledger: { is: 'Postgres: what is true', without: 'An honest sentence and a human; nothing is claimed.' },
  cache: { is: 'Redis or this process: open times', without: 'Nothing: memory, then Postgres.' },
  prompts: { is: 'What the receptionist says', without: 'Nothing: the last good version is used.' },
  model: {
    is: 'The language model',
    without: 'A second model, else a short menu of open times, else a human.',
  },
  texts: { is: 'Twilio: text messages', without: 'Booked now, “the text follows”; retried for a day.' },
  calendar: { is: 'Google Calendar', without: 'Nothing: booked now, synced later.' },
};

/** How it is: dependencies and what stands in for them, latency, the queue. */
export function HealthPage({ api, organization, mayEdit }: PageProps) {
  const asked = useAsked<HealthAnswer>(api, '/health');
  const soon = useSoon(asked.reload);
  useLive(api, (event) => {
    if (event.type === 'turn-finished' || event.type === 'job-failed') soon();
  });
  const { data } = asked;
  return (
    <>
      <PageHead title="Health">
        <button type="button" onClick={asked.reload}>
          Look again
        </button>
      </PageHead>
      <ProblemNote problem={asked.problem} />
      {data === undefined ? (
        asked.problem === undefined ? (
          <Waiting />
        ) : null
      ) : (
        <div class="health">
          <Dependencies states={data.dependencies} />
          <section class="card">
            <h2>Time to the first word, the last day</h2>
            {data.latency === null || data.latency.hours.length === 0 ? (
              <Empty>No turn was answered in the last day.</Empty>
            ) : (
              <LatencyPlot hours={data.latency.hours} zone={organization.zone} />
            )}
          </section>
          <section class="card">
            <h2>How the turns are spread</h2>
            {data.latency === null || data.latency.hours.length === 0 ? (
              <Empty>Nothing to show yet.</Empty>
            ) : (
              <Distribution rows={data.latency.distribution} />
            )}
          </section>
          <Queue
            api={api}
            counts={data.queue}
            zone={organization.zone}
            mayEdit={mayEdit}
            onRetry={asked.reload}
          />
          <Record api={api} zone={organization.zone} />
          {data.figures.length === 0 ? null : <FigureCards figures={data.figures} />}
        </div>
      )}
    </>
  );
}

function Dependencies({ states }: { states: HealthAnswer['dependencies'] }) {
  return (
    <section class="card">
      <h2>What it needs</h2>
      <ul class="dependencies">
        {states.map((one) => (
          <li key={one.name}>
            <span class="dependency">
              <strong>{one.name}</strong>
              <Chip tone={one.ok ? 'good' : 'bad'}>{one.state}</Chip>
            </span>
            <span class="sub">{rungs[one.name]?.is}</span>
            <span class="sub">Without it: {rungs[one.name]?.without ?? 'see the log.'}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

interface Recorded {
  actions: { id: number; at: string; who: string; action: string; about: string }[];
}

/** What people did by these pages; whose details were shown is among it. */
function Record({ api, zone }: { api: PageProps['api']; zone: string }) {
  const asked = useAsked<Recorded>(api, '/record');
  return (
    <section class="card">
      <h2>Done by the console</h2>
      <ProblemNote problem={asked.problem} />
      {asked.data?.actions.length === 0 ? <Empty>Nothing yet.</Empty> : null}
      <ul class="plain">
        {asked.data?.actions.map((one) => (
          <li key={one.id}>
            {one.action} by {one.who}
            <span class="sub">
              {dateAndClock(one.at, zone)}, {one.about}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

type JobState = 'failed' | 'retrying' | 'waiting' | 'running';

function Queue({
  api,
  counts,
  zone,
  mayEdit,
  onRetry,
}: {
  api: PageProps['api'];
  counts: HealthAnswer['queue'];
  zone: string;
  mayEdit: boolean;
  onRetry: () => void;
}) {
  const [state, setState] = useState<JobState>('failed');
  const asked = useAsked<JobsAnswer>(api, `/jobs?state=${state}`);
  const doing = useDoing();
  const retry = (id: number) =>
    void doing.run(async () => {
      await api.send('POST', `/jobs/${id}/retry`);
      asked.reload();
      onRetry();
    });
  const options = (['failed', 'retrying', 'waiting', 'running'] as const).map((value) => ({
    value,
    label: `${value} ${counts?.[value] ?? '–'}`,
  }));
  return (
    <section class="card">
      <h2>Work behind the calls</h2>
      <Choice label="Which jobs" value={state} options={options} onChange={setState} />
      <ProblemNote problem={asked.problem ?? doing.problem} />
      {asked.data?.jobs.length === 0 ? <Empty>None.</Empty> : null}
      <ul class="jobs">
        {asked.data?.jobs.map((job) => (
          <li key={job.id}>
            <span>
              <strong>{job.task}</strong> since {dateAndClock(job.createdAt, zone)}, attempts {job.attempts}
              {job.lastError === null ? null : <span class="sub">{job.lastError}</span>}
            </span>
            {mayEdit && state !== 'running' ? (
              <button type="button" disabled={doing.busy} onClick={() => retry(job.id)}>
                Try again
              </button>
            ) : null}
          </li>
        ))}
      </ul>
    </section>
  );
}
