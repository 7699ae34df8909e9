import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { callRecord } from '#console/call-record.ts';
import { inTenant } from '#storage/postgres.ts';
import { Caller, type RunningApp, startApp, vapiSecret } from '../running-app.ts';

test('ten callers at once, the same clinic and day: all book, nobody the same time', async () => {
  await using app = await startApp();
  const callers = Array.from({ length: 10 }, (_, index) => new Caller(app, `+1212555014${index}`));
  await Promise.all(callers.map((caller) => bookSomething(caller)));
  const records = await Promise.all(
    callers.map(({ callSid }) => callRecord(app.sql, app.organization.id, callSid)),
  );
  const booked = records.flatMap(({ appointments }) => appointments.map((one) => one.slotId));
  expect(booked).toHaveLength(10);
  expect(new Set(booked).size).toBe(10);
});

/** As a person would: whoever hears that a time is taken takes another one that was read out. */
async function bookSomething(caller: Caller): Promise<void> {
  await caller.say('Next Tuesday, please.');
  for (let attempt = 0; attempt < 12; attempt += 1) {
    if (/holding/i.test(await caller.say('The first one, please.'))) break;
  }
  expect(await caller.say('Yes, this is Ann Miller.')).toMatch(/booked/i);
}

test.each([2, 10, 200])(
  '%i callers want one slot: one holds it, every other hears of other times',
  async (count) => {
    await using app = await startApp();
    const calls = Array.from({ length: count }, () => randomUUID());
    const offered = await Promise.all(
      calls.map((call) => tool(app, call, 'check_availability', { date: openDate() })),
    );
    expect(new Set(offered.map((one) => one.slots?.[0]?.startsAt)).size).toBe(1);
    const reserved = await Promise.all(
      calls.map((call) => tool(app, call, 'reserve_slot', { slotId: 'slot_1' })),
    );

    expect(reserved.filter((one) => one.success)).toHaveLength(1);
    const losers = reserved.filter((one) => !one.success);
    expect(losers.every((one) => one.reason === 'taken')).toBe(true);
    const taken = offered[0]?.slots?.[0];
    for (const { nearest } of losers) {
      expect(nearest?.length).toBeGreaterThan(0);
      expect(
        nearest?.some((one) => one.startsAt === taken?.startsAt && one.practitioner === taken?.practitioner),
      ).toBe(false);
    }
    const [row] = await inTenant(
      app.sql,
      app.organization.id,
      (tx) => tx<{ held: number }[]>`
      select count(*)::integer as held from available_slots where status = 'reserved'`,
    );
    expect(row?.held).toBe(1);
  },
);

const result = z.object({
  success: z.boolean(),
  reason: z.string().optional(),
  slots: z.array(z.object({ startsAt: z.string(), practitioner: z.string() })).optional(),
  nearest: z.array(z.object({ startsAt: z.string(), practitioner: z.string() })).optional(),
});

async function tool(app: RunningApp, call: string, name: string, args: object) {
  const response = await fetch(`${app.url}/tools/booking-handler`, {
    method: 'POST',
    headers: { authorization: `Bearer ${vapiSecret}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      message: {
        type: 'tool-calls',
        call: { id: call, assistantId: 'demo-clinic' },
        toolCallList: [{ id: 'one', name, arguments: args }],
      },
    }),
  });
  const { results } = (await response.json()) as { results: { result?: string; error?: string }[] };
  const [first] = results;
  if (first?.result === undefined) throw new Error(first?.error ?? 'no result');
  return result.parse(JSON.parse(first.result));
}

/** A weekday a few days ahead. */
function openDate(): string {
  const day = new Date(Date.now() + 5 * 86_400_000);
  while (day.getUTCDay() % 6 === 0) day.setUTCDate(day.getUTCDate() + 1);
  return day.toISOString().slice(0, 10);
}
