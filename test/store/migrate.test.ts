import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { migrate, newest } from '../../src/store/migrate.ts';
import { MIGRATIONS } from '../../src/store/migrations/list.ts';
import type { Migration } from '../../src/store/migrations/migration.ts';
import { openStore } from '../../src/store/open.ts';
import { openReadOnly } from '../../src/store/read-only.ts';
import { openFor } from './support/open.ts';
import { aSwap, NOON } from './support/rows.ts';
import { tempDir } from './support/temp-dir.ts';

const RELEASED = join(import.meta.dirname, 'released');
const released = readdirSync(RELEASED).sort();

/** A database as the program that released this schema left it. */
function lay(file: string): { stateDir: string; path: string } {
  const stateDir = tempDir();
  const path = join(stateDir, 'state.db');
  const db = new Database(path);
  db.exec(readFileSync(join(RELEASED, file), 'utf8'));
  db.pragma('journal_mode = WAL');
  db.close();
  return { stateDir, path };
}

const next = newest(MIGRATIONS) + 1;
const step: Migration = {
  version: next,
  pool: 'alter table accounts add column note text;',
  local: 'create table extra (a text) strict;',
};

function schemaOf(db: InstanceType<typeof Database>): unknown {
  return db
    .prepare(`select type, name, tbl_name, sql from sqlite_schema where name not like 'sqlite_%' order by name`)
    .all();
}

describe('[R207] migrations', () => {
  test('versions ascend from 1, and every released schema is beside the tests', () => {
    const versions = MIGRATIONS.map(({ version }) => version);
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
    expect(versions[0]).toBe(1);
    const known = versions.map((version) => `${String(version).padStart(4, '0')}.sql`);
    expect(released.filter((file) => !known.includes(file))).toEqual([]);
    expect(released[0]).toBe('0001.sql');
  });

  test.each(released)('a database of schema %s opens with every row in its place', async (file) => {
    const { stateDir } = lay(file);
    const { local, pool, quarantined } = await openFor(stateDir);
    expect(quarantined).toBeNull();
    expect(await local.swaps({ limit: 9 })).toEqual([aSwap({ phase: 'recovering', flippedAt: NOON + 9, locks: [] })]);
    expect(await local.incident('swap-1')).toMatchObject({ steps: [{ step: 'flip', durationMs: 1.5 }], result: null });
    expect(await local.openRecoveries()).toMatchObject([{ id: 'swap-1/1', state: 'prompted', promptedAt: NOON + 12 }]);
    expect(await local.events({ limit: 9 })).toMatchObject([{ type: 'swap_flipped', data: { to: 'spare' } }]);
    expect(await local.activations('claude', 9)).toMatchObject([{ account: 'spare', cause: 'swap' }]);
    expect(await local.hits('claude')).toMatchObject([{ fingerprint: 'f1', swapId: 'swap-1' }]);
    expect(await local.sessions()).toMatchObject([{ label: 'api:0.0', agentPid: 201 }]);
    expect(await pool.accounts()).toMatchObject([
      { name: 'spare', activeSince: NOON + 9 },
      { name: 'work', leftAt: NOON + 9, credentialsMtimeMs: 1767600000123.4568 },
    ]);
    expect(await pool.quota()).toMatchObject([{ account: 'work', limitReached: true, resetAt: NOON + 3_600_000 }]);
  });

  test.each(released)('from schema %s the newest one comes out as if it were new', async (file) => {
    const { stateDir, path } = lay(file);
    await (await openStore({ stateDir, now: NOON })).close();
    const fresh = await openFor(tempDir());
    const [old, made] = [new Database(path), new Database(fresh.path)];
    expect(schemaOf(old)).toEqual(schemaOf(made));
    old.close();
    made.close();
  });

  test('an existing database is copied before it is changed, for its owner only', async () => {
    const { stateDir, path } = lay('0001.sql');
    const store = await openFor(stateDir, { migrations: [...MIGRATIONS, step] });
    expect(await store.local.meta('schema_version')).toBe(String(next));
    const copy = `${path}.v1.bak`;
    expect(statSync(copy).mode & 0o777).toBe(0o600);
    const db = new Database(copy, { readonly: true });
    expect(db.prepare('select value from meta where key = ?').pluck().get('schema_version')).toBe('1');
    expect(db.prepare('select count(*) from swaps').pluck().get()).toBe(1);
    db.close();
  });

  test('a new database is not copied', async () => {
    const stateDir = tempDir();
    await openFor(stateDir);
    expect(readdirSync(stateDir).filter((name) => name.endsWith('.bak'))).toEqual([]);
  });

  test('a step that fails half-way leaves the old schema and all rows', async () => {
    const { stateDir, path } = lay('0001.sql');
    const broken = { ...step, local: 'create table extra (a text) strict; insert into nowhere values (1);' };
    await expect(openStore({ stateDir, now: NOON, migrations: [...MIGRATIONS, broken] })).rejects.toThrow('nowhere');
    const old = new Database(path, { readonly: true });
    expect(old.prepare('select value from meta where key = ?').pluck().get('schema_version')).toBe('1');
    old.close();
    await openFor(stateDir);
    const db = new Database(path);
    expect(db.prepare(`select count(*) from sqlite_schema where name = 'extra'`).pluck().get()).toBe(0);
    db.close();
  });

  test('a step that would leave rows without their parent is undone', async () => {
    const { path } = lay('0001.sql');
    const db = new Database(path);
    const orphaning = { ...step, local: 'delete from swaps;' };
    await expect(migrate(db, [...MIGRATIONS, orphaning])).rejects.toThrow('without parent');
    expect(db.prepare('select count(*) from swaps').pluck().get()).toBe(1);
    db.close();
  });

  test('an older program goes on with a database to which a newer one only added, and the newer one after it [R147]', async () => {
    const { stateDir } = lay('0001.sql');
    const newer = [...MIGRATIONS, step];
    await (await openStore({ stateDir, now: NOON, migrations: newer })).close();
    const old = await openStore({ stateDir, now: NOON });
    await old.pool.ensureAccounts([{ name: 'made-by-the-old-one', pool: 'claude' }]);
    await old.local.append([{ type: 'daemon_started' }], NOON);
    expect(await old.local.swaps({ limit: 9 })).toHaveLength(1);
    await old.close();
    const reader = openReadOnly(stateDir);
    expect(await reader.pool.accounts()).toHaveLength(3);
    reader.close();
    const { pool, quarantined } = await openFor(stateDir, { migrations: newer });
    expect(quarantined).toBeNull();
    expect((await pool.accounts()).map(({ name }) => name)).toContain('made-by-the-old-one');
  });

  test('a database of a newer program that changed what was there is refused, told how to go on, and not touched', async () => {
    const { stateDir, path } = lay('0001.sql');
    const breaking: Migration = { ...step, breaks: true };
    await (await openStore({ stateDir, now: NOON, migrations: [...MIGRATIONS, breaking] })).close();
    const before = readFileSync(path);
    await expect(openStore({ stateDir, now: NOON })).rejects.toMatchObject({
      code: 'store_newer',
      message: `${path}: has schema version ${next}, this program knows up to ${next - 1}`,
      hint: `install the claude-failover that wrote it, or put back its copy ${path}.v${next - 1}.bak`,
    });
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(readdirSync(stateDir)).not.toContain('quarantine');
  });
});
