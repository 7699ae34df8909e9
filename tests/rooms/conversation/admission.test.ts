import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type AdmittedTurn, createAdmission } from '#conversation/admission.ts';
import { createLog, type Log } from '#telemetry/log.ts';
import { announce, Caller, type RunningApp, startApp } from '../../running-app.ts';

const silent = createLog({ level: 'silent', pretty: false });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** An admission, and seconds that pass in it. */
function room(log: Log = silent) {
  let busyShare = 0;
  const admission = createAdmission({ log, busyShare: () => busyShare });
  const going: AdmittedTurn[] = [];
  return {
    [Symbol.dispose]: () => admission[Symbol.dispose](),
    /**
     * @param about.waits what each turn of each of these seconds waits for the ledger
     * @param about.atOnce how many of them go on at once
     */
    seconds(
      count: number,
      {
        busy = 0,
        waits = turns(200),
        atOnce = 100,
      }: { busy?: number; waits?: number[]; atOnce?: number } = {},
    ) {
      for (let second = 0; second < count; second += 1) {
        busyShare = busy;
        for (const [n, ms] of waits.entries()) {
          // So many at once: each ends when the one that many places behind it begins.
          going.push(admission.turn());
          if (n >= atOnce) going.shift()?.[Symbol.dispose]();
          going.at(-1)?.waited(ms);
        }
        for (const turn of going.splice(0)) turn[Symbol.dispose]();
        vi.advanceTimersByTime(1_000);
      }
    },
    /** How many of so many callers who ring at once are taken. */
    takes: (callers: number) =>
      Array.from({ length: callers }, () => admission.take()).filter(Boolean).length,
  };
}

/** So many turns, some of whom wait longer for the ledger. */
function turns(count: number, { late, ms } = { late: 0, ms: 0 }): number[] {
  return Array.from({ length: count }, (_, n) => (n < late ? ms : 4));
}

test('nobody new is taken while the process has no time to spare, and everybody is again when it has', () => {
  using clinic = room();
  expect(clinic.takes(50)).toBe(50);
  clinic.seconds(3, { busy: 0.95 });
  expect(clinic.takes(50)).toBe(0);
  clinic.seconds(15);
  expect(clinic.takes(50)).toBe(50);
});

test('nobody new is taken while the ledger is late for those who are on, and everybody is again when it is not', () => {
  using clinic = room();
  clinic.seconds(3, { waits: turns(200, { late: 20, ms: 80 }) });
  expect(clinic.takes(50)).toBe(0);
  clinic.seconds(15, { waits: turns(200, { late: 20, ms: 8 }) });
  expect(clinic.takes(50)).toBe(50);
});

test('while it is narrow, a call is taken for every twenty turns of the last second, and more in the next', () => {
  using clinic = room();
  clinic.seconds(3, { waits: turns(200, { late: 20, ms: 35 }) });
  expect(clinic.takes(50)).toBe(10);
  clinic.seconds(1, { waits: turns(100, { late: 10, ms: 35 }) });
  expect(clinic.takes(50)).toBe(5);
  clinic.seconds(3, { busy: 0.8, waits: turns(40) });
  expect(clinic.takes(50)).toBe(2);
});

test('those who wait are not all let in at the first second with room', () => {
  using clinic = room();
  clinic.seconds(3, { busy: 0.95 });
  clinic.seconds(3);
  expect(clinic.takes(50)).toBe(10);
});

test('one busy second in three, such as a collection, turns nobody away', () => {
  using clinic = room();
  for (let n = 0; n < 15; n += 1) {
    if (n % 3 === 0) clinic.seconds(1, { busy: 1, waits: turns(200, { late: 100, ms: 300 }) });
    else clinic.seconds(1);
    expect(clinic.takes(50)).toBe(50);
  }
});

test('a ledger that keeps one turn in forty waiting, or a few callers who never pause, turn nobody away', () => {
  using clinic = room();
  clinic.seconds(5, { waits: turns(200, { late: 5, ms: 300 }) });
  expect(clinic.takes(50)).toBe(50);
  clinic.seconds(5, { busy: 1, waits: turns(900, { late: 900, ms: 60 }), atOnce: 30 });
  expect(clinic.takes(50)).toBe(50);
});

test('when those who were on have left, there is room', () => {
  using clinic = room();
  clinic.seconds(3, { busy: 1, waits: turns(200, { late: 200, ms: 80 }) });
  expect(clinic.takes(50)).toBe(0);
  clinic.seconds(3, { busy: 0.1, waits: [] });
  expect(clinic.takes(50)).toBe(1);
  clinic.seconds(10, { busy: 0.1, waits: [] });
  expect(clinic.takes(50)).toBe(50);
});

test('the log tells of it once when it begins, and once when nobody was turned away for half a minute', () => {
  const lines: string[] = [];
  const tell = (level: string) => (about: unknown, message?: string) =>
    lines.push(`${level}: ${message ?? String(about)}`);
  using clinic = room({ ...silent, warn: tell('warn'), info: tell('info') } as typeof silent);
  clinic.seconds(3, { busy: 1 });
  for (let second = 0; second < 10; second += 1) {
    clinic.takes(1);
    clinic.seconds(1, { busy: 1 });
  }
  expect(lines).toEqual([expect.stringMatching(/^warn: no room for new calls/)]);
  clinic.seconds(40);
  expect(lines.slice(1)).toEqual([expect.stringMatching(/^info: there is room/)]);
});

/** An admission of the test's own: it has room or not, and remembers what it was asked. */
function door() {
  const admission = {
    open: true,
    asked: 0,
    waits: [] as number[],
    take() {
      admission.asked += 1;
      return admission.open;
    },
    going: 0,
    turn() {
      admission.going += 1;
      return {
        waited: (ms: number) => void admission.waits.push(ms),
        [Symbol.dispose]: () => {
          admission.going -= 1;
        },
      };
    },
    [Symbol.dispose]() {},
  };
  return admission;
}

test('a new call hears that all lines are busy; a call that is on goes on; later the same caller is taken', async () => {
  vi.useRealTimers();
  const admission = door();
  await using app = await startApp({ admission });
  const on = new Caller(app, '+12125550143');
  await on.say('Next Tuesday, please.');
  admission.open = false;
  const late = new Caller(app, '+12125550144');
  expect(await late.say('Next Tuesday, please.')).toMatch(/lines are busy/);
  expect(await on.say('The first one, please.')).toMatch(/holding/i);
  expect(admission.asked).toBe(2);
  // What the two turns that were taken waited for the ledger is what the next decision rests on.
  expect(admission.waits).toEqual([expect.any(Number), expect.any(Number)]);
  expect(admission.going).toBe(0);
  admission.open = true;
  expect(await late.say('Next Tuesday, please.')).toMatch(/would you like/);
});

test('a call that is turned away costs the ledger nothing, announced or not, and is no call that was started', async () => {
  vi.useRealTimers();
  const admission = door();
  await using app = await startApp({ admission });
  using happenings = app.happenings.watch();
  const late = new Caller(app, '+12125550144');
  admission.open = false;
  await announce(app.url, late.callSid);
  await late.say('Next Tuesday, please.');
  admission.open = true;
  const next = new Caller(app, '+12125550145');
  await next.say('Next Tuesday, please.');
  expect(await callsIn(app)).toEqual([next.callSid]);
  for await (const event of happenings) {
    if (event.type !== 'call-started') continue;
    expect(event.call).toBe(next.callSid);
    break;
  }
});

test('a call that was announced while there was room is not turned away at its first words', async () => {
  vi.useRealTimers();
  const admission = door();
  await using app = await startApp({ admission });
  const caller = new Caller(app, '+12125550144');
  await announce(app.url, caller.callSid);
  admission.open = false;
  expect(await caller.say('Next Tuesday, please.')).toMatch(/would you like/);
});

async function callsIn({ sql, organization }: RunningApp): Promise<string[]> {
  return sql.begin(async (transaction) => {
    await transaction`select set_config('holdline.tenant_id', ${organization.id}, true)`;
    const rows = await transaction<{ callSid: string }[]>`select call_sid as "callSid" from call_states`;
    return rows.map(({ callSid }) => callSid);
  });
}
