import { z } from 'zod';

/** What our code tells the model about this call; times are the clinic's own, `spoken` is how a voice says them. */
export type CallState = Omit<z.infer<typeof callState>, 'hold'> & {
  hold: z.infer<typeof hold> | null;
  /** There is a hold, but whose it is has to be said first. */
  unclaimedHold: boolean;
};
export type ToldOffer = CallState['offers'][number];

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
    return sorted(callState.parse(JSON.parse(systemMessage.slice(from + opening.length, to))));
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
/** A hold of the call before, of which nothing is told until the caller gives the name on it. */
const unclaimedHold = z.object({ fromEarlierCall: z.literal(true) });
const appointment = z.object({ startsAt: z.string().catch(''), spoken: z.string() });

/** Appointments of the caller's that may be changed. */
const found = z.object({ ...offer.omit({ slotId: true }).shape, appointmentId: z.string() });

const callState = z.object({
  offers: z.array(offer).catch([]),
  hold: hold.or(unclaimedHold).nullable().catch(null),
  appointment: appointment.nullable().catch(null),
  found: z.array(found).catch([]),
  patient: z.object({ name: z.string().optional().catch(undefined) }).catch({}),
});

function sorted({ hold: told, ...state }: z.infer<typeof callState>): CallState {
  const unclaimed = told !== null && 'fromEarlierCall' in told;
  return { ...state, hold: unclaimed ? null : told, unclaimedHold: unclaimed };
}

const nothingYet: CallState = sorted(callState.parse({}));
