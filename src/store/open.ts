/** Opens the state database of this host for the daemon: checked, migrated, and never silently empty. */
import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { EpochMs } from '../core/time.ts';
import type { LifecycleStore } from '../ports/lifecycle.ts';
import type { Outbox } from '../ports/outbox.ts';
import type { TaskStore } from '../ports/queue.ts';
import type { AlertStore, RetentionStore, StatsStore } from '../ports/records.ts';
import type { TokenStore } from '../ports/tokens.ts';
import type { LocalStore, Logger, PoolStore } from '../ports.ts';
import { SqliteAlertStore } from './alerts.ts';
import { createDatabase } from './create.ts';
import { findDamage } from './damage.ts';
import { asStoreError } from './failures.ts';
import { appendEvents } from './journal.ts';
import { JsonColumns } from './json.ts';
import { SqliteLifecycleStore } from './lifecycles.ts';
import { SqliteLocalStore } from './local.ts';
import { OBSERVE_KEY, writeMeta } from './meta.ts';
import { migrate } from './migrate.ts';
import { MIGRATIONS } from './migrations/list.ts';
import type { Migration } from './migrations/migration.ts';
import { SqliteOutbox } from './outbox.ts';
import { SqlPoolStore } from './pool.ts';
import type { Quarantined } from './quarantine.ts';
import { moveAside, settle, unsettledReason } from './quarantine.ts';
import { SqliteRetentionStore } from './retention.ts';
import type { Connection } from './sqlite.ts';
import { BUSY_TIMEOUT_MS, connect as connectTo, DATABASE_FILE } from './sqlite.ts';
import { sqlitePool } from './sqlite-pool.ts';
import { SqliteStatsStore } from './stats.ts';
import { SqliteTaskStore } from './tasks.ts';
import { SqliteTokenStore } from './tokens.ts';
import { WriteQueue } from './write-queue.ts';

export interface OpenedStore {
  readonly kind: 'opened';
  readonly path: string;
  readonly local: LocalStore;
  readonly pool: PoolStore;
  readonly alerts: AlertStore;
  readonly stats: StatsStore;
  readonly tokens: TokenStore;
  readonly retention: RetentionStore;
  readonly outbox: Outbox;
  readonly tasks: TaskStore;
  readonly lifecycles: LifecycleStore;
  /**
   * Set when a damaged database was moved away and an empty one took its place: the daemon must only observe until
   * `recover`. The new database says so itself, in its meta `observe_until_recover` and a `store_quarantined` event.
   */
  readonly quarantined: Quarantined | null;
  /** Waits for the writes under way. */
  close(): Promise<void>;
}

export interface OpenStoreOptions {
  readonly stateDir: string;
  readonly now: EpochMs;
  readonly log?: Logger;
  readonly migrations?: readonly Migration[];
  /** How long a write waits for another process. The thread stands still meanwhile. */
  readonly busyTimeoutMs?: number;
}

/** @throws {StoreError} the database is locked, out of reach, on a full disk, or of a newer program; nothing was moved */
export async function openStore(options: OpenStoreOptions): Promise<OpenedStore> {
  const { stateDir, now, log, migrations = MIGRATIONS, busyTimeoutMs = BUSY_TIMEOUT_MS } = options;
  const path = join(stateDir, DATABASE_FILE);
  try {
    prepareDirectory(stateDir, path);
    const quarantined = replaceDamaged(path, now, migrations);
    if (!existsSync(path)) createDatabase(path, migrations, () => undefined);
    if (quarantined !== null)
      log?.error({ ...quarantined }, 'the database was damaged; a new one begins in observe mode');
    const connect = () => connectTo(path, busyTimeoutMs);
    return { ...(await connectBoth(connect, migrations, new JsonColumns(log))), kind: 'opened', path, quarantined };
  } catch (error) {
    throw asStoreError(error, path);
  }
}

function prepareDirectory(stateDir: string, path: string): void {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  tighten(stateDir, 0o700);
  for (const part of [path, `${path}-wal`, `${path}-shm`]) tighten(part, 0o600);
}

function tighten(path: string, mode: number): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats !== undefined && (stats.mode & 0o777 & ~mode) !== 0) chmodSync(path, mode);
}

function replaceDamaged(path: string, now: EpochMs, migrations: readonly Migration[]): Quarantined | null {
  const reason = unsettledReason(path) ?? findDamage(path, migrations);
  if (reason === null) return null;
  const quarantined = moveAside(path, reason, now);
  createDatabase(path, migrations, (db) => {
    writeMeta(db, OBSERVE_KEY, `store_quarantined: ${reason}`);
    appendEvents(db, [{ type: 'store_quarantined', data: { ...quarantined } }], now);
  });
  settle(path);
  return quarantined;
}

async function connectBoth(
  connect: () => Connection,
  migrations: readonly Migration[],
  json: JsonColumns,
): Promise<
  Pick<
    OpenedStore,
    'local' | 'pool' | 'outbox' | 'alerts' | 'stats' | 'tokens' | 'retention' | 'tasks' | 'lifecycles' | 'close'
  >
> {
  const open: Connection[] = [];
  try {
    const local = connect();
    open.push(local);
    await migrate(local, migrations);
    const shared = connect();
    open.push(shared);
    const queue = new WriteQueue();
    return {
      local: new SqliteLocalStore(local, json, queue),
      outbox: new SqliteOutbox(local, json, queue),
      alerts: new SqliteAlertStore(local, json, queue),
      stats: new SqliteStatsStore(local, json, queue),
      tokens: new SqliteTokenStore(local, json, queue),
      retention: new SqliteRetentionStore(local, queue),
      tasks: new SqliteTaskStore(local, json, queue),
      lifecycles: new SqliteLifecycleStore(local, json, queue),
      pool: new SqlPoolStore(sqlitePool(shared, queue), shared.name),
      close: () => queue.run(() => closeAll(open)),
    };
  } catch (error) {
    closeAll(open);
    throw error;
  }
}

function closeAll(connections: readonly Connection[]): void {
  for (const connection of connections) connection.close();
}
