import { PassThrough } from 'node:stream';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type FeedMessage, HoldBoard, liveLine } from '#commands/live/live-lines.ts';
import { watchLive } from '#commands/live.ts';
import { demoKey, startApp, vapiSecret } from '../../running-app.ts';

const patience = { timeout: 10_000, interval: 20 };
const of = {
  at: '2026-11-24T19:00:05.123Z',
  tenantId: 't',
  organization: 'clinic',
  call: 'CA0123456789abcdef',
};
const told: [FeedMessage, string][] = [
  [{ ...of, type: 'call-started', pii: { caller: null } }, 'call from a withheld number'],
  [{ ...of, type: 'call-ended', reason: 'hung up', holdKept: true }, 'call ended: hung up'],
  [
    { ...of, type: 'turn-finished', turn: 3, spans: { firstWord: 4.25, total: 41.7 }, tools: [], cut: true },
    'turn 3, cut: firstWord 4.3 ms, total 42 ms',
  ],
  [
    { ...of, type: 'tool-finished', tool: 'reserve_slot', success: false, reason: 'taken', durationMs: 12 },
    'reserve_slot: taken, 12 ms',
  ],
  [
    { ...of, type: 'step-changed', id: '1', from: null, to: 'greeting', cause: 'call started', slot: null },
    '· → greeting (call started)',
  ],
  [{ ...of, type: 'hold', hold: null, pii: { patientName: null } }, 'holds nothing'],
  [{ ...of, type: 'hold-warned', endsInMs: 59_600 }, 'warned that the hold ends in 1:00'],
];

test.each(told)('%j', (event, words) => {
  expect(liveLine(event)).toBe(`19:00:05  clinic  CA01…abcdef  ${words}`);
});

test('what was missed, and a job of the whole installation', () => {
  expect(liveLine({ type: 'missed', count: 3 })).toContain('3 events were missed');
  expect(liveLine({ type: 'missed', count: 0 })).toContain('Some events were missed');
  const job: FeedMessage = {
    at: of.at,
    type: 'job-failed',
    task: 'sync',
    attempt: 2,
    final: true,
    reason: 'gone',
  };
  expect(liveLine(job)).toBe('19:00:05  the installation  job sync failed, attempt 2, given up: gone');
});

describe('the board of holds', () => {
  const hold = (call: string, endsInMs: number): FeedMessage => ({
    ...of,
    call,
    type: 'hold',
    hold: { slot: '2026-11-24T19:00:00Z/lee', startsAt: '', practitioner: 'Dr. Lee', endsInMs },
    pii: { patientName: null },
  });

  test('counts down, the next to end first; those that ended, were given up or ran out are gone', () => {
    const board = new HoldBoard();
    expect(board.line(0, 80)).toBe('no holds');
    board.take(hold('a', 300_000), 0);
    board.take(hold('b', 60_000), 0);
    expect(board.line(1_000, 200)).toBe(
      'holds: b 2026-11-24T19:00:00Z/lee 0:59 · a 2026-11-24T19:00:00Z/lee 4:59',
    );
    board.take({ ...of, call: 'b', type: 'hold-extended', endsInMs: 180_000 }, 30_000);
    expect(board.line(30_000, 200)).toContain('b 2026-11-24T19:00:00Z/lee 3:00');
    board.take({ ...of, call: 'b', type: 'call-ended', reason: null, holdKept: true }, 31_000);
    expect(board.line(31_000, 20)).toBe('holds: a 2026-11-24…');
    expect(board.line(300_001, 80)).toBe('no holds');
  });
});

describe('npm run live', () => {
  async function watch(url: string, key: string, json = false) {
    const output = Object.assign(new PassThrough({ encoding: 'utf8' }), { written: '' });
    output.on('data', (text: string) => {
      output.written += text;
    });
    const stop = new AbortController();
    const done = watchLive({ url, key, json }, output, stop.signal);
    onTestFinished(async () => {
      stop.abort();
      await done.catch(() => {});
    });
    return { output, done, stop };
  }

  test('writes what happens, and connects again to a server that was restarted', async () => {
    const app = await startApp();
    const { output, done, stop } = await watch(app.url, demoKey);
    await vi.waitFor(() => expect(app.happenings.watched).toBe(true), patience);
    app.happenings.callStarted(app.organization, 'c1', { caller: '+12125550142' });
    await vi.waitFor(() => expect(output.written).toContain('c1  call from +12125550142'), patience);
    await app[Symbol.asyncDispose]();
    await vi.waitFor(() => expect(output.written).toContain('1012 this server stops'), patience);
    stop.abort();
    await done;
  });

  test('as JSON, one document a line', async () => {
    await using app = await startApp();
    const { output } = await watch(app.url, vapiSecret, true);
    await vi.waitFor(() => expect(app.happenings.watched).toBe(true), patience);
    app.happenings.callStarted(app.organization, 'c1', { caller: null });
    await vi.waitFor(() => expect(output.written).toContain('\n'), patience);
    expect(JSON.parse(output.written)).toMatchObject({ type: 'call-started', call: 'c1' });
  });

  test('a key that is refused, and a server that is not there, are said so at once', async () => {
    await using app = await startApp();
    const refused = await watch(app.url, 'wrong');
    await expect(refused.done).rejects.toThrow(/refused the key \(401\)/);
    const nobody = await watch('http://127.0.0.1:9', 'any');
    await expect(nobody.done).rejects.toThrow(/cannot be opened/);
  });
});
