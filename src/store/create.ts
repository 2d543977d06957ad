/** Makes a new database that appears under its name whole or not at all. */

import { linkSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { errorCode } from '../core/error-code.ts';
import { APPLICATION_ID } from './damage.ts';
import { applySteps, syncPath } from './migrate.ts';
import type { Migration } from './migrations/migration.ts';
import type { Connection } from './sqlite.ts';

/** Creates `path` unless another process was faster; `fill` writes the first rows. */
export function createDatabase(path: string, migrations: readonly Migration[], fill: (db: Connection) => void): void {
  sweepDrafts(path);
  const draft = `${path}.new-${process.pid}`;
  // SQLite gives a new file the umask's mode, and its log the mode of the file.
  writeFileSync(draft, '', { mode: 0o600, flag: 'wx' });
  try {
    const db = new Database(draft);
    try {
      // Only before anything is written: what retention frees goes back to the disk piece by piece.
      db.pragma('auto_vacuum = INCREMENTAL');
      db.pragma(`application_id = ${APPLICATION_ID}`);
      db.pragma('synchronous = FULL');
      applySteps(db, migrations);
      db.transaction(fill)(db);
      db.pragma('journal_mode = WAL');
    } finally {
      db.close();
    }
    syncPath(draft);
    linkSync(draft, path);
    syncPath(dirname(path));
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  } finally {
    removeDraft(draft);
  }
}

function sweepDrafts(path: string): void {
  const prefix = `${basename(path)}.new-`;
  for (const name of readdirSync(dirname(path))) {
    if (!name.startsWith(prefix)) continue;
    const pid = Number.parseInt(name.slice(prefix.length), 10);
    if (pid === process.pid || !isRunning(pid)) rmSync(join(dirname(path), name), { force: true });
  }
}

function removeDraft(draft: string): void {
  for (const part of [draft, `${draft}-journal`, `${draft}-wal`, `${draft}-shm`]) rmSync(part, { force: true });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}
