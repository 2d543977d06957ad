/** One account's use of one window: the only signal of exhaustion there is, and how it changes. */
import type { QuotaWindow } from '../agents/profile.ts';
import type { EpochMs } from '../time.ts';
import { DAY, HOUR, MINUTE } from '../time.ts';

export type QuotaSource = 'banner' | 'transcript' | 'statusline' | 'rollout' | 'screen' | 'manual';

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
  /** When it happened, as well as is known; absent: now. Words that still stand on a screen are no new hit. */
  readonly at?: EpochMs;
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
  if (live !== null && isOldNews(live, hit, now)) return current;
  const held = live?.limitReached === true ? live : null;
  // A reset that was worked out while the clock was ahead gives way to one that is stated now.
  const isAhead = held !== null && held.updatedAt > now + MINUTE && hit.resetAt !== null;
  const resetAt = isAhead ? hit.resetAt : latest(held?.resetAt ?? null, hit.resetAt);
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

/** A figure of the turn before may be shown a moment after the limit was hit: it neither ends the limit nor hides it. */
export const AFTER_HIT_MS = MINUTE;

/** What the provider told after the hit knows better. */
function isOldNews(live: QuotaRecord, hit: LimitHit, now: EpochMs): boolean {
  if (live.source !== 'statusline' && live.source !== 'rollout') return false;
  if (hit.at === undefined || live.updatedAt > now + MINUTE) return false;
  return live.limitReached ? live.resetAt !== null && live.updatedAt > hit.at : live.updatedAt >= hit.at + AFTER_HIT_MS;
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

/** Whether both say the same limit with the same end: what is seen again is no news. */
export function isSameLimit(a: QuotaRecord | null, b: QuotaRecord | null): boolean {
  if (a === null || b === null || !a.limitReached || !b.limitReached) return false;
  return a.resetAt === b.resetAt && a.lockUntil === b.lockUntil;
}

export function isSameRecord(a: QuotaRecord, b: QuotaRecord): boolean {
  return (Object.keys(a) as (keyof QuotaRecord)[]).every((key) => a[key] === b[key]);
}

/**
 * The record after somebody logged in again at `loginAt`: a figure from before belongs to the old login. A limit stays, for
 * the provider counts by account and not by login.
 */
export function forgetOldFigure(record: QuotaRecord, loginAt: EpochMs): QuotaRecord {
  if (record.limitReached || record.used === null || record.updatedAt >= loginAt) return record;
  return { ...record, used: null, verifyRequired: true };
}

/** Whether it is only a guess that the limit is over. */
export function wantsProof(record: QuotaRecord, now: EpochMs): boolean {
  const live = settle(record, now);
  return live.verifyRequired && !live.limitReached;
}

/** The next turn on the account went well: it is no guess any more that the limit is over. */
export function confirmOver(record: QuotaRecord, now: EpochMs): QuotaRecord {
  const live = settle(record, now);
  return live.limitReached || !live.verifyRequired ? record : { ...live, verifyRequired: false };
}

/** When the record stops counting; a limit without any end written down still ends an hour after it was seen. */
export function endOf(record: QuotaRecord): EpochMs | null {
  return record.resetAt ?? record.lockUntil ?? (record.limitReached ? record.updatedAt + HOUR : null);
}

/** The length of each window, where it is fixed. */
const WINDOW_MS: Readonly<Record<QuotaWindow, number | null>> = {
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
