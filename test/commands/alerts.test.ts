/** `alerts` and `stats`, against a daemon and against the database alone. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/adapters/clock.ts';
import { changeAlert, listAlerts } from '../../src/commands/alerts.ts';
import { stats } from '../../src/commands/stats.ts';
import { status } from '../../src/commands/status.ts';
import { sum } from '../../src/core/alerts/stats.ts';
import type { HttpDoors } from '../../src/http/server.ts';
import { startHttp } from '../../src/http/server.ts';
import { openStore } from '../../src/store/open.ts';
import type { CapturedIo } from '../support/command-io.ts';
import { commandIo } from '../support/command-io.ts';
import { FakeDaemon, NOW } from '../support/daemon-facts.ts';
import { aFiring, anAlert } from '../support/fake-records.ts';
import { silentLog } from '../support/panes.ts';

let home: string;
let config: string;
let io: CapturedIo;
let daemon: FakeDaemon;
let doors: HttpDoors | null;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'cf-'));
  config = join(home, 'c.yaml');
  writeFileSync(config, 'accounts:\n  - {name: work-1, home: ~/one}\n  - {name: work-2, home: ~/two}\n');
  io = commandIo({ home });
  daemon = new FakeDaemon();
  doors = null;
});
afterEach(async () => {
  await doors?.stop();
  rmSync(home, { recursive: true, force: true });
});

const stateDir = () => join(home, '.local/state/claude-failover');

async function startDaemon(): Promise<void> {
  doors = await startHttp({
    api: daemon,
    clock: { ...systemClock(), now: () => NOW, zone: () => 'UTC' },
    log: silentLog,
    listen: null,
    socketPath: join(stateDir(), 'run/api.sock'),
    bearerToken: () => null,
    enableTrigger: () => false,
    version: '0.1.0',
  });
}

/** A database with one open alert and one swap, as a daemon leaves it. */
async function leaveState(): Promise<void> {
  const store = await openStore({ stateDir: stateDir(), now: NOW });
  await store.alerts.run([aFiring()], NOW, 0);
  await store.local.append([{ type: 'swap_flipped', account: 'work-1' }], NOW);
  await store.close();
}

describe('alerts', () => {
  test('lists those that are open', async () => {
    await startDaemon();
    expect(await listAlerts({ config }, io)).toBe(0);
    expect(io.stdout.split('\n')).toEqual([
      'ID  SEVERITY  STATUS  TYPE        ABOUT   SINCE  WHAT',
      '7   warning   active  quota_high  work-1  11:50  work-1 has used 92 % of its 5h window',
      '',
    ]);
    expect(daemon.calls.at(-1)?.with).toMatchObject({ statuses: ['active', 'acknowledged'], limit: 20 });
  });

  test('with --all, --type and --json asks for what was wanted', async () => {
    await startDaemon();
    expect(await listAlerts({ config, all: true, type: 'quota_high', limit: '3', json: true }, io)).toBe(0);
    expect(daemon.calls.at(-1)?.with).toMatchObject({ types: ['quota_high'], limit: 3 });
    expect(JSON.parse(io.stdout).alerts).toMatchObject([{ id: 7 }]);
  });

  test('says that there is none', async () => {
    daemon.alertRows = [];
    await startDaemon();
    expect(await listAlerts({ config }, io)).toBe(0);
    expect([io.stdout, io.stderr]).toEqual(['', 'no alert is open\n']);
  });

  test('without the daemon reads the database, without both says so', async () => {
    expect(await listAlerts({ config }, io)).toBe(4);
    await leaveState();
    expect(await listAlerts({ config }, io)).toBe(0);
    expect(io.stdout).toContain('quota_high');
    expect(io.stderr).toContain('the daemon is not running');
  });

  test.each([{ type: 'bogus' }, { limit: '0' }, { limit: 'x' }])('%j is used wrongly', async (options) => {
    expect(await listAlerts({ config, ...options }, io)).toBe(2);
  });

  test('are acknowledged, and what has ended says so', async () => {
    await startDaemon();
    expect(await changeAlert('ack', '7', { config }, io)).toBe(0);
    expect(io.stderr).toBe('alert 7 is acknowledged\n');
    expect(daemon.calls.at(-1)?.with).toEqual({ id: 7, action: 'ack', by: 'command line' });
    daemon.alertRows = [anAlert({ status: 'dismissed' })];
    expect(await changeAlert('resolve', '7', { config }, io)).toBe(1);
    expect(await changeAlert('resolve', '9', { config }, io)).toBe(1);
    expect(await changeAlert('resolve', 'x', { config }, io)).toBe(2);
    await doors?.stop();
    doors = null;
    expect(await changeAlert('ack', '7', { config }, io)).toBe(4);
  });
});

test('the status says how many are open', async () => {
  daemon.status = { ...daemon.status, openAlerts: 2 };
  await startDaemon();
  expect(await status({ config }, io)).toBe(0);
  expect(io.stdout).toContain('  2 alerts are open: claude-failover alerts\n');
});

describe('stats', () => {
  test('shows a line for each account and one for all together', async () => {
    await startDaemon();
    expect(await stats({ config, period: 'last7d' }, io)).toBe(0);
    expect(io.stdout.split('\n').slice(0, 5)).toEqual([
      'last7d: 2026-01-05 (UTC)',
      '',
      '  ACCOUNT  SWAPS  LIMITS  DROPPED  BACK  HANDED OVER  MEDIAN  P95  ACTIVE',
      '  work-1   0      0       0        0     0            -       -    0 m',
      '  all      0      0       0        0     0            -       -    0 m',
    ]);
  });

  test('shows tasks and tokens, and says what was not counted rather than 0 [R168]', async () => {
    await leaveState();
    const { stats: records, tokens, local, close } = await openStore({ stateDir: stateDir(), now: NOW });
    const used = { model: 'claude-opus-5-5', input: 1_200, output: 34, cacheRead: 5_600_000, cacheWrite: 0 };
    await tokens.addTokens(
      [],
      [
        { ...used, day: '2026-01-05', account: 'work-1' },
        { ...used, day: '2026-01-05', account: null, cacheRead: 0 },
      ],
    );
    const data = { project: '/src/api', duration_ms: 95_000 };
    await local.append([{ type: 'task_done', account: 'work-1', data }], NOW);
    const day = { day: '2026-01-04', account: null, ...sum([]) };
    await records.saveDays([day]);
    await close();
    expect(await stats({ config, period: 'last7d' }, io)).toBe(0);
    expect(io.stdout.split('\n').slice(7)).toEqual([
      '  ACCOUNT       DONE  FAILED  TIMED OUT  MEDIAN    P95       TOKENS  IN     OUT  CACHE',
      '  work-1        1     0       0          1 m 35 s  1 m 35 s  5.6 M   1.2 k  34   5.6 M',
      '  work-2        0     0       0          -         -         0       0      0    0',
      '  unattributed  -     -       -          -         -         1.2 k   1.2 k  34   0',
      '  all           1     0       0          1 m 35 s  1 m 35 s  5.6 M   2.4 k  68   5.6 M',
      '',
      'tasks by project: api 1',
      '',
      'tokens by model: claude-opus-5-5 5.6 M',
      '',
      'Tasks and tokens were not counted on 1 of these days: an older version closed them.',
      '',
    ]);
  });

  test('without the daemon is made from the database', async () => {
    expect(await stats({ config }, io)).toBe(4);
    await leaveState();
    expect(await stats({ config, json: true }, io)).toBe(0);
    expect(JSON.parse(io.stdout)).toMatchObject({
      period: 'today',
      total: { swaps: 1 },
      accounts: [
        { account: 'work-1', swaps: 1 },
        { account: 'work-2', swaps: 0 },
      ],
    });
  });

  test('an unknown period is used wrongly', async () => {
    expect(await stats({ config, period: 'ever' }, io)).toBe(2);
  });
});
