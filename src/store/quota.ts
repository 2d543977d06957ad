/** Quota records in the pool store: the only place that says an account is exhausted. Queries know no dialect. */
import type { Kysely, Transaction } from 'kysely';
import type { QuotaWindow } from '../core/agents/profile.ts';
import { StoreError } from '../core/errors.ts';
import type { QuotaRecord, QuotaSource } from '../core/quota/record.ts';
import { wholeMs } from './instant.ts';
import type { PoolTables, QuotaTable } from './schema.ts';

/** By account and window; without those of accounts that were removed. */
export async function readQuota(db: Kysely<PoolTables>): Promise<readonly QuotaRecord[]> {
  const removed = db.selectFrom('accounts').select('name').where('removed_at', 'is not', null);
  const rows = await db
    .selectFrom('quota')
    .selectAll()
    .where('account', 'not in', removed)
    .orderBy('account')
    .orderBy('bucket')
    .execute();
  return rows.map(toRecord);
}

/**
 * Replaces one record by what `merge` makes of it.
 *
 * @returns the record as it stands afterwards; null when there is none, or the account is not stored
 * @throws {StoreError} the merge answered with a record of another account or window
 */
export async function mergeRecord(
  trx: Transaction<PoolTables>,
  account: string,
  window: QuotaWindow,
  merge: (current: QuotaRecord | null) => QuotaRecord | null,
): Promise<QuotaRecord | null> {
  const known = await trx
    .selectFrom('accounts')
    .select('name')
    .where('name', '=', account)
    .where('removed_at', 'is', null)
    .executeTakeFirst();
  if (known === undefined) return null;
  const row = await trx
    .selectFrom('quota')
    .selectAll()
    .where('account', '=', account)
    .where('bucket', '=', window)
    .executeTakeFirst();
  const current = row === undefined ? null : toRecord(row);
  const merged = merge(current);
  if (merged === null) return current;
  if (merged.account !== account || merged.window !== window) {
    throw new StoreError(
      'quota_misplaced',
      `a merge of ${account} ${window} answered with ${merged.account} ${merged.window}`,
    );
  }
  const cells = toCells(merged);
  if (row !== undefined && isSame(row, cells)) return current;
  await trx
    .insertInto('quota')
    .values(cells)
    .onConflict((conflict) => conflict.columns(['account', 'bucket']).doUpdateSet(cells))
    .execute();
  return toRecord(cells);
}

export function toRecord(row: QuotaTable): QuotaRecord {
  return {
    account: row.account,
    window: row.bucket as QuotaWindow,
    used: row.used,
    limitReached: row.limit_reached !== 0,
    resetAt: row.reset_at,
    lockUntil: row.lock_until,
    source: row.source as QuotaSource,
    updatedAt: row.updated_at,
    verifyRequired: row.verify_required !== 0,
  };
}

function toCells(record: QuotaRecord): QuotaTable {
  return {
    account: record.account,
    bucket: record.window,
    used: record.used,
    limit_reached: record.limitReached ? 1 : 0,
    reset_at: wholeMs(record.resetAt),
    lock_until: wholeMs(record.lockUntil),
    source: record.source,
    updated_at: wholeMs(record.updatedAt),
    verify_required: record.verifyRequired ? 1 : 0,
  };
}

function isSame(a: QuotaTable, b: QuotaTable): boolean {
  return (Object.keys(b) as (keyof QuotaTable)[]).every((column) => a[column] === b[column]);
}
