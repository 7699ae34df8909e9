// Sets the clock of a test file: TEST_CLOCK, an ISO instant, is what it shows when the file begins. The real time if
// TEST_CLOCK is not set. The two differ by whole seconds.
import { moveDate, realNowMs } from './moved-date.ts';

const wanted = process.env['TEST_CLOCK'];
if (wanted !== undefined) {
  const offsetMs = Math.round((Date.parse(wanted) - realNowMs()) / 1000) * 1000;
  if (Number.isNaN(offsetMs)) throw new Error(`TEST_CLOCK is no instant: ${wanted}`);
  process.env['CLOCK_OFFSET_MS'] = String(offsetMs);
  moveDate();
}
