/** Figures as text. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ageText,
  countText,
  mebibytesText,
  millisecondsText,
  percentText,
  rateText,
} from '../../src/base/figure-text.ts';

const CASES: readonly [text: (value: number) => string, value: number, expected: string][] = [
  [rateText, 0, '0'],
  [rateText, 0.44, '0.4'],
  [rateText, 12.4, '12'],
  [rateText, 12_345.6, '12,346'],
  [countText, 1_234_567, '1,234,567'],
  [percentText, 0, '0 %'],
  [percentText, 0.0004, '<0.1 %'],
  [percentText, 0.004, '0.4 %'],
  [percentText, 0.123, '12 %'],
  [percentText, 0.99999, '99.99 %'],
  [percentText, 1, '100 %'],
  [millisecondsText, 0.25, '0.25 ms'],
  [millisecondsText, 0.02, '0.02 ms'],
  [millisecondsText, 64, '64 ms'],
  [millisecondsText, 8192, '8.2 s'],
  [mebibytesText, 3_250_586, '3.1 MiB'],
  [ageText, 48.4, '48s'],
  [ageText, 300, '5m'],
  [ageText, 11_520, '3h 12m'],
  [ageText, 1_483_200, '17d 4h'],
];

for (const [text, value, expected] of CASES) {
  test(`${text.name} ${value}: ${expected}`, () => assert.equal(text(value), expected));
}
