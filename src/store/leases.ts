/** Leases in the pool store, one row for each holder. Queries know no dialect. */
import { randomUUID } from 'node:crypto';
import type { Kysely, Transaction } from 'kysely';
import { StoreError } from '../core/errors.ts';
import type { LeaseClaim, LeaseGrant, LeaseRow, LeaseTerms } from '../core/quota/lease.ts';
import { admit, problemOf, usableTtlMs } from '../core/quota/lease.ts';
import type { EpochMs } from '../core/time.ts';
import { DAY } from '../core/time.ts';
import type { LeaseScope } from '../ports/leases.ts';
import { wholeMs } from './instant.ts';
import type { LeaseTable, PoolTables } from './schema.ts';

/** How long a released lease stays, to tell why it ended. */
const KEPT_MS = 7 * DAY;

/**
 * Checks and takes in one step: what has expired ends first, then the claim is admitted or not, then the row is written.
 *
 * @throws {StoreError} no such account
 */
export async function takeLease(
  trx: Transaction<PoolTables>,
  claim: LeaseClaim,
  terms: LeaseTerms,
  now: EpochMs,
): Promise<LeaseGrant> {
  const { account, session, holder } = claim;
  const known = await trx
    .selectFrom('accounts')
    .select('name')
    .where('name', '=', account)
    .where('removed_at', 'is', null)
    .executeTakeFirst();
  if (known === undefined) {
    throw new StoreError('account_unknown', `no account named ${account} is stored`, {
      hint: 'name it in the configuration, then run: claude-failover config check',
    });
  }
  await endExpired(trx, now);
  const live = await trx
    .selectFrom('leases')
    .selectAll()
    .where('account', '=', account)
    .where('released_at', 'is', null)
    .execute();
  const admission = admit(live.map(toLease), claim, terms.maxSessions);
  const { count } = admission;
  if (admission.kind === 'full') return { allowed: false, tracked: false, count, leaseId: null };
  const beat = { heartbeat_at: wholeMs(now), expires_at: wholeMs(now + usableTtlMs(terms.ttlMs)) };
  if (admission.kind === 'held') {
    await trx.updateTable('leases').set(beat).where('id', '=', admission.leaseId).execute();
    return { allowed: true, tracked: false, count, leaseId: admission.leaseId };
  }
  const leaseId = randomUUID();
  const ends = { released_at: null, release_reason: null };
  await trx
    .insertInto('leases')
    .values({ id: leaseId, account, session, holder, acquired_at: wholeMs(now), ...beat, ...ends })
    .execute();
  return { allowed: true, tracked: true, count, leaseId };
}

/** Renews these and ends what has expired, in this order: a lease that is renewed in time for its end lives on. @returns how many were live */
export async function beatLeases(
  trx: Transaction<PoolTables>,
  ids: readonly string[],
  ttlMs: number,
  now: EpochMs,
): Promise<number> {
  let renewed = 0;
  if (ids.length > 0) {
    const { numUpdatedRows } = await trx
      .updateTable('leases')
      .set({ heartbeat_at: wholeMs(now), expires_at: wholeMs(now + usableTtlMs(ttlMs)) })
      .where('id', 'in', [...ids])
      .where('released_at', 'is', null)
      .executeTakeFirst();
    renewed = Number(numUpdatedRows);
  }
  await endExpired(trx, now);
  await trx
    .deleteFrom('leases')
    .where('released_at', '<', wholeMs(now - KEPT_MS))
    .execute();
  return renewed;
}

/**
 * Ends the lease of one holder. Where the session's membership has no holder at all, whoever releases it ends it.
 *
 * @returns whether there was a live lease to end
 */
export async function endLease(
  trx: Transaction<PoolTables>,
  { account, session, holder }: LeaseClaim,
  reason: string,
  now: EpochMs,
): Promise<boolean> {
  const live = await trx
    .selectFrom('leases')
    .select(['id', 'holder'])
    .where('account', '=', account)
    .where('session', '=', session)
    .where('released_at', 'is', null)
    .where('expires_at', '>', wholeMs(now))
    .execute();
  const own = live.filter((lease) => lease.holder === holder);
  const ownerless = live.every((lease) => lease.holder === null) ? live : [];
  const ids = (own.length > 0 ? own : ownerless).map(({ id }) => id);
  return (await endLeases(trx, { ids }, reason, now)) > 0;
}

/** Ends every live lease of the scope, whoever holds it. @returns how many */
export async function endLeases(
  db: Kysely<PoolTables>,
  scope: LeaseScope,
  reason: string,
  now: EpochMs,
): Promise<number> {
  if ('ids' in scope && scope.ids.length === 0) return 0;
  const live = db
    .updateTable('leases')
    .set({ released_at: wholeMs(now), release_reason: reason })
    .where('released_at', 'is', null)
    .where('expires_at', '>', wholeMs(now));
  const chosen =
    'ids' in scope
      ? live.where('id', 'in', [...scope.ids])
      : 'account' in scope
        ? live.where('account', '=', scope.account)
        : live.where('session', '=', scope.session);
  const { numUpdatedRows } = await chosen.executeTakeFirst();
  return Number(numUpdatedRows);
}

/** The live ones, oldest first. */
export async function readLeases(db: Kysely<PoolTables>, now: EpochMs): Promise<readonly LeaseRow[]> {
  const rows = await db
    .selectFrom('leases')
    .selectAll()
    .where('released_at', 'is', null)
    .where('expires_at', '>', wholeMs(now))
    .orderBy('acquired_at')
    .orderBy('id')
    .execute();
  return rows.map(toLease);
}

/** Distinct sessions with a live lease, by account. */
export async function countLeases(db: Kysely<PoolTables>, now: EpochMs): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .selectFrom('leases')
    .select((row) => ['account', row.fn.count('session').distinct().as('sessions')])
    .where('released_at', 'is', null)
    .where('expires_at', '>', wholeMs(now))
    .groupBy('account')
    .execute();
  return new Map(rows.map(({ account, sessions }) => [account, Number(sessions)]));
}

/** The condition is looked at again by the update itself, so that a lease that was renewed meanwhile stays. */
async function endExpired(trx: Transaction<PoolTables>, now: EpochMs): Promise<void> {
  await trx
    .updateTable('leases')
    .set((row) => ({ released_at: row.ref('expires_at'), release_reason: 'expired' }))
    .where('released_at', 'is', null)
    .where('expires_at', '<=', wholeMs(now))
    .execute();
}

/** @throws {StoreError} a name is empty; nothing was asked of the database */
export function demandWhole(claim: LeaseClaim): void {
  const problem = problemOf(claim);
  if (problem !== null) throw new StoreError('lease_invalid', problem);
}

function toLease(row: LeaseTable): LeaseRow {
  return {
    id: row.id,
    account: row.account,
    session: row.session,
    holder: row.holder,
    acquiredAt: row.acquired_at,
    heartbeatAt: row.heartbeat_at,
    expiresAt: row.expires_at,
    releasedAt: row.released_at,
    releaseReason: row.release_reason,
  };
}
