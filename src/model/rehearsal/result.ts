import { z } from 'zod';

/** One short sentence out of a tool's result, for a second pass; a result in no known form is passed over. */
export function sentenceFromResult(content: string): string {
  const result = readResult(content);
  if (!result) return 'Is there anything else I can do for you?';
  const { success, slots, nearest, appointmentId, expiresAt } = result;
  if (success && slots.length > 0) return `I have ${listOf(slots)}. Which would you like?`;
  if (success && appointmentId) return 'You are booked. Is there anything else I can do for you?';
  if (success && expiresAt) return 'I am holding that time for you. What name shall I book it under?';
  if (nearest.length > 0)
    return `That does not work, but I have ${listOf(nearest)}. Would one of those suit you?`;
  return success ? 'That is done.' : 'That did not work. Which other day or time would suit you?';
}

/** `a, b or c`, as a voice reads a list. */
export function listOf(slots: { spoken: string }[]): string {
  const spoken = slots.map((slot) => slot.spoken);
  const last = spoken.pop() ?? '';
  return spoken.length > 0 ? `${spoken.join(', ')} or ${last}` : last;
}

function readResult(content: string): z.infer<typeof toolResult> | undefined {
  try {
    return toolResult.safeParse(JSON.parse(content)).data;
  } catch {
    return undefined;
  }
}

const slots = z.array(z.object({ spoken: z.string() })).catch([]);
const toolResult = z.object({
  success: z.boolean(),
  slots,
  nearest: slots,
  appointmentId: z.string().optional().catch(undefined),
  expiresAt: z.string().optional().catch(undefined),
});
