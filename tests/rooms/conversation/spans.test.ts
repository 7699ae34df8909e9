import { expect, test, vi } from 'vitest';
import { TurnSpans } from '#conversation/spans.ts';
import type { Log } from '#telemetry/log.ts';
import { metricsPage } from '#telemetry/metrics.ts';

const about = { organization: 'clinic', call: 'a-call' };

/** A turn whose first words came so long after its request, with what went before. */
function ended(firstByteMs: number, note: (spans: TurnSpans) => void) {
  const warn = vi.fn();
  const spans = new TurnSpans(performance.now() - firstByteMs);
  spans.ms.authenticate = 1;
  note(spans);
  spans.spoke();
  spans.end({ warn } as unknown as Log, about);
  return warn;
}

test('a turn over its budget is told once, with the slowest of its spans', () => {
  const warn = ended(400, (spans) => {
    spans.note('callLookup', 300);
    spans.note('prompt', 5);
  });
  expect(warn).toHaveBeenCalledTimes(1);
  expect(warn.mock.calls[0]?.[0]).toMatchObject({
    ...about,
    slowest: 'callLookup',
    spans: { callLookup: 300 },
  });
});

test('the model’s time is not ours, until the caller waits too long in all', () => {
  expect(ended(1_000, (spans) => spans.note('modelFirstToken', 950))).not.toHaveBeenCalled();
  const warn = ended(3_000, (spans) => spans.note('modelFirstToken', 2_950));
  expect(warn.mock.calls[0]?.[0]).toMatchObject({ slowest: 'modelFirstToken' });
});

test('time that no span explains is said to be elsewhere', () => {
  expect(ended(900, (spans) => spans.note('prompt', 5)).mock.calls[0]?.[0]).toMatchObject({
    slowest: 'elsewhere',
  });
});

test('every span is a figure, and no organization is named in it', async () => {
  ended(10, (spans) => spans.tool('check_availability', 2));
  const { text } = await metricsPage();
  for (const span of ['authenticate', 'tool', 'firstByteOut', 'total'])
    expect(text).toContain(`holdline_turn_span_seconds_count{span="${span}"}`);
  expect(text).not.toContain('clinic');
});
