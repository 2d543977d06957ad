/** The part of the pool store that keeps claims of sessions on accounts. */
import type { LeaseClaim, LeaseGrant, LeaseRow, LeaseTerms } from '../core/quota/lease.ts';
import type { EpochMs } from '../core/time.ts';

/** Which leases are meant. */
export type LeaseScope =
  | { readonly ids: readonly string[] }
  | { readonly account: string }
  | { readonly session: string };

/** Claims of sessions on accounts. What has expired is never counted, whoever asks. */
export interface LeaseStore {
  /**
   * Checks and takes in one transaction; see `LeaseGrant` for every answer.
   *
   * @throws {StoreError} `lease_invalid`: a name is empty, nothing was asked of the database; `account_unknown`
   */
  acquireLease(claim: LeaseClaim, terms: LeaseTerms, now: EpochMs): Promise<LeaseGrant>;
  /** Gives these leases another `ttlMs` and ends what has expired. @returns how many of them were live */
  renewLeases(ids: readonly string[], ttlMs: number, now: EpochMs): Promise<number>;
  /** Ends the lease of this holder and of no other. A second release finds nothing: `{released: false}`. */
  releaseLease(claim: LeaseClaim, reason: string, now: EpochMs): Promise<{ readonly released: boolean }>;
  /** Ends every live lease of the scope, whoever holds it. @returns how many */
  releaseLeases(scope: LeaseScope, reason: string, now: EpochMs): Promise<number>;
  /** The live ones, oldest first. */
  leases(now: EpochMs): Promise<readonly LeaseRow[]>;
  /** Distinct sessions with a live lease, by account; accounts without one are absent. */
  leaseCounts(now: EpochMs): Promise<ReadonlyMap<string, number>>;
}
