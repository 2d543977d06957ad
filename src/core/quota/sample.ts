/** Passive figures of use: what one sample makes of an account's record. Nobody asks the provider for them. */
import type { QuotaWindow } from '../agents/profile.ts';
import type { EpochMs } from '../time.ts';
import { DAY, HOUR, MINUTE } from '../time.ts';
import type { QuotaRecord } from './record.ts';
import { AFTER_HIT_MS, applyLimitHit, isSameRecord, settle } from './record.ts';

/** `statusline` and `rollout` repeat what the provider told the CLI; `screen` and `banner` are words on a terminal. */
export type SampleSource = 'statusline' | 'rollout' | 'screen' | 'banner';

export interface QuotaSample {
  readonly account: string;
  readonly window: QuotaWindow;
  /** 0 … 100, or a little above. */
  readonly usedPercent: number;
  readonly resetAt: EpochMs | null;
  /** Counted from `at`; `resetAt` wins where both are known. */
  readonly resetAfterMs?: number;
  readonly source: SampleSource;
  /** Since when this figure has been reported unchanged: repeating an old figure does not make it new. */
  readonly at: EpochMs;
}

/** Why a sample changed nothing, or `taken`. */
export type SampleOutcome =
  | 'taken'
  | 'not_a_figure'
  | 'no_credible_time'
  | 'older'
  | 'window_over'
  | 'reset_out_of_reach'
  | 'limit_stands';

export interface SampleResult {
  /** The record as it stands afterwards; the very same object where nothing changed. */
  readonly record: QuotaRecord | null;
  readonly outcome: SampleOutcome;
  /** Another window has begun than the one the record was of. */
  readonly rolled: boolean;
}

/** No CLI tells more than this, even when a plan's extra use counts in. */
const MOST_PERCENT = 1000;

/** The longest time to a reset: the window and what the provider rounds; a longer one was read wrongly. */
const FARTHEST_RESET_MS: Readonly<Partial<Record<QuotaWindow, number>>> = {
  '5h': 5 * HOUR + 15 * MINUTE,
  '7d': 7 * DAY + HOUR,
};

/**
 * Merges a sample. Newer wins; a limit that stands is shortened or ended only by a figure that the provider gave after it
 * was hit; a full window is a limit even if no banner was seen.
 *
 * @param unknownResetLockMs  how long a full window without a known reset is left alone
 */
export function applySample(
  current: QuotaRecord | null,
  sample: QuotaSample,
  now: EpochMs,
  unknownResetLockMs: number,
): SampleResult {
  const kept = (outcome: SampleOutcome): SampleResult => ({ record: current, outcome, rolled: false });
  const { account, window, usedPercent, source, at } = sample;
  if (!Number.isFinite(usedPercent) || usedPercent < 0 || usedPercent > MOST_PERCENT) return kept('not_a_figure');
  if (!Number.isFinite(at) || at <= 0 || at > now + MINUTE) return kept('no_credible_time');
  const resetAt = resetOf(sample);
  if (resetAt !== null && resetAt <= now) return kept('window_over');
  if (resetAt !== null && resetAt - at > (FARTHEST_RESET_MS[window] ?? Number.POSITIVE_INFINITY))
    return kept('reset_out_of_reach');
  const live = current === null ? null : settle(current, now);
  // A record from the future was written before the clock was set back: it is no newer than anything.
  if (live !== null && live.updatedAt <= now + MINUTE && at <= live.updatedAt) return kept('older');

  const used = usedPercent / 100;
  const isTold = source === 'statusline' || source === 'rollout';
  const rolled = hasRolled(live, resetAt);
  if (live?.limitReached === true && !isTold) {
    if (used < 1) return kept('limit_stands');
    const record = applyLimitHit(current, { account, window, resetAt, source }, now, unknownResetLockMs);
    return result(current, record, rolled);
  }
  if (live?.limitReached === true && used < 1 && at < live.updatedAt + AFTER_HIT_MS) return kept('limit_stands');
  if (used >= 1) {
    const end = resetAt ?? (rolled ? null : (live?.resetAt ?? null));
    const lock = live?.limitReached === true ? live.lockUntil : null;
    return result(
      current,
      {
        account,
        window,
        used,
        limitReached: true,
        resetAt: end,
        lockUntil: end === null ? (lock ?? now + unknownResetLockMs) : null,
        source,
        updatedAt: at,
        verifyRequired: end === null,
      },
      rolled,
    );
  }
  return result(
    current,
    {
      account,
      window,
      used,
      limitReached: false,
      resetAt: steadyReset(live, resetAt, rolled),
      lockUntil: null,
      source,
      updatedAt: at,
      verifyRequired: !isTold && live?.verifyRequired === true,
    },
    rolled,
  );
}

/** The newest sample of each account and window. */
export function newestSamples(samples: readonly QuotaSample[]): readonly QuotaSample[] {
  const newest = new Map<string, QuotaSample>();
  for (const sample of samples) {
    const key = `${sample.window} ${sample.account}`;
    const other = newest.get(key);
    if (other === undefined || !(sample.at <= other.at)) newest.set(key, sample);
  }
  return [...newest.values()];
}

/** Half a window is no drift of a clock: another window has begun. */
const ROLLED_MS: Readonly<Record<QuotaWindow, number>> = {
  '5h': 2.5 * HOUR,
  '7d': 3.5 * DAY,
  daily: DAY / 2,
  monthly: HOUR,
  model: HOUR,
  unknown: HOUR,
};

/** Whether this reset belongs to another window than the record's own. */
export function hasRolled(record: Pick<QuotaRecord, 'window' | 'resetAt'> | null, resetAt: EpochMs | null): boolean {
  if (record === null || record.resetAt === null || resetAt === null) return false;
  return Math.abs(resetAt - record.resetAt) >= ROLLED_MS[record.window];
}

function resetOf({ resetAt, resetAfterMs, at }: QuotaSample): EpochMs | null {
  if (resetAt !== null && Number.isFinite(resetAt)) return resetAt;
  return resetAfterMs !== undefined && Number.isFinite(resetAfterMs) && resetAfterMs >= 0 ? at + resetAfterMs : null;
}

/** Resets come rounded to minutes or seconds: within this one reset is the same as the other. */
const DRIFT_MS = MINUTE;

function steadyReset(live: QuotaRecord | null, resetAt: EpochMs | null, rolled: boolean): EpochMs | null {
  const before = live?.resetAt ?? null;
  if (resetAt === null || before === null || rolled) return resetAt ?? before;
  return Math.abs(resetAt - before) <= DRIFT_MS ? before : resetAt;
}

function result(current: QuotaRecord | null, record: QuotaRecord | null, rolled: boolean): SampleResult {
  const isSame = current !== null && record !== null && isSameRecord(current, record);
  return { record: isSame ? current : record, outcome: 'taken', rolled };
}
