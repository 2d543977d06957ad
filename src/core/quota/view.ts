/** How an account's quota is shown: the same figures, with source and age, in every view. */

import type { QuotaWindow } from '../agents/profile.ts';
import type { EpochMs } from '../time.ts';
import { SECOND, toIso } from '../time.ts';
import type { AutoPausePolicy, PausableAccount, PausedWindow, ThresholdFrom } from './auto-pause.ts';
import { isStale, pauseOf, thresholdOf } from './auto-pause.ts';
import type { AccountFacts } from './eligibility.ts';
import type { QuotaRecord } from './record.ts';
import { endOf, settle } from './record.ts';

export interface QuotaStatus {
  /** Share of the window, 0 … 1. */
  readonly used: number | null;
  readonly reset_at: string | null;
  readonly limit_reached: boolean;
  readonly lock_until: string | null;
  readonly source: string;
  readonly updated_at: string | null;
  readonly age_s: number;
  /** Too old to pause the account. */
  readonly stale: boolean;
  readonly verify_required: boolean;
}

export interface AutoPauseStatus {
  /** The threshold that counts; null: none. */
  readonly threshold: number | null;
  /** `default`: the account leaves it blank. */
  readonly from: ThresholdFrom;
}

/** By window. */
export function quotaStatus(
  quota: readonly QuotaRecord[],
  now: EpochMs,
  policy: AutoPausePolicy,
): Readonly<Record<string, QuotaStatus>> {
  return Object.fromEntries(
    quota.map((raw) => {
      const record = settle(raw, now);
      const status: QuotaStatus = {
        used: record.used,
        reset_at: toIso(record.resetAt),
        limit_reached: record.limitReached,
        lock_until: toIso(record.limitReached && record.resetAt === null ? endOf(record) : null),
        source: record.source,
        updated_at: Number.isFinite(record.updatedAt) ? toIso(record.updatedAt) : null,
        age_s: Math.max(0, Math.round((now - record.updatedAt) / SECOND)),
        stale: isStale(raw, now, policy),
        verify_required: record.verifyRequired,
      };
      return [record.window, status];
    }),
  );
}

/** The thresholds that count for an account; a blank one says that it is the default. */
export function autoPauseStatus(
  account: PausableAccount,
  policy: AutoPausePolicy,
): Readonly<Record<PausedWindow, AutoPauseStatus>> {
  return { '5h': thresholdOf(account, '5h', policy), '7d': thresholdOf(account, '7d', policy) };
}

export interface PauseStatus {
  readonly window: PausedWindow;
  readonly threshold: number;
  readonly used: number;
  readonly until: string | null;
}

/** The threshold that the account is over; null: none. */
export function pauseStatus(account: PausableAccount, now: EpochMs, policy: AutoPausePolicy): PauseStatus | null {
  const pause = pauseOf(account, now, policy);
  return pause === null ? null : { ...pause, until: toIso(pause.until) };
}

/** How many sessions hold a lease on the account, and how many may (0: any number). */
export function leaseStatus(account: Pick<AccountFacts, 'leases' | 'maxSessions'>): {
  readonly leases: number;
  readonly max_sessions: number;
} {
  return { leases: account.leases ?? 0, max_sessions: account.maxSessions ?? 0 };
}

/** Until when the account is left alone because no reset is known; null: it is not. */
export function lockedUntil(quota: readonly QuotaRecord[], now: EpochMs): EpochMs | null {
  const locks = quota
    .map((raw) => settle(raw, now))
    .flatMap((record) => (record.limitReached && record.resetAt === null ? (endOf(record) ?? []) : []));
  return locks.length === 0 ? null : Math.max(...locks);
}

/** A limit of the account as a whole that stands now, and its end where that is known; null: none. */
export function standingLimit(
  quota: readonly QuotaRecord[],
  now: EpochMs,
): { readonly window: QuotaWindow; readonly until: EpochMs | null } | null {
  const limited = quota
    .map((raw) => settle(raw, now))
    .find((record) => record.limitReached && record.window !== 'model');
  return limited === undefined ? null : { window: limited.window, until: limited.resetAt ?? limited.lockUntil };
}

/** The first end of a limit that stands on any of these; null: none stands. */
export function nextEnd(quota: readonly QuotaRecord[], now: EpochMs): EpochMs | null {
  const ends = quota
    .map((raw) => settle(raw, now))
    .flatMap((record) => (record.limitReached ? (endOf(record) ?? []) : []));
  return ends.length === 0 ? null : Math.min(...ends);
}
