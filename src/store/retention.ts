/** Removes old records in small transactions, oldest first, and never what somebody still needs. */
import { STATS_EVENTS } from '../core/alerts/stats.ts';
import type { EpochMs } from '../core/time.ts';
import type { PrunedEvents, PruneEvents, RetentionStore } from '../ports/records.ts';
import { readFrom, removeFrom } from './access.ts';
import type { Connection } from './sqlite.ts';
import type { WriteQueue } from './write-queue.ts';

type EventHead = { readonly id: number; readonly at: number; readonly type: string };

export class SqliteRetentionStore implements RetentionStore {
  readonly #db: Connection;
  readonly #queue: WriteQueue;

  constructor(db: Connection, queue: WriteQueue) {
    this.#db = db;
    this.#queue = queue;
  }

  excessEvents(maxRecords: number): Promise<number> {
    return readFrom(this.#db, (db) => {
      // Ids leave few gaps: mostly there is nothing to count.
      const spread = db
        .prepare<[], number>('select coalesce((select max(id) from events) - (select min(id) from events) + 1, 0)')
        .pluck()
        .get();
      if ((spread ?? 0) <= maxRecords) return 0;
      const count = db.prepare<[], number>('select count(*) from events').pluck().get() ?? 0;
      return Math.max(0, count - maxRecords);
    });
  }

  async pruneEvents(wish: PruneEvents): Promise<PrunedEvents> {
    const { kept, dropped, lastId, isEnd } = await readFrom(this.#db, (db) => plan(db, wish));
    const [first, last] = [dropped[0], dropped.at(-1)];
    if (first !== undefined && last !== undefined) {
      await this.#transaction((db) =>
        db
          .prepare('delete from events where id between ? and ? and id not in (select value from json_each(?))')
          .run(first, last, JSON.stringify(kept)),
      );
    }
    return { removed: dropped.length, lastId, isEnd };
  }

  pruneHits(beforeAt: EpochMs, limit: number): Promise<number> {
    return this.#delete('hits', 'fingerprint', 'last_seen_at < ? order by last_seen_at', [Math.floor(beforeAt)], limit);
  }

  pruneTasks(beforeAt: EpochMs, failedBeforeAt: EpochMs, limit: number): Promise<number> {
    const where = `claim_id is null and (status in ('done', 'cancelled') and status_since < ?
      or status in ('failed', 'timeout') and status_since < ?)`;
    return this.#delete('tasks', 'id', where, [beforeAt, failedBeforeAt].map(Math.floor), limit);
  }

  pruneAlerts(beforeAt: EpochMs, limit: number): Promise<number> {
    return this.#delete('alerts', 'id', 'ended_at < ? and false_runs >= 2 order by id', [Math.floor(beforeAt)], limit);
  }

  async pruneTokens(beforeDay: string, beforeAt: EpochMs, limit: number): Promise<number> {
    const sums = await this.#delete('model_tokens', 'rowid', 'day < ?', [beforeDay], limit);
    return sums + (await this.#delete('token_files', 'key', 'read_at < ?', [Math.floor(beforeAt)], limit));
  }

  pruneSwaps(beforeAt: EpochMs, limit: number): Promise<number> {
    return this.#transaction((db) => {
      const ids = db.prepare<[number, number], string>(FORGOTTEN_SWAPS).pluck().all(Math.floor(beforeAt), limit);
      const among = (column: string) => `where ${column} in (select value from json_each(?))`;
      for (const table of ['recoveries', 'incident_steps', 'incidents'])
        db.prepare(`delete from ${table} ${among('swap_id')}`).run(JSON.stringify(ids));
      db.prepare(`delete from swaps ${among('id')}`).run(JSON.stringify(ids));
      return ids.length;
    });
  }

  async vacuum(pages: number): Promise<number> {
    const before = await readFrom(this.#db, free);
    if (before === 0) return 0;
    return removeFrom(this.#db, this.#queue, (db) => {
      db.pragma(`incremental_vacuum(${Math.floor(pages)})`);
      return before - free(db);
    });
  }

  checkpoint(): Promise<void> {
    return this.#queue.run(() => void this.#db.pragma('wal_checkpoint(PASSIVE)'));
  }

  #delete(
    table: string,
    key: string,
    where: string,
    values: readonly (number | string)[],
    limit: number,
  ): Promise<number> {
    return this.#transaction(
      (db) =>
        db
          .prepare(`delete from ${table} where ${key} in (select ${key} from ${table} where ${where} limit ?)`)
          .run(...values, limit).changes,
    );
  }

  #transaction<T>(body: (db: Connection) => T): Promise<T> {
    return removeFrom(this.#db, this.#queue, (db) => db.transaction(body).immediate(db));
  }
}

/** Ended well or not at all, with no pane, hit or later decision that asks for it. */
const FORGOTTEN_SWAPS = `
  select id from swaps
  where finished_at < ? and phase in ('done', 'failed')
    and started_at < (select max(started_at) from swaps newer where newer.pool = swaps.pool)
    and not exists (select 1 from hits where hits.swap_id = swaps.id)
    and not exists (select 1 from recoveries where recoveries.swap_id = swaps.id and recoveries.finished_at is null)
  order by started_at limit ?`;

/** Reads the next rows and decides on each, so that nothing is searched for while the database is locked. */
function plan(
  db: Connection,
  wish: PruneEvents,
): { kept: readonly number[]; dropped: readonly number[]; lastId: number; isEnd: boolean } {
  const rows = db
    .prepare<[number, number], EventHead>('select id, at, type from events where id > ? order by id limit ?')
    .all(wish.afterId, wish.limit);
  const needed = new Set(neededByAlerts(db));
  const readUpTo = unread(db);
  const kept: number[] = [];
  const dropped: number[] = [];
  for (const { id, at, type } of rows) {
    const isDue = (wish.beforeAt !== null && at < wish.beforeAt) || dropped.length < wish.excess;
    if (!isDue || id > readUpTo) return { kept, dropped, lastId: id, isEnd: true };
    const isNeeded = needed.has(id) || (at >= wish.uncountedFrom && COUNTED.has(type));
    (isNeeded ? kept : dropped).push(id);
  }
  return { kept, dropped, lastId: rows.at(-1)?.id ?? wish.afterId, isEnd: rows.length < wish.limit };
}

const COUNTED: ReadonlySet<string> = new Set(STATS_EVENTS);

function neededByAlerts(db: Connection): readonly number[] {
  return db
    .prepare<[], number>(
      `select event_id from alerts where status in ('active', 'acknowledged') and event_id is not null`,
    )
    .pluck()
    .all();
}

/** The last event that everybody who reads the journal in order has read. */
function unread(db: Connection): number {
  return db.prepare<[], number | null>('select min(event_id) from cursors').pluck().get() ?? Number.POSITIVE_INFINITY;
}

function free(db: Connection): number {
  return Number(db.pragma('freelist_count', { simple: true }));
}
