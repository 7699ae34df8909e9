import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import type { Operation, Operations, Told } from './operations.ts';
import type { Random } from './random.ts';

export interface Door {
  /** Any server may get any request of a call, as behind a load balancer. */
  urls: string[];
  secret: string;
  /** ISO dates that can be booked. */
  dates: string[];
  /** By the name a result says: the keys of the ledger's slot ids. */
  practitionerKeys: Map<string, string>;
}

/** Longer than any answer takes that still comes. */
const patienceMs = 10_000;
/** A caller thinks between two sentences. Short, so that many calls fit into a run. */
const thinkingMs = 40;

/**
 * One call through the tool server's door, from the first question to the end: it checks, holds, books, changes its
 * mind, cancels or moves, asks the same thing twice, and hangs up in the middle, as the seed decides.
 */
export async function callByDoor(door: Door, operations: Operations, random: Random): Promise<void> {
  const call = `door-${randomUUID()}`;
  const number = `+4930${String(10_000_000 + random.below(89_999_999))}`;
  const ask = (kind: Operation['kind'], about: Operation['about'], tool: ToolCall) =>
    askTwicePerhaps({ door, operations, random, call, number }, { kind, about, tool });

  const offers = await check(ask, door, random);
  const wanted = offers[Math.min(random.below(3), offers.length - 1)];
  if (wanted === undefined) return;
  let held = await claim(ask, wanted);
  if (random.chance(0.2) || !held) {
    // Another time: the first hold is given up in the same breath.
    const other = random.pick(offers);
    if (other !== undefined && other !== wanted) held = await claim(ask, other);
    if (held) wanted.slotId = other?.slotId ?? wanted.slotId;
  }
  if (!held || random.chance(0.15)) return;

  await setTimeout(random.below(thinkingMs));
  const booked = await ask(
    'confirm',
    {},
    { name: 'send_sms_reminder', arguments: { appointmentDetails: { patientName: 'Ada Lang' } } },
  );
  if (booked.outcome !== 'ok' || random.chance(0.2)) return;

  await setTimeout(random.below(thinkingMs));
  await ask('check', {}, { name: 'find_appointments', arguments: { patientName: 'Ada Lang' } });
  const appointmentId = booked.answer?.appointmentId ?? '';
  if (random.chance(0.3)) {
    const elsewhere = random.pick(await check(ask, door, random));
    if (elsewhere === undefined) return;
    await ask(
      'move',
      { appointmentId },
      {
        name: 'move_appointment',
        arguments: { appointmentId: 'appointment_1', slotId: elsewhere.offer },
      },
    );
    return;
  }
  await ask(
    'cancel',
    { appointmentId },
    { name: 'cancel_appointment', arguments: { appointmentId: 'appointment_1' } },
  );
}

interface ToolCall {
  name: string;
  arguments: Record<string, unknown>;
}

type Ask = (kind: Operation['kind'], about: Operation['about'], tool: ToolCall) => Promise<Operation>;

interface Offer {
  /** `slot_3`: what the call knows it as. */
  offer: string;
  slotId: string;
}

async function check(ask: Ask, door: Door, random: Random): Promise<Offer[]> {
  const date = random.pick(door.dates);
  const checked = await ask('check', {}, { name: 'check_availability', arguments: { date } });
  return offersOf(checked);
}

/** Whether the call holds the slot now, as far as it was told. */
async function claim(ask: Ask, { offer, slotId }: Offer): Promise<boolean> {
  const told = await ask('claim', { slotId }, { name: 'reserve_slot', arguments: { slotId: offer } });
  return told.outcome === 'ok';
}

interface Line {
  door: Door;
  operations: Operations;
  random: Random;
  call: string;
  number: string;
}

/** Voice platforms repeat requests: now and then the same one arrives twice, at the same or at another server. */
async function askTwicePerhaps(
  line: Line,
  { kind, about, tool }: { kind: Operation['kind']; about: Operation['about']; tool: ToolCall },
): Promise<Operation> {
  const { operations, random, call } = line;
  const once = () =>
    operations.run({ by: 'door', call, kind, about }, () => send(line, tool, random.chance(0.03)));
  const first = once();
  if (kind !== 'check' && random.chance(0.1)) await once();
  return first;
}

/** @param hangUp goes away before the answer comes */
async function send({ door, random, call, number }: Line, tool: ToolCall, hangUp: boolean): Promise<Told> {
  const url = random.pick(door.urls) ?? '';
  const response = await fetch(`${url}/tools/booking-handler`, {
    method: 'POST',
    headers: { authorization: `Bearer ${door.secret}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      message: {
        type: 'tool-calls',
        call: { id: call, assistantId: 'torture', customer: { number } },
        toolCallList: [{ id: randomUUID(), ...tool }],
      },
    }),
    signal: AbortSignal.timeout(hangUp ? random.below(15) : patienceMs),
  });
  const body = await response.text();
  if (response.status !== 200) return { outcome: 'unknown', reason: `HTTP ${response.status}: ${body}` };
  const [first] = answer.parse(JSON.parse(body)).results;
  if (first?.result === undefined) return { outcome: 'unknown', reason: first?.error ?? 'no result' };
  const result = toolResult.parse(JSON.parse(first.result));
  if (!result.success) return { outcome: 'refused', reason: result.reason ?? 'no reason given' };
  return { outcome: 'ok', answer: readAnswer(result, door) };
}

const answer = z.object({
  results: z.array(z.object({ result: z.string().optional(), error: z.string().optional() })),
});

const toolResult = z.object({
  success: z.boolean(),
  reason: z.string().optional(),
  appointmentId: z.string().optional(),
  startsAt: z.string().optional(),
  slots: z.array(z.object({ slotId: z.string(), startsAt: z.string(), practitioner: z.string() })).optional(),
});

/** Offers travel through the operation's answer as text, so that the record of a run holds everything. */
function readAnswer(
  { appointmentId, slots, startsAt }: z.infer<typeof toolResult>,
  door: Door,
): NonNullable<Told['answer']> {
  if (slots !== undefined) {
    const offers = slots.map(({ slotId, startsAt, practitioner }) => {
      return `${slotId}=${instantOf(startsAt)}/${door.practitionerKeys.get(practitioner)}`;
    });
    return { slotId: offers.join(' ') };
  }
  return {
    ...(appointmentId === undefined ? {} : { appointmentId }),
    // Which practitioner it is with, the result does not say.
    ...(startsAt === undefined ? {} : { slotId: `${instantOf(startsAt)}/` }),
  };
}

function instantOf(clinicTime: string): string {
  return `${new Date(clinicTime).toISOString().slice(0, 19)}Z`;
}

function offersOf({ outcome, answer: told }: Operation): Offer[] {
  if (outcome !== 'ok' || !told?.slotId) return [];
  return told.slotId.split(' ').map((pair) => {
    const [offer = '', slotId = ''] = pair.split('=');
    return { offer, slotId };
  });
}
