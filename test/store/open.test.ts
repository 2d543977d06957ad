import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { newest } from '../../src/store/migrate.ts';
import { MIGRATIONS } from '../../src/store/migrations/list.ts';
import { openStore } from '../../src/store/open.ts';
import { moveAside } from '../../src/store/quarantine.ts';
import { openReadOnly } from '../../src/store/read-only.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { openFor } from './support/open.ts';
import { anIncident, aQuotaRecord, aSession, aSwap, NOON } from './support/rows.ts';
import { tempDir } from './support/temp-dir.ts';

const modeOf = (path: string) => statSync(path).mode & 0o777;

/** A state directory with one closed database that has something in it. */
async function filledDir(): Promise<{ stateDir: string; path: string }> {
  const stateDir = join(tempDir(), 'state');
  const store = await openStore({ stateDir, now: NOON });
  await store.local.createSwap(aSwap(), anIncident('swap-1'), [{ type: 'swap_prepared' }]);
  await store.local.saveSessions(Array.from({ length: 200 }, (_, index) => aSession({ id: `pane ${index}` })));
  await store.close();
  return { stateDir, path: store.path };
}

describe('opening', () => {
  test('directory and files are for their owner only, even when they were not', async () => {
    const stateDir = join(tempDir(), 'a', 'state');
    const { local, close, path } = await openStore({ stateDir, now: NOON });
    await local.setMeta('k', 'v');
    for (const file of [path, `${path}-wal`, `${path}-shm`]) expect(modeOf(file)).toBe(0o600);
    expect(modeOf(stateDir)).toBe(0o700);
    await close();
    chmodSync(path, 0o644);
    chmodSync(stateDir, 0o755);
    await openFor(stateDir);
    expect([modeOf(path), modeOf(stateDir)]).toEqual([0o600, 0o700]);
  });

  test('a database is durable: WAL, every commit synced, foreign keys kept', async () => {
    const { path } = await filledDir();
    const { connect } = await import('../../src/store/sqlite.ts');
    const db = connect(path);
    const pragma = (name: string) => db.pragma(name, { simple: true });
    expect(['journal_mode', 'synchronous', 'foreign_keys', 'busy_timeout'].map(pragma)).toEqual(['wal', 2, 1, 5000]);
    db.close();
  });

  test('what was written is there again, and nothing was quarantined', async () => {
    const { stateDir } = await filledDir();
    const store = await openFor(stateDir);
    expect(store.quarantined).toBeNull();
    expect(await store.local.swap('swap-1')).toEqual(aSwap());
    expect(await store.local.meta('observe_until_recover')).toBeNull();
    expect(readdirSync(stateDir).sort()).toEqual(['state.db', 'state.db-shm', 'state.db-wal']);
  });

  test('a write after closing is a StoreError, not a crash', async () => {
    const store = await openStore({ stateDir: tempDir(), now: NOON });
    await store.close();
    await expect(store.local.probe()).rejects.toMatchObject({ code: 'store_failed' });
    await expect(store.pool.accounts()).rejects.toMatchObject({ code: 'store_failed' });
  });

  test('the draft that a killed start left is removed', async () => {
    const stateDir = tempDir();
    writeFileSync(join(stateDir, 'state.db.new-999999999'), 'half');
    await openFor(stateDir);
    expect(readdirSync(stateDir).filter((name) => name.includes('.new-'))).toEqual([]);
  });

  test('several processes may open a directory at once; each finds one whole database', async () => {
    const stateDir = tempDir();
    const stores = await Promise.all([openFor(stateDir), openFor(stateDir), openFor(stateDir)]);
    await stores[0]?.local.setMeta('k', 'v');
    expect(await stores[2]?.local.meta('k')).toBe('v');
  });
});

describe('[R97] a damaged database', () => {
  const damages: Record<string, (path: string) => void> = {
    'random bytes': (path) =>
      writeFileSync(path, Buffer.from(Array.from({ length: 40_960 }, (_, i) => (i * 7919) % 251))),
    'a file cut in the middle': (path) => truncateSync(path, Math.floor(statSync(path).size / 2 / 4096) * 4096 + 100),
    'an empty file': (path) => truncateSync(path, 0),
    'a header of zeros': (path) => overwrite(path, 0, Buffer.alloc(100)),
    'garbage after a good header': (path) => overwrite(path, 100, Buffer.alloc(6_000, 0xa5)),
    'a page of garbage in the middle': (path) => overwrite(path, 8 * 4096, Buffer.alloc(4_096, 0x5a)),
    'a changed name in the schema': (path) => {
      const bytes = readFileSync(path);
      for (let at = bytes.indexOf('from_target'); at >= 0; at = bytes.indexOf('from_target', at + 1)) bytes[at] = 0x67;
      writeFileSync(path, bytes);
    },
    'a database without its schema version': (path) => {
      const db = new Database(path);
      db.exec(`delete from meta where key = 'schema_version'`);
      db.close();
    },
  };

  test.each(Object.keys(damages))('%s is moved away byte for byte, and an empty one observes', async (kind) => {
    const { stateDir, path } = await filledDir();
    damages[kind]?.(path);
    const damaged = readFileSync(path);
    const log = new RecordingLog();
    const store = await openFor(stateDir, { now: NOON, log });
    expect(store.quarantined).toMatchObject({
      from: path,
      to: join(stateDir, 'quarantine', '2026-01-05T12-00-00.000Z-corrupt'),
    });
    expect(readFileSync(join(store.quarantined?.to ?? '', 'state.db')).equals(damaged)).toBe(true);
    expect(await store.local.swaps({ limit: 9 })).toEqual([]);
    expect(await store.local.meta('observe_until_recover')).toBe(`store_quarantined: ${store.quarantined?.reason}`);
    expect(await store.local.events({ limit: 9 })).toMatchObject([{ type: 'store_quarantined', severity: 'critical' }]);
    expect(log.at('error')).toHaveLength(1);
  });

  test('a second one does not overwrite the first', async () => {
    const { stateDir, path } = await filledDir();
    writeFileSync(path, 'first');
    await (await openStore({ stateDir, now: NOON })).close();
    writeFileSync(path, 'second');
    const { quarantined } = await openFor(stateDir);
    expect(quarantined?.to).toMatch(/-corrupt-2$/);
    expect(readdirSync(join(stateDir, 'quarantine'))).toHaveLength(2);
  });

  test('its write-ahead log goes with it', async () => {
    const { stateDir, path } = await filledDir();
    writeFileSync(path, 'x');
    writeFileSync(`${path}-wal`, 'log');
    const { quarantined } = await openFor(stateDir);
    expect(readFileSync(join(quarantined?.to ?? '', 'state.db-wal'), 'utf8')).toBe('log');
  });

  test('what the log still holds is not merged into the damaged file', async () => {
    const running = await openFor(tempDir());
    await running.local.saveSessions(Array.from({ length: 200 }, (_, index) => aSession({ id: `pane ${index}` })));
    const stateDir = tempDir();
    const path = join(stateDir, 'state.db');
    // As a kill leaves them: the file, and a log that was never merged.
    for (const part of ['', '-wal']) copyFileSync(`${running.path}${part}`, `${path}${part}`);
    overwrite(path, 3 * 4096, Buffer.alloc(4_096, 0x5a));
    overwrite(path, 5 * 4096, Buffer.alloc(4_096, 0x5a));
    const damaged = [readFileSync(path), readFileSync(`${path}-wal`)];
    const { quarantined } = await openFor(stateDir);
    const kept = ['state.db', 'state.db-wal'].map((name) => readFileSync(join(quarantined?.to ?? '', name)));
    expect(kept.map((bytes, index) => damaged[index]?.equals(bytes))).toEqual([true, true]);
  });

  test('a log without its database is moved away too, and never applied to a new one', async () => {
    const { stateDir, path } = await filledDir();
    rmSync(path);
    writeFileSync(`${path}-wal`, 'log');
    const { quarantined, local } = await openFor(stateDir);
    expect(quarantined?.reason).toBe('the write-ahead log is there without its database');
    expect(await local.meta('observe_until_recover')).toContain('store_quarantined');
  });

  test('a kill between the move and the new database is not forgotten', async () => {
    const { stateDir, path } = await filledDir();
    moveAside(path, 'page 7 is damaged', NOON);
    expect(existsSync(path)).toBe(false);
    const first = await openStore({ stateDir, now: NOON });
    expect(first.quarantined?.reason).toBe('page 7 is damaged');
    expect(await first.local.meta('observe_until_recover')).toBe('store_quarantined: page 7 is damaged');
    await first.close();
    expect((await openFor(stateDir)).quarantined).toBeNull();
  });

  test('the new one keeps on observing until someone says recover', async () => {
    const { stateDir, path } = await filledDir();
    writeFileSync(path, 'x');
    await (await openStore({ stateDir, now: NOON })).close();
    const again = await openFor(stateDir);
    expect(again.quarantined).toBeNull();
    expect(await again.local.meta('observe_until_recover')).toContain('store_quarantined');
  });
});

describe('a database that is only out of reach', () => {
  test('of another program is refused and left alone', async () => {
    const stateDir = tempDir();
    const db = new Database(join(stateDir, 'state.db'));
    db.exec('create table notes (text)');
    db.close();
    const before = readFileSync(join(stateDir, 'state.db'));
    await expect(openStore({ stateDir, now: NOON })).rejects.toMatchObject({
      code: 'store_foreign',
      hint: 'give state_dir a directory of its own',
    });
    expect(readFileSync(join(stateDir, 'state.db')).equals(before)).toBe(true);
    expect(existsSync(join(stateDir, 'quarantine'))).toBe(false);
  });

  test.each([
    ['the state directory lies below a file', (directory: string) => writeFileSync(join(directory, 'state'), '')],
    [
      'a directory stands in its place',
      (directory: string) => mkdirSync(join(directory, 'state/state.db'), { recursive: true }),
    ],
    [
      'its mark of a quarantine cannot be read',
      (directory: string) => mkdirSync(join(directory, 'state/quarantine/pending'), { recursive: true }),
    ],
  ])('when %s, that is told with a hint and nothing is moved', async (_, lay) => {
    const directory = tempDir();
    lay(directory);
    const before = readdirSync(directory, { recursive: true });
    await expect(openStore({ stateDir: join(directory, 'state'), now: NOON })).rejects.toMatchObject({
      hint: expect.stringContaining('state directory'),
    });
    expect(readdirSync(directory, { recursive: true })).toEqual(before);
  });

  test('a full disk or a lock is a StoreError that says what to do', async () => {
    const { asStoreError } = await import('../../src/store/failures.ts');
    const codes = [
      'SQLITE_FULL',
      'ENOSPC',
      'SQLITE_BUSY',
      'SQLITE_READONLY',
      'EROFS',
      'SQLITE_IOERR_READ',
      'SQLITE_CORRUPT',
    ];
    const told = codes.map((code) => asStoreError(Object.assign(new Error('x'), { code }), '/s/state.db'));
    expect(told.map(({ code }) => code)).toEqual([
      'store_full',
      'store_full',
      'store_locked',
      'store_not_writable',
      'store_not_writable',
      'store_io',
      'store_corrupt',
    ]);
    expect(told.every(({ hint }) => hint !== null)).toBe(true);
    expect(told[0]?.message).toBe('/s/state.db: the disk is full (SQLITE_FULL)');
  });

  test('a database that another process holds is a StoreError after a while, and goes on when it is free', async () => {
    const { stateDir, path } = await filledDir();
    const { local, pool } = await openFor(stateDir, { busyTimeoutMs: 50 });
    await pool.ensureAccounts([{ name: 'work', pool: 'claude' }]);
    const other = new Database(path);
    other.exec('begin immediate');
    await expect(local.probe()).rejects.toMatchObject({ code: 'store_locked' });
    await expect(pool.mergeQuota('work', '5h', () => aQuotaRecord())).rejects.toMatchObject({ code: 'store_locked' });
    other.exec('commit');
    other.close();
    await local.probe();
    await pool.mergeQuota('work', '5h', () => aQuotaRecord());
  });

  test('pool transactions and local writes of one process never wait for each other inside SQLite', async () => {
    const { local, pool } = await openFor(tempDir(), { busyTimeoutMs: 50 });
    await pool.ensureAccounts([{ name: 'work', pool: 'claude' }]);
    const writes: Promise<unknown>[] = [];
    for (let turn = 0; turn < 20; turn++) {
      writes.push(pool.mergeQuota('work', '5h', (now) => aQuotaRecord({ used: (now?.used ?? 0) + 1 })));
      // Every number of microtasks later, so that one of the writes would fall into the open transaction.
      for (let later = 0; later < turn * 3; later++) await Promise.resolve();
      writes.push(local.probe());
    }
    await Promise.all(writes);
    expect(await pool.quota()).toMatchObject([{ used: 20 }]);
  });

  test('a full database keeps what it has, tells so, and goes on when there is room', async () => {
    const { stateDir, path } = await filledDir();
    const { connect } = await import('../../src/store/sqlite.ts');
    const { JsonColumns } = await import('../../src/store/json.ts');
    const { SqliteLocalStore } = await import('../../src/store/local.ts');
    const { WriteQueue } = await import('../../src/store/write-queue.ts');
    const db = connect(path);
    const store = new SqliteLocalStore(db, new JsonColumns(), new WriteQueue());
    db.pragma('max_page_count = 1');
    await expect(store.append([{ type: 'paused', data: { text: 'x'.repeat(100_000) } }], NOON)).rejects.toMatchObject({
      code: 'store_full',
    });
    expect(await store.events({ limit: 9 })).toHaveLength(1);
    db.pragma('max_page_count = 100000');
    await store.append([{ type: 'paused' }], NOON);
    db.close();
    expect((await openFor(stateDir)).quarantined).toBeNull();
  });
});

describe('[R241] reading without the daemon', () => {
  test('finds what the daemon wrote, also while it runs, and can change nothing', async () => {
    const stateDir = tempDir();
    const { local, pool } = await openFor(stateDir);
    await local.createSwap(aSwap(), anIncident('swap-1'), []);
    await pool.ensureAccounts([{ name: 'work', pool: 'claude' }]);
    await pool.mergeQuota('work', '5h', () => aQuotaRecord());
    const reader = openReadOnly(stateDir);
    expect(await reader.local.swaps({ limit: 1 })).toEqual([aSwap()]);
    expect(await reader.pool.accounts()).toEqual(await pool.accounts());
    expect(await reader.pool.quota()).toEqual([aQuotaRecord()]);
    expect('setMeta' in reader.local).toBe(false);
    reader.close();
  });

  test('works after a clean stop', async () => {
    const { stateDir } = await filledDir();
    const reader = openReadOnly(stateDir);
    expect(await reader.local.sessions()).toHaveLength(200);
    reader.close();
  });

  test('says what to do when there is no database, or a damaged or older one', async () => {
    expect(() => openReadOnly('/nonexistent')).toThrow('/nonexistent/state.db: there is no database yet');
    const { stateDir, path } = await filledDir();
    const db = new Database(path);
    db.exec(`update meta set value = '7' where key = 'schema_version'`);
    db.close();
    expect(() => openReadOnly(stateDir)).toThrow(
      `has schema version 7, this program knows up to ${newest(MIGRATIONS)}`,
    );
    writeFileSync(path, 'x'.repeat(5_000));
    expect(() => openReadOnly(stateDir)).toThrow('the database is damaged');
  });

  test('a command that only reads never loads the query builder', () => {
    const seen = new Set<string>();
    const follow = (file: string) => {
      if (seen.has(file)) return;
      seen.add(file);
      const text = readFileSync(file, 'utf8');
      for (const [, from = ''] of text.matchAll(/^(?:import|export) (?!type )[^;]*?from '([^']+)';/gms)) {
        if (from.startsWith('.')) follow(join(file, '..', from));
        else seen.add(from);
      }
    };
    follow(join(import.meta.dirname, '../../src/store/read-only.ts'));
    expect([...seen]).toContain('better-sqlite3');
    expect([...seen].filter((name) => name === 'kysely' || name === 'zod')).toEqual([]);
  });
});

function overwrite(path: string, offset: number, bytes: Buffer): void {
  const content = readFileSync(path);
  bytes.copy(content, offset);
  writeFileSync(path, content);
}
