import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Scenario } from './scenario.ts';

/** What the caller does next. Without `say` the caller hangs up. */
export interface CallerLine {
  say?: string | undefined;
  /** The caller cuts in after so many words of the answer, or before any with 0. */
  interrupt?: { afterWords: number; say: string } | undefined;
  /** The caller hangs up as soon as the answer begins. */
  hangUp?: boolean;
}

export interface Caller extends Disposable {
  /** Answers what was heard last. */
  answer(heard: string): Promise<CallerLine>;
}

/** A caller who goes by a scenario's rules, so that any model, also one with words of its own, can be called. */
export function scriptedCaller({ opening, rules, otherwise }: Scenario): Caller {
  const used = new Set<object>();
  let hasSpoken = false;
  return {
    async answer(heard) {
      if (!hasSpoken) {
        hasSpoken = true;
        return { say: opening };
      }
      const rule = rules.find((one) => one.when.test(heard) && !used.has(one));
      if (rule?.once) used.add(rule);
      return rule ?? { say: otherwise };
    },
    [Symbol.dispose]() {},
  };
}

/** A person who types the caller's part. An empty line is silence, on which Vapi sends nothing; the end hangs up. */
export function typingCaller({ input, output }: { input: Readable; output: Writable }): Caller {
  const reader = createInterface({ input, output, prompt: isTerminal(input) ? 'Caller:   ' : '' });
  const lines = reader[Symbol.asyncIterator]();
  // Lines that came before the input ended are still answered; only prompting for more is refused by then.
  let isOpen = true;
  reader.once('close', () => {
    isOpen = false;
  });
  // A terminal in line mode hands Ctrl-C to the reader instead of the process.
  reader.on('SIGINT', () => reader.close());
  return {
    async answer() {
      while (true) {
        if (isOpen) reader.prompt();
        const { done, value } = await lines.next();
        if (done) {
          // The prompt's own line ends without the caller having typed a line end.
          if (isTerminal(input)) output.write('\n');
          return {};
        }
        if (value.trim() !== '') return { say: value.trim() };
        output.write('          (silence: the platform waits)\n');
      }
    },
    [Symbol.dispose]() {
      reader.close();
    },
  };
}

/** Lines from a file or a pipe are not on the screen already. */
export function isTerminal(input: Readable): boolean {
  return 'isTTY' in input && input.isTTY === true;
}
