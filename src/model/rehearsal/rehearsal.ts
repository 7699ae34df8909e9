import { setImmediate, setTimeout } from 'node:timers/promises';
import type { LanguageModel, ModelDelta, ModelMessage, ModelRequest } from '#model/language-model.ts';
import { answerTo } from './answer.ts';
import { readCallState } from './call-state.ts';
import type { RehearsedAnswer } from './hearing.ts';

/**
 * A stand-in for a language model: no key, no network, the same words in give the same words out. It reads what a
 * real model reads (messages and tools), streams word by word, calls tools, and stops when `signal` is aborted, with
 * the signal's reason thrown. It understands English only, and only what a booking needs.
 *
 * `msBetweenDeltas` slows the stream to a real model's pace; without it deltas come as fast as they are read.
 */
export function createRehearsalModel({
  msBetweenDeltas = 0,
}: {
  msBetweenDeltas?: number;
} = {}): LanguageModel {
  return {
    name: 'rehearsal',
    async *stream(request, signal) {
      for (const delta of deltas(request)) {
        // Even at full speed each delta is its own turn of the event loop: a stream that arrives all at once would
        // hide every fault in how callers of a stream cope with being interrupted.
        await (msBetweenDeltas > 0 ? setTimeout(msBetweenDeltas, undefined, { signal }) : setImmediate());
        signal.throwIfAborted();
        yield delta;
      }
    },
  };
}

function deltas(request: ModelRequest): ModelDelta[] {
  const { say, call } = rehearsedAnswer(request);
  const words: ModelDelta[] = (say?.match(/\S+\s*/g) ?? []).map((text) => ({ type: 'text', text }));
  if (!call) return [...words, { type: 'finish', reason: 'stop' }];
  const id = `call_rehearsal_${request.messages.length}`;
  return [...words, { type: 'tool-call', id, ...call }, { type: 'finish', reason: 'tool_calls' }];
}

function rehearsedAnswer({ messages, tools }: ModelRequest): RehearsedAnswer {
  const spoken = messages.filter((message) => message.role !== 'system');
  const last = spoken.at(-1);
  const callerWords = spoken.flatMap((message) =>
    message.role === 'user' ? [inWords(message.content)] : [],
  );
  return answerTo({
    ...readCallState(firstSystemMessage(messages)),
    words: callerWords.at(-1) ?? '',
    earlierWords: callerWords.slice(0, -1),
    callerSpokeLast: last?.role === 'user',
    toolResult: last?.role === 'tool' ? last.content : undefined,
    assistantWords: spoken.findLast((message) => message.role === 'assistant')?.content ?? '',
    tools,
  });
}

/** What pressed keys mean here: the place of an offer, or 0 for a person. */
function inWords(content: string): string {
  const [, keys] = /^user['’]s keypad entry: ?(\d)$/i.exec(content) ?? [];
  if (keys === undefined) return content;
  return keys === '0' ? 'A person, please.' : `Number ${keys}, please.`;
}

function firstSystemMessage(messages: ModelMessage[]): string {
  return messages.find((message) => message.role === 'system')?.content ?? '';
}
