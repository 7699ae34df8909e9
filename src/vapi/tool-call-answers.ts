import type { Conversation } from '#conversation/conversation.ts';
import type { SpokenWords } from '#conversation/speech.ts';
import type { Organization } from '#organization/organization.ts';
import type { Log } from '#telemetry/log.ts';
import type { WireToolCall } from './server-message.ts';
import type { CallReference } from './wire.ts';

export interface ToolCallsParts extends Pick<Conversation, 'runTools'> {
  log: Log;
}

/** The answer to one call: `result` is one line of JSON, `message` what Vapi speaks instead of asking its model. */
export type ToolCallAnswer = { toolCallId: string; name: string; message?: SpokenMessage } & (
  | { result: string }
  | { error: string }
);

interface SpokenMessage {
  type: 'request-complete' | 'request-failed';
  role: 'assistant';
  content: SpokenWords;
}

/**
 * Runs the tool calls of a message, in their order. Every call gets an answer under its own id, also when nothing
 * could be run: without one Vapi's model hears "No result returned." and makes something up.
 */
export async function answerToolCalls(
  { runTools, log }: ToolCallsParts,
  { callSid, caller, calls }: Pick<CallReference, 'callSid' | 'caller'> & { calls: WireToolCall[] },
  organization: Organization | undefined,
): Promise<ToolCallAnswer[]> {
  const named = calls.map(({ id, name }) => ({ toolCallId: id, name }));
  if (organization === undefined || callSid === undefined) {
    const error =
      callSid === undefined ? 'the message names no call' : 'the call is for an organization nobody knows';
    log.warn({ problem: error }, 'tool calls were not run');
    return named.map((one) => ({ ...one, error }));
  }
  const runs = await runTools({ organization, callSid, caller, calls, now: new Date() });
  return named.map((one, index) => {
    const run = runs[index];
    if (run === undefined) return { ...one, error: 'the calendar cannot be reached right now' };
    // A result must be one line; JSON without indentation is.
    const result = JSON.stringify(run.result);
    // Our own model is told the result and words it by our templates; another's would word it anew, in a second pass.
    if (organization.model === 'holdline' || run.speech === '') return { ...one, result };
    const type = run.result.success ? 'request-complete' : 'request-failed';
    return { ...one, result, message: { type, role: 'assistant', content: run.speech } };
  });
}
