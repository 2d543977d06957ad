/** A connection to the database file, and inserts and updates whose columns the compiler checks. */
import Database from 'better-sqlite3';
import type { LocalTables, NewRow } from './schema.ts';

export type Connection = Database.Database;

/** The database's name in the state directory. */
export const DATABASE_FILE = 'state.db';

/** How long a statement waits for another process before it fails as busy. */
export const BUSY_TIMEOUT_MS = 5_000;

/** Opens an existing file for reading and writing. */
export function connect(path: string, busyTimeoutMs = BUSY_TIMEOUT_MS): Connection {
  const db = new Database(path, { fileMustExist: true, timeout: busyTimeoutMs });
  try {
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Opens an existing file without any way to change it. */
export function connectReadOnly(path: string): Connection {
  return new Database(path, { readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
}

export function insert<T extends keyof LocalTables>(db: Connection, table: T, row: NewRow<LocalTables[T]>): void {
  db.prepare(insertText(table, Object.keys(row))).run(row);
}

/** Inserts the row, or replaces all other columns of the one that has this key. */
export function upsert<T extends keyof LocalTables>(
  db: Connection,
  table: T,
  key: keyof LocalTables[T] & string,
  rows: readonly NewRow<LocalTables[T]>[],
): void {
  const first = rows[0];
  if (first === undefined) return;
  const columns = Object.keys(first);
  const changes = columns.filter((column) => column !== key).map((column) => `${column} = excluded.${column}`);
  const statement = db.prepare(
    `${insertText(table, columns)} on conflict (${key}) do update set ${changes.join(', ')}`,
  );
  for (const row of rows) statement.run(row);
}

/** Changes these columns of the row with this key; nothing when there is no such row. */
export function update<T extends keyof LocalTables>(
  db: Connection,
  table: T,
  key: keyof LocalTables[T] & string,
  value: string | number,
  change: Partial<LocalTables[T]>,
): void {
  const columns = Object.keys(change);
  if (columns.length === 0) return;
  const changes = columns.map((column) => `${column} = @${column}`);
  db.prepare(`update ${table} set ${changes.join(', ')} where ${key} = @_key`).run({ ...change, _key: value });
}

/** All rows of a query over one table; the caller's `where` names the conditions, the order and the limit. */
export function select<T extends keyof LocalTables>(
  db: Connection,
  table: T,
  where = '',
  values: readonly (string | number)[] = [],
): LocalTables[T][] {
  return db.prepare<unknown[], LocalTables[T]>(`select * from ${table} ${where}`).all(...values);
}

function insertText(table: string, columns: readonly string[]): string {
  return `insert into ${table} (${columns.join(', ')}) values (${columns.map((column) => `@${column}`).join(', ')})`;
}
