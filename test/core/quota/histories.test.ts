/** Random histories of a pool: hits, figures, clock steps, swaps of every kind; and what must never come of them. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { QuotaWindow } from '../../../src/core/agents/profile.ts';
import type { AccountFacts, EligibilityPolicy } from '../../../src/core/quota/eligibility.ts';
import { isEligible } from '../../../src/core/quota/eligibility.ts';
import type { Decision, PoolFacts, Wish } from '../../../src/core/quota/policy.ts';
import { decideSwap, purposeOf } from '../../../src/core/quota/policy.ts';
import type { QuotaRecord } from '../../../src/core/quota/record.ts';
import { applyLimitHit, settle } from '../../../src/core/quota/record.ts';
import type { SampleSource } from '../../../src/core/quota/sample.ts';
import { applySample } from '../../../src/core/quota/sample.ts';
import type { SwapRow } from '../../../src/core/swap/swap.ts';
import type { EpochMs } from '../../../src/core/time.ts';
import { DAY, HOUR, MINUTE, SECOND } from '../../../src/core/time.ts';
import { anAccount, aPool, aSwap, ELIGIBILITY, NOON, PROPERTY_TIMEOUT_MS, SWAPPING } from '../../support/builders.ts';

const RUNS = process.env.CF_LONG === '1' ? 100_000 : 3_000;
const POLICY: EligibilityPolicy = { ...ELIGIBILITY, autoPause: { '5h': 0.9, '7d': 0.95 } };
const SWAP_POLICY = { ...SWAPPING, eligibility: POLICY };

type Act =
  | {
      readonly kind: 'hit';
      readonly who: number;
      readonly window: QuotaWindow;
      readonly resetInMs: number | null;
      readonly lagMs: number;
    }
  | {
      readonly kind: 'sample';
      readonly who: number;
      readonly window: QuotaWindow;
      readonly percent: number;
      readonly resetInMs: number | null;
      readonly source: SampleSource;
      readonly lagMs: number;
    }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'step'; readonly ms: number }
  | { readonly kind: 'toggle'; readonly who: number }
  | { readonly kind: 'remove'; readonly who: number }
  | { readonly kind: 'wish'; readonly wish: Wish };

const who = fc.nat(4);
const window = fc.constantFrom<QuotaWindow>('5h', '7d', 'model', 'unknown');
const resetInMs = fc.option(fc.integer({ min: -HOUR, max: 8 * DAY }));
/** How long before it is dealt with it happened. */
const lagMs = fc.oneof(fc.constant(0), fc.nat(3 * MINUTE), fc.nat(3 * HOUR));
const wish: fc.Arbitrary<Wish> = fc.oneof(
  fc.record({
    kind: fc.constant('limit' as const),
    textHits: fc.nat(2),
    structuredHits: fc.nat(1),
    minTextHits: fc.constant(1),
  }),
  fc.constant<Wish>({ kind: 'threshold', detail: 'over' }),
  fc.constant<Wish>({ kind: 'down', detail: 'refused' }),
  fc.record({ kind: fc.constant('return' as const), to: fc.constantFrom('a0', 'a1') }),
  fc.record({
    kind: fc.constant('manual' as const),
    to: fc.constantFrom(null, 'a0', 'a2', 'gone'),
    force: fc.constant(false),
  }),
);
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ kind: fc.constant('hit' as const), who, window, resetInMs, lagMs }),
  fc.record({
    kind: fc.constant('sample' as const),
    who,
    window,
    percent: fc.oneof(fc.double({ min: 0, max: 120 }), fc.constant(Number.NaN)),
    resetInMs,
    source: fc.constantFrom<SampleSource>('statusline', 'rollout', 'screen', 'banner'),
    lagMs,
  }),
  fc.record({
    kind: fc.constant('wait' as const),
    ms: fc.oneof(fc.nat(10 * SECOND), fc.nat(10 * MINUTE), fc.nat(6 * HOUR)),
  }),
  fc.record({ kind: fc.constant('step' as const), ms: fc.constantFrom(-25 * HOUR, 25 * HOUR) }),
  fc.record({ kind: fc.constant('toggle' as const), who }),
  fc.record({ kind: fc.constant('remove' as const), who }),
  fc.record({ kind: fc.constant('wish' as const), wish }),
  fc.record({ kind: fc.constant('wish' as const), wish }),
);

/** A pool that does what is decided. */
class Model {
  now = NOON;
  /** Real time since the last completed swap; null: none, or the clock was set since. */
  sinceSwapMs: number | null = null;
  accounts: AccountFacts[] = Array.from({ length: 5 }, (_, i) =>
    anAccount(`a${i}`, { priority: i, maxSessions: i === 4 ? 2 : 0, leases: i === 4 ? 2 : 0 }),
  );
  active: string | null = 'a0';
  swaps: SwapRow[] = [];

  record(index: number, bucket: QuotaWindow, change: (current: QuotaRecord | null) => QuotaRecord | null): void {
    const account = this.accounts[index];
    if (account === undefined) return;
    const current = account.quota.find((record) => record.window === bucket) ?? null;
    const next = change(current);
    if (next === null) return;
    this.accounts[index] = { ...account, quota: [...account.quota.filter((record) => record !== current), next] };
  }

  pool(): PoolFacts {
    return aPool({ accounts: this.accounts, active: this.active, swaps: this.swaps });
  }

  carryOut(decision: Decision, asked: Wish): void {
    if (decision.kind !== 'swap' || this.active === null) return;
    const at = this.now;
    const trigger = asked.kind;
    this.swaps = [
      aSwap({ from: this.active, to: decision.to, trigger, startedAt: at, flippedAt: at, finishedAt: at }),
      ...this.swaps,
    ];
    this.accounts = this.accounts.map((account) =>
      account.name === this.active && account.row !== null
        ? { ...account, row: { ...account.row, leftAt: at } }
        : account,
    );
    this.active = decision.to;
    this.sinceSwapMs = 0;
  }
}

function play(acts: readonly Act[], check: (model: Model, decision: Decision, asked: Wish) => void): Model {
  const model = new Model();
  for (const step of acts) {
    const { now } = model;
    const resetAt = 'resetInMs' in step && step.resetInMs !== null ? now + step.resetInMs : null;
    if (step.kind === 'wait') {
      model.now += step.ms;
      if (model.sinceSwapMs !== null) model.sinceSwapMs += step.ms;
    } else if (step.kind === 'step') {
      model.now += step.ms;
      model.sinceSwapMs = null;
    } else if (step.kind === 'hit') {
      const account = `a${step.who}`;
      model.record(step.who, step.window, (current) =>
        applyLimitHit(
          current,
          { account, window: step.window, resetAt, source: 'banner', at: now - step.lagMs },
          now,
          HOUR,
        ),
      );
    } else if (step.kind === 'sample') {
      const sample = {
        account: `a${step.who}`,
        window: step.window,
        usedPercent: step.percent,
        resetAt,
        source: step.source,
        at: now - step.lagMs,
      };
      model.record(step.who, step.window, (current) => applySample(current, sample, now, HOUR).record);
    } else if (step.kind === 'toggle') {
      model.accounts = model.accounts.map((account, i) =>
        i === step.who ? { ...account, enabled: !account.enabled } : account,
      );
    } else if (step.kind === 'remove') {
      // Also the active one: then the link points at no account of ours.
      const gone = model.accounts[step.who]?.name;
      if (model.accounts.length > 2) model.accounts = model.accounts.filter(({ name }) => name !== gone);
      if (model.active === gone && !model.accounts.some(({ name }) => name === gone)) model.active = null;
    } else {
      const decision = decideSwap(model.pool(), step.wish, null, model.now, SWAP_POLICY);
      check(model, decision, step.wish);
      model.carryOut(decision, step.wish);
    }
  }
  return model;
}

// Without a size no history would be longer than ten.
const history = fc.array(act, { maxLength: 40, size: 'max' });

test(
  'never an automatic swap inside the cooldown, and never to a candidate that the predicate refuses [R23 R55 R105 R106]',
  () => {
    let swaps = 0;
    fc.assert(
      fc.property(history, (acts) => {
        play(acts, (model, decision, asked) => {
          if (decision.kind !== 'swap') return;
          swaps++;
          const target = model.accounts.find(({ name }) => name === decision.to);
          if (target === undefined) throw new Error('a swap to an account that is not there');
          expect(isEligible(target, model.now, POLICY, { purpose: purposeOf(asked) }).reasons).toEqual([]);
          expect(decision.to).not.toBe(model.active);
          if (asked.kind === 'manual' || model.sinceSwapMs === null) return;
          expect(model.sinceSwapMs).toBeGreaterThanOrEqual(SWAPPING.swapCooldownMs);
        });
      }),
      { numRuns: RUNS },
    );
    // A property that never sees a swap proves nothing.
    expect(swaps).toBeGreaterThan(RUNS / 10);
  },
  PROPERTY_TIMEOUT_MS,
);

test(
  'never an account that is exhausted without an end, whatever the clock did [R35 R139 R140]',
  () => {
    fc.assert(
      fc.property(history, (acts) => {
        const model = play(acts, () => undefined);
        for (const { quota } of model.accounts) {
          for (const record of quota) {
            if (!record.limitReached) continue;
            const end: EpochMs | null = record.resetAt ?? record.lockUntil;
            if (end === null) throw new Error('exhausted without an end');
            expect(settle(record, end).limitReached).toBe(false);
          }
        }
      }),
      { numRuns: RUNS },
    );
  },
  PROPERTY_TIMEOUT_MS,
);

test(
  'every account that was passed over has a reason, in every decision that chose or found none [R53]',
  () => {
    fc.assert(
      fc.property(history, (acts) => {
        play(acts, (model, decision, asked) => {
          if (
            decision.kind !== 'exhausted' &&
            (decision.kind !== 'swap' || (asked.kind !== 'limit' && asked.kind !== 'threshold'))
          )
            return;
          const named = decision.passedOver.map(({ account }) => account);
          const others = model.accounts
            .map(({ name }) => name)
            .filter((name) => decision.kind !== 'swap' || name !== decision.to);
          expect([...named].sort()).toEqual([...others].sort());
          for (const { reasons } of decision.passedOver) expect(reasons.length).toBeGreaterThan(0);
        });
      }),
      { numRuns: RUNS },
    );
  },
  PROPERTY_TIMEOUT_MS,
);
