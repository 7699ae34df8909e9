import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  attemptLeaseMs,
  attemptsMax,
  giveUpAfterMs,
  pauseAfterMs,
  pauseAfterUndeliveredMs,
  twilioAnswerMs,
} from '#jobs/text-retries.ts';
import { openTextClinic, type TextClinic } from '../../text-clinic.ts';
import { openTwilioDoors, sentText, type TwilioDoors } from '../../twilio-doors.ts';

const minuteMs = 60_000;
const quarter = { least: 0.75, most: 1.25 };

test('the pauses are five seconds, then twice as long each time, at most a quarter of an hour', () => {
  const expectedMs = [5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900].map((seconds) => seconds * 1_000);
  for (const [index, expected] of expectedMs.entries()) {
    const pauses = Array.from({ length: 50 }, () => pauseAfterMs(index + 1));
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(expected * quarter.least);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(expected * quarter.most);
    expect(new Set(pauses).size).toBeGreaterThan(10);
  }
  expect(pauseAfterMs(1_000_000)).toBeLessThanOrEqual(15 * minuteMs * quarter.most);
});

test('the day ends the attempts, and their number does not, however the pauses fall', () => {
  let shortestMs = 0;
  for (let attempt = 1; attempt < attemptsMax; attempt += 1) {
    shortestMs += Math.min(5_000 * 2 ** (attempt - 1), 15 * minuteMs) * quarter.least;
  }
  expect(shortestMs).toBeGreaterThan(giveUpAfterMs);
});

test('an attempt has the text to itself for longer than asking and sending can take', () => {
  expect(attemptLeaseMs).toBeGreaterThan(2 * twilioAnswerMs);
});

describe('the ledger keeps to them', () => {
  let place: TextClinic;
  let doors: TwilioDoors;

  beforeAll(async () => {
    place = await openTextClinic();
    doors = await openTwilioDoors(place);
  });

  afterAll(async () => {
    await doors?.[Symbol.asyncDispose]();
    await place?.[Symbol.asyncDispose]();
  });

  /** What the queue holds of a text, once it has been tried so often. */
  async function jobOf(number: string, attempts: number) {
    for (;;) {
      const [row] = await place.owner<
        [{ attempts: number; waitMs: number; sinceMs: number; toldMs: number; left: boolean } | undefined]
      >`
        select job.attempts, extract(epoch from run_at - now())::float * 1000 as "waitMs",
          extract(epoch from now() - job.updated_at)::float * 1000 as "sinceMs",
          substring(last_error from 'again in (\\d+) ms')::float as "toldMs", job.attempts < job.max_attempts as left
        from graphile_worker._private_jobs job join text_messages t on t.id::text = job.payload ->> 'textId'
        where t.number = ${number} and t.wording = 'confirmation' and job.locked_at is null and last_error is not null`;
      if (row !== undefined && row.attempts >= attempts) return row;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  test('an attempt that failed is made again after the pause of its number, also past the attempts of other jobs', async () => {
    const number = '+12125554001';
    place.twilio.mood = () => ({ type: 'refuse', status: 429, code: 20429 });
    await place.book(number);
    await place.owner`update graphile_worker._private_jobs set attempts = 120, max_attempts = 121
      where key like 'text/%/confirmation'`;
    {
      await using _ = await place.startWorker();
      await place.owner`update text_messages set send_after = now() where number = ${number}`;
      await place.owner`update graphile_worker._private_jobs set run_at = now() where key like 'text/%/confirmation'`;
      const job = await jobOf(number, 121);
      // It was written between the start of the attempt (`updated_at`) and now; so the machine's pace decides nothing.
      expect(job.toldMs).toBeGreaterThanOrEqual(15 * minuteMs * quarter.least);
      expect(job.toldMs).toBeLessThanOrEqual(15 * minuteMs * quarter.most);
      expect(job.waitMs).toBeLessThanOrEqual(job.toldMs);
      expect(job.waitMs + job.sinceMs).toBeGreaterThanOrEqual(job.toldMs);
      expect(job.left).toBe(true);
    }
    await place.owner`delete from graphile_worker._private_jobs`;
  });

  test('a job that was tried more often than fits into the day is kept as failed', async () => {
    const number = '+12125554002';
    place.twilio.mood = () => ({ type: 'refuse', status: 429, code: 20429 });
    await place.book(number);
    await place.owner`update graphile_worker._private_jobs set attempts = ${attemptsMax - 1}, max_attempts = 1000
      where key like 'text/%/confirmation'`;
    await using _ = await place.startWorker();
    await place.owner`update text_messages set send_after = now() where number = ${number}`;
    await place.owner`update graphile_worker._private_jobs set run_at = now() where key like 'text/%/confirmation'`;
    expect((await jobOf(number, 1_000)).left).toBe(false);
    await place.owner`delete from graphile_worker._private_jobs`;
  });

  test.each([
    ['is sent anew after ten minutes', '1 hour', 'recorded rate_limited', 1],
    ['is given up a day after the first attempt', '25 hours', 'failed rate_limited', 0],
  ])(
    'a message that could not be delivered for a reason that may pass %s',
    async (_, since, status, jobs) => {
      place.twilio.mood = () => ({ type: 'accept' });
      const text = await sentText(place, `+1212555401${jobs}`);
      await place.owner`update text_messages set first_attempt_at = now() - ${since}::interval where id = ${text.id}`;
      const told = { MessageSid: text.sid, MessageStatus: 'undelivered', ErrorCode: '30022' };
      expect((await doors.post(text.path, told)).statusCode).toBe(204);
      const kept = (await place.texts()).find(({ id }) => id === text.id);
      expect(`${kept?.status} ${kept?.reason}`).toBe(status);
      const waiting = await place.owner<{ sinceToldMs: number }[]>`
      select extract(epoch from run_at - created_at)::float * 1000 as "sinceToldMs"
      from graphile_worker._private_jobs where payload ->> 'textId' = ${text.id}`;
      expect(waiting).toHaveLength(jobs);
      for (const { sinceToldMs } of waiting) {
        expect(sinceToldMs).toBeGreaterThan(10 * minuteMs * quarter.least - 1_000);
        expect(sinceToldMs).toBeLessThan(10 * minuteMs * quarter.most + 1_000);
      }
    },
  );
});

test('a message that could not be delivered waits for ten minutes, a quarter more or less', () => {
  const pauses = Array.from({ length: 50 }, () => pauseAfterUndeliveredMs());
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(10 * minuteMs * quarter.least);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(10 * minuteMs * quarter.most);
});
