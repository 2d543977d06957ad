/** Accounts in the pool store: their rotation mark, identity and which one is active. Queries know no dialect. */
import type { Kysely, Transaction } from 'kysely';
import type { AccountRow, AccountStatus } from '../core/accounts.ts';
import { StoreError } from '../core/errors.ts';
import type { EpochMs } from '../core/time.ts';
import { wholeMs } from './instant.ts';
import type { AccountTable, PoolTables } from './schema.ts';

/** Adds what is missing. An account that moved to another pool moves here too, and is not the active one there. */
export async function insertAccounts(
  trx: Transaction<PoolTables>,
  accounts: readonly { readonly name: string; readonly pool: string }[],
): Promise<void> {
  for (const { name, pool } of accounts) {
    await trx
      .insertInto('accounts')
      .values({
        name,
        pool,
        status: 'active' satisfies AccountStatus,
        status_reason: null,
        identity: null,
        active_since: null,
        left_at: null,
        credentials_mtime_ms: null,
        removed_at: null,
      })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .execute();
    await trx
      .updateTable('accounts')
      .set({ pool, active_since: null })
      .where('name', '=', name)
      .where('pool', '<>', pool)
      .execute();
    await trx
      .updateTable('accounts')
      .set({ removed_at: null })
      .where('name', '=', name)
      .where('removed_at', 'is not', null)
      .execute();
  }
}

/** Hides accounts that no configuration names any more, with their quota. Named again, they are as they were. @returns those that were there */
export async function tombstoneAccounts(
  trx: Transaction<PoolTables>,
  names: readonly string[],
  at: EpochMs,
): Promise<readonly string[]> {
  if (names.length === 0) return [];
  const known = await trx
    .selectFrom('accounts')
    .select('name')
    .where('name', 'in', [...names])
    .where('removed_at', 'is', null)
    .execute();
  await trx
    .updateTable('accounts')
    .set({ removed_at: wholeMs(at), active_since: null })
    .where('name', 'in', [...names])
    .where('removed_at', 'is', null)
    .execute();
  return known.map(({ name }) => name).sort();
}

/** By name; without those that were removed. */
export async function readAccounts(db: Kysely<PoolTables>): Promise<readonly AccountRow[]> {
  const rows = await db.selectFrom('accounts').selectAll().where('removed_at', 'is', null).orderBy('name').execute();
  return rows.map(toAccount);
}

/** @throws {StoreError} no such account */
export async function changeAccount(
  db: Kysely<PoolTables>,
  name: string,
  change: Partial<Omit<AccountTable, 'name' | 'pool'>>,
): Promise<void> {
  const { numUpdatedRows } = await db.updateTable('accounts').set(change).where('name', '=', name).executeTakeFirst();
  if (numUpdatedRows === 0n) throw unknownAccount(name);
}

/** @returns false: there is no such account with this status */
export async function changeAccountWith(
  db: Kysely<PoolTables>,
  name: string,
  status: AccountStatus,
  change: Partial<Omit<AccountTable, 'name' | 'pool'>>,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('accounts')
    .set(change)
    .where('name', '=', name)
    .where('status', '=', status)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Marks `to` as active, and as left whichever account of its pool was marked before, so that there is never more than one. */
export async function moveActiveMark(
  trx: Transaction<PoolTables>,
  to: string,
  from: string | null,
  at: EpochMs,
): Promise<void> {
  const target = await trx.selectFrom('accounts').select('pool').where('name', '=', to).executeTakeFirst();
  if (target === undefined) throw unknownAccount(to);
  await trx
    .updateTable('accounts')
    .set({ active_since: null, left_at: wholeMs(at) })
    .where('name', '<>', to)
    .where('pool', '=', target.pool)
    .where((row) =>
      from === null
        ? row('active_since', 'is not', null)
        : row.or([row('active_since', 'is not', null), row('name', '=', from)]),
    )
    .execute();
  await changeAccount(trx, to, { active_since: wholeMs(at) });
}

export function toAccount(row: AccountTable): AccountRow {
  return {
    name: row.name,
    pool: row.pool,
    status: row.status as AccountStatus,
    statusReason: row.status_reason,
    identity: row.identity,
    activeSince: row.active_since,
    leftAt: row.left_at,
    credentialsMtimeMs: row.credentials_mtime_ms,
  };
}

function unknownAccount(name: string): StoreError {
  return new StoreError('account_unknown', `no account named ${name} is stored`, {
    hint: 'name it in the configuration, then run: claude-failover config check',
  });
}
