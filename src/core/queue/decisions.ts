/** The chain of decisions of a task: every account that was considered for it, what became of it, and when. */
import type { AccountFacts, EligibilityPolicy, IneligibleCode } from '../quota/eligibility.ts';
import { isEligible } from '../quota/eligibility.ts';
import type { SwapTrigger } from '../swap/swap.ts';
import type { EpochMs } from '../time.ts';

export const DECISION_REASONS = ['selected', 'limit', 'auto_paused', 'cooldown', 'failed', 'superseded'] as const;

/**
 * `selected`: it got the task. `limit`: a window of it, or the number of its sessions, was used up. `auto_paused`: near its
 * limit. `cooldown`: just left, or just reset. `failed`: it could not be used, or an attempt on it failed. `superseded`:
 * another account was, or became, the active one.
 */
export type DecisionReason = (typeof DECISION_REASONS)[number];

export interface TaskDecision {
  readonly account: string;
  readonly reason: DecisionReason;
  readonly at: EpochMs;
}

/** The newest are kept. */
const MAX_DECISIONS = 100;

const REASON_OF: Partial<Readonly<Record<IneligibleCode, DecisionReason>>> = {
  limit_reached: 'limit',
  at_capacity: 'limit',
  auto_paused: 'auto_paused',
  little_room: 'auto_paused',
  just_reset: 'cooldown',
  left_recently: 'cooldown',
};

/** A task begins on the active account of its pool; the others first, each with what spoke against it. */
export function decisionsAtClaim(
  accounts: readonly AccountFacts[],
  chosen: string,
  now: EpochMs,
  policy: EligibilityPolicy,
): readonly TaskDecision[] {
  const others = accounts
    .filter(({ name, enabled }) => enabled && name !== chosen)
    .map((account) => ({ account: account.name, reason: against(account, now, policy), at: now }));
  return [...others, { account: chosen, reason: 'selected', at: now }];
}

function against(account: AccountFacts, now: EpochMs, policy: EligibilityPolicy): DecisionReason {
  const [first] = isEligible(account, now, policy, { purpose: 'swap' }).reasons;
  return first === undefined ? 'superseded' : (REASON_OF[first.code] ?? 'failed');
}

/** A swap took the task along. @param trigger of that swap; null: not known any more */
export function decisionsAtSwap(
  from: string,
  to: string,
  trigger: SwapTrigger | null,
  now: EpochMs,
): readonly TaskDecision[] {
  const isLimit = trigger === 'limit' || trigger === 'known_limit';
  const reason = isLimit ? 'limit' : trigger === 'threshold' ? 'auto_paused' : 'superseded';
  return [
    { account: from, reason, at: now },
    { account: to, reason: 'selected', at: now },
  ];
}

/** The chain with more at its end; what was said last of an account is not said again. */
export function extendDecisions(
  chain: readonly TaskDecision[],
  added: readonly TaskDecision[],
): readonly TaskDecision[] {
  const last = chain.at(-1);
  const [only] = added;
  const isKnown = added.length === 1 && last?.account === only?.account && last?.reason === only?.reason;
  return isKnown ? chain : [...chain, ...added].slice(-MAX_DECISIONS);
}
