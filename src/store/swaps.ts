/** The table of swaps: the plan of each, written before the deed, and how far it came. */
import { asObject } from '../core/json.ts';
import type { HeldLock, SwapPhase, SwapRow, SwapTrigger } from '../core/swap/swap.ts';
import { UNFINISHED_PHASES } from '../core/swap/swap.ts';
import type { EpochMs } from '../core/time.ts';
import { wholeMs } from './instant.ts';
import type { JsonColumns } from './json.ts';
import { asListOf } from './json.ts';
import type { SwapTable } from './schema.ts';
import type { Connection } from './sqlite.ts';
import { insert, select, update } from './sqlite.ts';

export type SwapChange = Partial<Omit<SwapRow, 'id' | 'pool'>>;

export function insertSwap(db: Connection, swap: SwapRow): void {
  insert(db, 'swaps', {
    id: swap.id,
    pool: swap.pool,
    from_account: swap.from,
    to_account: swap.to,
    trigger_kind: swap.trigger,
    trigger_pane: swap.triggerPane,
    reason: swap.reason,
    reset_at: wholeMs(swap.resetAt),
    phase: swap.phase,
    requested_at: wholeMs(swap.requestedAt),
    started_at: wholeMs(swap.startedAt),
    flipped_at: wholeMs(swap.flippedAt),
    finished_at: wholeMs(swap.finishedAt),
    error: swap.error,
    from_target: swap.fromTarget,
    to_target: swap.toTarget,
    locks_json: JSON.stringify(swap.locks),
  });
}

export function changeSwap(db: Connection, id: string, change: SwapChange): void {
  const cells: Partial<SwapTable> = {};
  if (change.from !== undefined) cells.from_account = change.from;
  if (change.to !== undefined) cells.to_account = change.to;
  if (change.trigger !== undefined) cells.trigger_kind = change.trigger;
  if (change.triggerPane !== undefined) cells.trigger_pane = change.triggerPane;
  if (change.reason !== undefined) cells.reason = change.reason;
  if (change.resetAt !== undefined) cells.reset_at = wholeMs(change.resetAt);
  if (change.phase !== undefined) cells.phase = change.phase;
  if (change.requestedAt !== undefined) cells.requested_at = wholeMs(change.requestedAt);
  if (change.startedAt !== undefined) cells.started_at = wholeMs(change.startedAt);
  if (change.flippedAt !== undefined) cells.flipped_at = wholeMs(change.flippedAt);
  if (change.finishedAt !== undefined) cells.finished_at = wholeMs(change.finishedAt);
  if (change.error !== undefined) cells.error = change.error;
  if (change.fromTarget !== undefined) cells.from_target = change.fromTarget;
  if (change.toTarget !== undefined) cells.to_target = change.toTarget;
  if (change.locks !== undefined) cells.locks_json = JSON.stringify(change.locks);
  update(db, 'swaps', 'id', id, cells);
}

export function readSwap(db: Connection, id: string, json: JsonColumns): SwapRow | null {
  const row = select(db, 'swaps', 'where id = ?', [id])[0];
  return row === undefined ? null : toSwap(row, json);
}

/** Newest first. */
export function readSwaps(
  db: Connection,
  filter: { readonly pool?: string; readonly sinceAt?: EpochMs; readonly limit: number },
  json: JsonColumns,
): readonly SwapRow[] {
  const newest = 'order by started_at desc, rowid desc limit ?';
  const sinceAt = filter.sinceAt ?? 0;
  const rows =
    filter.pool === undefined
      ? select(db, 'swaps', `where started_at >= ? ${newest}`, [sinceAt, filter.limit])
      : select(db, 'swaps', `where started_at >= ? and pool = ? ${newest}`, [sinceAt, filter.pool, filter.limit]);
  return rows.map((row) => toSwap(row, json));
}

/** Oldest first. */
export function readUnfinishedSwaps(db: Connection, json: JsonColumns): readonly SwapRow[] {
  const phases = UNFINISHED_PHASES.map(() => '?').join(', ');
  return select(db, 'swaps', `where phase in (${phases}) order by started_at, rowid`, UNFINISHED_PHASES).map((row) =>
    toSwap(row, json),
  );
}

function toSwap(row: SwapTable, json: JsonColumns): SwapRow {
  return {
    id: row.id,
    pool: row.pool,
    from: row.from_account,
    to: row.to_account,
    trigger: row.trigger_kind as SwapTrigger,
    triggerPane: row.trigger_pane,
    reason: row.reason,
    resetAt: row.reset_at,
    phase: row.phase as SwapPhase,
    requestedAt: row.requested_at,
    startedAt: row.started_at,
    flippedAt: row.flipped_at,
    finishedAt: row.finished_at,
    error: row.error,
    fromTarget: row.from_target,
    toTarget: row.to_target,
    locks: json.read(row.locks_json, `swaps.locks_json of ${row.id}`, asLocks, []),
  };
}

function asLocks(value: unknown): readonly HeldLock[] | null {
  return asListOf(value, (element) => {
    const lock = asObject(element);
    if (typeof lock?.path !== 'string' || typeof lock.inode !== 'string') return null;
    return { path: lock.path, inode: lock.inode };
  });
}
