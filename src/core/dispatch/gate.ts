/** Whether new work may start in a pool at all: the gates in their order, each with its reason. */
import type { EligibilityPolicy } from '../quota/eligibility.ts';
import { isEligible } from '../quota/eligibility.ts';
import type { PoolFacts } from '../quota/policy.ts';
import { UNFINISHED_PHASES } from '../swap/swap.ts';
import type { EpochMs } from '../time.ts';
import { MINUTE } from '../time.ts';

export type DispatchHold =
  | 'disabled'
  | 'observing'
  | 'paused'
  | 'unknown'
  | 'partial'
  | 'switching'
  | 'exhausted'
  | 'no_active_account'
  | 'account_ineligible'
  | 'after_swap';

export type DispatchGate =
  | { readonly kind: 'open'; readonly account: string }
  /** `until`: when it ends by itself, as far as is known. */
  | { readonly kind: 'held'; readonly reason: DispatchHold; readonly detail: string; readonly until: EpochMs | null };

export interface DispatchFacts {
  readonly enabled: boolean;
  /** Why the daemon only observes; null: it acts. */
  readonly observing: string | null;
  /** The kill switch; null: off. */
  readonly paused: string | null;
  /** Null: nothing is known of the pool yet. */
  readonly pool: PoolFacts | null;
}

export interface DispatchPolicy {
  readonly postSwapDelayMs: number;
  readonly eligibility: EligibilityPolicy;
}

/** The sessions of an account are counted when the lease is taken, not here: a session that is on it already may go on. */
export function dispatchGate(facts: DispatchFacts, now: EpochMs, policy: DispatchPolicy): DispatchGate {
  const { pool } = facts;
  if (!facts.enabled) return held('disabled', 'dispatcher.enabled is false');
  if (facts.observing !== null) return held('observing', facts.observing);
  if (facts.paused !== null) return held('paused', facts.paused);
  if (pool === null) return held('unknown', 'the pool has not been read yet');
  if (pool.state === 'partial') return held('partial', 'a swap is half done: run claude-failover recover');
  const unfinished = pool.swaps.find((swap) => UNFINISHED_PHASES.includes(swap.phase));
  if (unfinished !== undefined || (pool.state !== 'normal' && pool.state !== 'exhausted'))
    return held('switching', `a swap is under way (${unfinished?.phase ?? pool.state})`);
  if (pool.state === 'exhausted') return held('exhausted', 'no account of the pool can be used');
  const active = pool.accounts.find(({ name }) => name === pool.active);
  if (active === undefined) return held('no_active_account', 'the link points at no configured account');

  const { reasons } = isEligible(active, now, policy.eligibility, { purpose: 'work' });
  const against = reasons.filter(({ code }) => code !== 'at_capacity');
  if (against.length > 0) {
    const ends = against.map(({ until }) => until);
    const until = ends.some((end) => end === null) ? null : Math.max(...ends.map((end) => end ?? 0));
    const detail = `${active.name}: ${against.map((reason) => reason.detail).join('; ')}`;
    return held('account_ineligible', detail, until);
  }
  const flips = pool.swaps.flatMap((swap) => (swap.flippedAt === null ? [] : [swap.finishedAt ?? swap.flippedAt]));
  // What lies ahead was written before the clock was set back.
  const until = Math.max(0, ...flips.filter((at) => at <= now + MINUTE)) + policy.postSwapDelayMs;
  if (until > now) return held('after_swap', 'a swap has just ended', until);
  return { kind: 'open', account: active.name };
}

function held(reason: DispatchHold, detail: string, until: EpochMs | null = null): DispatchGate {
  return { kind: 'held', reason, detail, until };
}
