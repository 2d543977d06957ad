/** One account's use of one window: the only signal of exhaustion there is, and how it changes. */
import type { QuotaWindow } from '../agents/profile.ts';
import type { EpochMs } from '../time.ts';
import { DAY, HOUR, MINUTE } from '../time.ts';

export type QuotaSource = 'banner' | 'transcript' | 'statusline' | 'rollout' | 'manual';

export interface QuotaRecord {
  readonly account: string;
  /** The bucket: a window of the whole account, or `model` for a limit of one model. */
  readonly window: QuotaWindow;
  /** Share of the window that is used, 0 … 1; null: unknown. */
  readonly used: number | null;
  readonly limitReached: boolean;
  readonly resetAt: EpochMs | null;
  /** Set while `limitReached` without a known reset: until when the account is left alone. */
  readonly lockUntil: EpochMs | null;
  readonly source: QuotaSource;
  readonly updatedAt: EpochMs;
  /** The figure is a guess after a reset; the next turn on the account proves it. */
  readonly verifyRequired: boolean;
}

export interface LimitHit {
  readonly account: string;
  readonly window: QuotaWindow;
  readonly resetAt: EpochMs | null;
  readonly source: QuotaSource;
}

/**
 * Records that an account hit a limit. A later `resetAt` that is already known is never shrunk by a hit, and a hit
 * whose reset has passed changes nothing.
 */
export function applyLimitHit(
  current: QuotaRecord | null,
  hit: LimitHit,
  now: EpochMs,
  unknownResetLockMs: number,
): QuotaRecord | null {
  if (hit.resetAt !== null && hit.resetAt <= now) return current;
  const live = current === null ? null : settle(current, now);
  const held = live?.limitReached === true ? live : null;
  const resetAt = latest(held?.resetAt ?? null, hit.resetAt);
  return {
    account: hit.account,
    window: hit.window,
    used: Math.max(live?.used ?? 1, 1),
    limitReached: true,
    resetAt,
    lockUntil: resetAt === null ? (held?.lockUntil ?? now + unknownResetLockMs) : null,
    source: hit.source,
    updatedAt: now,
    verifyRequired: resetAt === null,
  };
}

/** The record as it stands at `now`: a limit whose reset or lock has passed is over, with nobody having to unlock it. */
export function settle(record: QuotaRecord, now: EpochMs): QuotaRecord {
  const until = endOf(record);
  // A lock that was taken before the clock was set back would last for as long as that.
  const isLost = record.resetAt === null && record.updatedAt > now + MINUTE;
  if (until === null || (until > now && !isLost)) return record;
  const lengthMs = WINDOW_MS[record.window];
  return {
    ...record,
    used: 0,
    limitReached: false,
    resetAt: record.resetAt === null || lengthMs === null ? null : rollForward(record.resetAt, lengthMs, now),
    lockUntil: null,
    verifyRequired: true,
  };
}

/** When the record stops counting; a limit without any end written down still ends an hour after it was seen. */
export function endOf(record: QuotaRecord): EpochMs | null {
  return record.resetAt ?? record.lockUntil ?? (record.limitReached ? record.updatedAt + HOUR : null);
}

/** The length of each window, where it is fixed. */
export const WINDOW_MS: Readonly<Record<QuotaWindow, number | null>> = {
  '5h': null, // starts with the first turn after the reset, so its next end is not known
  '7d': 7 * DAY,
  model: null,
  daily: DAY,
  monthly: null,
  unknown: null,
};

function rollForward(resetAt: EpochMs, lengthMs: number, now: EpochMs): EpochMs {
  return resetAt + Math.ceil((now - resetAt + 1) / lengthMs) * lengthMs;
}

function latest(a: EpochMs | null, b: EpochMs | null): EpochMs | null {
  if (a === null) return b;
  return b === null ? a : Math.max(a, b);
}
