/** When an account is left alone before its limit: its thresholds, where they come from, and whether it is over one. */
import type { EpochMs } from '../time.ts';
import { MINUTE } from '../time.ts';
import type { QuotaRecord } from './record.ts';
import { settle } from './record.ts';

/** The windows that can pause an account. */
export type PausedWindow = '5h' | '7d';

export const PAUSED_WINDOWS: readonly PausedWindow[] = ['5h', '7d'];

/** What one account says of its windows. Fractions above 0, at most 1; null: the default of `quota.auto_pause`. */
export type AutoPauseRules = Readonly<
  Record<PausedWindow, { readonly threshold: number | null; readonly disabled: boolean }>
>;

export interface AutoPausePolicy {
  /** Fractions for accounts without their own; null: no pause. */
  readonly autoPause: Readonly<Record<PausedWindow, number | null>>;
  /** A figure that is older does not pause: a paused account gets no traffic, so its figure would never change. */
  readonly sampleStaleAfterMs: number;
}

/** `disabled`: this window of this account never pauses. `off`: there is no threshold anywhere. */
export type ThresholdFrom = 'account' | 'default' | 'disabled' | 'off';

export interface Threshold {
  /** Null: none. */
  readonly threshold: number | null;
  readonly from: ThresholdFrom;
}

export interface AutoPause {
  readonly window: PausedWindow;
  readonly threshold: number;
  /** Share of the window, 0 … 1. */
  readonly used: number;
  /** When the window resets or the figure becomes stale, whichever is first. */
  readonly until: EpochMs;
}

/** What is needed of an account to tell whether it is paused. */
export interface PausableAccount {
  readonly quota: readonly QuotaRecord[];
  /** Absent: no rules of its own. */
  readonly autoPause?: AutoPauseRules;
}

/**
 * The threshold that the account is over; of several, the one that lasts longest, then the fuller window. Null: none.
 *
 * @param marginBelow  counts as over already when this much (a fraction) is missing to the threshold
 * @param untilReset   a figure counts until its window resets, however old it is: unused, an account cannot have become emptier
 */
export function pauseOf(
  account: PausableAccount,
  now: EpochMs,
  policy: AutoPausePolicy,
  marginBelow = 0,
  untilReset = false,
): AutoPause | null {
  const pauses: AutoPause[] = [];
  for (const window of PAUSED_WINDOWS) {
    const { threshold } = thresholdOf(account, window, policy);
    const raw = account.quota.find((record) => record.window === window);
    if (threshold === null || raw === undefined) continue;
    const { used, resetAt, updatedAt } = settle(raw, now);
    const mayBeOld = untilReset && resetAt !== null;
    if (used === null || (!mayBeOld && isStale(raw, now, policy)) || !isReached(used, threshold - marginBelow))
      continue;
    const staleAt = mayBeOld ? resetAt : updatedAt + policy.sampleStaleAfterMs;
    pauses.push({ window, threshold, used, until: Math.min(resetAt ?? staleAt, staleAt) });
  }
  const [longest] = pauses.sort((a, b) => b.until - a.until || b.used - a.used);
  return longest ?? null;
}

/** The account's own rule, else the default. */
export function thresholdOf(account: PausableAccount, window: PausedWindow, policy: AutoPausePolicy): Threshold {
  const own = account.autoPause?.[window];
  if (own?.disabled === true) return { threshold: null, from: 'disabled' };
  if (own != null && own.threshold !== null) return { threshold: own.threshold, from: 'account' };
  const threshold = policy.autoPause[window];
  return { threshold, from: threshold === null ? 'off' : 'default' };
}

/** Whether the figure is too old to pause. One without a credible time counts as old. */
export function isStale(record: QuotaRecord, now: EpochMs, policy: AutoPausePolicy): boolean {
  const { updatedAt } = record;
  if (!Number.isFinite(updatedAt) || updatedAt <= 0 || updatedAt > now + MINUTE) return true;
  return now - updatedAt >= policy.sampleStaleAfterMs;
}

/** Inclusive. Percentages arrive with a digit or two: 0.95 is reached by 95 %, whatever binary fractions make of it. */
function isReached(used: number, threshold: number): boolean {
  return used >= threshold - 1e-9;
}
