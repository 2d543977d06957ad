/** The last day of an account, from what is written down of it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dayStrips } from '../../src/core/day-strip.ts';
import type { Activation } from '../../src/core/swap/swap.ts';
import { DAY, HOUR, MINUTE } from '../../src/core/time.ts';
import { event, NOW } from '../support/daemon-facts.ts';

function activation(account: string, agoMs: number, pool = 'work'): Activation {
  return { pool, account, since: NOW - agoMs, cause: 'swap' };
}

test('an account is active until the next one of its pool, and from before the day began [R280]', () => {
  const strips = dayStrips(
    [activation('a', HOUR), activation('b', 3 * HOUR), activation('c', 20 * HOUR, 'other'), activation('a', 40 * HOUR)],
    [],
    NOW,
  );
  expect(strips.get('a')?.active).toEqual([
    [NOW - DAY, NOW - 3 * HOUR],
    [NOW - HOUR, NOW],
  ]);
  expect(strips.get('b')?.active).toEqual([[NOW - 3 * HOUR, NOW - HOUR]]);
  expect(strips.get('c')?.active).toEqual([[NOW - 20 * HOUR, NOW]]);
});

test('of two activations at the same instant the later one counts [R280]', () => {
  const strips = dayStrips([activation('b', HOUR), activation('a', HOUR)], [], NOW);
  expect(strips.get('b')?.active).toEqual([[NOW - HOUR, NOW]]);
  expect(strips.has('a')).toBe(false);
});

test('limits are those of the last day, whoever was active [R280]', () => {
  const hits = [30 * HOUR, 5 * HOUR, 7 * HOUR].map((agoMs) => event({ account: 'b', at: NOW - agoMs }));
  const nobody = event({ account: null, at: NOW - MINUTE });
  expect(dayStrips([], [...hits, nobody], NOW)).toEqual(
    new Map([['b', { active: [], limitsAt: [NOW - 7 * HOUR, NOW - 5 * HOUR] }]]),
  );
});

test('whatever is written down, spans lie within the day, in order, and do not touch those of another account [R280]', () => {
  const row = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat({ max: 3 * DAY }));
  fc.assert(
    fc.property(fc.array(row, { maxLength: 30 }), (rows) => {
      const activations = rows.map(([account, agoMs]) => activation(account, agoMs)).sort((x, y) => y.since - x.since);
      const spans = [...dayStrips(activations, [], NOW).values()].flatMap(({ active }) => active);
      const ordered = [...spans].sort((x, y) => x[0] - y[0]);
      ordered.forEach(([from, to], i) => {
        expect(from).toBeLessThan(to);
        expect(from).toBeGreaterThanOrEqual(i === 0 ? NOW - DAY : (ordered[i - 1]?.[1] ?? 0));
        expect(to).toBeLessThanOrEqual(NOW);
      });
    }),
  );
});
