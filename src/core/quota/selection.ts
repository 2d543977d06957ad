/** Chooses the account to swap to, and says why every other one was passed over. */
import type { EpochMs } from '../time.ts';
import type { AccountFacts, EligibilityPolicy, IneligibleReason } from './eligibility.ts';
import { eligibleAt, isEligible } from './eligibility.ts';
import { settle } from './record.ts';

export type Strategy = 'priority' | 'most_headroom' | 'earliest_reset';

export interface PassedOver {
  readonly account: string;
  readonly reasons:
    | readonly IneligibleReason[]
    | readonly [{ readonly code: 'ranked_lower'; readonly detail: string; readonly until: null }];
}

export type Selection =
  | { readonly kind: 'chosen'; readonly to: string; readonly why: string; readonly passedOver: readonly PassedOver[] }
  | {
      readonly kind: 'none';
      readonly earliestAt: EpochMs | null;
      readonly earliest: string | null;
      readonly passedOver: readonly PassedOver[];
    };

/** @param accounts those of one pool, the active one included; it is passed over by `active` */
export function chooseTarget(
  accounts: readonly AccountFacts[],
  active: string | null,
  strategy: Strategy,
  now: EpochMs,
  policy: EligibilityPolicy,
): Selection {
  const passedOver: PassedOver[] = [];
  const candidates: AccountFacts[] = [];
  let earliestAt: EpochMs | null = null;
  let earliest: string | null = null;
  for (const account of accounts) {
    const isActive = account.name === active;
    const eligibility = isEligible(account, now, policy, {
      purpose: isActive ? 'keep' : 'swap',
      ...(isActive ? { exclude: [account.name] } : {}),
    });
    if (eligibility.ok) {
      candidates.push(account);
      continue;
    }
    passedOver.push({ account: account.name, reasons: eligibility.reasons });
    // The active account counts here too: its own reset may be the next thing that lets work go on.
    const ends = { ok: false, reasons: eligibility.reasons.filter((reason) => reason.code !== 'excluded') };
    const at = eligibleAt(ends, now);
    if (at !== null && (earliestAt === null || at < earliestAt)) {
      earliestAt = at;
      earliest = account.name;
    }
  }
  const [best, ...others] = [...candidates].sort((a, b) => compare(a, b, strategy, now));
  if (best === undefined) return { kind: 'none', earliestAt, earliest, passedOver };
  for (const other of others) {
    passedOver.push({
      account: other.name,
      reasons: [{ code: 'ranked_lower', detail: `behind ${best.name} by ${strategy.replace('_', ' ')}`, until: null }],
    });
  }
  return { kind: 'chosen', to: best.name, why: describe(best, strategy, now), passedOver };
}

/** Ties end with the name, so that the same facts always give the same account. */
function compare(a: AccountFacts, b: AccountFacts, strategy: Strategy, now: EpochMs): number {
  const byPriority = a.priority - b.priority;
  const byHeadroom = headroom(b, now) - headroom(a, now);
  const byReset = nextReset(a, now) - nextReset(b, now);
  const byRest = (a.row?.leftAt ?? 0) - (b.row?.leftAt ?? 0);
  const keys = {
    priority: [byPriority, byHeadroom, byRest],
    most_headroom: [byHeadroom, byPriority, byRest],
    earliest_reset: [byReset, byPriority, byRest],
  }[strategy];
  return keys.find((key) => key !== 0 && !Number.isNaN(key)) ?? (a.name < b.name ? -1 : 1);
}

/** Free share of the fullest window, 0 … 1; an account without figures counts as free. */
function headroom(account: AccountFacts, now: EpochMs): number {
  return 1 - Math.max(0, ...account.quota.map((record) => settle(record, now).used ?? 0));
}

function nextReset(account: AccountFacts, now: EpochMs): number {
  return Math.min(
    Number.MAX_SAFE_INTEGER,
    ...account.quota.map((record) => settle(record, now).resetAt ?? Number.MAX_SAFE_INTEGER),
  );
}

function describe(account: AccountFacts, strategy: Strategy, now: EpochMs): string {
  if (strategy === 'priority') return `eligible, priority ${account.priority}`;
  if (strategy === 'most_headroom') return `eligible, ${Math.round(headroom(account, now) * 100)} % free`;
  return 'eligible, its window resets soonest';
}
