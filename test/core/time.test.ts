/** Durations as the configuration writes them and as a person reads them. */
import { expect, test } from 'vitest';
import { DAY, formatDuration, HOUR, MINUTE, parseDuration, SECOND, toIso } from '../../src/core/time.ts';
import { NOON } from '../support/builders.ts';

test.each([
  ['150ms', 150],
  ['5s', 5 * SECOND],
  [' 10 m ', 10 * MINUTE],
  ['1.5h', 90 * MINUTE],
  ['30d', 30 * DAY],
  ['0s', 0],
  ['1h30m0s', 90 * MINUTE],
  ['1m 500ms', MINUTE + 500],
])('%j is a duration', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(['', '5', 's', '-5s', '5 weeks', '1h30', '1e3s', 'Infinityh', '5S'])('%j is none', (text) => {
  expect(parseDuration(text)).toBeNull();
});

test.each([
  [-5, '0 ms'],
  [150, '150 ms'],
  [SECOND, '1 s'],
  [59 * SECOND, '59 s'],
  [59.6 * SECOND, '1 m'],
  [72 * SECOND, '1 m 12 s'],
  [HOUR - 400, '1 h'],
  [72 * MINUTE, '1 h 12 m'],
  [47 * HOUR, '47 h'],
  [2 * DAY, '2 d'],
  [2 * DAY + 5 * HOUR, '2 d 5 h'],
])('%d ms is read as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test('an instant is written in UTC, none stays none', () => {
  expect(toIso(NOON)).toBe('2026-01-05T12:00:00.000Z');
  expect(toIso(null)).toBeNull();
});
