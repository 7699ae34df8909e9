import { z } from 'zod';

/** What our code tells the model about this call; times are the clinic's own, `spoken` is how a voice says them. */
export type CallState = z.infer<typeof callState>;
export type Offer = CallState['offers'][number];

/**
 * Reads the `<call_state>` block at the end of the system message. Whatever is missing or not understood counts as
 * not there yet: a rehearsal goes on with less, it does not stop.
 */
export function readCallState(systemMessage: string): CallState {
  // The last block is ours: text from a clinic's own prompt stands before it and may quote one.
  const from = systemMessage.lastIndexOf(opening);
  const to = systemMessage.indexOf('</call_state>', from);
  if (from === -1 || to === -1) return nothingYet;
  try {
    return callState.parse(JSON.parse(systemMessage.slice(from + opening.length, to)));
  } catch {
    return nothingYet;
  }
}

const opening = '<call_state>';

const offer = z.object({
  slotId: z.string(),
  startsAt: z.string(),
  practitioner: z.string().catch(''),
  spoken: z.string(),
});
// A hold taken over from an earlier call has no offer of this one.
const hold = z.object({ slotId: z.string().catch(''), startsAt: z.string().catch(''), spoken: z.string() });
const appointment = z.object({ startsAt: z.string().catch(''), spoken: z.string() });

const callState = z.object({
  offers: z.array(offer).catch([]),
  hold: hold.nullable().catch(null),
  appointment: appointment.nullable().catch(null),
  patient: z.object({ name: z.string().optional().catch(undefined) }).catch({}),
});

const nothingYet: CallState = callState.parse({});
