import { expect, test } from 'vitest';
import { counter, durations, gauge, metricsPage } from '#telemetry/metrics.ts';

test('what is counted and measured stands on the page, times in seconds', async () => {
  const taken = counter('test_holds_total', 'Holds.', ['outcome']);
  taken({ outcome: 'held' });
  taken({ outcome: 'held' }, 2);
  durations('test_check_seconds', 'Checks.')(250, {});
  gauge('test_waiting', 'Waiting.', async () => 7);
  const { text } = await metricsPage();
  expect(text).toContain('test_holds_total{outcome="held"} 3');
  expect(text).toContain('test_check_seconds_sum 0.25');
  expect(text).toContain('test_waiting 7');
});

test('a figure that two parts ask for is one figure; of two readers the latest is asked', async () => {
  counter('test_twice_total', 'Twice.')({});
  counter('test_twice_total', 'Twice.')({});
  gauge('test_read', 'Read.', () => 1);
  gauge('test_read', 'Read.', () => 2);
  const { text } = await metricsPage();
  expect(text).toContain('test_twice_total 2');
  expect(text).toContain('test_read 2');
});

test('a label that has a value for each organization, call or person is refused', () => {
  for (const label of ['organization', 'call', 'phone']) {
    expect(() => counter(`test_${label}_total`, 'No.', [label])).toThrow(label);
  }
});
