import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { importState } from '../../src/commands/import.ts';
import { utcMinute } from '../../src/core/time.ts';
import { acquireDaemonLock } from '../../src/store/lock.ts';
import { openStore } from '../../src/store/open.ts';
import type { CapturedIo } from '../support/command-io.ts';
import { commandIo } from '../support/command-io.ts';
import { NOW, quota } from '../support/daemon-facts.ts';

const HOUR = 3_600_000;
const iso = (at: number) => new Date(at).toISOString();

let home: string;
let config: string;
let file: string;
let io: CapturedIo;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'cf-'));
  config = join(home, 'c.yaml');
  file = join(home, 'go.json');
  writeFileSync(config, 'accounts:\n  - {name: work-1, home: ~/one}\n  - {name: work-2, home: ~/two}\n');
  io = commandIo({ home });
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const stateDir = () => join(home, '.local/state/claude-failover');

function write(state: unknown): void {
  writeFileSync(file, JSON.stringify(state));
}

const LOCKED = {
  active_account: 'work-2',
  last_swap_at: iso(NOW - HOUR),
  accounts: [
    { name: 'work-1', status: 'rate_limited', rate_limited_until: iso(NOW + 2 * HOUR) },
    { name: 'work-2', status: 'active', rate_limited_until: '0001-01-01T00:00:00Z' },
  ],
};

async function withStore<T>(use: (store: Awaited<ReturnType<typeof openStore>>) => Promise<T>): Promise<T> {
  const store = await openStore({ stateDir: stateDir(), now: NOW });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

describe('import', () => {
  test('a lock of the Go program becomes quota, the original is kept, the second run does nothing [R146]', async () => {
    write(LOCKED);
    const before = readFileSync(file, 'utf8');
    expect(await importState(file, { config }, io)).toBe(0);
    expect(io.stdout).toContain(`taken       work-1: limited until ${utcMinute(NOW + 2 * HOUR)} (unknown window)`);
    const records = await withStore(({ pool }) => pool.quota());
    expect(records).toMatchObject([
      { account: 'work-1', limitReached: true, resetAt: NOW + 2 * HOUR, updatedAt: NOW - HOUR },
    ]);
    expect(await withStore(async ({ pool }) => (await pool.accounts()).map(({ status }) => status))).toEqual([
      'active',
      'active',
    ]);
    const copy = `${file}.bak-pre-0.1.0`;
    expect(readFileSync(copy, 'utf8')).toBe(before);
    expect(readFileSync(file, 'utf8')).toBe(before);

    await withStore(({ pool }) =>
      pool.mergeQuota('work-1', 'unknown', () => ({ ...quota('work-1'), window: 'unknown' })),
    );
    io.stderr = '';
    expect(await importState(file, { config }, io)).toBe(0);
    expect(io.stderr).toMatch(/this very file was taken over 2026-01-05 12:00:00; nothing to do/);
    expect(await withStore(({ pool }) => pool.quota())).toMatchObject([{ used: 0.38, limitReached: false }]);
    expect(await withStore(({ local }) => local.events({ types: ['state_imported'], limit: 9 }))).toHaveLength(1);
  });

  test('a dry run says the same and changes nothing, not even where there is no database', async () => {
    write(LOCKED);
    expect(await importState(file, { config, dryRun: true }, io)).toBe(0);
    expect(io.stdout).toContain('would take  work-1: limited until');
    expect(existsSync(stateDir())).toBe(false);
    expect(existsSync(`${file}.bak-pre-0.1.0`)).toBe(false);
    await withStore(async () => undefined);
    const before = statSync(join(stateDir(), 'state.db')).mtimeMs;
    expect(await importState(file, { config, dryRun: true, json: true }, io)).toBe(0);
    expect(statSync(join(stateDir(), 'state.db')).mtimeMs).toBe(before);
  });

  test('what is not understood is said, and the rest is taken', async () => {
    write({
      ...LOCKED,
      sessions: [],
      accounts: [...LOCKED.accounts, { name: 'stranger' }, { status: 'active' }, { name: 'work-2', status: 'asleep' }],
    });
    expect(await importState(file, { config, json: true }, io)).toBe(0);
    const { taken, left } = JSON.parse(io.stdout);
    expect(taken).toHaveLength(1);
    expect(left).toEqual([
      'accounts[3]: no account with a name',
      'accounts[4]: work-2 is there twice; the later entry counts',
      'work-2.status: not one that is known; the account counts as active',
      'sessions: not needed',
      'stranger: no account of the configuration',
      'active_account: the link on disk says which account is active',
    ]);
  });

  test('while the daemon runs nothing is taken over, and the next step is said', async () => {
    write(LOCKED);
    const lock = acquireDaemonLock(join(stateDir(), 'daemon.lock'), { procRoot: '/proc', now: NOW });
    await expect(importState(file, { config }, io)).rejects.toMatchObject({
      code: 'daemon_running',
      hint: expect.stringContaining('stop it, import, start it again'),
    });
    if (lock.kind === 'held') lock.release();
    expect(await importState(file, { config }, io)).toBe(0);
  });

  test.each([
    ['is no JSON', '{'],
    ['holds no accounts', '{"version":1}'],
    ['holds no accounts', '[]'],
    ['holds no accounts', 'null'],
    ['holds no accounts', '{"accounts":7}'],
  ])('a file that %s is refused with the next step: %s', async (says, text) => {
    writeFileSync(file, text);
    await expect(importState(file, { config }, io)).rejects.toMatchObject({
      code: 'import_file',
      message: `${file}: ${says}`,
      hint: expect.stringMatching(/state/),
    });
    expect(existsSync(stateDir())).toBe(false);
  });

  test('a path that leads nowhere, or to a directory, is refused', async () => {
    await expect(importState(join(home, 'none'), { config }, io)).rejects.toThrow('cannot be read: ENOENT');
    await expect(importState(home, { config }, io)).rejects.toThrow('is no regular file');
  });
});
