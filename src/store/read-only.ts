/** Opens the state database for a command that runs without the daemon; light, so that `status` answers at once. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { StoreError } from '../core/errors.ts';
import type { LifecycleRow } from '../core/sessions/lifecycle.ts';
import type { OutboxLine } from '../ports/outbox.ts';
import type { TaskReads } from '../ports/queue.ts';
import type { AlertReads, StatsReads } from '../ports/records.ts';
import type { PoolStore } from '../ports.ts';
import { readFrom } from './access.ts';
import { toAccount } from './accounts.ts';
import { SqliteAlertReads } from './alerts.ts';
import { asStoreError } from './failures.ts';
import { JsonColumns } from './json.ts';
import { readLifecycles } from './lifecycles.ts';
import type { LocalReads } from './local.ts';
import { SqliteLocalReads } from './local.ts';
import { newerSchema, newest, opensWith, schemaVersion } from './migrate.ts';
import { MIGRATIONS } from './migrations/list.ts';
import { readOutboxLines } from './outbox.ts';
import { toRecord } from './quota.ts';
import type { AccountTable, QuotaTable } from './schema.ts';
import type { Connection } from './sqlite.ts';
import { connectReadOnly, DATABASE_FILE } from './sqlite.ts';
import { SqliteStatsReads } from './stats.ts';
import { SqliteTaskReads } from './tasks.ts';

export type PoolReads = Pick<PoolStore, 'accounts' | 'quota' | 'leaseCounts'>;

export interface ReadOnlyStore {
  readonly path: string;
  readonly local: LocalReads;
  readonly pool: PoolReads;
  readonly alerts: AlertReads;
  readonly stats: StatsReads;
  readonly tasks: TaskReads;
  /** By name. */
  lifecycles(): Promise<readonly LifecycleRow[]>;
  /** Newest first. */
  outbox(limit: number): readonly OutboxLine[];
  close(): void;
}

/** @throws {StoreError} there is no database, it cannot be read, or its schema is not the one this program knows */
export function openReadOnly(stateDir: string): ReadOnlyStore {
  const path = join(stateDir, DATABASE_FILE);
  if (!existsSync(path)) {
    throw new StoreError('store_absent', `${path}: there is no database yet`, {
      hint: 'start the daemon first: claude-failover run',
    });
  }
  try {
    const db = connectReadOnly(path);
    try {
      demandCurrentSchema(db);
      return {
        path,
        local: new SqliteLocalReads(db, new JsonColumns()),
        pool: poolReads(db),
        alerts: new SqliteAlertReads(db),
        stats: new SqliteStatsReads(db, new JsonColumns()),
        tasks: new SqliteTaskReads(db, new JsonColumns()),
        lifecycles: () => readFrom(db, () => readLifecycles(db, new JsonColumns())),
        outbox: (limit) => readOutboxLines(db, limit, new JsonColumns()),
        close: () => db.close(),
      };
    } catch (error) {
      db.close();
      throw error;
    }
  } catch (error) {
    throw asStoreError(error, path);
  }
}

function demandCurrentSchema(db: Connection): void {
  const version = schemaVersion(db);
  const latest = newest(MIGRATIONS);
  if (version === latest || (version > latest && opensWith(db, latest))) return;
  if (version > latest) throw newerSchema(db.name, version, latest);
  throw new StoreError('store_older', `${db.name}: has schema version ${version}, this program reads ${latest}`, {
    hint: 'start the daemon once, it brings the database up to date: claude-failover run',
  });
}

const QUOTA = `select * from quota where account not in (select name from accounts where removed_at is not null)
  order by account, bucket`;
const LEASES = `select account, count(distinct session) from leases where released_at is null and expires_at > ?
  group by account`;

/** Plain statements: loading the query builder would take longer than the whole answer. */
function poolReads(db: Connection): PoolReads {
  const told = async <T>(read: () => T): Promise<T> => {
    try {
      return read();
    } catch (error) {
      throw asStoreError(error, db.name);
    }
  };
  return {
    accounts: () =>
      told(() =>
        db
          .prepare<[], AccountTable>('select * from accounts where removed_at is null order by name')
          .all()
          .map(toAccount),
      ),
    quota: () => told(() => db.prepare<[], QuotaTable>(QUOTA).all().map(toRecord)),
    leaseCounts: (now) => told(() => new Map(db.prepare<[number], [string, number]>(LEASES).raw().all(now))),
  };
}
