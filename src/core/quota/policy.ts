/** Whether a pool may swap now: the gates in their order, each refusal with its reason. */
import type { PoolSwitchState } from '../swap/machine.ts';
import type { SwapRow } from '../swap/swap.ts';
import type { EpochMs } from '../time.ts';
import { DAY, HOUR, MINUTE } from '../time.ts';
import type { AccountFacts, EligibilityPolicy, IneligibleCode } from './eligibility.ts';
import { isEligible } from './eligibility.ts';
import type { PassedOver, Selection, Strategy } from './selection.ts';
import { chooseTarget } from './selection.ts';

/** The state of one pool, as far as it bears on a decision. */
export interface PoolFacts {
  readonly pool: string;
  readonly strategy: Strategy;
  readonly accounts: readonly AccountFacts[];
  /** The account the link points at; null: none of ours. */
  readonly active: string | null;
  readonly state: PoolSwitchState;
  /** Newest first; at least those of the last hour and the newest of all. */
  readonly swaps: readonly SwapRow[];
  /** Set while the circuit breaker is open. */
  readonly breakerOpenedAt: EpochMs | null;
  /** After a failed or postponed swap. */
  readonly retryUntil: EpochMs | null;
  /** Somebody asked for no automatic swap until then. */
  readonly hold: { readonly until: EpochMs; readonly reason: string } | null;
  /** Why an agent that must end before the link moves cannot be ended now; null or absent: none must, or all can. */
  readonly stopObstacle?: string | null;
}

export interface SwapPolicy {
  readonly swapCooldownMs: number;
  readonly swapsPerHour: number;
  readonly eligibility: EligibilityPolicy;
}

/** What asks for the swap. */
export type Wish =
  | { readonly kind: 'limit'; readonly textHits: number; readonly structuredHits: number; readonly minTextHits: number }
  | { readonly kind: 'manual'; readonly to: string | null; readonly force: boolean }
  /** The active account is over its threshold: it goes on being used where no better one is to be had. */
  | { readonly kind: 'threshold'; readonly detail: string }
  /** The provider refuses the login of the active account, and the configuration says that it is to be left then. */
  | { readonly kind: 'down'; readonly detail: string }
  /** A limit of the active account is on record, and no pane shows it: after a restart of the machine, or once the pane was closed. */
  | { readonly kind: 'known_limit'; readonly detail: string }
  /** Back to the account that the pool prefers. */
  | { readonly kind: 'return'; readonly to: string };

export type HoldReason =
  | 'partial'
  | 'switching'
  | 'paused'
  | 'hold'
  | 'cooldown'
  | 'backoff'
  | 'circuit_breaker'
  | 'too_few_hits'
  | 'pane_busy'
  | 'no_active_account'
  | 'already_active'
  | 'made_by_hand'
  | 'left_for_the_same'
  | 'no_better_account'
  | 'target_unknown'
  | 'target_ineligible';

export type Decision =
  | {
      readonly kind: 'hold';
      readonly reason: HoldReason;
      readonly detail: string;
      readonly until: EpochMs | null;
      readonly passedOver: readonly PassedOver[];
    }
  | { readonly kind: 'trip'; readonly detail: string }
  | {
      readonly kind: 'exhausted';
      readonly earliestAt: EpochMs | null;
      readonly earliest: string | null;
      readonly passedOver: readonly PassedOver[];
    }
  | { readonly kind: 'swap'; readonly to: string; readonly why: string; readonly passedOver: readonly PassedOver[] };

/** The gates, in order. `paused` is the kill switch; it holds back a swap by hand too unless that is forced. */
export function decideSwap(
  pool: PoolFacts,
  wish: Wish,
  paused: string | null,
  now: EpochMs,
  policy: SwapPolicy,
): Decision {
  if (pool.state === 'partial') return hold('partial', 'a swap is half done: run claude-failover recover');
  if (pool.state !== 'normal' && pool.state !== 'exhausted')
    return hold('switching', `a swap is under way (${pool.state})`);
  const byHand = wish.kind === 'manual';
  if (paused !== null && !(byHand && wish.force)) return hold('paused', paused);
  if (pool.active === null) return hold('no_active_account', 'the link points at no configured account');

  if (!byHand) {
    if (pool.hold !== null && pool.hold.until > now) return hold('hold', pool.hold.reason, pool.hold.until);
    const last = lastCompleted(pool.swaps.filter((swap) => !isAhead(swap, now)));
    const cooldownUntil = last === null ? null : last + policy.swapCooldownMs;
    if (cooldownUntil !== null && cooldownUntil > now) return hold('cooldown', 'swap cooldown active', cooldownUntil);
    if (pool.retryUntil !== null && pool.retryUntil > now && pool.retryUntil <= now + HOUR)
      return hold('backoff', 'the last swap did not go through', pool.retryUntil);
    if (pool.breakerOpenedAt !== null && now < breakerEndsAt(pool.breakerOpenedAt)) {
      return hold(
        'circuit_breaker',
        'too many swaps in an hour: run claude-failover recover',
        breakerEndsAt(pool.breakerOpenedAt),
      );
    }
    if (wish.kind === 'limit' && wish.structuredHits === 0 && wish.textHits < wish.minTextHits) {
      return hold('too_few_hits', `${wish.textHits} of ${wish.minTextHits} panes show it`);
    }
    const refusedAt = wish.kind === 'down' ? lastLeftDown(pool.swaps, now) : null;
    if (refusedAt !== null)
      return hold(
        'left_for_the_same',
        'the account before was left for the same reason: it may be the provider',
        refusedAt + HOUR,
      );
    if ((wish.kind === 'return' || wish.kind === 'known_limit') && wasMovedByHand(pool.swaps))
      return hold('made_by_hand', 'the last swap was made by hand');
  }

  const chosen = select(pool, wish, now, policy);
  if (chosen.kind === 'hold') return chosen;
  // No session is stopped by it: without a better account the pool stays where it is.
  if (chosen.kind === 'none' && 'detail' in wish)
    return { ...hold('no_better_account', wish.detail, chosen.earliestAt), passedOver: chosen.passedOver };
  if (chosen.kind === 'none') return { ...chosen, kind: 'exhausted' };

  const recent = pool.swaps.filter(
    (swap) =>
      swap.trigger !== 'manual' && swap.trigger !== 'reset' && swap.flippedAt !== null && swap.flippedAt > now - HOUR,
  );
  const isEarly = wish.kind !== 'limit' && !byHand;
  if (isEarly && recent.length >= policy.swapsPerHour - 1)
    return hold('circuit_breaker', 'the last automatic swap of this hour is kept for a limit');
  if (!byHand && recent.length >= policy.swapsPerHour) {
    return { kind: 'trip', detail: `${recent.length} automatic swaps within an hour` };
  }
  // Not even with force: it would end somebody's turn, or leave an agent with the wrong account.
  if (pool.stopObstacle != null) return { ...hold('pane_busy', pool.stopObstacle), passedOver: chosen.passedOver };
  return { kind: 'swap', to: chosen.to, why: chosen.why, passedOver: chosen.passedOver };
}

function select(pool: PoolFacts, wish: Wish, now: EpochMs, policy: SwapPolicy): Selection | Held {
  if (wish.kind === 'manual' && wish.to !== null) return byName(pool, wish.to, wish.force, 'swap', now, policy);
  if (wish.kind === 'return') return byName(pool, wish.to, false, 'early', now, policy);
  const avoid = failedLately(pool.swaps, now);
  return chooseTarget(pool.accounts, pool.active, pool.strategy, now, policy.eligibility, avoid, purposeOf(wish));
}

/** What the target of such a swap must be good for. */
export function purposeOf(wish: Wish): 'swap' | 'early' {
  return wish.kind === 'threshold' || wish.kind === 'return' ? 'early' : 'swap';
}

/** Whether the account that is active was chosen by a person. @param swaps newest first */
function wasMovedByHand(swaps: readonly SwapRow[]): boolean {
  const moved = swaps.find((swap) => swap.trigger !== 'reset' && swap.flippedAt !== null && swap.phase !== 'failed');
  return moved?.trigger === 'manual';
}

/** When the link last left an account whose login was refused, within the last hour. */
function lastLeftDown(swaps: readonly SwapRow[], now: EpochMs): EpochMs | null {
  const left = swaps.find(
    ({ trigger, flippedAt }) => trigger === 'down' && flippedAt !== null && flippedAt > now - HOUR && flippedAt <= now,
  );
  return left?.flippedAt ?? null;
}

/** Written before the wall clock was set back: such an instant would hold the pool for as long as the step was wide. */
function isAhead(swap: SwapRow, now: EpochMs): boolean {
  return (swap.flippedAt ?? 0) > now + MINUTE;
}

/** A target that failed a moment ago is tried again only when there is no other. */
const AVOID_MS = 15 * MINUTE;

/** @param swaps newest first */
function failedLately(swaps: readonly SwapRow[], now: EpochMs): readonly string[] {
  const newest = new Map<string, SwapRow>();
  for (const swap of swaps) if (swap.trigger !== 'reset' && !newest.has(swap.to)) newest.set(swap.to, swap);
  return [...newest.values()]
    .filter(({ phase, finishedAt }) => phase === 'failed' && finishedAt !== null && finishedAt > now - AVOID_MS)
    .map(({ to }) => to);
}

/** The breaker stays open until somebody runs `recover`, or a day has passed. */
export function breakerEndsAt(openedAt: EpochMs): EpochMs {
  return openedAt + DAY;
}

/** When the last swap that moved the link was done; while its panes are still coming back, when it moved the link. Null: never. */
export function lastCompleted(swaps: readonly SwapRow[]): EpochMs | null {
  let newest: EpochMs | null = null;
  for (const { phase, flippedAt, finishedAt } of swaps) {
    const moved = phase === 'done' || phase === 'recovering' || phase === 'flipped';
    if (moved && flippedAt !== null) newest = Math.max(newest ?? 0, flippedAt, finishedAt ?? 0);
  }
  return newest;
}

/** Back-off after `failures` swaps in a row that did not go through. */
export function retryDelayMs(failures: number, initialMs: number, maxMs: number): number {
  return Math.min(maxMs, initialMs * 2 ** Math.max(0, Math.min(failures - 1, 30)));
}

/** Force overrides quota, cooldown and marks, never a home without a usable login of its own. */
const NEVER_FORCED: ReadonlySet<string> = new Set<IneligibleCode>([
  'home_unusable',
  'credentials_unusable',
  'login_ended',
  'identity_duplicate',
  'identity_changed',
]);

type Held = Extract<Decision, { kind: 'hold' }>;

function byName(
  pool: PoolFacts,
  name: string,
  force: boolean,
  purpose: 'swap' | 'early',
  now: EpochMs,
  policy: SwapPolicy,
): Selection | Held {
  const account = pool.accounts.find((candidate) => candidate.name === name);
  if (account === undefined) return hold('target_unknown', `pool ${pool.pool} has no account ${name}`);
  if (name === pool.active) return hold('already_active', `${name} is the active account`);
  const eligibility = isEligible(account, now, policy.eligibility, { purpose });
  if (!eligibility.ok && !force) {
    const passedOver = [{ account: name, reasons: eligibility.reasons }];
    return { ...hold('target_ineligible', eligibility.reasons.map((reason) => reason.detail).join('; ')), passedOver };
  }
  const broken = eligibility.reasons.filter((reason) => NEVER_FORCED.has(reason.code));
  if (broken.length > 0) {
    return {
      ...hold('target_ineligible', broken.map((reason) => reason.detail).join('; ')),
      passedOver: [{ account: name, reasons: broken }],
    };
  }
  return {
    kind: 'chosen',
    to: name,
    why: purpose === 'early' ? 'the pool prefers it' : `asked for by name${eligibility.ok ? '' : ', with force'}`,
    passedOver: [],
  };
}

function hold(reason: HoldReason, detail: string, until: EpochMs | null = null): Held {
  return { kind: 'hold', reason, detail, until, passedOver: [] };
}
