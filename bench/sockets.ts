// Do five hundred sockets on one process starve each other, and does its memory grow? Every socket holds a whole
// conversation at a person's pace, all hang up, the server's memory is read after a collection, and the next round
// begins: whatever a conversation leaves behind shows as a slope over the rounds. Beside them ten viewers watch, of whom
// three never read. Reference: the median of the same run, and the memory after the rounds that warm up.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { demoClinic } from '../src/organization/demo-clinic.ts';
import { type Distribution, distribution } from './figures.ts';
import { openInstallation, secret } from './installation.ts';
import { answerText, callerWords } from './model-words.ts';
import { openDates } from './open-dates.ts';
import { callThrough, type Door } from './socket-callers.ts';
import { stare, view } from './socket-viewers.ts';

const sockets = Number(process.env['SOCKETS'] ?? 500);
const warmUpRounds = Number(process.env['WARM_UP'] ?? 4);
const countedRounds = Number(process.env['ROUNDS'] ?? 7);
const turnEveryMs = Number(process.env['TURN_EVERY_MS'] ?? 4_000);
const readers = 7;
const demoKey = 'a-demo-key-only-for-benchmarks';
/** As a provider does, so that many answers are being spoken at once; its first word costs nothing, so that ours shows. */
const pace = { firstMs: 0, apartMs: 25, argumentPieces: 1, argumentsApartMs: 0 };
/** A leaked object or two; an open call takes some kilobytes. What code and its statistics still settle by is less. */
const heapKibPerThousandMax = 512;
/**
 * The allocator takes memory in steps of megabytes and keeps the most that a busy moment took, so that this one only
 * sees leaks outside the heap, of buffers and sockets, that are as large as a call.
 */
const residentKibPerThousandMax = 4_096;

await using installation = await openInstallation();
await installation.pace(pace);
// Whoever takes a time leaves it to the next round.
await installation.owner`update organizations set release_on_hang_up = true where key = ${demoClinic.key}`;
const redis = process.env['STORE'] !== 'memory';
await using holdline = await installation.holdline({ redis });
const dates = await openDates(installation.owner, 8);

const watching = await Promise.all(Array.from({ length: readers }, () => view(holdline.url, secret)));
// One is dead, two are alive and do not read.
const staring = await Promise.all([false, true, true].map((lives) => stare(holdline.url, secret, { lives })));
const lag = monitorEventLoopDelay({ resolution: 2 });

/** Times to first words of the rounds that count. */
const heard: { socket: number; kind: string; ms: number }[] = [];
const wrong: string[] = [];
let turns = 0;
/** Seconds of all turns that counted, by where they went. */
const spent = new Map<string, number>();
const memory: { conversations: number; heapKib: number; externalKib: number; residentKib: number }[] = [];
const dropped = new Map<string, number>();
let cpuUs = 0;
let countedMs = 0;

for (let round = 1; round <= warmUpRounds + countedRounds; round += 1) {
  const counts = round > warmUpRounds;
  if (counts) lag.enable();
  const startedMs = performance.now();
  const before = await holdline.used();
  const spansBefore = await spans();
  await Promise.all(Array.from({ length: sockets }, (_, socket) => converse(socket, round, counts)));
  const after = await holdline.used();
  lag.disable();
  if (counts) {
    cpuUs += after.cpuUs - before.cpuUs;
    countedMs += performance.now() - startedMs;
    for (const [span, seconds] of await spans()) {
      spent.set(span, (spent.get(span) ?? 0) + seconds - (spansBefore.get(span) ?? 0));
    }
  }
  await quiet();
  const { heapBytes, externalBytes, rssBytes } = await holdline.used({ collect: true });
  const at = {
    conversations: round * sockets,
    heapKib: heapBytes / 1024,
    externalKib: externalBytes / 1024,
    residentKib: rssBytes / 1024,
  };
  if (counts) memory.push(at);
  for (const [reason, count] of await liveClosings()) {
    if (count > 0 && !dropped.has(reason)) dropped.set(reason, round);
  }
  console.log(
    `round ${String(round).padStart(2)}${counts ? '' : ' (warming up)'}: ${((performance.now() - startedMs) / 1000).toFixed(0)} s; after ${at.conversations} conversations heap ${mb(at.heapKib)}, external ${mb(at.externalKib)}, resident ${mb(at.residentKib)} MB`,
  );
}

const all = distribution(heard.map(({ ms }) => ms));
console.log(
  `\n${sockets} sockets, a turn every ${turnEveryMs / 1000} s each on average, store: ${redis ? 'Redis' : 'memory'}`,
);
row('to the first words, all turns', all);
for (const [kind, list] of Map.groupBy(heard, ({ kind }) => kind)) {
  row(`  ${kind}`, distribution(list.map(({ ms }) => ms)));
}
const bySocket = Map.groupBy(heard, ({ socket }) => socket);
const medians = distribution(
  [...bySocket.values()].map((list) => distribution(list.map(({ ms }) => ms)).p50),
);
row('median of each socket', medians);
console.log(
  `sockets heard ${bySocket.size} of ${sockets}; p99 is ${(all.p99 / all.p50).toFixed(1)} medians, the slowest socket's own median ${(medians.max / medians.p50).toFixed(1)} of the sockets' median`,
);
console.log(
  `server: ${(cpuUs / 1000 / all.count).toFixed(2)} ms of its processor per turn, pings and viewers included; ${((cpuUs / 1000 / countedMs) * 100).toFixed(0)} % of a core. The callers' own process was late by ${(lag.percentile(50) / 1e6 - 2).toFixed(1)} ms (p50), ${(lag.percentile(99) / 1e6 - 2).toFixed(1)} ms (p99)`,
);

const share = (span: string) =>
  ((100 * (spent.get(span) ?? 0)) / (spent.get('firstByteOut') ?? 1)).toFixed(0);
console.log(
  `by the server's own account the turn's beginning in the ledger took ${share('callLookup')} % of the time to the first words, tools ${share('tool')} %, the model (asked meanwhile) ${share('modelFirstToken')} %, the prompt ${share('prompt')} %`,
);
check(`${wrong.length} wrong answers`, wrong.length === 0);
for (const [what, list] of Map.groupBy(wrong, (one) => one)) console.log(`      ${list.length} × ${what}`);

console.log(`\ngrowth over the ${countedRounds} rounds that count, in KiB per thousand conversations`);
verdict('heap after a collection', 'heapKib', heapKibPerThousandMax);
verdict('external', 'externalKib', heapKibPerThousandMax);
verdict('resident', 'residentKib', residentKibPerThousandMax);

const conversations = (warmUpRounds + countedRounds) * sockets;
const complete = watching.filter(
  ({ isOpen, told }) =>
    isOpen &&
    told.get('call-started') === conversations &&
    told.get('call-ended') === conversations &&
    told.get('turn-finished') === turns &&
    !told.has('missed'),
);
const closings = await liveClosings();
const events = watching.map(({ told }) => [...told.values()].reduce((sum, count) => sum + count, 0));
console.log(`\nviewers: each that reads was told ${[...new Set(events)].join(' or ')} events`);
check(
  `${complete.length} of ${readers} were told of every call and turn, and missed nothing`,
  complete.length === readers,
);
const toldDropped = [...closings].map(
  ([reason, count]) => `${count} ${reason} (by round ${dropped.get(reason)})`,
);
check(
  `of 3 that never read 3 were dropped: ${toldDropped.join(', ')}`,
  closings.get('unread') === 2 && closings.get('lifeless') === 1,
);
for (const { leave } of [...watching, ...staring]) leave();

function mb(kib: number): string {
  return (kib / 1024).toFixed(2);
}

function row(name: string, { count, p50, p95, p99, max }: Distribution): void {
  const ms = [p50, p95, p99, max].map((value) => value.toFixed(1).padStart(9)).join('');
  console.log(`${name.padEnd(34)}${String(count).padStart(7)}${ms}  (n, p50, p95, p99, max in ms)`);
}

function check(what: string, holds: boolean): void {
  console.log(`${holds ? 'PASS' : 'FAIL'}  ${what}`);
  if (!holds) process.exitCode = 1;
}

/** Passes when even the upper end of what the slope may be, two standard errors up, is below the limit. */
function verdict(name: string, of: 'heapKib' | 'externalKib' | 'residentKib', atMost: number): void {
  const { slope, error } = line(memory.map((at) => ({ x: at.conversations / 1000, y: at[of] })));
  check(
    `${name.padEnd(26)}${slope.toFixed(0).padStart(7)} ± ${(2 * error).toFixed(0)}, at most ${atMost}`,
    slope + 2 * error <= atMost,
  );
}

/** Least squares: the slope, and its standard error. */
function line(points: { x: number; y: number }[]): { slope: number; error: number } {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(points.map((at) => at.x)), mean(points.map((at) => at.y))];
  const spread = points.reduce((sum, at) => sum + (at.x - x) ** 2, 0);
  const slope = points.reduce((sum, at) => sum + (at.x - x) * (at.y - y), 0) / spread;
  const rest = points.reduce((sum, at) => sum + (at.y - y - slope * (at.x - x)) ** 2, 0);
  return { slope, error: Math.sqrt(rest / (points.length - 2) / spread) };
}

/** One socket's conversation: it begins at some moment, and its turns come as a caller's do. */
async function converse(socket: number, round: number, counts: boolean): Promise<void> {
  await delay(Math.random() * turnEveryMs);
  const door: Door = socket % 2 === 0 ? 'retell' : 'relay';
  const caller = await callThrough(door, holdline.url, demoKey);
  const date = () => dates[Math.floor(Math.random() * dates.length)] ?? '';
  const says: [kind: string, words: string, right: RegExp | string][] = [
    ['a turn of talk', callerWords.talk, answerText],
    ['a turn that checks a day', callerWords.check(date()), /doctor/i],
    socket % 10 < 2
      ? ['a turn that takes a time', callerWords.reserve, /doctor/i]
      : ['a turn that checks a day', callerWords.check(date()), /doctor/i],
    ['a turn of talk', callerWords.talk, answerText],
  ];
  for (const [kind, words, right] of says) {
    await delay(turnEveryMs * (0.5 + Math.random()));
    const { firstMs, text } = await caller.say(words);
    const fits = typeof right === 'string' ? text === right : right.test(text);
    if (!fits) wrong.push(`round ${round}, ${kind}: ${text.slice(0, 100)}`);
    turns += 1;
    if (counts) heard.push({ socket, kind, ms: firstMs });
  }
  await caller.hangUp();
}

/** Every call has ended, and what was told of it has been read. */
async function quiet(): Promise<void> {
  while ((await metric('holdline_sockets_open')) > readers + staring.length) await delay(100);
  await delay(1_000);
}

async function spans(): Promise<Map<string, number>> {
  const lines = (await metrics()).matchAll(/^holdline_turn_span_seconds_sum\{span="(\w+)"\} (\S+)/gm);
  return new Map([...lines].map(([, span = '', seconds]) => [span, Number(seconds)]));
}

async function liveClosings(): Promise<Map<string, number>> {
  const text = await metrics();
  const lines = text.matchAll(/^holdline_sockets_closed_total\{door="live",reason="(\w+)"\} (\d+)/gm);
  return new Map([...lines].map(([, reason = '', count]) => [reason, Number(count)]));
}

async function metric(name: string): Promise<number> {
  return Number(new RegExp(`^${name} (\\S+)`, 'm').exec(await metrics())?.[1]);
}

async function metrics(): Promise<string> {
  return (await fetch(`${holdline.url}/metrics`)).text();
}
