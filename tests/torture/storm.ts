import { setTimeout } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Sql } from 'postgres';
import type { Restartable } from './processes.ts';
import type { Random } from './random.ts';

export interface Storm {
  /** How often each fault struck. */
  faults: Record<string, number>;
  /** Ends after the fault that is under way; everything is up again then. */
  stopped: Promise<void>;
}

interface Targets {
  servers: Restartable[];
  redis: Restartable | undefined;
  /** Not through Holdline's own connections: those are what is cut. */
  admin: Sql;
  restartPostgres(mode: 'fast' | 'immediate'): Promise<void>;
}

/** Time between two faults, in milliseconds: enough for the run to do some work, short enough for many faults. */
const calmMs = { from: 500, to: 2_500 };

/**
 * Strikes one fault after another, chosen by the seed, until the signal. Each ends with what it broke being whole
 * again; two of a kind never overlap, faults of different kinds may.
 */
export function unleash(targets: Targets, random: Random, signal: AbortSignal): Storm {
  const faults: Record<string, number> = {};
  const available = Object.entries(faultsOf(targets, random));
  const stopped = (async () => {
    while (!signal.aborted) {
      await setTimeout(calmMs.from + random.below(calmMs.to - calmMs.from), undefined, { signal }).catch(
        () => {},
      );
      if (signal.aborted) return;
      const [name, strike] = random.pick(available) ?? [];
      if (name === undefined || strike === undefined) return;
      await strike();
      faults[name] = (faults[name] ?? 0) + 1;
    }
  })();
  return { faults, stopped };
}

function faultsOf({ servers, redis, admin, restartPostgres }: Targets, random: Random) {
  const faults: Record<string, () => Promise<void>> = {
    'server killed': async () => {
      const server = random.pick(servers);
      await server?.kill();
      await setTimeout(random.below(1_000));
      await server?.start();
    },
    'server paused': async () => {
      const server = random.pick(servers);
      server?.pause();
      await setTimeout(200 + random.below(1_500));
      server?.resume();
    },
    'Postgres connections cut': async () => {
      await admin`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = 'holdline' and usename = 'holdline' and backend_type = 'client backend'`;
    },
    'Postgres restarted': () => restartPostgres('fast'),
    'Postgres crashed': () => restartPostgres('immediate'),
  };
  if (redis !== undefined) {
    faults['Redis killed'] = async () => {
      await redis.kill();
      await setTimeout(random.below(1_000));
      await redis.start();
    };
    faults['Redis paused'] = async () => {
      redis.pause();
      await setTimeout(200 + random.below(3_500));
      redis.resume();
    };
    faults['Redis emptied'] = () => emptyRedis(redis.url);
  }
  return faults;
}

async function emptyRedis(url: string): Promise<void> {
  const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 0 });
  redis.on('error', () => {});
  try {
    await redis.connect();
    await redis.flushall();
  } finally {
    redis.disconnect();
  }
}
