/** What a passive figure makes of an account's record. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { QuotaRecord } from '../../../src/core/quota/record.ts';
import { applyLimitHit, forgetOldFigure, settle } from '../../../src/core/quota/record.ts';
import type { QuotaSample } from '../../../src/core/quota/sample.ts';
import { applySample, hasRolled, newestSamples } from '../../../src/core/quota/sample.ts';
import { DAY, HOUR, MINUTE, SECOND } from '../../../src/core/time.ts';
import { aRecord, NOON, PROPERTY_TIMEOUT_MS, RUNS } from '../../support/builders.ts';

const RESET = NOON + 2 * HOUR;

function aSample(change: Partial<QuotaSample> = {}): QuotaSample {
  const sample = {
    account: 'work',
    window: '5h',
    usedPercent: 60,
    resetAt: RESET,
    source: 'statusline',
    at: NOON,
  } as const;
  return { ...sample, ...change };
}

const take = (current: QuotaRecord | null, change: Partial<QuotaSample> = {}, now = NOON) =>
  applySample(current, aSample(change), now, HOUR);

const full = (change: Partial<QuotaRecord> = {}) => aRecord({ used: 1, limitReached: true, ...change });

describe('a figure', () => {
  test('makes a record where there is none, and travels with its source and its own time [R114]', () => {
    expect(take(null, { at: NOON - MINUTE }).record).toEqual({
      account: 'work',
      window: '5h',
      used: 0.6,
      limitReached: false,
      resetAt: RESET,
      lockUntil: null,
      source: 'statusline',
      updatedAt: NOON - MINUTE,
      verifyRequired: false,
    });
  });

  test('that is newer takes the place of an older one, up or down; an older one changes nothing [R114]', () => {
    expect(take(aRecord({ used: 0.9 })).record).toMatchObject({ used: 0.6, updatedAt: NOON });
    const newer = aRecord({ updatedAt: NOON });
    expect(take(newer)).toEqual({ record: newer, outcome: 'older', rolled: false });
  });

  test.each([
    [Number.NaN, 'not_a_figure'],
    [-1, 'not_a_figure'],
    [Number.POSITIVE_INFINITY, 'not_a_figure'],
    [50_000, 'not_a_figure'],
  ] as const)('of %s % is no figure', (usedPercent, outcome) => {
    const current = aRecord();
    expect(take(current, { usedPercent })).toEqual({ record: current, outcome, rolled: false });
  });

  test.each([Number.NaN, 0, -5, NOON + 2 * MINUTE])('with the time %s is not believed [R115]', (at) => {
    expect(take(null, { at })).toEqual({ record: null, outcome: 'no_credible_time', rolled: false });
  });

  test('of a window that has already reset says nothing [R113]', () => {
    expect(take(null, { resetAt: NOON }).outcome).toBe('window_over');
    expect(take(null, { resetAt: null, resetAfterMs: 30_000, at: NOON - MINUTE }).outcome).toBe('window_over');
  });

  test('with a relative reset counts it from its own time, and an absolute one wins [R113 R137]', () => {
    const at = NOON - 10 * MINUTE;
    expect(take(null, { resetAt: null, resetAfterMs: HOUR, at }).record).toMatchObject({ resetAt: at + HOUR });
    expect(take(null, { resetAfterMs: HOUR, at }).record).toMatchObject({ resetAt: RESET });
  });

  test.each([
    ['5h', 6 * HOUR],
    ['7d', 8 * DAY],
  ] as const)('whose reset lies further ahead than its window is long (%s) was read wrongly', (window, aheadMs) => {
    expect(take(null, { window, resetAt: NOON + aheadMs }).outcome).toBe('reset_out_of_reach');
  });

  test('of the next window restarts its count; a drift of seconds does not even move the reset [R145]', () => {
    const before = aRecord({ used: 0.8, resetAt: NOON + 30 * MINUTE });
    expect(take(before, { usedPercent: 2, resetAt: NOON + 5 * HOUR })).toMatchObject({
      rolled: true,
      record: { used: 0.02, resetAt: NOON + 5 * HOUR },
    });
    expect(take(aRecord(), { resetAt: RESET + 20 * SECOND })).toMatchObject({
      rolled: false,
      record: { resetAt: RESET },
    });
  });

  test.each([
    ['5h', 2.5 * HOUR],
    ['7d', 3.5 * DAY],
    ['model', HOUR],
    ['unknown', HOUR],
  ] as const)(
    'a reset that moved by half a window, or an hour where the length is not known, is another one (%s) [R145]',
    (window, byMs) => {
      const record = { window, resetAt: NOON };
      expect([
        hasRolled(record, NOON + byMs - 1),
        hasRolled(record, NOON + byMs),
        hasRolled(record, NOON - byMs),
      ]).toEqual([false, true, true]);
    },
  );
});

describe('a limit', () => {
  test.each([100, 100.4, 130])('is reached at %s %, even if no banner was seen [R141]', (usedPercent) => {
    expect(take(null, { usedPercent }).record).toMatchObject({
      limitReached: true,
      used: usedPercent / 100,
      resetAt: RESET,
    });
    expect(take(aRecord(), { usedPercent, source: 'screen' }).record).toMatchObject({ limitReached: true });
  });

  test('is not reached at 99.9 % [R141]', () => {
    expect(take(null, { usedPercent: 99.9 }).record).toMatchObject({ limitReached: false });
  });

  test('at 100 % without a known reset has a lock as its end [R35 R140]', () => {
    expect(take(null, { usedPercent: 100, resetAt: null }).record).toMatchObject({
      limitReached: true,
      lockUntil: NOON + HOUR,
      verifyRequired: true,
    });
  });

  test('is shortened by what the provider told later [R138]', () => {
    const held = full({ resetAt: NOON + 4 * HOUR });
    expect(take(held, { usedPercent: 100 }).record).toMatchObject({ limitReached: true, resetAt: RESET });
  });

  test.each(['statusline', 'rollout'] as const)('is ended by a %s figure that began after it [R138]', (source) => {
    expect(take(full({ updatedAt: NOON - 2 * MINUTE }), { source }).record).toMatchObject({
      limitReached: false,
      used: 0.6,
      lockUntil: null,
      verifyRequired: false,
    });
  });

  test('is not ended by a figure that was on its way when it was hit [R138]', () => {
    const held = full({ updatedAt: NOON - 30 * SECOND });
    expect(take(held, { usedPercent: 99 })).toEqual({ record: held, outcome: 'limit_stands', rolled: false });
  });

  test('is not hidden by a figure of the turn before that came in as it was hit [R136 R138]', () => {
    const hit = { account: 'work', window: '5h', resetAt: RESET, source: 'banner', at: NOON - 5 * SECOND } as const;
    const before = take(null, { usedPercent: 99 }).record;
    expect(applyLimitHit(before, hit, NOON + 10 * SECOND, HOUR)).toMatchObject({ limitReached: true, resetAt: RESET });
    const told = take(null, { usedPercent: 100 }).record;
    expect(applyLimitHit(told, { ...hit, resetAt: null }, NOON + 10 * SECOND, HOUR)).toBe(told);
  });

  test.each(['screen', 'banner'] as const)('is neither shortened nor ended by words on a %s [R138]', (source) => {
    const held = full({ resetAt: NOON + 4 * HOUR, updatedAt: NOON - HOUR });
    expect(take(held, { source }).record).toBe(held);
    expect(take(held, { source, usedPercent: 100 }).record).toMatchObject({ resetAt: NOON + 4 * HOUR });
  });

  test('that the provider ended is not brought back by words that still stand on a screen [R138]', () => {
    const ended = take(full({ updatedAt: NOON - HOUR })).record;
    const old = { account: 'work', window: '5h', resetAt: RESET, source: 'banner', at: NOON - 2 * HOUR } as const;
    expect(applyLimitHit(ended, old, NOON + SECOND, HOUR)).toBe(ended);
    expect(applyLimitHit(ended, { ...old, at: NOON + SECOND }, NOON + SECOND, HOUR)).toMatchObject({
      limitReached: true,
    });
  });
});

test('a record from before the clock was set back by a day gives way to the next figure', () => {
  const future = aRecord({ updatedAt: NOON + 25 * HOUR, used: 0.9 });
  expect(take(future).record).toMatchObject({ used: 0.6, updatedAt: NOON });
});

test('of many samples the newest of each account and window remains', () => {
  const samples = [
    aSample({ at: NOON - 2, usedPercent: 1 }),
    aSample({ at: NOON - 1, usedPercent: 2 }),
    aSample({ at: NOON - 3, usedPercent: 3 }),
    aSample({ account: 'spare' }),
    aSample({ window: '7d' }),
  ];
  expect(newestSamples(samples).map(({ account, window, usedPercent }) => [account, window, usedPercent])).toEqual([
    ['work', '5h', 2],
    ['spare', '5h', 60],
    ['work', '7d', 60],
  ]);
});

test('after another login an old figure is forgotten, a limit is not [R117]', () => {
  expect(forgetOldFigure(aRecord(), NOON)).toMatchObject({ used: null, verifyRequired: true });
  const [held, newer] = [full(), aRecord({ updatedAt: NOON })];
  expect(forgetOldFigure(held, NOON)).toBe(held);
  expect(forgetOldFigure(newer, NOON)).toBe(newer);
});

const anySample = fc.record({
  usedPercent: fc.oneof(fc.double({ min: 0, max: 130 }), fc.constantFrom(Number.NaN, -3, 1e9)),
  resetInMs: fc.option(fc.integer({ min: -2 * DAY, max: 9 * DAY })),
  source: fc.constantFrom('statusline', 'rollout', 'screen', 'banner'),
  ageMs: fc.integer({ min: -10 * MINUTE, max: DAY }),
  stepMs: fc.oneof(fc.nat(3 * HOUR), fc.constantFrom(-25 * HOUR, 25 * HOUR)),
});

test(
  'whatever is sampled, in whatever order and while the clock jumps by a day: no record is exhausted without an end [R140 R35]',
  () => {
    fc.assert(
      fc.property(
        fc.constantFrom('5h', '7d', 'model'),
        fc.array(anySample, { maxLength: 30, size: 'max' }),
        (window, samples) => {
          let now = NOON;
          let record: QuotaRecord | null = null;
          for (const { usedPercent, resetInMs, source, ageMs, stepMs } of samples) {
            now += stepMs;
            const resetAt = resetInMs === null ? null : now + resetInMs;
            const sample: QuotaSample = { account: 'work', window, usedPercent, resetAt, source, at: now - ageMs };
            ({ record } = applySample(record, sample, now, HOUR));
            if (record === null) continue;
            expect(Number.isFinite(record.used)).toBe(true);
            if (!record.limitReached) continue;
            const end = record.resetAt ?? record.lockUntil ?? Number.POSITIVE_INFINITY;
            expect(settle(record, end).limitReached).toBe(false);
          }
        },
      ),
      { numRuns: RUNS },
    );
  },
  PROPERTY_TIMEOUT_MS,
);
