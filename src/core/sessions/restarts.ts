/** Whether a session that died may be made anew now, later, or not for an hour. */
import type { EpochMs } from '../time.ts';
import { HOUR, MINUTE, SECOND } from '../time.ts';
import type { LifecycleRow } from './lifecycle.ts';

export type Restart =
  | { readonly kind: 'now' }
  /** It is given a little time, the more often it died the longer. */
  | { readonly kind: 'wait'; readonly until: EpochMs }
  /** It died too often. */
  | { readonly kind: 'hold'; readonly until: EpochMs; readonly restarts: number }
  | { readonly kind: 'held'; readonly until: EpochMs };

const FIRST_PAUSE_MS = 10 * SECOND;
const LONGEST_PAUSE_MS = 5 * MINUTE;
const HOLD_MS = HOUR;

export function mayRestart(row: LifecycleRow, now: EpochMs, maxPerHour: number): Restart {
  if (row.heldUntil !== null && now < row.heldUntil && row.heldUntil <= now + HOLD_MS)
    return { kind: 'held', until: row.heldUntil };
  // What led to a hold does not count again when it is over.
  const restarts = recent(row.restarts, now).filter((at) => row.heldUntil === null || at > row.heldUntil);
  if (restarts.length >= maxPerHour) return { kind: 'hold', until: now + HOLD_MS, restarts: restarts.length };
  if (restarts.length === 0) return { kind: 'now' };
  const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (restarts.length - 1));
  const until = row.stateSince + pauseMs;
  // A clock that was set back must not make it wait for ever.
  return now >= until || row.stateSince > now ? { kind: 'now' } : { kind: 'wait', until };
}

/** The restarts that count: those of the last hour. */
export function recent(restarts: readonly EpochMs[], now: EpochMs): readonly EpochMs[] {
  return restarts.filter((at) => at > now - HOUR && at <= now);
}
