import { z } from 'zod';
import type { Addresses } from '#organization/directory.ts';

/** Anything that does not fit is absent, not wrong. */
export const lenient = <T extends z.ZodType>(schema: T) => schema.optional().catch(undefined);

export const text = lenient(z.string().min(1));

const numbered = lenient(z.object({ id: text, number: text }));
const identified = lenient(z.object({ id: text }));
/** An id that can be kept: the ledger takes up to 200 characters, and nobody's id has blanks or control characters. */
const callId = lenient(z.string().regex(/^[^\s\p{C}]{1,200}$/u));

/** The fields by which every kind of body says which call it is about, to be spread into a larger schema. */
export const aboutCall = {
  assistant: identified,
  phoneNumber: numbered,
  customer: numbered,
  call: lenient(
    z.object({
      id: callId,
      callId,
      assistantId: text,
      phoneNumberId: text,
      assistant: identified,
      phoneNumber: numbered,
      customer: numbered,
      monitor: lenient(z.object({ controlUrl: text })),
    }),
  ),
};

/** Which call a body is about; whatever it does not say is absent. */
export interface CallReference {
  callSid: string | undefined;
  /** E.164, or `null` when withheld. */
  caller: string | null;
  addresses: Addresses;
  /** Where the call can be spoken to; a capability, kept in memory only. */
  controlUrl: string | undefined;
}

/**
 * Reads the call's facts. The caller stands at the top level or in the call, depending on the kind and the year of the
 * body (reference: recorded bodies of 2024 to 2026).
 */
export function readCallReference({
  assistant,
  phoneNumber,
  customer,
  call,
}: z.infer<z.ZodObject<typeof aboutCall>>): CallReference {
  return {
    callSid: call?.id ?? call?.callId,
    caller: callerNumber(customer?.number ?? call?.customer?.number),
    addresses: {
      assistantId: call?.assistantId ?? call?.assistant?.id ?? assistant?.id,
      phoneNumberId: call?.phoneNumberId ?? phoneNumber?.id ?? call?.phoneNumber?.id,
      dialled: phoneNumber?.number ?? call?.phoneNumber?.number,
    },
    controlUrl: call?.monitor?.controlUrl,
  };
}

/** Nested deeper than any platform's body: such a value can be read, but not be written again. */
const depthMax = 64;

/** The JSON of a body; nothing when it is none, or is nested too deeply to be a message of anybody's. */
export function jsonOf(body: Buffer): unknown {
  try {
    const json: unknown = JSON.parse(body.toString('utf8'));
    return isShallow(json, depthMax) ? json : undefined;
  } catch {
    return undefined;
  }
}

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (levels === 0) return false;
  // Asked for each value of each body: `for … in` over what was just parsed takes longer than parsing it.
  for (const inner of Array.isArray(value) ? value : Object.values(value)) {
    if (typeof inner === 'object' && !isShallow(inner, levels - 1)) return false;
  }
  return true;
}

/** Withheld numbers come as words ("anonymous"), as nothing, or as SIP names. */
function callerNumber(given: string | undefined): string | null {
  return given !== undefined && /^\+\d{5,15}$/.test(given) ? given : null;
}
