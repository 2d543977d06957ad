/** What every view says of one account: its derived state, the reasons behind it, its figures and its thresholds. */
import type { AccountFacts, DisplayState, EligibilityPolicy } from './quota/eligibility.ts';
import { displayState, isEligible } from './quota/eligibility.ts';
import type { AutoPauseStatus, PauseStatus, QuotaStatus } from './quota/view.ts';
import { autoPauseStatus, leaseStatus, lockedUntil, pauseStatus, quotaStatus } from './quota/view.ts';
import type { EpochMs } from './time.ts';
import { toIso } from './time.ts';

export interface AccountStatusView {
  readonly name: string;
  readonly pool: string;
  readonly active: boolean;
  readonly state: DisplayState;
  readonly eligible: boolean;
  readonly reasons: readonly { readonly code: string; readonly detail: string; readonly until: string | null }[];
  readonly priority: number;
  readonly quota: Readonly<Record<string, QuotaStatus>>;
  readonly auto_pause: Readonly<Record<'5h' | '7d', AutoPauseStatus>>;
  /** The threshold that it is over now; null: none. */
  readonly paused: PauseStatus | null;
  readonly lock_until: string | null;
  readonly leases: number;
  readonly max_sessions: number;
  readonly identity: 'known' | 'unknown';
}

/** @param active  the account that the pool's link points at */
export function accountView(
  account: AccountFacts,
  active: string | null,
  now: EpochMs,
  policy: EligibilityPolicy,
): AccountStatusView {
  const isActive = account.name === active;
  const eligibility = isEligible(account, now, policy, { purpose: isActive ? 'keep' : 'swap' });
  return {
    name: account.name,
    pool: account.pool,
    active: isActive,
    state: displayState(account, isActive, now, policy),
    eligible: eligibility.ok,
    reasons: eligibility.reasons.map(({ code, detail, until }) => ({ code, detail, until: toIso(until) })),
    priority: account.priority,
    quota: quotaStatus(account.quota, now, policy),
    auto_pause: autoPauseStatus(account, policy),
    paused: pauseStatus(account, now, policy),
    lock_until: toIso(lockedUntil(account.quota, now)),
    ...leaseStatus(account),
    identity: account.home?.identity == null && account.row?.identity == null ? 'unknown' : 'known',
  };
}
