import { z } from 'zod';
import { ModelError } from './language-model.ts';

/** What a chunk of a provider's stream gives us; everything else it holds is left out. */
export interface ProviderChunk {
  /** Words to be spoken, or nothing. */
  text: string;
  /** Pieces of tool calls, in order. */
  toolCalls: ToolCallFragment[];
  /** Why the provider is done, where it says so; the word may be one that nobody knows. */
  finish: string | undefined;
}

/** Absent where a provider leaves it out, says null, or sends something else in its place. */
const lenient = <T extends z.ZodType>(schema: T) => schema.nullish().catch(undefined);

/** A piece of a tool call. */
const fragment = z.object({
  index: lenient(z.number()),
  id: lenient(z.string()),
  function: lenient(z.object({ name: lenient(z.string()), arguments: z.unknown().optional() })),
});

export type ToolCallFragment = z.infer<typeof fragment>;

const contentPart = z.object({ type: z.literal('text'), text: z.string() });

const delta = z.object({
  content: lenient(z.union([z.string(), z.array(lenient(contentPart))])),
  refusal: lenient(z.string()),
  tool_calls: lenient(z.array(lenient(fragment))),
  extra_content: lenient(z.object({ google: lenient(z.object({ thought: lenient(z.boolean()) })) })),
});

const choice = z.object({
  index: lenient(z.number()),
  delta: lenient(delta),
  finish_reason: lenient(z.string()),
});

/** The one place where the shape of what a provider sends is known. */
const chunk = z.object({ choices: lenient(z.array(lenient(choice))), error: z.unknown().optional() });

/** A chunk without a choice of ours: usage, filters, another choice. */
const nothing: ProviderChunk = { text: '', toolCalls: [], finish: undefined };

/**
 * Reads one chunk. Odd shapes are left out of it, as far as the rest can be used without them.
 *
 * @param data the chunk's JSON
 * @throws ModelError when it is no JSON, or tells of an error
 */
export function readProviderChunk(data: string): ProviderChunk {
  const read = chunk.safeParse(jsonOf(data));
  if (!read.success) return nothing;
  refuseError(read.data.error);
  const ours = (read.data.choices ?? []).find((one) => one && (one.index ?? 0) === 0);
  if (!ours) return nothing;
  return {
    text: spokenText(ours.delta),
    toolCalls: (ours.delta?.tool_calls ?? []).filter((one) => one !== null && one !== undefined),
    finish: ours.finish_reason ?? undefined,
  };
}

function jsonOf(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch (error) {
    throw new ModelError('unreadable', 'a chunk of the stream is not JSON', { cause: error });
  }
}

const namedError = z.object({ type: z.string() });

/** Errors arrive after a 200 too, alone or beside choices. Their text may repeat the prompt, so only the type is kept. */
function refuseError(error: unknown): void {
  if (error === undefined || error === null) return;
  const type = namedError.safeParse(error).data?.type ?? 'unnamed';
  throw new ModelError('cut-off', `the provider reported an error in the stream (${type.slice(0, 60)})`);
}

/** Words to be spoken: never thinking, in whatever field or mark it comes; a refusal is an answer too. */
function spokenText(given: z.infer<typeof choice>['delta']): string {
  if (!given || given.extra_content?.google?.thought === true) return '';
  const { content, refusal } = given;
  if (typeof content === 'string' && content !== '') return content.replace(/<\/?thought>/g, '');
  if (Array.isArray(content)) return content.map((part) => part?.text ?? '').join('');
  return refusal ?? '';
}
