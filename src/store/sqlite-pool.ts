/** Kysely over our SQLite file, with write transactions that take the write lock before their first read. */
import type { DatabaseConnection } from 'kysely';
import { CompiledQuery, Kysely, SqliteDialect, SqliteDriver } from 'kysely';
import type { PoolTables } from './schema.ts';
import type { Connection } from './sqlite.ts';
import type { WriteQueue } from './write-queue.ts';

export function sqlitePool(db: Connection, queue: WriteQueue): Kysely<PoolTables> {
  return new Kysely<PoolTables>({ dialect: new ImmediateDialect(db, queue) });
}

class ImmediateDialect extends SqliteDialect {
  readonly #db: Connection;
  readonly #queue: WriteQueue;

  constructor(db: Connection, queue: WriteQueue) {
    super({ database: db });
    this.#db = db;
    this.#queue = queue;
  }

  override createDriver(): SqliteDriver {
    return new ImmediateDriver(this.#db, this.#queue);
  }
}

class ImmediateDriver extends SqliteDriver {
  readonly #db: Connection;
  readonly #queue: WriteQueue;
  #leave: () => void = () => undefined;

  constructor(db: Connection, queue: WriteQueue) {
    super({ database: db });
    this.#db = db;
    this.#queue = queue;
  }

  /** A plain `begin` that reads first fails at once with SQLITE_BUSY_SNAPSHOT when another process wrote in between. */
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    const leave = await this.#queue.enter();
    try {
      await connection.executeQuery(CompiledQuery.raw('begin immediate'));
      this.#leave = leave;
    } catch (error) {
      leave();
      throw error;
    }
  }

  override async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await super.commitTransaction(connection);
    this.#leave();
  }

  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      // SQLite has rolled back by itself when the disk was full; a second rollback would hide that error.
      if (this.#db.inTransaction) await super.rollbackTransaction(connection);
    } finally {
      this.#leave();
    }
  }
}
