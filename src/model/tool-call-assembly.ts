import { randomUUID } from 'node:crypto';
import { ModelError } from './language-model.ts';
import type { ToolCallFragment } from './provider-chunk.ts';

export interface AssembledCall {
  id: string;
  name: string;
  arguments: Record<string, unknown>;
}

/**
 * Puts tool calls together from fragments. A known id wins over an index, because some providers give the index of
 * another call; without either, a name opens a new call and anything else belongs to the current one. A call is
 * closed by the next one or by the end, never by arguments that happen to parse: fragments may still follow.
 */
export class ToolCallAssembly {
  #open: OpenCall[] = [];
  #current: OpenCall | undefined;

  /** Whether a call is still being written. */
  get open(): boolean {
    return this.#open.length > 0;
  }

  /** Takes a fragment and gives the calls that it closes, in order. */
  add(fragment: ToolCallFragment): AssembledCall[] {
    const call = this.#find(fragment);
    const closed = call === undefined ? this.#openNew(fragment) : [];
    const target = call ?? this.#current;
    if (target === undefined) return closed;
    this.#current = target;
    target.name ||= fragment.function?.name ?? '';
    target.id ||= fragment.id ?? '';
    const given = fragment.function?.arguments;
    if (typeof given === 'string') target.text += given;
    else if (given !== undefined && given !== null) target.text = JSON.stringify(given);
    return closed;
  }

  /** Closes what is left. */
  end(): AssembledCall[] {
    return this.#close(this.#open);
  }

  #find({ id, index, function: f }: ToolCallFragment): OpenCall | undefined {
    if (id) {
      const known = this.#open.find((call) => call.id === id);
      if (known !== undefined) return known;
      // The id of a call that was opened without one, at the same index and still nameless or unnumbered.
      return this.#open.findLast(
        (call) => call.id === '' && call.index === index && index !== undefined && !f?.name,
      );
    }
    if (index !== undefined && index !== null) return this.#open.findLast((call) => call.index === index);
    return f?.name ? undefined : this.#current;
  }

  #openNew({ index, id }: ToolCallFragment): AssembledCall[] {
    // Parallel calls that are written in turns would be closed too early; none was ever seen to come back.
    const closed = this.#close(this.#open);
    this.#current = { id: id ?? '', index, name: '', text: '' };
    this.#open = [this.#current];
    return closed;
  }

  #close(calls: OpenCall[]): AssembledCall[] {
    this.#open = [];
    this.#current = undefined;
    return calls.map(finished);
  }
}

interface OpenCall {
  id: string;
  index: number | null | undefined;
  name: string;
  text: string;
}

function finished({ id, name, text }: OpenCall): AssembledCall {
  if (name === '') throw new ModelError('unreadable', 'a tool call has no name');
  return { id: id || `call_${randomUUID()}`, name, arguments: parseArguments(name, text) };
}

/** No arguments come as nothing, as "{}" and as "null". */
function parseArguments(name: string, text: string): Record<string, unknown> {
  if (text.trim() === '' || text.trim() === 'null') return {};
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
      return parsed as Record<string, unknown>;
  } catch (error) {
    throw new ModelError('unreadable', `the arguments of ${name} are not JSON`, { cause: error });
  }
  throw new ModelError('unreadable', `the arguments of ${name} are not an object`);
}
