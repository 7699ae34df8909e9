import { type DestinationStream, type Logger, pino } from 'pino';
import { build as pinoPretty } from 'pino-pretty';

export type Log = Logger;

/**
 * The process's log: one JSON line per event on standard output, or readable lines when `pretty`.
 * Whatever a caller said, is called, or can be reached at goes under the key `pii`, which never leaves
 * the process; secrets and raw bodies are not logged at all.
 */
export function createLog({
  level,
  pretty,
  to,
}: {
  level: string;
  pretty: boolean;
  /** Where the JSON lines go instead. */
  to?: DestinationStream;
}): Log {
  const options = {
    level,
    redact: { paths: ['pii', '*.pii'], censor: '[redacted]' },
    base: null,
  };
  // In this thread and synchronous: the last line before an exit is the one that matters.
  return pretty
    ? pino(options, pinoPretty({ sync: true, translateTime: 'HH:MM:ss.l' }))
    : to === undefined
      ? pino(options)
      : pino(options, to);
}
