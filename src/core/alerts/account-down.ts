/** When an account is down: half of its sessions show errors of the account, and enough failures were seen. */
import type { JournalEvent } from '../events.ts';
import type { EpochMs } from '../time.ts';

/** A session as far as it bears on its account. */
export interface ErringPane {
  readonly pool: string | null;
  /** The account it runs under; null: not known. */
  readonly account: string | null;
  readonly error: 'auth' | 'server' | null;
}

export interface DownThresholds {
  readonly errorWindowMs: number;
  /** A share, 0 … 1. */
  readonly accountDownRate: number;
  /** Failures within the window. */
  readonly accountDownMin: number;
}

export interface ErrorCount {
  readonly sessions: number;
  readonly erring: number;
  readonly share: number;
  /** Sessions of the whole pool. */
  readonly inPool: number;
}

/** In a smaller pool this many sessions in error are enough. */
const SMALL_POOL = { below: 4, erring: 2 } as const;

export function countErrors(account: string, pool: string, panes: readonly ErringPane[]): ErrorCount {
  const inPool = panes.filter((pane) => pane.pool === pool);
  const own = inPool.filter((pane) => pane.account === account);
  const erring = own.filter(({ error }) => error !== null).length;
  return { sessions: own.length, erring, share: own.length === 0 ? 0 : erring / own.length, inPool: inPool.length };
}

/** @param failures  failures of this account within the window */
export function isDown(count: ErrorCount, failures: number, thresholds: DownThresholds): boolean {
  const isFew = count.inPool < SMALL_POOL.below && count.erring >= SMALL_POOL.erring;
  return (
    count.erring > 0 && count.share >= thresholds.accountDownRate && (failures >= thresholds.accountDownMin || isFew)
  );
}

export function failuresOf(account: string, events: readonly JournalEvent[], since: EpochMs): number {
  return events.filter(
    (event) => event.account === account && event.at > since && (event.type === 'throttled' || isLoginFailure(event)),
  ).length;
}

export function isLoginFailure({ type, data }: JournalEvent): boolean {
  return type === 'quota_suspected' && data.class === 'auth';
}
