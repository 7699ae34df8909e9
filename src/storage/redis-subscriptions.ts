import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Log } from '#telemetry/log.ts';
import type { ChannelListener, Subscription } from './store.ts';

/** What this process listens to in Redis, over one connection of its own: a connection that listens can do nothing else. */
export interface Subscriptions extends Disposable {
  add(channel: string, listener: ChannelListener): Subscription;
}

/** A connection on which nothing comes back for this long is dead, whatever the operating system says. */
const pingEveryMs = 2_000;

/**
 * Opens the connection with the first subscription; it reconnects by itself and then listens to everything again.
 *
 * @param connect gives a connection that is not open yet
 */
export function openSubscriptions(connect: () => Redis, log: Log): Subscriptions {
  const channels = new Map<string, Set<ChannelListener>>();
  const closing = new AbortController();
  let redis: Redis | undefined;
  /** Redis has said that it listens to these, on the connection that is open now. */
  const heard = new Set<string>();

  function lost(channel: string): void {
    for (const listener of channels.get(channel) ?? []) listener.onLost();
  }

  function open(): Redis {
    const opened = connect();
    // Lost messages are told to listeners, not the log: the store's own connection complains already.
    opened.on('error', () => {});
    opened.options.autoResubscribe = false;
    opened.on('ready', () => {
      for (const channel of channels.keys()) void listenTo(opened, channel);
      void watchOver(opened, closing.signal, log);
    });
    opened.on('close', () => {
      const broken = [...heard];
      heard.clear();
      for (const channel of broken) lost(channel);
    });
    opened.on('message', (name: string, message: string) => {
      const channel = name.slice(channelName(opened, '').length);
      for (const listener of channels.get(channel) ?? []) listener.onMessage(message);
    });
    opened.connect().catch(() => {});
    return opened;
  }

  async function listenTo(on: Redis, channel: string): Promise<void> {
    if (on.status !== 'ready') return;
    try {
      await on.subscribe(channelName(on, channel));
    } catch {
      // The connection went in between: the next one listens.
      return;
    }
    if (on.status !== 'ready' || !channels.has(channel)) return;
    heard.add(channel);
    // What was published until now has been missed.
    lost(channel);
  }

  return {
    add(channel, given) {
      // One object per subscription, so that the same listener may subscribe twice.
      const listener: ChannelListener = {
        onMessage: (message) => given.onMessage(message),
        onLost: () => given.onLost(),
      };
      const known = channels.get(channel);
      const listeners = known ?? new Set<ChannelListener>();
      channels.set(channel, listeners.add(listener));
      if (redis === undefined) redis = open();
      // Heard from now on by those who came later, too.
      else if (known === undefined) void listenTo(redis, channel);
      return {
        get live() {
          return heard.has(channel) && listeners.has(listener);
        },
        [Symbol.dispose]() {
          listeners.delete(listener);
          if (listeners.size > 0 || channels.get(channel) !== listeners) return;
          channels.delete(channel);
          heard.delete(channel);
          if (redis?.status === 'ready') redis.unsubscribe(channelName(redis, channel)).catch(() => {});
        },
      };
    },
    [Symbol.dispose]() {
      closing.abort();
      channels.clear();
      heard.clear();
      redis?.disconnect();
    },
  };
}

/** Asks until the connection ends. An answer that does not come ends it, and it opens anew. */
async function watchOver(on: Redis, signal: AbortSignal, log: Log): Promise<void> {
  while (on.status === 'ready' && !signal.aborted) {
    const answer = await Promise.race([
      on.ping().then(
        () => 'answered',
        () => 'lost',
      ),
      delay(pingEveryMs, 'dead', { ref: false }),
    ]);
    if (answer === 'dead') {
      log.warn('Redis does not answer a listener; its connection is opened anew');
      on.disconnect(true);
    }
    if (answer !== 'answered') return;
    await delay(pingEveryMs, undefined, { ref: false, signal }).catch(() => {});
  }
}

/** A channel's name in Redis, where numbered databases share all channels. */
export function channelName(redis: Redis, channel: string): string {
  return `holdline/${redis.options.db ?? 0}/${channel}`;
}
