/** Leases: a session's claim on an account. Who counts, who may still come, and what is put right. */
import type { EpochMs } from '../time.ts';
import { MINUTE } from '../time.ts';

/**
 * What is claimed. Several holders may claim the same account for the same session, each with a row of its own: the session
 * counts once, and stays counted until the last of its holders has released. Nothing is ever released by session alone but
 * on somebody's word (`terminate`, an account that is exhausted or gone).
 */
export interface LeaseClaim {
  readonly account: string;
  /** Names the session in the whole pool store, on whichever host it runs. */
  readonly session: string;
  /** Who holds it: the agent process of the session, or an attempt at a task. */
  readonly holder: string;
}

export interface LeaseRow {
  readonly id: string;
  readonly account: string;
  readonly session: string;
  /** Null: the row came without one; whoever releases its session on its account releases it. */
  readonly holder: string | null;
  readonly acquiredAt: EpochMs;
  readonly heartbeatAt: EpochMs;
  readonly expiresAt: EpochMs;
  /** Null: live, unless it has expired. */
  readonly releasedAt: EpochMs | null;
  readonly releaseReason: string | null;
}

export interface LeaseTerms {
  /** Distinct sessions that may be on the account; 0: any number. */
  readonly maxSessions: number;
  /** How long the lease lives without a heartbeat. */
  readonly ttlMs: number;
}

/**
 * The answer to a claim.
 * - `allowed`, `tracked`: this claim made the row; this holder has to release it.
 * - `allowed`, not `tracked`: this holder had a live row already; it was renewed.
 * - not `allowed`: the account is full and the session not on it; nothing was written, nothing may be released.
 *
 * `count` is the number of distinct sessions on the account afterwards.
 */
export type LeaseGrant =
  | { readonly allowed: true; readonly tracked: boolean; readonly count: number; readonly leaseId: string }
  | { readonly allowed: false; readonly tracked: false; readonly count: number; readonly leaseId: null };

/** A lease without heartbeat ends after this when the configuration names no usable time. */
export const DEFAULT_TTL_MS = 5 * MINUTE;

/** A time to live that is not positive would end every lease at once. */
export function usableTtlMs(ttlMs: number): number {
  return Number.isFinite(ttlMs) && ttlMs > 0 ? ttlMs : DEFAULT_TTL_MS;
}

export function isLive(lease: LeaseRow, now: EpochMs): boolean {
  return lease.releasedAt === null && lease.expiresAt > now;
}

/** What is wrong with a claim, before any store is asked; null: nothing. */
export function problemOf({ account, session, holder }: LeaseClaim): string | null {
  for (const [name, value] of Object.entries({ account, session, holder })) {
    if (value.trim() === '') return `the ${name} of a lease must not be empty`;
  }
  return null;
}

export type Admission =
  | { readonly kind: 'held'; readonly leaseId: string; readonly count: number }
  | { readonly kind: 'new'; readonly count: number }
  | { readonly kind: 'full'; readonly count: number };

/** Whether a claim may have a lease. A session that is on the account already may go on at the limit, a new one may not. */
export function admit(live: readonly LeaseRow[], claim: LeaseClaim, maxSessions: number): Admission {
  const here = live.filter((lease) => lease.account === claim.account);
  const sessions = new Set(here.map((lease) => lease.session));
  const own = here.find((lease) => lease.session === claim.session && lease.holder === claim.holder);
  if (own !== undefined) return { kind: 'held', leaseId: own.id, count: sessions.size };
  if (sessions.has(claim.session)) return { kind: 'new', count: sessions.size };
  if (maxSessions > 0 && sessions.size >= maxSessions) return { kind: 'full', count: sessions.size };
  return { kind: 'new', count: sessions.size + 1 };
}

/** A session as it really is, and what that means for its lease. */
export interface Holding {
  readonly session: string;
  readonly holder: string;
  /** The account it runs under; null: not known now, then its lease stays as it is. */
  readonly account: string | null;
  /** Why it may hold no lease on that account; null: it holds one. */
  readonly barred: string | null;
}

export interface LeaseRepair {
  /** Leases that agree with reality, by id. */
  readonly keep: readonly string[];
  readonly release: readonly { readonly lease: LeaseRow; readonly reason: string }[];
  readonly take: readonly LeaseClaim[];
}

/**
 * What makes the leases equal to the sessions.
 *
 * @param leases the live leases that this daemon answers for
 */
export function planRepair(leases: readonly LeaseRow[], holdings: readonly Holding[]): LeaseRepair {
  const real = new Map(holdings.map((holding) => [claimKey(holding), holding]));
  const sessions = new Set(holdings.map(({ session }) => session));
  const keep: string[] = [];
  const release: { lease: LeaseRow; reason: string }[] = [];
  const served = new Set<string>();
  for (const lease of leases) {
    const reason = wrongBecause(lease, real.get(claimKey(lease)), sessions.has(lease.session));
    if (reason !== null) release.push({ lease, reason });
    else {
      keep.push(lease.id);
      served.add(claimKey(lease));
    }
  }
  const take = holdings.flatMap(({ session, holder, account, barred }) =>
    account === null || barred !== null || served.has(claimKey({ session, holder }))
      ? []
      : [{ account, session, holder }],
  );
  return { keep, release, take };
}

function wrongBecause(lease: LeaseRow, real: Holding | undefined, isThere: boolean): string | null {
  if (!isThere) return 'session_ended';
  if (real === undefined) {
    if (lease.holder === null) return 'no_holder';
    return lease.holder.startsWith('task:') ? 'task_ended' : 'agent_ended';
  }
  if (real.account === null) return null;
  if (lease.account !== real.account) return 'moved';
  return real.barred;
}

/** A session may have a lease for its agent and one for the task it works on. */
function claimKey({ session, holder }: { readonly session: string; readonly holder: string | null }): string {
  return JSON.stringify([session, holder]);
}
