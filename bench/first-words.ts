// What does a streamed answer cost on its way through us, and how much later do its first words arrive?
// Beside the relays others use: a raw pipe, a proxy that parses every chunk, the relay of every tutorial, Portkey's
// gateway. Ours does all it does in a call: secret, call, ledger, prompt, state.
import { setTimeout as wait } from 'node:timers/promises';
import { distribution } from './figures.ts';
import { type Finding, goal, interleaved, median, percentiles, type Row, ratios, rounds } from './finding.ts';
import type { Installation } from './installation.ts';
import { paced, unpaced } from './model-words.ts';
import { type Relay, relays } from './relays.ts';

const unpacedAtOnce = 32;
const unpacedPerRound = 1_000;
const warmUpStreams = 3_000;
const question = 'What does a streamed answer cost through us, and how much later do its first words arrive?';

interface Round {
  cpuUs: number;
  rssMb: number;
  firstMs: number[];
}

export async function firstWords(
  installation: Installation,
): Promise<Finding & { firstMs: Record<string, number[]> }> {
  await using stack = new AsyncDisposableStack();
  const { direct, others, holdline } = await relays(installation, stack);
  const rows: Row[] = [];

  await installation.pace(unpaced);
  const costing = [...others, holdline];
  for (const relay of costing) await relay.prepare(500);
  // Some ten thousand streams make no relay's code quicker any more; most are there after a third of that.
  for (const relay of costing) await atOnce(relay, unpacedAtOnce, warmUpStreams);
  const cost = await interleaved(costing, rounds, (relay) => atOnce(relay, unpacedAtOnce, unpacedPerRound));
  rows.push(...rowsOf(`${unpacedAtOnce} unpaced streams of 40 chunks at once`, cost));
  const cpu = (name: string) =>
    [...cost].find(([{ name: own }]) => own === name)?.[1].map(({ cpuUs }) => cpuUs) ?? [];

  await installation.pace(paced);
  // The parse proxy has a goal of processor time only.
  const timed = [direct, ...costing.filter(({ name }) => name !== 'parse proxy')];
  const few = await interleaved(timed, rounds, (relay) => paceOut(relay, 100));
  rows.push(...rowsOf('100 paced streams (20 ms to the first chunk, 25 ms apart)', few));
  const many = await interleaved(timed, rounds, (relay) => paceOut(relay, 500));
  rows.push(...rowsOf('500 paced streams', many));

  const goals = [
    ...[
      ['parse proxy', 0.6],
      ['naive relay', 0.2],
      ['portkey', 0.2],
    ].map(([reference, atMost]) =>
      goal('CPU per relayed stream, everything included', {
        reference: String(reference),
        atMost: Number(atMost),
        rounds: ratios(cpu('holdline'), cpu(String(reference))),
      }),
    ),
    goal('first content byte added, 100 streams, p50', {
      reference: 'raw pipe',
      atMost: 2,
      rounds: addedRatios(few, 'raw pipe'),
    }),
    ...['naive relay', 'portkey'].flatMap((reference) => [
      goal('first content byte added, 100 streams, p50', {
        reference,
        atMost: 0.1,
        rounds: addedRatios(few, reference),
      }),
      goal('first content byte added, 500 streams, p50', {
        reference,
        atMost: 0.1,
        rounds: addedRatios(many, reference),
      }),
    ]),
    goal('memory, 500 streams', {
      reference: 'naive relay',
      atMost: 0.6,
      rounds: ratios(memory(many, 'holdline'), memory(many, 'naive relay')),
    }),
  ].filter(({ reference }) => costing.some(({ name }) => name === reference));
  const firstMs = Object.fromEntries(
    [...few].map(([{ name }, list]) => [name, list.flatMap((round) => round.firstMs)]),
  );
  return { question, rows, goals, notes: installation.notes, firstMs };
}

/** As many streams at once as wanted, one after another in each lane. */
async function atOnce(relay: Relay, lanes: number, count: number): Promise<Round> {
  const before = await relay.used();
  let left = count;
  const firstMs: number[] = [];
  await Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      while (left > 0) {
        left -= 1;
        firstMs.push(await relay.ask(lane));
      }
    }),
  );
  const after = await relay.used();
  return { cpuUs: (after.cpuUs - before.cpuUs) / count, rssMb: after.rssBytes / 1e6, firstMs };
}

/** Streams that begin evenly over a second, one in each lane; memory is looked at while all are open. */
async function paceOut(relay: Relay, lanes: number): Promise<Round> {
  const before = await relay.used();
  const firstMs: number[] = [];
  const streaming = Array.from({ length: lanes }, async (_, lane) => {
    await wait((lane / lanes) * 1_000);
    firstMs.push(await relay.ask(lane));
  });
  await wait(1_000);
  const open = await relay.used();
  await Promise.all(streaming);
  const after = await relay.used();
  return { cpuUs: (after.cpuUs - before.cpuUs) / lanes, rssMb: open.rssBytes / 1e6, firstMs };
}

function rowsOf(about: string, measured: Map<Relay, Round[]>): Row[] {
  return [...measured].map(([{ name }, list]) => ({
    about,
    target: name,
    figures: {
      ...percentiles(list.flatMap(({ firstMs }) => firstMs)),
      cpuUs: median(list.map(({ cpuUs }) => cpuUs)),
      memoryMb: median(list.map(({ rssMb }) => rssMb)),
    },
  }));
}

/** What our relay adds over asking the model directly, against what another adds, round by round. */
function addedRatios(measured: Map<Relay, Round[]>, reference: string): number[] {
  const halves = (wanted: string) =>
    [...measured]
      .find(([{ name }]) => name === wanted)?.[1]
      .map(({ firstMs }) => distribution(firstMs).p50) ?? [];
  const direct = halves('direct');
  const added = (name: string) => halves(name).map((p50, round) => p50 - (direct[round] ?? Number.NaN));
  return ratios(added('holdline'), added(reference));
}

function memory(measured: Map<Relay, Round[]>, wanted: string): number[] {
  return [...measured].find(([{ name }]) => name === wanted)?.[1].map(({ rssMb }) => rssMb) ?? [];
}
