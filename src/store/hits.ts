/** The table of hits: limit messages that were acted upon, by their fingerprint. */
import type { QuotaWindow } from '../core/agents/profile.ts';
import type { HitRow } from '../ports.ts';
import { wholeMs } from './instant.ts';
import type { HitTable } from './schema.ts';
import type { Connection } from './sqlite.ts';
import { select, upsert } from './sqlite.ts';

export function upsertHit(db: Connection, hit: HitRow): void {
  const cells: HitTable = {
    fingerprint: hit.fingerprint,
    pool: hit.pool,
    pane: hit.pane,
    account: hit.account,
    bucket: hit.window,
    first_seen_at: wholeMs(hit.firstSeenAt),
    last_seen_at: wholeMs(hit.lastSeenAt),
    swap_id: hit.swapId,
  };
  upsert(db, 'hits', 'fingerprint', [cells]);
}

export function deleteHit(db: Connection, fingerprint: string): void {
  db.prepare('delete from hits where fingerprint = ?').run(fingerprint);
}

export function readHit(db: Connection, fingerprint: string): HitRow | null {
  const row = select(db, 'hits', 'where fingerprint = ?', [fingerprint])[0];
  return row === undefined ? null : toHit(row);
}

/** Oldest first. */
export function readHits(db: Connection, pool: string): readonly HitRow[] {
  return select(db, 'hits', 'where pool = ? order by first_seen_at, rowid', [pool]).map(toHit);
}

function toHit(row: HitTable): HitRow {
  return {
    fingerprint: row.fingerprint,
    pool: row.pool,
    pane: row.pane,
    account: row.account,
    window: row.bucket as QuotaWindow,
    firstSeenAt: row.first_seen_at,
    lastSeenAt: row.last_seen_at,
    swapId: row.swap_id,
  };
}
