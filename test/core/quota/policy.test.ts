/** The gates before a swap, in their order. */

import { describe, expect, test } from 'vitest';
import { reactivationDelayMs } from '../../../src/core/quota/eligibility.ts';
import type { Decision, PoolFacts, Wish } from '../../../src/core/quota/policy.ts';
import { breakerEndsAt, decideSwap, lastCompleted, retryDelayMs } from '../../../src/core/quota/policy.ts';
import { DAY, HOUR, MINUTE } from '../../../src/core/time.ts';
import {
  aHome,
  aLimitedAccount,
  anAccount,
  anAccountRow,
  aPool,
  aRecord,
  aSwap,
  NOON,
  SWAPPING,
} from '../../support/builders.ts';

const limit: Wish = { kind: 'limit', textHits: 1, structuredHits: 0, minTextHits: 1 };
const byHand = (to: string | null = null, force = false): Wish => ({ kind: 'manual', to, force });

function decide(change: Partial<PoolFacts> = {}, wish: Wish = limit, paused: string | null = null): Decision {
  return decideSwap(aPool(change), wish, paused, NOON, SWAPPING);
}

const flippedAgo = (ms: number, change = {}) =>
  aSwap({ startedAt: NOON - ms, flippedAt: NOON - ms, finishedAt: NOON - ms, ...change });

test('poll triggers switch: with every gate open the pool swaps to the eligible account [R2 R53]', () => {
  expect(decide()).toMatchObject({ kind: 'swap', to: 'spare', why: 'eligible, priority 10' });
});

test('a hold stops automatic swaps until its end and says so; a swap by hand goes through', () => {
  const held = { hold: { until: NOON + HOUR, reason: 'held by ada' } };
  expect(decide(held)).toMatchObject({ kind: 'hold', reason: 'hold', detail: 'held by ada', until: NOON + HOUR });
  expect(decide(held, byHand()).kind).toBe('swap');
  expect(decide({ hold: { until: NOON, reason: 'held by ada' } }).kind).toBe('swap');
});

describe('each gate refuses with its reason', () => {
  test.each<readonly [string, Partial<PoolFacts>, Wish, string | null]>([
    ['partial', { state: 'partial' }, limit, null],
    ['partial', { state: 'partial' }, byHand('spare', true), null],
    ['switching', { state: 'saving' }, limit, null],
    ['switching', { state: 'switching' }, limit, null],
    ['switching', { state: 'resuming' }, limit, null],
    ['switching', { state: 'rolling_back' }, byHand('spare', true), null],
    ['paused', {}, limit, 'paused by ada'],
    ['paused', {}, byHand(), 'paused by ada'],
    ['no_active_account', { active: null }, limit, null],
    ['hold', { hold: { until: NOON + 1, reason: 'held by ada' } }, limit, null],
    ['cooldown', { swaps: [flippedAgo(5 * MINUTE - 1)] }, limit, null],
    ['backoff', { retryUntil: NOON + 1 }, limit, null],
    ['circuit_breaker', { breakerOpenedAt: NOON - DAY + 1 }, limit, null],
    ['too_few_hits', {}, { ...limit, minTextHits: 2 } as Wish, null],
    ['already_active', {}, byHand('work', true), null],
    ['target_unknown', {}, byHand('nobody', true), null],
    [
      'target_ineligible',
      { accounts: [anAccount('work'), anAccount('spare', { enabled: false })] },
      byHand('spare'),
      null,
    ],
  ])('%s', (reason, change, wish, paused) => {
    expect(decide(change, wish, paused)).toMatchObject({ kind: 'hold', reason });
  });

  test('in the order of the state machine: partial, switching, paused, cooldown, back-off, breaker, hits, target', () => {
    const all: Partial<PoolFacts> = {
      state: 'partial',
      swaps: [flippedAgo(MINUTE)],
      retryUntil: NOON + HOUR,
      breakerOpenedAt: NOON - HOUR,
      accounts: [aLimitedAccount('work', NOON + HOUR), aLimitedAccount('spare', NOON + HOUR)],
    };
    const few: Wish = { ...limit, minTextHits: 2 };
    const opened: Partial<PoolFacts>[] = [
      {},
      { state: 'switching' },
      { state: 'normal' },
      { swaps: [] },
      { retryUntil: null },
      { breakerOpenedAt: null },
    ];
    let facts = all;
    const seen = opened.map((next, i) => {
      facts = { ...facts, ...next };
      const decision = decide(facts, few, i < 3 ? 'paused by ada' : null);
      return decision.kind === 'hold' ? decision.reason : decision.kind;
    });
    expect(seen).toEqual(['partial', 'switching', 'paused', 'backoff', 'circuit_breaker', 'too_few_hits']);
    expect(decide({ ...all, state: 'normal' }, few)).toMatchObject({ reason: 'cooldown' });
    expect(decide(facts, limit).kind).toBe('exhausted');
  });
});

describe('cooldown', () => {
  test('it ends exactly after its time and names its end [R20]', () => {
    expect(decide({ swaps: [flippedAgo(4 * MINUTE)] })).toMatchObject({ reason: 'cooldown', until: NOON + MINUTE });
    expect(decide({ swaps: [flippedAgo(5 * MINUTE)] }).kind).toBe('swap');
  });

  test('instants from before the wall clock was set back hold nothing [R208]', () => {
    expect(decide({ swaps: [flippedAgo(-48 * HOUR)] }).kind).toBe('swap');
    expect(decide({ retryUntil: NOON + 48 * HOUR }).kind).toBe('swap');
  });

  test('it starts when the swap is done, not when it moved the link [R20]', () => {
    const slow = aSwap({ flippedAt: NOON - 10 * MINUTE, finishedAt: NOON - MINUTE });
    expect(decide({ swaps: [slow] })).toMatchObject({ reason: 'cooldown', until: NOON + 4 * MINUTE });
  });

  test('a swap by hand starts one and passes through one [R57]', () => {
    const swaps = [flippedAgo(MINUTE, { trigger: 'manual' })];
    expect(decide({ swaps })).toMatchObject({ reason: 'cooldown' });
    expect(decide({ swaps }, byHand()).kind).toBe('swap');
  });

  test('a swap that failed or was rolled back starts none [R22]', () => {
    const failed = flippedAgo(MINUTE, { phase: 'failed', error: 'rolled back' });
    expect(lastCompleted([failed])).toBeNull();
    expect(decide({ swaps: [failed] }).kind).toBe('swap');
  });

  test('panes that went on after a reset, without a flip, start none', () => {
    expect(lastCompleted([aSwap({ trigger: 'reset', flippedAt: null, finishedAt: NOON })])).toBeNull();
  });

  test('it is read from the stored swaps, so a restart does not end it [R21]', () => {
    const stored = JSON.parse(JSON.stringify([flippedAgo(MINUTE)])) as PoolFacts['swaps'];
    expect(decide({ swaps: stored })).toMatchObject({ reason: 'cooldown', until: NOON + 4 * MINUTE });
  });
});

describe('back-off', () => {
  test('it starts at a minute, doubles and stops at a quarter of an hour [R22]', () => {
    const delays = [1, 2, 3, 4, 5, 6, 1000].map((failures) => retryDelayMs(failures, MINUTE, 15 * MINUTE) / MINUTE);
    expect(delays).toEqual([1, 2, 4, 8, 15, 15, 15]);
  });

  test('it does not hold back a swap by hand [R57]', () => {
    expect(decide({ retryUntil: NOON + HOUR }, byHand()).kind).toBe('swap');
    expect(decide({ retryUntil: NOON }).kind).toBe('swap');
  });
});

describe('circuit breaker', () => {
  const four = [10, 20, 30, 40].map((minutes) => flippedAgo(minutes * MINUTE));

  test('more automatic swaps in an hour than allowed trip it [R283]', () => {
    expect(decide({ swaps: four })).toMatchObject({ kind: 'trip', detail: '4 automatic swaps within an hour' });
    expect(decide({ swaps: four.slice(1) }).kind).toBe('swap');
  });

  test('swaps by hand and those of an earlier hour do not count [R283]', () => {
    expect(decide({ swaps: [...four.slice(1), flippedAgo(6 * MINUTE, { trigger: 'manual' })] }).kind).toBe('swap');
    expect(decide({ swaps: [...four.slice(1), flippedAgo(HOUR)] }).kind).toBe('swap');
  });

  test('open, it lets a person swap and closes by itself after a day [R283]', () => {
    expect(decide({ breakerOpenedAt: NOON }, byHand()).kind).toBe('swap');
    expect(decide({ breakerOpenedAt: NOON - DAY }).kind).toBe('swap');
    expect(breakerEndsAt(NOON)).toBe(NOON + DAY);
  });

  test('it is not tripped where there is nothing to swap to', () => {
    const accounts = [aLimitedAccount('work', NOON + HOUR)];
    expect(decide({ swaps: four, accounts }).kind).toBe('exhausted');
  });
});

describe('thresholds', () => {
  test('a structured hit needs no second pane [R19 R251]', () => {
    expect(decide({}, { kind: 'limit', textHits: 0, structuredHits: 1, minTextHits: 3 }).kind).toBe('swap');
  });

  test('as many panes as asked for are enough [R19]', () => {
    expect(decide({}, { ...limit, textHits: 2, minTextHits: 2 } as Wish).kind).toBe('swap');
  });
});

describe('by hand', () => {
  const limited = [anAccount('work'), aLimitedAccount('spare', NOON + HOUR, { row: anAccountRow({ leftAt: NOON }) })];

  test('a target by name is taken only if it is eligible, and the refusal names every reason [R53]', () => {
    expect(decide({ accounts: limited }, byHand('spare'))).toMatchObject({
      kind: 'hold',
      reason: 'target_ineligible',
      detail: '5-hour limit reached; it was left a moment ago',
      passedOver: [{ account: 'spare', reasons: [{ code: 'limit_reached' }, { code: 'left_recently' }] }],
    });
    expect(decide({}, byHand('spare'))).toMatchObject({ kind: 'swap', why: 'asked for by name' });
  });

  test.each([
    ['its limit and its rest', limited[1]],
    ['a switch in the configuration', anAccount('spare', { enabled: false })],
    ['a mark', anAccount('spare', { row: anAccountRow({ status: 'expired' }) })],
  ])('force overrides %s [R53]', (_, spare) => {
    const accounts = [anAccount('work'), spare ?? anAccount('spare')];
    expect(decide({ accounts }, byHand('spare', true))).toMatchObject({ kind: 'swap', to: 'spare' });
  });

  test.each([
    ['without a home', anAccount('spare', { home: aHome({ problem: 'missing' }) })],
    ['without usable credentials', anAccount('spare', { home: aHome({ credentials: 'blanked' }) })],
    ['whose login has ended', anAccount('spare', { home: aHome({ loginEndsAt: NOON }) })],
    ['with the login of another account', anAccount('spare', { duplicateOf: 'work' })],
    [
      'that is logged in as somebody else',
      anAccount('spare', { row: anAccountRow({ identity: 'ada/org' }), home: aHome({ identity: 'bob/org' }) }),
    ],
  ])('force never swaps to an account %s', (_, spare) => {
    const decision = decide({ accounts: [anAccount('work'), spare] }, byHand('spare', true));
    expect(decision).toMatchObject({ kind: 'hold', reason: 'target_ineligible' });
  });

  test('without a name the pool chooses, and passes over the active account [R57]', () => {
    expect(decide({ accounts: [anAccount('work'), anAccount('spare')] }, byHand())).toMatchObject({ to: 'spare' });
  });

  test('force passes the kill switch, a plain wish does not [R285]', () => {
    expect(decide({}, byHand('spare', true), 'paused by ada').kind).toBe('swap');
  });
});

describe('no target', () => {
  test('all accounts at their limit: exhausted, with the earliest reset of all, the active one included [R54 R55]', () => {
    const accounts = [aLimitedAccount('work', NOON + HOUR), aLimitedAccount('spare', NOON + 2 * HOUR)];
    expect(decide({ accounts })).toMatchObject({ kind: 'exhausted', earliestAt: NOON + HOUR, earliest: 'work' });
    expect(decide({ accounts, state: 'exhausted' }).kind).toBe('exhausted');
  });

  test('an exhausted pool swaps as soon as an account is eligible [R54]', () => {
    expect(decide({ state: 'exhausted' })).toMatchObject({ kind: 'swap', to: 'spare' });
  });

  test('an account whose lock has not expired is never swapped to [R55]', () => {
    const locked = (until: number) =>
      anAccount('spare', { quota: [aRecord({ limitReached: true, resetAt: null, lockUntil: until })] });
    expect(decide({ accounts: [anAccount('work'), locked(NOON + 1)] }).kind).toBe('exhausted');
    const delayMs = reactivationDelayMs('spare');
    expect(decide({ accounts: [anAccount('work'), locked(NOON - delayMs)] }).kind).toBe('swap');
  });
});

test('a target that failed a moment ago is passed over while another is eligible, and tried again when there is none [R107]', () => {
  const failed = aSwap({ to: 'spare', phase: 'failed', flippedAt: null, finishedAt: NOON - MINUTE });
  const three = [anAccount('work'), anAccount('spare', { priority: 20 }), anAccount('last', { priority: 30 })];
  const decision = decide({ accounts: three, swaps: [failed] });
  expect(decision).toMatchObject({ kind: 'swap', to: 'last' });
  const passedOver = decision.kind === 'swap' ? decision.passedOver : [];
  expect(passedOver).toContainEqual({
    account: 'spare',
    reasons: [expect.objectContaining({ code: 'failed_lately' })],
  });
  expect(decide({ accounts: three.slice(0, 2), swaps: [failed] })).toMatchObject({ kind: 'swap', to: 'spare' });
  const old = { ...failed, finishedAt: NOON - HOUR };
  expect(decide({ accounts: three, swaps: [old] })).toMatchObject({ kind: 'swap', to: 'spare' });
});
