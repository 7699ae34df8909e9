import type { Sql } from 'postgres';
import { gauge } from '#telemetry/metrics.ts';

export interface QueueFigures {
  /** Due or still to come, never tried. */
  waiting: number;
  /** Tried, and to be tried again. */
  retrying: number;
  running: number;
  /** Given up; kept until somebody looks. */
  failed: number;
  /** How long the job that is due longest has been due. */
  oldestDueMs: number;
}

/** How the queue stands now. */
async function queueFigures(sql: Sql): Promise<QueueFigures> {
  const [row] = await sql<[{ figures: QueueFigures }]>`select queue_figures() as figures`;
  return row.figures;
}

/** One scrape asks for all of them; they are read once. */
const keptForMs = 1_000;

/** Tells the queue's figures at `GET /metrics`. */
export function watchQueue(sql: Sql): void {
  let read: { atMs: number; figures: Promise<QueueFigures> } | undefined;
  const figure = (name: keyof QueueFigures) => async () => {
    const nowMs = performance.now();
    if (read === undefined || nowMs - read.atMs > keptForMs)
      read = { atMs: nowMs, figures: queueFigures(sql) };
    try {
      return (await read.figures)[name];
    } catch {
      // The other figures of the page are told all the same.
      return Number.NaN;
    }
  };
  gauge(
    'holdline_jobs_waiting',
    'Jobs not tried yet, those whose time has not come among them',
    figure('waiting'),
  );
  gauge('holdline_jobs_retrying', 'Jobs that failed and are tried again', figure('retrying'));
  gauge('holdline_jobs_running', 'Jobs being done', figure('running'));
  gauge('holdline_jobs_failed', 'Jobs that failed for good; npm run jobs -- list', figure('failed'));
  const oldestDueMs = figure('oldestDueMs');
  gauge('holdline_jobs_oldest_due_seconds', 'How long the job that is due longest has been due', async () => {
    return (await oldestDueMs()) / 1000;
  });
}
