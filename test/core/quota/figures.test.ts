/** Whose use a figure is, and which figure a warning tells. */
import { describe, expect, test } from 'vitest';
import type { FigureOwner, SessionFigure } from '../../../src/core/quota/figures.ts';
import { chargeFigure, figureOf } from '../../../src/core/quota/figures.ts';
import { readScreen } from '../../../src/core/screen/reading.ts';
import { HOUR, MINUTE, SECOND } from '../../../src/core/time.ts';
import { NOON } from '../../support/builders.ts';

const FLIP = NOON - HOUR;
const OWNER: FigureOwner = {
  followsLink: true,
  processStartedAt: NOON - 5 * HOUR,
  launchedUnder: 'old',
  requestAt: null,
  activations: [
    { pool: 'main', account: 'new', since: FLIP, cause: 'swap' },
    { pool: 'main', account: 'old', since: NOON - 9 * HOUR, cause: 'adopted' },
  ],
};

function charge(sinceFlipMs: number, change: Partial<FigureOwner> = {}): string | null {
  const figure: SessionFigure = {
    window: '5h',
    usedPercent: 50,
    resetAt: null,
    source: 'statusline',
    since: FLIP + sinceFlipMs,
  };
  return chargeFigure(figure, { ...OWNER, ...change });
}

describe('a figure', () => {
  test('that has stood unchanged since before a flip belongs to the old account, however late it is seen [R117]', () => {
    expect(charge(-SECOND)).toBe('old');
  });

  test('that appeared well after the flip belongs to the new one [R117]', () => {
    expect(charge(10 * MINUTE)).toBe('new');
  });

  test('that appeared about the flip belongs to nobody: it may be the answer to a request before it [R117]', () => {
    expect(charge(30 * SECOND)).toBeNull();
    expect(charge(30 * SECOND, { requestAt: FLIP - 5 * SECOND })).toBeNull();
  });

  test('that appeared about the flip belongs to the new account when its request was sent after it [R117]', () => {
    expect(charge(30 * SECOND, { requestAt: FLIP + 10 * SECOND })).toBe('new');
  });

  test('of a CLI that keeps its account belongs to the account it was started under [R117]', () => {
    expect(charge(10 * MINUTE, { followsLink: false })).toBe('old');
  });

  test('from before everything that is known belongs to nobody', () => {
    expect(charge(-20 * HOUR)).toBeNull();
  });
});

const zone = 'UTC';
const read = (text: string) =>
  readScreen(`⏺ Done.\n\n  ⎿  ${text}\n`, { now: NOON, zone }).warnings.map((warning) => figureOf(warning, NOON));

test.each([
  ["You've used 98% of your session limit · resets 8:40pm", '5h', 98],
  ["You've used 75% of your weekly limit · resets Jan 9 at 7pm", '7d', 75],
  ['You have less than 10% of your weekly limit left', '7d', 90],
] as const)('the warning "%s" tells a figure [R11]', (text, window, usedPercent) => {
  expect(read(text)).toMatchObject([{ window, usedPercent, source: 'screen' }]);
});

test('a warning without a number tells none [R11]', () => {
  expect(
    read('Approaching Opus usage limit · /model to use best available model').filter((figure) => figure !== null),
  ).toEqual([]);
});
