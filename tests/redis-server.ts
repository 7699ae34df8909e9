import { describe } from 'vitest';
import { redisInstalled, startRedis } from './torture/processes.ts';

const installed = redisInstalled();
if (!installed && process.env['HOLDLINE_NO_SKIP'] === '1') {
  throw new Error(
    'redis-server is not installed, and HOLDLINE_NO_SKIP=1 forbids skipping the suites that need it',
  );
}
if (!installed) {
  process.stderr.write('\n*** REDIS SUITES ARE SKIPPED: redis-server is not installed ***\n\n');
}

/** A real Redis for the suites that need one; they are skipped, loudly, where `redis-server` is not installed. */
export const redisServer = { describe: describe.skipIf(!installed), start: startRedis };
