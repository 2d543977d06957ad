/** Tells a damaged database file from a healthy one, without changing a byte of it. */

import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import Database from 'better-sqlite3';
import { StoreError } from '../core/errors.ts';
import { asStoreError, isCorruption } from './failures.ts';
import { applySteps, newest, schemaVersion } from './migrate.ts';
import { MIGRATIONS } from './migrations/list.ts';
import type { Migration } from './migrations/migration.ts';
import type { Connection } from './sqlite.ts';
import { connectReadOnly } from './sqlite.ts';

/** Written into the header of our databases; the letters `cfov`. */
export const APPLICATION_ID = 0x63666f76;

const MAGIC = 'SQLite format 3\0';
const HEADER_BYTES = 100;

/**
 * What is wrong with the file, or null when it is sound or there is none. SQLite calls a page that the disk did not give
 * damaged too: only what is wrong twice, in a file that can be read from end to end, is damage.
 *
 * @throws {StoreError} it cannot be read, is locked, or belongs to another program: no reason to move it
 */
export function findDamage(path: string, migrations: readonly Migration[] = MIGRATIONS): string | null {
  if (lookForDamage(path, migrations) === null) return null;
  readWhole(path);
  return lookForDamage(path, migrations);
}

function readWhole(path: string): void {
  for (const part of [path, `${path}-wal`]) {
    try {
      if (existsSync(part)) readFileSync(part);
    } catch (error) {
      throw asStoreError(error, part);
    }
  }
}

function lookForDamage(path: string, migrations: readonly Migration[]): string | null {
  if (!existsSync(path)) {
    return existsSync(`${path}-wal`) ? 'the write-ahead log is there without its database' : null;
  }
  try {
    if (!hasHeader(path)) return 'the file does not begin as a database';
    // A connection that may write would merge the log into the file when it closes.
    const db = connectReadOnly(path);
    try {
      return checkPages(db) ?? checkOwner(db) ?? checkTables(db, migrations);
    } finally {
      db.close();
    }
  } catch (error) {
    if (isCorruption(error)) return error instanceof Error ? error.message : String(error);
    throw asStoreError(error, path);
  }
}

/** A database of ours appears whole or not at all, so that even an empty file is a damaged one. */
function hasHeader(path: string): boolean {
  const descriptor = openSync(path, 'r');
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    return readSync(descriptor, header) === HEADER_BYTES && header.toString('latin1', 0, MAGIC.length) === MAGIC;
  } finally {
    closeSync(descriptor);
  }
}

function checkPages(db: Connection): string | null {
  const verdict = db.pragma('quick_check(1)', { simple: true });
  return verdict === 'ok' ? null : String(verdict);
}

function checkOwner(db: Connection): string | null {
  const ours = db.pragma('application_id', { simple: true }) === APPLICATION_ID;
  if (!Number.isNaN(schemaVersion(db))) return null;
  if (ours) return 'the schema version is missing';
  throw new StoreError('store_foreign', `${db.name}: is the database of another program`, {
    hint: 'give state_dir a directory of its own',
  });
}

/** Damage inside a name passes SQLite's own check, and every later query would fail. */
function checkTables(db: Connection, migrations: readonly Migration[]): string | null {
  if (schemaVersion(db) !== newest(migrations)) return null;
  const fresh = new Database(':memory:');
  try {
    applySteps(fresh, migrations);
    const present = new Set(columnsOf(db));
    const missing = columnsOf(fresh).find((column) => !present.has(column));
    return missing === undefined ? null : `the column ${missing} is missing`;
  } finally {
    fresh.close();
  }
}

function columnsOf(db: Connection): string[] {
  return db
    .prepare<[], string>(
      `select t.name || '.' || c.name from sqlite_schema t, pragma_table_info(t.name) c where t.type = 'table'`,
    )
    .pluck()
    .all();
}
