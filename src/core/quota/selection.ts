/** Chooses the account to swap to, and says why every other one was passed over. */
import type { EpochMs } from '../time.ts';
import type { AccountFacts, EligibilityPolicy, IneligibleReason } from './eligibility.ts';
import { countsForAccount, eligibleAt, isEligible } from './eligibility.ts';
import { settle } from './record.ts';

export type Strategy = 'priority' | 'most_headroom' | 'earliest_reset';

export interface PassedOver {
  readonly account: string;
  readonly reasons:
    | readonly IneligibleReason[]
    | readonly [{ readonly code: 'ranked_lower' | 'failed_lately'; readonly detail: string; readonly until: null }];
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
  avoid: readonly string[] = [],
  purpose: 'swap' | 'early' = 'swap',
): Selection {
  const passedOver: PassedOver[] = [];
  const candidates: AccountFacts[] = [];
  let earliestAt: EpochMs | null = null;
  let earliest: string | null = null;
  for (const account of accounts) {
    const isActive = account.name === active;
    const eligibility = isEligible(account, now, policy, {
      purpose: isActive ? 'keep' : purpose,
      ...(isActive ? { exclude: [account.name] } : {}),
    });
    if (eligibility.ok) {
      candidates.push(account);
      continue;
    }
    passedOver.push({ account: account.name, reasons: eligibility.reasons });
    // The active account counts here too: its own reset may be the next thing that lets work go on.
    const reasons = eligibility.reasons.filter((reason) => reason.code !== 'excluded');
    const at = reasons.length === 0 ? null : eligibleAt({ ok: false, reasons }, now);
    if (at !== null && (earliestAt === null || at < earliestAt)) {
      earliestAt = at;
      earliest = account.name;
    }
  }
  const preferred = candidates.filter((account) => !avoid.includes(account.name));
  const ranked = (preferred.length > 0 ? preferred : candidates).map((account) => rank(account, now, policy));
  const [best, ...others] = ranked.sort(ORDER[strategy]);
  if (best === undefined) return { kind: 'none', earliestAt, earliest, passedOver };
  for (const other of others) {
    passedOver.push({
      account: other.name,
      reasons: [{ code: 'ranked_lower', detail: `behind ${best.name} by ${strategy.replace('_', ' ')}`, until: null }],
    });
  }
  for (const { name } of preferred.length > 0 ? candidates.filter((account) => avoid.includes(account.name)) : []) {
    passedOver.push({
      account: name,
      reasons: [{ code: 'failed_lately', detail: 'the last swap to it failed', until: null }],
    });
  }
  return { kind: 'chosen', to: best.name, why: describe(best, strategy), passedOver };
}

/** What accounts are compared by; in each figure the lower one goes first. */
interface Rank {
  readonly name: string;
  readonly priority: number;
  /** Used share of the fullest window; an account without figures counts as free. */
  readonly used: number;
  readonly resetAt: EpochMs;
  readonly leftAt: EpochMs;
}

function rank(account: AccountFacts, now: EpochMs, policy: EligibilityPolicy): Rank {
  const records = account.quota.map((raw) => settle(raw, now)).filter((record) => countsForAccount(record, policy));
  return {
    name: account.name,
    priority: account.priority,
    used: Math.max(0, ...records.map((record) => record.used ?? 0)),
    resetAt: Math.min(Number.MAX_SAFE_INTEGER, ...records.flatMap((record) => record.resetAt ?? [])),
    leftAt: account.row?.leftAt ?? 0,
  };
}

/** Ties end with the name, so that the same facts always give the same account. */
function by(...keys: readonly ('priority' | 'used' | 'resetAt' | 'leftAt')[]): (a: Rank, b: Rank) => number {
  return (a, b) => {
    for (const key of keys) if (a[key] !== b[key]) return a[key] - b[key];
    return a.name < b.name ? -1 : 1;
  };
}

const ORDER: Readonly<Record<Strategy, (a: Rank, b: Rank) => number>> = {
  priority: by('priority', 'used', 'leftAt'),
  most_headroom: by('used', 'priority', 'leftAt'),
  earliest_reset: by('resetAt', 'priority', 'leftAt'),
};

function describe(best: Rank, strategy: Strategy): string {
  if (strategy === 'priority') return `eligible, priority ${best.priority}`;
  if (strategy === 'most_headroom') return `eligible, ${Math.round((1 - best.used) * 100)} % free`;
  return 'eligible, its window resets soonest';
}
