import { setTimeout as delay } from 'node:timers/promises';
import { type Redis, ReplyError } from 'ioredis';
import type { Log } from '#telemetry/log.ts';

/** Leaves Redis out of the way of callers while it does not answer. */
export interface Breaker extends Disposable {
  readonly available: boolean;
  /** What Redis answers; undefined at once while it is left out, and when it does not answer in time. Never throws. */
  ask<T>(command: () => Promise<T>): Promise<T | undefined>;
}

/**
 * Redis beside us answers in less than one millisecond; one that takes longer than this does not speed anything up.
 * It is what a slow, paused or absent Redis costs the callers of one moment, once.
 */
const usualDeadlineMs = 20;
/** How often a Redis that is left out is asked whether it is back. */
const pingEveryMs = 250;
/** A connection on which nothing comes back for this long is dead, whatever the operating system says. */
const deadAfterMs = 5_000;

/** Watches a connection that is set to reconnect by itself. Its loss is one log line, its return another. */
export function watch(redis: Redis, log: Log, commandDeadlineMs = usualDeadlineMs): Breaker {
  const waiting = new Set<() => void>();
  const closing = new AbortController();
  const complained = new Set<string>();
  let available = false;
  let looking = false;

  function leaveOut(reason: string): void {
    if (!available) return;
    available = false;
    log.warn({ reason }, 'Redis is left out until it answers again');
    for (const giveUp of waiting) giveUp();
    void look();
  }

  function bringBack(): void {
    available = true;
    log.info('Redis answers');
  }

  /** Asks until an answer comes in time. Only one question is open at any moment: a paused Redis hears them all later. */
  async function look(): Promise<void> {
    if (looking) return;
    looking = true;
    while (!available && redis.status === 'ready' && !closing.signal.aborted) {
      const askedMs = performance.now();
      const answer = await Promise.race([
        redis.ping().catch((error: unknown) => (error instanceof ReplyError ? 'refused' : 'lost')),
        delay(deadAfterMs, 'dead', { ref: false }),
      ]);
      const tookMs = performance.now() - askedMs;
      if (answer === 'dead') redis.disconnect(true);
      else if (answer === 'PONG' && tookMs <= commandDeadlineMs && redis.status === 'ready') bringBack();
      else await delay(pingEveryMs, undefined, { ref: false, signal: closing.signal }).catch(() => {});
    }
    looking = false;
  }

  function ask<T>(command: () => Promise<T>): Promise<T | undefined> {
    if (!available) return Promise.resolve(undefined);
    const { promise, resolve } = Promise.withResolvers<T | undefined>();
    const giveUp = () => settle(undefined);
    const settle = (answer: T | undefined) => {
      clearTimeout(timer);
      waiting.delete(giveUp);
      resolve(answer);
    };
    const late = () => {
      if (waiting.has(giveUp)) leaveOut(`no answer within ${commandDeadlineMs} ms`);
    };
    // When we were busy for longer ourselves, the answer has arrived and is read before the immediate runs.
    const timer = setTimeout(() => setImmediate(late), commandDeadlineMs);
    waiting.add(giveUp);
    command().then(settle, (error: Error) => {
      if (error instanceof ReplyError) complain(error);
      else leaveOut(error.message);
      settle(undefined);
    });
    return promise;
  }

  /** It answered, but will not do it (out of memory, a read-only replica, …): once per kind, or the log drowns. */
  function complain({ message }: Error): void {
    const kind = message.split(' ')[0] ?? '';
    if (complained.has(kind)) return;
    complained.add(kind);
    log.warn({ reason: message }, 'Redis refuses a command');
  }

  redis.on('ready', () => void look());
  redis.on('close', () => leaveOut('the connection was lost'));
  return {
    get available() {
      return available;
    },
    ask,
    [Symbol.dispose]() {
      available = false;
      closing.abort();
      for (const giveUp of waiting) giveUp();
    },
  };
}
