/** The pool store over any database Kysely speaks to. */
import type { Kysely } from 'kysely';
import type { AccountRow, AccountStatus } from '../core/accounts.ts';
import type { QuotaWindow } from '../core/agents/profile.ts';
import type { LeaseClaim, LeaseGrant, LeaseRow, LeaseTerms } from '../core/quota/lease.ts';
import type { QuotaRecord } from '../core/quota/record.ts';
import type { EpochMs } from '../core/time.ts';
import type { LeaseScope } from '../ports/leases.ts';
import type { PoolStore, QuotaChange } from '../ports.ts';
import {
  changeAccount,
  changeAccountWith,
  insertAccounts,
  moveActiveMark,
  readAccounts,
  tombstoneAccounts,
} from './accounts.ts';
import { asStoreError } from './failures.ts';
import { wholeMs } from './instant.ts';
import { beatLeases, countLeases, demandWhole, endLease, endLeases, readLeases, takeLease } from './leases.ts';
import { mergeRecord, readQuota } from './quota.ts';
import type { PoolTables } from './schema.ts';

export class SqlPoolStore implements PoolStore {
  readonly #db: Kysely<PoolTables>;
  readonly #place: string;

  /** `place` names the database in errors. */
  constructor(db: Kysely<PoolTables>, place: string) {
    this.#db = db;
    this.#place = place;
  }

  ensureAccounts(accounts: readonly { readonly name: string; readonly pool: string }[]): Promise<void> {
    return this.#told(this.#transaction().execute((trx) => insertAccounts(trx, accounts)));
  }

  accounts(): Promise<readonly AccountRow[]> {
    return this.#told(readAccounts(this.#db));
  }

  setStatus(
    account: string,
    status: AccountStatus,
    reason: string | null,
    credentialsMtimeMs: number | null,
  ): Promise<void> {
    const change = { status, status_reason: reason, credentials_mtime_ms: credentialsMtimeMs };
    return this.#told(this.#transaction().execute((trx) => changeAccount(trx, account, change)));
  }

  moveStatus(
    account: string,
    from: AccountStatus,
    to: AccountStatus,
    reason: string | null,
    credentialsMtimeMs: number | null,
  ): Promise<boolean> {
    const change = { status: to, status_reason: reason, credentials_mtime_ms: credentialsMtimeMs };
    return this.#told(this.#transaction().execute((trx) => changeAccountWith(trx, account, from, change)));
  }

  setIdentity(account: string, identity: string): Promise<void> {
    return this.#told(this.#transaction().execute((trx) => changeAccount(trx, account, { identity })));
  }

  markActive(to: string, from: string | null, at: EpochMs): Promise<void> {
    return this.#told(this.#transaction().execute((trx) => moveActiveMark(trx, to, from, wholeMs(at))));
  }

  quota(): Promise<readonly QuotaRecord[]> {
    return this.#told(readQuota(this.#db));
  }

  mergeQuota(
    account: string,
    window: QuotaWindow,
    merge: (current: QuotaRecord | null) => QuotaRecord | null,
  ): Promise<QuotaRecord | null> {
    return this.#told(this.#transaction().execute((trx) => mergeRecord(trx, account, window, merge)));
  }

  async mergeQuotas(changes: readonly QuotaChange[]): Promise<readonly (QuotaRecord | null)[]> {
    if (changes.length === 0) return [];
    const work = this.#transaction().execute(async (trx) => {
      const records: (QuotaRecord | null)[] = [];
      for (const { account, window, merge } of changes) records.push(await mergeRecord(trx, account, window, merge));
      return records;
    });
    return this.#told(work);
  }

  removeAccounts(names: readonly string[], at: EpochMs): Promise<readonly string[]> {
    return this.#told(this.#transaction().execute((trx) => tombstoneAccounts(trx, names, at)));
  }

  async acquireLease(claim: LeaseClaim, terms: LeaseTerms, now: EpochMs): Promise<LeaseGrant> {
    demandWhole(claim);
    return this.#told(this.#transaction().execute((trx) => takeLease(trx, claim, terms, now)));
  }

  renewLeases(ids: readonly string[], ttlMs: number, now: EpochMs): Promise<number> {
    return this.#told(this.#transaction().execute((trx) => beatLeases(trx, ids, ttlMs, now)));
  }

  async releaseLease(claim: LeaseClaim, reason: string, now: EpochMs): Promise<{ readonly released: boolean }> {
    demandWhole(claim);
    const released = await this.#told(this.#transaction().execute((trx) => endLease(trx, claim, reason, now)));
    return { released };
  }

  releaseLeases(scope: LeaseScope, reason: string, now: EpochMs): Promise<number> {
    return this.#told(this.#transaction().execute((trx) => endLeases(trx, scope, reason, now)));
  }

  leases(now: EpochMs): Promise<readonly LeaseRow[]> {
    return this.#told(readLeases(this.#db, now));
  }

  leaseCounts(now: EpochMs): Promise<ReadonlyMap<string, number>> {
    return this.#told(countLeases(this.#db, now));
  }

  /** SQLite has no other level; elsewhere it is what makes a read and the write that follows from it one step. */
  #transaction() {
    return this.#db.transaction().setIsolationLevel('serializable');
  }

  async #told<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw asStoreError(error, this.#place);
    }
  }
}
