/** The table of daily statistics, whose rows are written once, and the facts from which they are made. */
import type { DayFigures, StatsInput } from '../core/alerts/stats.ts';
import { dayOf, STATS_EVENTS } from '../core/alerts/stats.ts';
import type { TaskFigures } from '../core/alerts/task-figures.ts';
import { asObject } from '../core/json.ts';
import type { Activation } from '../core/swap/swap.ts';
import type { EpochMs } from '../core/time.ts';
import type { ModelTokens } from '../core/tokens/tokens.ts';
import type { StatsReads, StatsStore } from '../ports/records.ts';
import { readFrom, writeTo } from './access.ts';
import { toEvent } from './journal.ts';
import type { JsonColumns } from './json.ts';
import { asListOf } from './json.ts';
import type { DailyStatsTable } from './schema.ts';
import type { Connection } from './sqlite.ts';
import { select } from './sqlite.ts';
import { readTokens } from './tokens.ts';
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
      tokens: readTokens(db, dayOf(from), dayOf(to - 1)),
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
    tasks_json: row.tasks === null ? null : JSON.stringify(row.tasks),
    models_json: row.models === null ? null : JSON.stringify(row.models),
  };
}

function toFigures(row: DailyStatsTable, json: JsonColumns): DayFigures {
  const where = (column: keyof DailyStatsTable): string => `daily_stats.${column} of ${row.day}`;
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
    recoveryMs: json.read(row.recovery_ms_json, where('recovery_ms_json'), numbers, []),
    activeMs: row.active_ms,
    tasks: row.tasks_json === null ? null : json.read(row.tasks_json, where('tasks_json'), asTasks, null),
    models: row.models_json === null ? null : json.read(row.models_json, where('models_json'), asModels, null),
  };
}

function numbers(value: unknown): readonly number[] | null {
  return asListOf(value, (one) => (typeof one === 'number' ? one : null));
}

function asTasks(value: unknown): TaskFigures | null {
  const tasks = asObject(value);
  const isWhole =
    [tasks?.done, tasks?.failed, tasks?.timeout].every((count) => typeof count === 'number') &&
    numbers(tasks?.tookMs) !== null &&
    asListOf(tasks?.projects, (one) => (typeof asObject(one)?.tasks === 'number' ? one : null)) !== null;
  return isWhole ? (tasks as unknown as TaskFigures) : null;
}

function asModels(value: unknown): readonly ModelTokens[] | null {
  return asListOf(value, (one) => {
    const { model, input, output, cacheRead, cacheWrite } = asObject(one) ?? {};
    const isWhole = [input, output, cacheRead, cacheWrite].every((count) => typeof count === 'number');
    return typeof model === 'string' && isWhole ? (one as ModelTokens) : null;
  });
}
