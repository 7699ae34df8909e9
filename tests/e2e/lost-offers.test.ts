import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { createOpenAiModel } from '#model/openai.ts';
import { inTenant } from '#storage/postgres.ts';
import { createLog } from '#telemetry/log.ts';
import { redisServer } from '../redis-server.ts';
import { Caller, spoken, startApp } from '../running-app.ts';
import { startModelStandIn, toolCalls } from '../stand-ins/language-model.ts';
import { startTwoServers, type TwoServers } from '../two-servers.ts';

/** Keeps offers from being written, from a number on, until they are let through or lost. */
async function holdBackOffers({ sql, organization, database }: TwoServers, callSid: string, number: number) {
  const holding = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  // Somebody who has written an offer of this number and not said yet whether it counts: ours wait for them.
  const inTheWay = inTenant(sql, organization.id, async (tx) => {
    await tx`
      insert into call_offers (tenant_id, call_sid, number, slot_id, version)
      values (${organization.id}, ${callSid}, ${number}, 'somewhere', ${randomUUID()})`;
    held.resolve();
    await holding.promise;
    throw new Error('taken back');
  }).catch(() => {});
  await held.promise;
  const owner = postgres(database.ownerUrl, { max: 1, onnotice: () => {} });
  const waiting = () => owner<{ pid: number }[]>`
    select pid from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and query like '%record_offers%'`;
  let ended = false;
  return {
    /** Resolves when an offer waits to be written. */
    async waited() {
      await expect.poll(async () => (await waiting()).length, { timeout: 5_000 }).toBe(1);
    },
    async end(fate: 'written' | 'lost') {
      if (ended) return;
      ended = true;
      if (fate === 'lost') {
        for (const { pid } of await waiting()) await owner`select pg_terminate_backend(${pid})`;
        await expect.poll(async () => (await waiting()).length).toBe(0);
      }
      holding.resolve();
      await inTheWay;
      await owner.end({ timeout: 2 });
    },
    async [Symbol.asyncDispose]() {
      await this.end('lost');
    },
  };
}

/** Says something to a server that is killed while its offers wait; gives what was heard until then. */
async function sayUntilKilled(
  { servers }: TwoServers,
  caller: Caller,
  { words, waited }: { words: string; waited: () => Promise<void> },
): Promise<string> {
  caller.history.push({ role: 'user', content: words });
  let text = '';
  const heard = (async () => {
    const { body } = await caller.post();
    for await (const piece of (body ?? new ReadableStream()).pipeThrough(new TextDecoderStream()))
      text += piece;
  })().catch(() => {});
  await waited();
  // Whoever speaks before the offers are written has spoken by then.
  await Promise.race([heard, wait(300)]);
  await servers[0].kill();
  await heard;
  caller.history.push({ role: 'assistant', content: spoken(text) });
  return spoken(text);
}

/** The same call, carried on by the other process. */
function carriedOn({ servers }: TwoServers, before: Caller): Caller {
  const caller = new Caller(servers[1]);
  Object.assign(caller, { callSid: before.callSid });
  caller.history.splice(0, Number.POSITIVE_INFINITY, ...before.history);
  return caller;
}

/** The first time that was read out, as it is said when it is held. */
function firstOf(offers: string): string {
  const [, day, time] = /[Ff]or (.+?)(?::|, I have) (.+?)(?: with|,| or)/.exec(offers) ?? [];
  expect(time, offers).toBeDefined();
  return `holding ${day} at ${time} `;
}

redisServer.describe(
  'a process is killed while its offers wait to be written, and are written then, or lost',
  () => {
    test('the first of a call are held as they were heard, or others are offered', async () => {
      await using model = await startModelStandIn();
      await using two = await startTwoServers({ modelUrl: model.baseUrl });
      model.answerTo((words) =>
        words.includes('Tuesday')
          ? toolCalls(['check_availability', { date: 'next Tuesday' }])
          : toolCalls(['reserve_slot', { slotId: 'slot_1' }]),
      );
      const written = await pickAfterKill(two, 'written');
      expect(written.answer).toContain(firstOf(written.heard));

      await two.servers[0].start();
      const lost = await pickAfterKill(two, 'lost');
      expect(lost.answer).toMatch(/^For .* I have .* Which would you like\?$/);
      // What is read out now is what the number means from now on.
      expect(await lost.caller.say('The first one, please.')).toContain(firstOf(lost.answer));
    });

    test('later ones are not taken for earlier ones', async () => {
      await using two = await startTwoServers();
      for (const fate of ['written', 'lost'] as const) {
        await two.servers[0].start();
        const before = new Caller(two.servers[0]);
        const earlier = await before.say('Next Tuesday, please.');
        expect(earlier).toMatch(/would you like/);
        const wanted = 'No, next Thursday please.';
        await using back = await holdBackOffers(two, before.callSid, 5);
        let heard = await sayUntilKilled(two, before, { words: wanted, waited: back.waited });
        await back.end(fate);
        const caller = carriedOn(two, before);
        // Who hears nothing says it again.
        if (heard === '') heard = await caller.say(wanted);
        expect(firstOf(heard)).not.toBe(firstOf(earlier));
        expect(await caller.say('The first one, please.')).toContain(firstOf(heard));
      }
    });
  },
);

/** A new call's first offers, what the caller heard of them, and what they are told when they pick the first. */
async function pickAfterKill(
  two: TwoServers,
  fate: 'written' | 'lost',
): Promise<{ heard: string; answer: string; caller: Caller }> {
  const before = new Caller(two.servers[0]);
  await using back = await holdBackOffers(two, before.callSid, 1);
  const heard = await sayUntilKilled(two, before, { words: 'Next Tuesday, please.', waited: back.waited });
  expect(heard).toMatch(/would you like/);
  await back.end(fate);
  const caller = carriedOn(two, before);
  return { heard, caller, answer: await caller.say('The first one, please.') };
}

test('offers of a turn that another process has overtaken take no number of a newer turn’s', async () => {
  await using model = await startModelStandIn();
  const log = createLog({ level: 'silent', pretty: false });
  const parts = () => ({
    model: createOpenAiModel({ apiKey: 'none', model: 'stand-in', baseUrl: model.baseUrl, log }),
  });
  await using one = await startApp(parts());
  await using other = await startApp({ ...parts(), ledgerUrl: one.ledgerUrl });
  const caller = new Caller(one);
  const later = new Caller(other);
  Object.assign(later, { callSid: caller.callSid });
  const older = Promise.withResolvers<void>();
  const newer = Promise.withResolvers<void>();
  model.answerTo((words) =>
    words === 'Tuesday'
      ? { ...toolCalls(['check_availability', { date: 'Tuesday' }]), after: older.promise }
      : { ...toolCalls(['check_availability', { date: 'Wednesday' }]), after: newer.promise },
  );
  const first = caller.say('Tuesday');
  await expect.poll(() => model.asked.length).toBe(1);
  const second = later.say('Tuesday, no, Wednesday');
  await expect.poll(() => model.asked.length).toBe(2);
  older.resolve();
  await first;
  newer.resolve();
  expect(await second).toMatch(/Wednesday/);
  model.answer(toolCalls(['reserve_slot', { slotId: 'slot_1' }]));
  expect(await later.say('The first one.')).toMatch(/holding Wednesday/);
});
