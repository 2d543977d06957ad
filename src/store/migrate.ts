/** Brings a database to the newest schema: a copy first, then all steps in one transaction. */

import { chmodSync, closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { counted } from '../core/counted.ts';
import { StoreError } from '../core/errors.ts';
import { OPENS_WITH_KEY, readMeta, SCHEMA_VERSION_KEY, writeMeta } from './meta.ts';
import { MIGRATIONS } from './migrations/list.ts';
import type { Migration } from './migrations/migration.ts';
import type { Connection } from './sqlite.ts';

/**
 * Runs the steps that this database has not seen. An existing database is copied to `<path>.v<version>.bak` first.
 *
 * @throws {StoreError} a newer program wrote it
 */
export async function migrate(db: Connection, migrations: readonly Migration[] = MIGRATIONS): Promise<void> {
  const version = schemaVersion(db);
  const latest = newest(migrations);
  if (version === latest) return;
  if (version > latest) {
    if (opensWith(db, latest)) return;
    throw newerSchema(db.name, version, latest);
  }
  if (version > 0) await copyAside(db, `${db.name}.v${version}.bak`);
  applySteps(db, migrations);
}

/** Runs the missing steps in one transaction: all of them or none. */
export function applySteps(db: Connection, migrations: readonly Migration[] = MIGRATIONS): void {
  // A step that rebuilds a table drops the old one, which with foreign keys on would delete or refuse its children.
  db.pragma('foreign_keys = OFF');
  try {
    db.transaction(() => {
      const version = schemaVersion(db);
      for (const step of migrations.filter((step) => step.version > version)) {
        db.exec(step.pool);
        db.exec(step.local);
      }
      const orphans = db.pragma('foreign_key_check') as unknown[];
      if (orphans.length > 0) {
        throw new StoreError(
          'store_migration',
          `${db.name}: the new schema leaves ${counted(orphans.length, 'row')} without parent`,
        );
      }
      writeMeta(db, SCHEMA_VERSION_KEY, String(newest(migrations)));
      writeMeta(db, OPENS_WITH_KEY, String(lastBreak(migrations)));
    }).immediate();
  } finally {
    db.pragma('foreign_keys = ON');
  }
}

/** 0: an empty database. NaN: a database without a readable version. */
export function schemaVersion(db: Connection): number {
  const tables = db.prepare<[], string>(`select name from sqlite_schema where type = 'table'`).pluck().all();
  if (tables.length === 0) return 0;
  if (!tables.includes('meta')) return Number.NaN;
  const text = readMeta(db, SCHEMA_VERSION_KEY) ?? '';
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : Number.NaN;
}

/** Whether a program that knows the schema up to `latest` may open this newer database: what it does not know was only added. */
export function opensWith(db: Connection, latest: number): boolean {
  const text = readMeta(db, OPENS_WITH_KEY) ?? '';
  return /^[1-9]\d{0,8}$/.test(text) && Number(text) <= latest;
}

function lastBreak(migrations: readonly Migration[]): number {
  return Math.max(1, ...migrations.filter(({ breaks }) => breaks === true).map(({ version }) => version));
}

export function newest(migrations: readonly Migration[]): number {
  return migrations.at(-1)?.version ?? 0;
}

export function newerSchema(path: string, version: number, latest: number): StoreError {
  return new StoreError('store_newer', `${path}: has schema version ${version}, this program knows up to ${latest}`, {
    hint: `install the claude-failover that wrote it, or put back its copy ${path}.v${latest}.bak`,
  });
}

async function copyAside(db: Connection, target: string): Promise<void> {
  const draft = `${target}.new`;
  rmSync(draft, { force: true });
  writeFileSync(draft, '', { mode: 0o600, flag: 'wx' });
  await db.backup(draft);
  chmodSync(draft, 0o600);
  syncPath(draft);
  renameSync(draft, target);
  syncPath(dirname(target));
}

/** Brings a file's content, or a directory's entries, to the disk. */
export function syncPath(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
