// Sets the clock of a test file, before anything else of it is loaded.
import { moveDate, realNowMs } from './moved-date.ts';
import { offsetFor } from './test-clock.ts';

const offsetMs = offsetFor(process.env['TEST_CLOCK'], realNowMs());
if (offsetMs !== 0) {
  process.env['CLOCK_OFFSET_MS'] = String(offsetMs);
  moveDate();
}
