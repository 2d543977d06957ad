/** When a growing use is told. */
import { expect, test } from 'vitest';
import type { ToldLevel } from '../../../src/core/quota/warnings.ts';
import { stepWarning } from '../../../src/core/quota/warnings.ts';
import { HOUR } from '../../../src/core/time.ts';
import { aRecord, NOON } from '../../support/builders.ts';

const LEVELS = [0.8, 0.9];

/** The levels that a row of figures tells. */
function tell(figures: readonly number[], told: ToldLevel | null = null) {
  const said: [number, string][] = [];
  let memory = told;
  for (const used of figures) {
    const step = stepWarning(aRecord({ used }), memory, LEVELS, NOON);
    memory = step.told;
    if (step.warning !== null) said.push([step.warning.level, step.warning.severity]);
  }
  return said;
}

test('each level is told once, with its weight [R150]', () => {
  expect(tell([0.5, 0.79, 0.8, 0.85, 0.9, 0.95, 0.99, 1, 1.01])).toEqual([
    [0.8, 'info'],
    [0.9, 'warning'],
    [1, 'critical'],
  ]);
});

test('of levels that are crossed at once only the highest is told [R150]', () => {
  expect(tell([0.93])).toEqual([[0.9, 'warning']]);
});

test('sessions whose figures lag a little behind each other tell nothing twice [R150]', () => {
  expect(tell([0.8, 0.78, 0.81, 0.79, 0.8])).toEqual([[0.8, 'info']]);
});

test('the next window is told anew, whether its use fell or only its reset moved [R150]', () => {
  expect(tell([0.8, 0.02, 0.8])).toHaveLength(2);
  const told = { level: 0.8, resetAt: NOON - 3 * HOUR };
  expect(stepWarning(aRecord({ used: 0.82 }), told, LEVELS, NOON).warning?.level).toBe(0.8);
});

test('a window that is over or of which nothing is known tells nothing', () => {
  expect(stepWarning(aRecord({ used: 0.95, resetAt: NOON }), null, LEVELS, NOON).warning).toBeNull();
  expect(stepWarning(aRecord({ used: null }), null, LEVELS, NOON).warning).toBeNull();
});

test('without levels only a full window is told', () => {
  expect(stepWarning(aRecord({ used: 0.99 }), null, [], NOON).warning).toBeNull();
  expect(stepWarning(aRecord({ used: 1 }), null, [], NOON).warning?.severity).toBe('critical');
});
