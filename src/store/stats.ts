/** The table of daily statistics, whose rows are written once, and the facts from which they are made. */
import type { DayFigures, StatsInput } from '../core/alerts/stats.ts';
import { STATS_EVENTS } from '../core/alerts/stats.ts';
import type { Activation } from '../core/swap/swap.ts';
import type { EpochMs } from '../core/time.ts';
import type { StatsReads, StatsStore } from '../ports/records.ts';
import { readFrom, writeTo } from './access.ts';
import { toEvent } from './journal.ts';
import type { JsonColumns } from './json.ts';
import { asListOf } from './json.ts';
import type { DailyStatsTable } from './schema.ts';
import type { Connection } from './sqlite.ts';
import { select } from './sqlite.ts';
import type { WriteQueue } from './write-queue.ts';

/** What the column of the account holds for all together. */
const ALL = '';

export class SqliteStatsReads implements StatsReads {
  readonly #db: Connection;
  readonly #json: JsonColumns;

  constructor(db: Connection, json: JsonColumns) {
    this.#db = db;
    this.#json = json;
  }

  days(fromDay: string | null): Promise<readonly DayFigures[]> {
    return readFrom(this.#db, (db) =>
      select(db, 'daily_stats', 'where day >= ? order by day, account', [fromDay ?? '']).map((row) =>
        toFigures(row, this.#json),
      ),
    );
  }

  facts(from: EpochMs, to: EpochMs): Promise<Omit<StatsInput, 'accounts'>> {
    return readFrom(this.#db, (db) => ({
      events: STATS_EVENTS.flatMap((type) =>
        select(db, 'events', 'where type = ? and at >= ? and at < ? order by at', [type, from, to]),
      ).map((row) => toEvent(row, this.#json)),
      activations: activationsUntil(db, to),
      leftBy: leftBy(db, from, to),
    }));
  }

  firstAt(): Promise<EpochMs | null> {
    return readFrom(this.#db, (db) => select(db, 'events', 'order by id limit 1')[0]?.at ?? null);
  }
}

export class SqliteStatsStore extends SqliteStatsReads implements StatsStore {
  readonly #db: Connection;
  readonly #queue: WriteQueue;

  constructor(db: Connection, json: JsonColumns, queue: WriteQueue) {
    super(db, json);
    this.#db = db;
    this.#queue = queue;
  }

  saveDays(rows: readonly DayFigures[]): Promise<void> {
    return writeTo(this.#db, this.#queue, (db) => {
      for (const row of rows) {
        const cells = toCells(row);
        const columns = Object.keys(cells);
        db.prepare(
          `insert into daily_stats (${columns.join(', ')}) values (${columns.map((name) => `@${name}`).join(', ')}) on conflict do nothing`,
        ).run(cells);
      }
    });
  }
}

function activationsUntil(db: Connection, to: EpochMs): readonly Activation[] {
  return select(db, 'activations', 'where since < ? order by since, id', [to]).map(({ id: _, ...row }) => ({
    ...row,
    cause: row.cause as Activation['cause'],
  }));
}

/** A recovery may end on the day after its swap. */
function leftBy(db: Connection, from: EpochMs, to: EpochMs): ReadonlyMap<string, string> {
  const rows = select(db, 'swaps', 'where started_at < ? and (finished_at is null or finished_at >= ?)', [to, from]);
  return new Map(rows.map((row) => [row.id, row.from_account]));
}

function toCells(row: DayFigures): DailyStatsTable {
  return {
    day: row.day,
    account: row.account ?? ALL,
    swaps: row.swaps,
    hits_instant: row.hitsInstant,
    hits_confirmed: row.hitsConfirmed,
    hits_vetoed: row.hitsVetoed,
    hits_consumed: row.hitsConsumed,
    recovered_hot: row.recoveredHot,
    recovered_restart: row.recoveredRestart,
    recovered_self: row.recoveredSelf,
    handed_over: row.handedOver,
    recovery_ms_json: JSON.stringify(row.recoveryMs),
    active_ms: Math.round(row.activeMs),
  };
}

function toFigures(row: DailyStatsTable, json: JsonColumns): DayFigures {
  const numbers = (value: unknown) => asListOf(value, (one) => (typeof one === 'number' ? one : null));
  return {
    day: row.day,
    account: row.account === ALL ? null : row.account,
    swaps: row.swaps,
    hitsInstant: row.hits_instant,
    hitsConfirmed: row.hits_confirmed,
    hitsVetoed: row.hits_vetoed,
    hitsConsumed: row.hits_consumed,
    recoveredHot: row.recovered_hot,
    recoveredRestart: row.recovered_restart,
    recoveredSelf: row.recovered_self,
    handedOver: row.handed_over,
    recoveryMs: json.read(row.recovery_ms_json, `daily_stats.recovery_ms_json of ${row.day}`, numbers, []),
    activeMs: row.active_ms,
  };
}
