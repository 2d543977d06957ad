/** Swaps that no limit demands: away from a threshold, away from a refused login, and home. */
import { describe, expect, test } from 'vitest';
import type { Decision, PoolFacts, Wish } from '../../../src/core/quota/policy.ts';
import { decideSwap } from '../../../src/core/quota/policy.ts';
import { HOUR, MINUTE } from '../../../src/core/time.ts';
import { anAccount, aPool, aRecord, aSwap, ELIGIBILITY, NOON, SWAPPING } from '../../support/builders.ts';

const POLICY = { ...SWAPPING, eligibility: { ...ELIGIBILITY, autoPause: { '5h': 0.9, '7d': null } } };
const OVER: Wish = { kind: 'threshold', detail: '95 % of its 5-hour window' };
const HOME: Wish = { kind: 'return', to: 'work' };

const at = (name: string, used: number) => anAccount(name, { quota: [aRecord({ account: name, used })] });

function decide(wish: Wish, change: Partial<PoolFacts> = {}, paused: string | null = null): Decision {
  return decideSwap(aPool({ accounts: [at('work', 0.95), at('spare', 0.2)], ...change }), wish, paused, NOON, POLICY);
}

describe('over its threshold', () => {
  test('the active account is left for one with room [R119]', () => {
    expect(decide(OVER)).toMatchObject({ kind: 'swap', to: 'spare' });
  });

  test.each([OVER, HOME])('a hold stops the $kind wish until its end, as any automatic one', (wish) => {
    const pool =
      wish === OVER ? {} : { active: 'spare', accounts: [at('work', 0), at('spare', 0.2)], swaps: [] as const };
    const hold = { until: NOON + MINUTE, reason: 'snoozed by hand' };
    expect(decide(wish, pool)).toMatchObject({ kind: 'swap' });
    expect(decide(wish, { ...pool, hold })).toMatchObject({ kind: 'hold', reason: 'hold', until: NOON + MINUTE });
    expect(decide(wish, { ...pool, hold: { ...hold, until: NOON } })).toMatchObject({ kind: 'swap' });
  });

  test('the cooldown, a pause, a back-off and an open breaker hold this swap as any automatic one [R119 R20]', () => {
    const swaps = [aSwap({ flippedAt: NOON - MINUTE, finishedAt: NOON - MINUTE })];
    expect(decide(OVER, { swaps })).toMatchObject({ kind: 'hold', reason: 'cooldown' });
    expect(decide(OVER, {}, 'by hand')).toMatchObject({ kind: 'hold', reason: 'paused' });
    expect(decide(OVER, { retryUntil: NOON + MINUTE })).toMatchObject({ kind: 'hold', reason: 'backoff' });
    expect(decide(OVER, { breakerOpenedAt: NOON - MINUTE })).toMatchObject({ kind: 'hold', reason: 'circuit_breaker' });
  });

  test('without a better account the pool is not exhausted: work goes on where it is [R119]', () => {
    expect(decide(OVER, { accounts: [at('work', 0.95), at('spare', 0.92)] })).toMatchObject({
      kind: 'hold',
      reason: 'no_better_account',
      passedOver: [{ account: 'work' }, { account: 'spare', reasons: [{ code: 'auto_paused' }] }],
    });
  });

  test('an account just below its own threshold is not worth the move: two full accounts do not take turns [R119]', () => {
    expect(decide(OVER, { accounts: [at('work', 0.95), at('spare', 0.87)] })).toMatchObject({
      reason: 'no_better_account',
    });
  });

  test('the last automatic swap of an hour is kept for a limit [R283]', () => {
    const swaps = [15, 30, 45].map((minutes) => {
      const flippedAt = NOON - minutes * MINUTE;
      return aSwap({ id: `swap-${minutes}`, trigger: 'threshold', flippedAt, finishedAt: flippedAt });
    });
    expect(decide(OVER, { swaps })).toMatchObject({ kind: 'hold', reason: 'circuit_breaker' });
    const limit: Wish = { kind: 'limit', textHits: 1, structuredHits: 0, minTextHits: 1 };
    expect(decide(limit, { swaps })).toMatchObject({ kind: 'swap' });
  });
});

describe('its login is refused', () => {
  const REFUSED: Wish = { kind: 'down', detail: 'the login of work is refused in 2 of its 2 sessions' };
  const pool = { accounts: [at('work', 0.1), at('spare', 0.87)] };

  test('the account is left for any that can be used, also one without room to spare [R156]', () => {
    expect(decide(REFUSED, pool)).toMatchObject({ kind: 'swap', to: 'spare' });
  });

  test('the gates of every automatic swap hold this one [R156 R20]', () => {
    const swaps = [aSwap({ flippedAt: NOON - MINUTE, finishedAt: NOON - MINUTE })];
    const hold = { until: NOON + MINUTE, reason: 'snoozed by hand' };
    const reasons = [
      decide(REFUSED, { ...pool, swaps }),
      decide(REFUSED, { ...pool, hold }),
      decide(REFUSED, pool, 'lunch'),
      decide(REFUSED, { ...pool, retryUntil: NOON + MINUTE }),
      decide(REFUSED, { ...pool, breakerOpenedAt: NOON - MINUTE }),
      decide(REFUSED, { ...pool, state: 'partial' }),
      decide(REFUSED, { ...pool, stopObstacle: 'it is in the middle of a turn' }),
    ].map((decision) => decision.kind === 'hold' && decision.reason);
    expect(reasons).toEqual(['cooldown', 'hold', 'paused', 'backoff', 'circuit_breaker', 'partial', 'pane_busy']);
  });

  test('with nobody to go to the pool stays where it is, and every account has its reason [R156]', () => {
    expect(decide(REFUSED, { accounts: [at('work', 0.1), at('spare', 0.92)] })).toMatchObject({
      kind: 'hold',
      reason: 'no_better_account',
      passedOver: [{ account: 'work' }, { account: 'spare', reasons: [{ code: 'auto_paused' }] }],
    });
  });

  test('a second refusal within an hour is rather the provider: the pool does not run through its accounts [R156]', () => {
    const flippedAt = NOON - 20 * MINUTE;
    const swaps = [aSwap({ trigger: 'down', flippedAt, finishedAt: flippedAt })];
    expect(decide(REFUSED, { ...pool, swaps })).toMatchObject({
      kind: 'hold',
      reason: 'left_for_the_same',
      until: flippedAt + HOUR,
    });
    const limit: Wish = { kind: 'limit', textHits: 1, structuredHits: 0, minTextHits: 1 };
    expect(decide(limit, { ...pool, swaps })).toMatchObject({ kind: 'swap' });
    const earlier = [aSwap({ trigger: 'down', flippedAt: NOON - HOUR, finishedAt: NOON - HOUR })];
    expect(decide(REFUSED, { ...pool, swaps: earlier })).toMatchObject({ kind: 'swap' });
  });
});

describe('the way home', () => {
  const away = { active: 'spare', accounts: [at('work', 0), at('spare', 0.2)] };
  const left = (trigger: 'limit' | 'manual') => [
    aSwap({ trigger, flippedAt: NOON - 3 * HOUR, finishedAt: NOON - 3 * HOUR }),
  ];

  test('is taken when the preferred account can be used again [R271]', () => {
    expect(decide(HOME, { ...away, swaps: left('limit') })).toMatchObject({
      kind: 'swap',
      to: 'work',
      why: 'the pool prefers it',
    });
  });

  test('is not taken over a swap made by hand [R271]', () => {
    expect(decide(HOME, { ...away, swaps: left('manual') })).toMatchObject({ kind: 'hold', reason: 'made_by_hand' });
  });

  test('is not taken inside the cooldown [R271]', () => {
    const swaps = [aSwap({ flippedAt: NOON - MINUTE, finishedAt: NOON - MINUTE })];
    expect(decide(HOME, { ...away, swaps })).toMatchObject({ kind: 'hold', reason: 'cooldown' });
  });

  test('is not taken before the limit there has been reset, nor while it is almost full [R271]', () => {
    const limited = anAccount('work', { quota: [aRecord({ used: 1, limitReached: true })] });
    for (const home of [limited, at('work', 0.88)]) {
      const decision = decide(HOME, { ...away, accounts: [home, at('spare', 0.2)], swaps: left('limit') });
      expect(decision).toMatchObject({ kind: 'hold', reason: 'target_ineligible' });
    }
  });

  test('leads nowhere when the account was taken out of the configuration [R271]', () => {
    const accounts = [at('spare', 0.2), at('third', 0.1)];
    expect(decide(HOME, { ...away, accounts })).toMatchObject({ kind: 'hold', reason: 'target_unknown' });
  });
});

test('of a thousand paused accounts of the best priority and a healthy one of the worst the healthy one is taken [R106]', () => {
  const paused = Array.from({ length: 1000 }, (_, i) =>
    anAccount(`p${i}`, { priority: 1, quota: [aRecord({ account: `p${i}`, used: 0.97 })] }),
  );
  const accounts = [at('work', 0.95), ...paused, anAccount('healthy', { priority: 999 })];
  for (const strategy of ['priority', 'most_headroom', 'earliest_reset'] as const) {
    const decision = decide(OVER, { accounts, strategy });
    expect(decision).toMatchObject({ kind: 'swap', to: 'healthy' });
    expect(decision.kind === 'swap' && decision.passedOver.every(({ reasons }) => reasons.length > 0)).toBe(true);
    expect(decision.kind === 'swap' && decision.passedOver).toHaveLength(1001);
  }
});
