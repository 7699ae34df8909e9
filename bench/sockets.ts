// Do five hundred sockets on one process starve each other, and does its memory stay? Each socket holds a conversation
// at a person's pace and pings as Retell does; a call ends after some turns and the next one begins. Beside them ten
// viewers watch, of whom three never read. Reference: the median of the same run, and the memory of its first phase.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import WebSocket from 'ws';
import { type Distribution, distribution } from './figures.ts';
import { secret, startHoldline } from './targets.ts';

const sockets = Number(process.env['SOCKETS'] ?? 500);
const viewers = 10;
const unreading = 3;
const turnEveryMs = Number(process.env['TURN_EVERY_MS'] ?? 20_000);
const turnsPerCall = 6;
const warmUpMs = 40_000;
const phaseMs = 30_000;
const phases = 4;
const pingEveryMs = 2_000;
const demoKey = 'a-demo-key-only-for-benchmarks';

const lines = [
  'Hello, I would like to see a doctor.',
  'Next Tuesday in the afternoon, please.',
  'Do you have anything later?',
  'What about next Wednesday morning?',
  'And next Friday with Doctor Lee?',
  'Could you repeat that?',
];

await using holdline = await startHoldline({ DEMO_KEY: demoKey });
const stop = new AbortController();
let phase = -1;
/** Times to first words of the phases that count, each with its socket. */
const heard: { socket: number; ms: number }[] = [];

const watching = await Promise.all(Array.from({ length: viewers }, (_, index) => view(index)));
const callers = Array.from({ length: sockets }, (_, index) => callAgainAndAgain(index));

await delay(warmUpMs);
const memory: { heapMb: number; residentMb: number }[] = [];
const cpuBefore = await cpuSeconds();
for (phase = 0; phase < phases; phase += 1) memory.push(await memoryDuring(phaseMs));
const cpuMs = ((await cpuSeconds()) - cpuBefore) * 1000;
phase = -1;
stop.abort();
await Promise.all(callers);

const all = distribution(heard.map(({ ms }) => ms));
const bySocket = Map.groupBy(heard, ({ socket }) => socket);
const medians = distribution(
  [...bySocket.values()].map((times) => distribution(times.map(({ ms }) => ms)).p50),
);
console.log(
  `\n${sockets} sockets, a turn every ${turnEveryMs / 1000} s each, ${phases} phases of ${phaseMs / 1000} s`,
);
row('to the first words, all turns', all);
row('median of each socket', medians);
console.log(
  `sockets heard: ${bySocket.size} of ${sockets}; p99 is ${(all.p99 / all.p50).toFixed(1)} medians`,
);
console.log(
  `server: ${(cpuMs / all.count).toFixed(1)} ms of its processor per turn, pings and viewers included; ${((cpuMs / (phases * phaseMs)) * 100).toFixed(0)} % of a core`,
);
console.log('\nmemory of the server (MB)   heap in use, least   resident, median');
for (const [index, { heapMb, residentMb }] of memory.entries()) {
  console.log(`  phase ${index + 1}${heapMb.toFixed(1).padStart(36)}${residentMb.toFixed(0).padStart(19)}`);
}
const reading = watching.slice(unreading);
console.log(
  `\nviewers: ${reading.filter(({ open }) => open()).length} of ${reading.length} that read are there, with ${reading.map(({ events }) => events()).join(', ')} events;`,
);
console.log(
  `         of ${unreading} that never read ${watching.slice(0, unreading).filter(({ open }) => !open()).length} were dropped`,
);
for (const { leave } of watching) leave();

function row(name: string, { count, p50, p95, p99, max }: Distribution): void {
  const ms = [p50, p95, p99, max].map((value) => value.toFixed(1).padStart(9)).join('');
  console.log(`${name.padEnd(34)}${String(count).padStart(7)}${ms}  (n, p50, p95, p99, max in ms)`);
}

/** One socket's life: call after call, each with a few turns. */
async function callAgainAndAgain(socket: number): Promise<void> {
  // Callers do not begin together.
  await delay((turnEveryMs / sockets) * socket);
  while (!stop.signal.aborted) await oneCall(socket);
}

async function oneCall(socket: number): Promise<void> {
  const line = new WebSocket(`${holdline.url.replace('http', 'ws')}/retell/${demoKey}/call_${randomUUID()}`);
  await once(line, 'open');
  const ping = setInterval(
    () => line.send(JSON.stringify({ interaction_type: 'ping_pong', timestamp: Date.now() })),
    pingEveryMs,
  );
  line.send(JSON.stringify({ interaction_type: 'call_details', call: { direction: 'inbound' } }));
  const transcript: { role: string; content: string }[] = [];
  for (let turn = 1; turn <= turnsPerCall && !stop.signal.aborted; turn += 1) {
    const startedMs = performance.now();
    transcript.push({ role: 'user', content: lines[turn - 1] ?? 'Hello?' });
    const { firstMs, text } = await oneTurn(line, turn, transcript);
    if (phase >= 0) heard.push({ socket, ms: firstMs });
    transcript.push({ role: 'agent', content: text });
    await delay(Math.max(0, turnEveryMs - (performance.now() - startedMs)), undefined, {
      signal: stop.signal,
    }).catch(() => {});
  }
  clearInterval(ping);
  line.close(1000);
  await once(line, 'close');
}

/** A wrong or missing answer ends the benchmark. */
function oneTurn(
  line: WebSocket,
  response_id: number,
  transcript: object[],
): Promise<{ firstMs: number; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ firstMs: number; text: string }>();
  const startedMs = performance.now();
  let firstMs = Number.NaN;
  let text = '';
  const closed = (code: number) => reject(new Error(`a socket was closed: ${code}`));
  const message = (data: Buffer) => {
    const frame = JSON.parse(data.toString()) as Record<string, unknown>;
    if (frame['response_type'] !== 'response' || frame['response_id'] !== response_id) return;
    text += String(frame['content']);
    if (text !== '' && Number.isNaN(firstMs)) firstMs = performance.now() - startedMs;
    if (frame['content_complete'] !== true) return;
    line.off('message', message);
    line.off('close', closed);
    if (text.trim() === '' || /went wrong/i.test(text)) reject(new Error(`no answer: ${text}`));
    else resolve({ firstMs, text });
  };
  line.on('message', message);
  line.once('close', closed);
  line.send(JSON.stringify({ interaction_type: 'response_required', response_id, transcript }));
  return promise;
}

async function view(index: number) {
  const socket = new WebSocket(`${holdline.url.replace('http', 'ws')}/live`, {
    headers: { authorization: `Bearer ${secret}` },
  });
  let events = 0;
  socket.on('message', () => {
    events += 1;
  });
  let open = true;
  socket.on('close', () => {
    open = false;
  });
  socket.on('error', () => {});
  await once(socket, 'open');
  if (index < unreading) socket.pause();
  return { events: () => events, open: () => open, leave: () => socket.terminate() };
}

/** The least heap in use is what a collection leaves; the rest is what was not collected yet. */
async function memoryDuring(ms: number): Promise<{ heapMb: number; residentMb: number }> {
  const heaps: number[] = [];
  const residents: number[] = [];
  const endMs = performance.now() + ms;
  while (performance.now() < endMs) {
    const text = await (await fetch(`${holdline.url}/metrics`)).text();
    heaps.push(metric(text, 'nodejs_heap_size_used_bytes'));
    residents.push(metric(text, 'process_resident_memory_bytes'));
    await delay(500);
  }
  return {
    heapMb: Math.min(...heaps) / 1024 / 1024,
    residentMb: distribution(residents).p50 / 1024 / 1024,
  };
}

async function cpuSeconds(): Promise<number> {
  return metric(await (await fetch(`${holdline.url}/metrics`)).text(), 'process_cpu_seconds_total');
}

function metric(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1]);
}
