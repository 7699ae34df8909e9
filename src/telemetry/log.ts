import { type Logger, pino } from 'pino';

export type Log = Logger;

/**
 * The process's log: one JSON line per event on standard output, or readable lines when `pretty`.
 * Whatever a caller said, is called, or can be reached at goes under the key `pii`, which never leaves
 * the process; secrets and raw bodies are not logged at all.
 */
export function createLog({ level, pretty }: { level: string; pretty: boolean }): Log {
  return pino({
    level,
    redact: { paths: ['pii', '*.pii'], censor: '[redacted]' },
    base: null,
    ...(pretty
      ? { transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname', translateTime: 'HH:MM:ss.l' } } }
      : {}),
  });
}
