/** Whether an account may be used, and how it is shown. */
import { describe, expect, test } from 'vitest';
import type { AccountFacts, IneligibleCode } from '../../../src/core/quota/eligibility.ts';
import { displayState, eligibleAt, isEligible, reactivationDelayMs } from '../../../src/core/quota/eligibility.ts';
import { HOUR, MINUTE } from '../../../src/core/time.ts';
import { aHome, aLimitedAccount, anAccount, anAccountRow, aRecord, ELIGIBILITY, NOON } from '../../support/builders.ts';

function check(account: AccountFacts, purpose: 'swap' | 'keep' = 'swap', exclude: readonly string[] = []) {
  return isEligible(account, NOON, ELIGIBILITY, { purpose, exclude });
}

const codesOf = (account: AccountFacts) => check(account).reasons.map(({ code }) => code);

test('a healthy account with room left is eligible [R105]', () => {
  expect(check(anAccount('work', { quota: [aRecord({ used: 0.99 })] }))).toEqual({ ok: true, reasons: [] });
});

test('an account of which the store has no row yet is judged by the rest [R105]', () => {
  expect(check(anAccount('work', { row: null })).ok).toBe(true);
});

const BAD: readonly (readonly [IneligibleCode, Partial<AccountFacts>])[] = [
  ['disabled', { enabled: false }],
  ['home_unusable', { home: null }],
  ['home_unusable', { home: aHome({ problem: 'missing' }) }],
  ['home_unusable', { home: aHome({ problem: 'foreign-owner' }) }],
  ['credentials_unusable', { home: aHome({ credentials: 'blanked' }) }],
  ['credentials_unusable', { home: aHome({ credentials: 'missing' }) }],
  ['login_ended', { home: aHome({ loginEndsAt: NOON }) }],
  ['identity_duplicate', { duplicateOf: 'other' }],
  ['identity_changed', { row: anAccountRow({ identity: 'ada/org' }), home: aHome({ identity: 'bob/org' }) }],
  ['status', { row: anAccountRow({ status: 'expired' }) }],
  ['status', { row: anAccountRow({ status: 'banned' }) }],
  ['status', { row: anAccountRow({ status: 'disabled' }) }],
  ['status', { row: anAccountRow({ status: 'refreshing' }) }],
  ['limit_reached', { quota: [aRecord({ limitReached: true })] }],
  ['left_recently', { row: anAccountRow({ leftAt: NOON - 5 * MINUTE + 1 }) }],
];

test.each(BAD)('%s alone makes an account ineligible, with a reason [R105]', (code, change) => {
  expect(codesOf(anAccount('work', change))).toEqual([code]);
});

test('all reasons are given at once [R105]', () => {
  const account = anAccount('work', {
    enabled: false,
    home: aHome({ credentials: 'corrupt' }),
    duplicateOf: 'other',
    row: anAccountRow({ status: 'banned', leftAt: NOON }),
    quota: [aRecord({ limitReached: true }), aRecord({ window: '7d', limitReached: true })],
  });
  expect(check(account, 'swap', ['work']).reasons.map(({ code }) => code)).toEqual([
    'disabled',
    'excluded',
    'credentials_unusable',
    'identity_duplicate',
    'status',
    'limit_reached',
    'limit_reached',
    'left_recently',
  ]);
});

test.each(['5h', '7d', 'daily', 'monthly', 'unknown'] as const)(
  'a reached limit of window %s exhausts the account, whatever the others say [R135]',
  (window) => {
    expect(codesOf(anAccount('work', { quota: [aRecord(), aRecord({ window, limitReached: true })] }))).toEqual([
      'limit_reached',
    ]);
  },
);

test('a limit of one model does not exhaust the account unless it is configured so [R135 R254]', () => {
  const account = anAccount('work', { quota: [aRecord({ window: 'model', limitReached: true })] });
  expect(check(account).ok).toBe(true);
  const strict = { ...ELIGIBILITY, modelLimitSwaps: true };
  expect(isEligible(account, NOON, strict, { purpose: 'swap' }).ok).toBe(false);
});

test('an account is eligible again at its reset, with nobody unlocking it [R139]', () => {
  expect(check(aLimitedAccount('work', NOON + 1), 'keep').ok).toBe(false);
  expect(check(aLimitedAccount('work', NOON), 'keep').ok).toBe(true);
});

test('an account is swapped to again a minute and up to 12 s after its reset, always as long for the same account [R36]', () => {
  const delays = ['work', 'spare', 'a', 'work-2'].map(reactivationDelayMs);
  for (const delayMs of delays) {
    expect(delayMs).toBeGreaterThanOrEqual(MINUTE);
    expect(delayMs).toBeLessThanOrEqual(1.2 * MINUTE);
  }
  expect(new Set(delays).size).toBeGreaterThan(1);
  const delayMs = reactivationDelayMs('work');
  expect(check(aLimitedAccount('work', NOON - delayMs + 1)).reasons).toMatchObject([
    { code: 'just_reset', until: NOON + 1 },
  ]);
  expect(check(aLimitedAccount('work', NOON - delayMs)).ok).toBe(true);
});

test('an account that was left a moment ago may be kept, but not swapped to', () => {
  const left = anAccount('work', { row: anAccountRow({ leftAt: NOON - MINUTE }) });
  expect(check(left, 'keep').ok).toBe(true);
  expect(check(left, 'swap').reasons).toMatchObject([{ code: 'left_recently', until: NOON + 4 * MINUTE }]);
});

test('the end of all reasons is the latest of their ends; a reason without one needs somebody [R54]', () => {
  const limited = aLimitedAccount('work', NOON + HOUR, { row: anAccountRow({ leftAt: NOON }) });
  expect(eligibleAt(check(limited), NOON)).toBe(NOON + HOUR);
  expect(eligibleAt(check({ ...limited, enabled: false }), NOON)).toBeNull();
  expect(eligibleAt(check(anAccount('work')), NOON)).toBe(NOON);
});

describe('shown', () => {
  test.each([
    ['active', {}, true],
    ['standby', {}, false],
    ['limited', { quota: [aRecord({ limitReached: true })] }, true],
    ['limited', { quota: [aRecord({ limitReached: true })] }, false],
    ['standby', { quota: [aRecord({ window: 'model', limitReached: true })] }, false],
    ['cooldown', { row: anAccountRow({ leftAt: NOON }) }, false],
    ['active', { row: anAccountRow({ leftAt: NOON }) }, true],
    ['expired', { row: anAccountRow({ status: 'expired' }) }, false],
    ['expired', { home: aHome({ loginEndsAt: NOON - 1 }) }, false],
    ['banned', { row: anAccountRow({ status: 'banned' }) }, false],
    ['disabled', { row: anAccountRow({ status: 'disabled' }) }, false],
    ['disabled', { enabled: false }, true],
    ['unusable', { home: aHome({ credentials: 'missing' }) }, false],
    ['unusable', { duplicateOf: 'other' }, false],
    ['unusable', { row: anAccountRow({ status: 'refreshing' }) }, false],
    ['unknown', { home: null }, false],
  ] as const)('as %s, derived at read time [R144]', (state, change, isActive) => {
    expect(displayState(anAccount('work', change), isActive, NOON, ELIGIBILITY)).toBe(state);
  });

  test('an account that is shown as active or standby is an eligible one, never one at its limit [R144]', () => {
    for (const [, change] of BAD) {
      for (const isActive of [true, false]) {
        const account = anAccount('work', change);
        const isShownFit = ['active', 'standby'].includes(displayState(account, isActive, NOON, ELIGIBILITY));
        expect(isShownFit).toBe(check(account, isActive ? 'keep' : 'swap').ok);
      }
    }
  });
});
