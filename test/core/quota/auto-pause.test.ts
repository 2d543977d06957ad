/** When an account is left alone before its limit. */
import { describe, expect, test } from 'vitest';
import { accountView } from '../../../src/core/account-view.ts';
import type { AutoPauseRules } from '../../../src/core/quota/auto-pause.ts';
import { isStale, pauseOf, thresholdOf } from '../../../src/core/quota/auto-pause.ts';
import type { AccountFacts, EligibilityPolicy, Purpose } from '../../../src/core/quota/eligibility.ts';
import { displayState, isEligible } from '../../../src/core/quota/eligibility.ts';
import { HOUR, MINUTE } from '../../../src/core/time.ts';
import { anAccount, aRecord, ELIGIBILITY, NOON } from '../../support/builders.ts';

const NONE = { threshold: null, disabled: false };
const POLICY: EligibilityPolicy = { ...ELIGIBILITY, autoPause: { '5h': 0.9, '7d': 0.95 } };

const rules = (change: Partial<AutoPauseRules>): AutoPauseRules => ({ '5h': NONE, '7d': NONE, ...change });

function used(share: number, change: Partial<AccountFacts> = {}): AccountFacts {
  return anAccount('work', { quota: [aRecord({ used: share })], ...change });
}

describe('the threshold', () => {
  test.each([
    ['its own', rules({ '5h': { threshold: 0.7, disabled: false } }), 0.7, 'account'],
    ['the default where its own is blank', rules({}), 0.9, 'default'],
    ['the default where it says nothing', undefined, 0.9, 'default'],
    [
      'none where it is disabled, whatever else is set',
      rules({ '5h': { threshold: 0.7, disabled: true } }),
      null,
      'disabled',
    ],
  ] as const)('of an account is %s [R109 R110]', (_, autoPause, threshold, from) => {
    const account = { quota: [], ...(autoPause === undefined ? {} : { autoPause }) };
    expect(thresholdOf(account, '5h', POLICY)).toEqual({ threshold, from });
  });

  test('is off without a default [R109]', () => {
    expect(thresholdOf({ quota: [] }, '5h', ELIGIBILITY)).toEqual({ threshold: null, from: 'off' });
    expect(pauseOf(used(0.99), NOON, ELIGIBILITY)).toBeNull();
  });

  test('is inclusive [R109]', () => {
    expect(pauseOf(used(0.899), NOON, POLICY)).toBeNull();
    expect(pauseOf(used(0.9), NOON, POLICY)).toMatchObject({ window: '5h', threshold: 0.9, used: 0.9 });
  });

  test('is met by every percentage that equals it, whatever binary fractions make of it [R109]', () => {
    for (let percent = 1; percent <= 100; percent++) {
      const policy = {
        ...POLICY,
        autoPause: { '5h': Number(`0.${String(percent).padStart(2, '0')}`) || 1, '7d': null },
      };
      if (percent === 100) policy.autoPause['5h'] = 1;
      expect(pauseOf(used(percent / 100), NOON, policy)).not.toBeNull();
    }
  });

  test('of one window can be disabled while the other goes on to pause [R110]', () => {
    const quota = [aRecord({ used: 0.99 }), aRecord({ window: '7d', used: 0.99 })];
    const autoPause = rules({ '5h': { threshold: null, disabled: true } });
    expect(pauseOf(anAccount('work', { quota, autoPause }), NOON, POLICY)?.window).toBe('7d');
  });
});

describe('a figure does not pause', () => {
  test('when its window has already reset [R113]', () => {
    expect(pauseOf(anAccount('work', { quota: [aRecord({ used: 0.99, resetAt: NOON })] }), NOON, POLICY)).toBeNull();
  });

  test('when it is older than quota.sample_stale_after: nobody would ever refresh it [R115]', () => {
    const aged = (ageMs: number) => anAccount('work', { quota: [aRecord({ used: 0.99, updatedAt: NOON - ageMs })] });
    expect(pauseOf(aged(2 * HOUR - 1), NOON, POLICY)).not.toBeNull();
    expect(pauseOf(aged(2 * HOUR), NOON, POLICY)).toBeNull();
  });

  test.each([Number.NaN, 0, -1, NOON + 25 * HOUR])('when its time (%s) cannot be believed [R115]', (updatedAt) => {
    expect(isStale(aRecord({ updatedAt }), NOON, POLICY)).toBe(true);
    expect(pauseOf(anAccount('work', { quota: [aRecord({ used: 0.99, updatedAt })] }), NOON, POLICY)).toBeNull();
  });
});

test('of several windows the one that pauses longest is told, of two that last alike the fuller one [R116]', () => {
  const five = aRecord({ used: 0.99, resetAt: NOON + HOUR, updatedAt: NOON });
  const seven = aRecord({ window: '7d', used: 0.96, resetAt: NOON + 90 * MINUTE, updatedAt: NOON });
  const longest = pauseOf(anAccount('work', { quota: [five, seven] }), NOON, POLICY);
  expect(longest).toEqual({ window: '7d', threshold: 0.95, used: 0.96, until: NOON + 90 * MINUTE });
  const alike = pauseOf(anAccount('work', { quota: [five, { ...seven, resetAt: five.resetAt }] }), NOON, POLICY);
  expect(alike).toMatchObject({ window: '5h', used: 0.99 });
});

describe('a paused account', () => {
  const verdict = (purpose: Purpose, account = used(0.95)) =>
    isEligible(account, NOON, POLICY, { purpose }).reasons.map(({ code }) => code);

  test.each(['swap', 'early', 'work'] as const)('is refused for purpose %s, sticky or not [R105 R108]', (purpose) => {
    expect(verdict(purpose)).toEqual(['auto_paused']);
  });

  test('keeps the sessions it has: a threshold is no wall [R118]', () => {
    expect(verdict('keep')).toEqual([]);
  });

  test('is not marked or switched off by it: only what is derived changes [R118]', () => {
    const account = used(0.95);
    const before = structuredClone(account);
    expect(displayState(account, false, NOON, POLICY)).toBe('auto_paused');
    expect(account).toEqual(before);
    const free = { ...account, quota: [aRecord({ used: 0.1 })] };
    expect(displayState(free, false, NOON, POLICY)).toBe('standby');
  });

  test('says its threshold and where it comes from wherever it is shown; blank is told as the default [R110 R116]', () => {
    const view = accountView(used(0.95), 'work', NOON, POLICY);
    expect(view).toMatchObject({
      state: 'auto_paused',
      active: true,
      eligible: true,
      paused: { window: '5h', threshold: 0.9, used: 0.95 },
      auto_pause: { '5h': { threshold: 0.9, from: 'default' }, '7d': { threshold: 0.95, from: 'default' } },
    });
    const own = { threshold: 0.9, disabled: false };
    const rules = { '5h': own, '7d': { threshold: null, disabled: false } };
    const why = [{}, { autoPause: rules }].map(
      (change) => isEligible({ ...used(0.95), ...change }, NOON, POLICY, { purpose: 'swap' }).reasons[0]?.detail,
    );
    expect(why).toEqual([
      'auto-paused: 95 % of its 5-hour window, threshold 90 %, the default',
      'auto-paused: 95 % of its 5-hour window, threshold 90 %',
    ]);
  });
});

test('a target for an early swap needs room to spare, however old its figure is, until its window resets', () => {
  const near = used(0.86, { quota: [aRecord({ used: 0.86, updatedAt: NOON - 3 * HOUR })] });
  const codes = (purpose: Purpose, account: AccountFacts) =>
    isEligible(account, NOON, POLICY, { purpose }).reasons.map(({ code }) => code);
  expect(codes('early', near)).toEqual(['little_room']);
  expect(codes('swap', near)).toEqual([]);
  expect(codes('early', used(0.84))).toEqual([]);
});

test.each([
  [2, 3, []],
  [3, 3, ['at_capacity']],
  [9, 0, []],
] as const)('with %i leases of at most %i (0: any number) [R105]', (leases, maxSessions, expected) => {
  const account = anAccount('work', { leases, maxSessions });
  for (const purpose of ['swap', 'work'] as const) {
    expect(isEligible(account, NOON, POLICY, { purpose }).reasons.map(({ code }) => code)).toEqual(expected);
  }
  expect(isEligible(account, NOON, POLICY, { purpose: 'keep' }).ok).toBe(true);
});

test('figures go out with source, time and age, and survive being written as JSON [R114]', () => {
  const view = accountView(used(0.5), null, NOON, POLICY);
  expect(JSON.parse(JSON.stringify(view)).quota['5h']).toEqual({
    used: 0.5,
    reset_at: new Date(NOON + 2 * HOUR).toISOString(),
    limit_reached: false,
    lock_until: null,
    source: 'banner',
    updated_at: new Date(NOON - MINUTE).toISOString(),
    age_s: 60,
    stale: false,
    verify_required: false,
  });
});

test('an account of which nothing is known yet is shown as unknown, never as active [R149]', () => {
  expect(displayState(anAccount('work', { home: null }), true, NOON, POLICY)).toBe('unknown');
});
