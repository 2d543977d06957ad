/** How an account's record of one window changes. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { QuotaWindow } from '../../../src/core/agents/profile.ts';
import { isEligible, reactivationDelayMs } from '../../../src/core/quota/eligibility.ts';
import type { LimitHit, QuotaRecord } from '../../../src/core/quota/record.ts';
import { applyLimitHit, endOf, settle } from '../../../src/core/quota/record.ts';
import { DAY, HOUR, MINUTE } from '../../../src/core/time.ts';
import { anAccount, aRecord, ELIGIBILITY, NOON, PROPERTY_TIMEOUT_MS, RUNS } from '../../support/builders.ts';

const LOCK = HOUR;

function hit(current: QuotaRecord | null, change: Partial<LimitHit> = {}, now = NOON): QuotaRecord | null {
  const limit: LimitHit = { account: 'work', window: '5h', resetAt: NOON + 2 * HOUR, source: 'banner', ...change };
  return applyLimitHit(current, limit, now, LOCK);
}

describe('a limit was hit', () => {
  test('a record is made where there is none [R136]', () => {
    expect(hit(null)).toEqual({
      account: 'work',
      window: '5h',
      used: 1,
      limitReached: true,
      resetAt: NOON + 2 * HOUR,
      lockUntil: null,
      source: 'banner',
      updatedAt: NOON,
      verifyRequired: false,
    });
  });

  test('a record with room left becomes full [R136]', () => {
    expect(hit(aRecord({ used: 0.4 }))).toMatchObject({ used: 1, limitReached: true });
  });

  test('a use of more than the whole is kept [R136]', () => {
    expect(hit(aRecord({ used: 1.2 }))).toMatchObject({ used: 1.2 });
  });

  test('a use that is not known counts as full [R136]', () => {
    expect(hit(aRecord({ used: null }))).toMatchObject({ used: 1 });
  });

  test('a hit moves the reset of a reached limit further away [R136]', () => {
    const held = aRecord({ limitReached: true, resetAt: NOON + HOUR });
    expect(hit(held)).toMatchObject({ resetAt: NOON + 2 * HOUR });
  });

  test('a hit never shrinks a later reset that is known: only an authoritative sample may [R136 R138]', () => {
    const held = aRecord({ limitReached: true, resetAt: NOON + 4 * HOUR });
    expect(hit(held)).toMatchObject({ resetAt: NOON + 4 * HOUR });
    expect(hit(held, { resetAt: null })).toMatchObject({ resetAt: NOON + 4 * HOUR, lockUntil: null });
  });

  test('a reset that was worked out while the clock was a day ahead gives way to one that is stated now', () => {
    const held = aRecord({ limitReached: true, resetAt: NOON + 27 * HOUR, updatedAt: NOON + 25 * HOUR });
    expect(hit(held)).toMatchObject({ resetAt: NOON + 2 * HOUR });
    expect(hit(held, { resetAt: null })).toMatchObject({ resetAt: NOON + 27 * HOUR });
  });

  test("the reset of a window that was not full is no promise: the limit's own reset counts [R136]", () => {
    expect(hit(aRecord({ limitReached: false, resetAt: NOON + 4 * HOUR }))).toMatchObject({ resetAt: NOON + 2 * HOUR });
  });

  test('a hit whose reset has passed changes nothing [R34]', () => {
    expect(hit(null, { resetAt: NOON })).toBeNull();
    const held = aRecord();
    expect(hit(held, { resetAt: NOON - 1 })).toBe(held);
  });

  test('a limit that is over does not lend its reset to the next one [R139]', () => {
    const over = aRecord({ limitReached: true, resetAt: NOON - 1 });
    expect(hit(over, { resetAt: null })).toMatchObject({ resetAt: null, lockUntil: NOON + LOCK });
  });

  test('a limit without a reset is locked for an hour and wants proof [R35 R140]', () => {
    expect(hit(null, { resetAt: null })).toMatchObject({
      limitReached: true,
      resetAt: null,
      lockUntil: NOON + LOCK,
      verifyRequired: true,
    });
  });

  test('the same limit seen again does not prolong its lock [R35]', () => {
    const locked = hit(null, { resetAt: null });
    expect(hit(locked, { resetAt: null }, NOON + 30 * MINUTE)).toMatchObject({ lockUntil: NOON + LOCK });
  });

  test('a stated reset takes the place of a guessed lock [R137]', () => {
    const locked = hit(null, { resetAt: null });
    expect(hit(locked, {})).toMatchObject({ resetAt: NOON + 2 * HOUR, lockUntil: null, verifyRequired: false });
  });

  test('a hit names its source and its time [R133]', () => {
    expect(hit(aRecord(), { source: 'transcript' })).toMatchObject({ source: 'transcript', updatedAt: NOON });
  });
});

describe('a reset has passed', () => {
  test.each([
    ['5h', null],
    ['7d', NOON + 7 * DAY],
    ['daily', NOON + DAY],
    ['monthly', null],
    ['model', null],
    ['unknown', null],
  ] as const)(
    'the limit of window %s is over, its next reset is known only if its length is [R139]',
    (window, next) => {
      const full = aRecord({ window, used: 1, limitReached: true, resetAt: NOON });
      expect(settle(full, NOON)).toMatchObject({ limitReached: false, used: 0, resetAt: next, verifyRequired: true });
    },
  );

  test('a window that rolled several times while nobody looked ends at its next reset, not at a past one [R139]', () => {
    const old = aRecord({ window: '7d', limitReached: true, resetAt: NOON - 20 * DAY });
    expect(settle(old, NOON).resetAt).toBe(NOON + DAY);
  });

  test('until then the record stands as it is [R139]', () => {
    const full = aRecord({ limitReached: true, resetAt: NOON + 1 });
    expect(settle(full, NOON)).toBe(full);
  });

  test('the figures of a window that was not full start again too [R139]', () => {
    expect(settle(aRecord({ used: 0.9, resetAt: NOON }), NOON)).toMatchObject({ used: 0, verifyRequired: true });
  });

  test('a lock ends by itself [R35 R140]', () => {
    const locked = aRecord({ limitReached: true, resetAt: null, lockUntil: NOON });
    expect(settle(locked, NOON)).toMatchObject({ limitReached: false, lockUntil: null });
  });

  test('a limit with neither reset nor lock still ends an hour after it was seen [R35 R140]', () => {
    const bare = aRecord({ limitReached: true, resetAt: null, updatedAt: NOON - HOUR });
    expect(endOf(bare)).toBe(NOON);
    expect(settle(bare, NOON).limitReached).toBe(false);
  });
});

test(
  'whatever hits come, an exhausted account has an end and is usable again after it [R35 R140]',
  () => {
    const windows: readonly QuotaWindow[] = ['5h', '7d', 'model', 'daily', 'monthly', 'unknown'];
    const hits = fc.array(
      fc.record({
        window: fc.constantFrom(...windows),
        aheadMs: fc.option(fc.integer({ min: -HOUR, max: 10 * DAY })),
        stepMs: fc.integer({ min: 0, max: 3 * HOUR }),
      }),
      { minLength: 1, maxLength: 12 },
    );
    fc.assert(
      fc.property(hits, (list) => {
        const records = new Map<QuotaWindow, QuotaRecord>();
        let now = NOON;
        for (const { window, aheadMs, stepMs } of list) {
          now += stepMs;
          const limit = {
            account: 'work',
            window,
            resetAt: aheadMs === null ? null : now + aheadMs,
            source: 'banner',
          } as const;
          const next = applyLimitHit(records.get(window) ?? null, limit, now, LOCK);
          if (next !== null) records.set(window, next);
        }
        const all = [...records.values()];
        for (const record of all) {
          if (record.limitReached) expect(record.resetAt ?? record.lockUntil).not.toBeNull();
        }
        const end = Math.max(now, ...all.map((record) => endOf(record) ?? Number.POSITIVE_INFINITY));
        const policy = { ...ELIGIBILITY, modelLimitSwaps: true };
        expect(isEligible(anAccount('work', { quota: all }), end, policy, { purpose: 'keep' }).ok).toBe(true);
        const backAt = end + reactivationDelayMs('work');
        expect(isEligible(anAccount('work', { quota: all }), backAt, policy, { purpose: 'swap' }).ok).toBe(true);
      }),
      { numRuns: RUNS },
    );
  },
  PROPERTY_TIMEOUT_MS,
);

test('a lock that was taken before the clock was set back is over, a stated reset is not', () => {
  const locked = aRecord({
    limitReached: true,
    resetAt: null,
    updatedAt: NOON + 3 * DAY,
    lockUntil: NOON + 3 * DAY + HOUR,
  });
  expect(settle(locked, NOON)).toMatchObject({ limitReached: false, lockUntil: null, verifyRequired: true });
  expect(settle({ ...locked, updatedAt: NOON + MINUTE }, NOON).limitReached).toBe(true);
  expect(settle({ ...locked, resetAt: NOON + HOUR }, NOON).limitReached).toBe(true);
});
