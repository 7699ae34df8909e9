import { expect, test } from 'vitest';
import { masked } from '#telemetry/masking.ts';

test.each([
  ['Maria da Silva', 'M. d. S.'],
  ['  Ana   María  López Pérez ', 'A. M. L.'],
  ['Łukasz', 'Ł.'],
  ['+12125550142', '…42'],
  ['', null],
  ['  ', null],
  [null, null],
  [undefined, null],
])('%j is shown as %j', (given, shown) => {
  expect(masked(given)).toBe(shown);
});
