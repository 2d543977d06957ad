import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/adapters/clock.ts';
import { changeAccount, listAccounts } from '../../src/commands/accounts.ts';
import { listSessions, terminateSession } from '../../src/commands/sessions.ts';
import type { HttpDoors } from '../../src/http/server.ts';
import { startHttp } from '../../src/http/server.ts';
import type { CapturedIo } from '../support/command-io.ts';
import { commandIo } from '../support/command-io.ts';
import { account, FakeDaemon, NOW, poolView, session, statusFacts } from '../support/daemon-facts.ts';
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

async function startDaemon(): Promise<void> {
  doors = await startHttp({
    api: daemon,
    clock: { ...systemClock(), now: () => NOW, zone: () => 'UTC' },
    log: silentLog,
    listen: null,
    socketPath: join(home, '.local/state/claude-failover/run/api.sock'),
    bearerToken: () => null,
    enableTrigger: () => false,
    version: '0.1.0',
  });
}

describe('accounts', () => {
  test('the list shows how many sessions count on each account, of how many', async () => {
    const accounts = [account('work-1', { leases: 2, maxSessions: 3 }), account('work-2', { leases: 7 })];
    daemon.status = statusFacts({ pools: [poolView({ accounts })] });
    await startDaemon();
    expect(await listAccounts({ config }, io)).toBe(0);
    expect(io.stdout.split('\n').map((line) => line.split(/ {2,}/).slice(0, 4))).toEqual([
      ['ACCOUNT', 'POOL', 'STATE', 'SESSIONS'],
      ['work-1', 'work', 'standby', '2 of 3'],
      ['work-2 *', 'work', 'active', '7'],
      [''],
    ]);
    io.stdout = '';
    expect(await listAccounts({ config, json: true }, io)).toBe(0);
    expect(JSON.parse(io.stdout).accounts).toMatchObject([{ name: 'work-1', leases: 2, max_sessions: 3 }, {}]);
  });

  test('a change goes through the daemon, and what was done is said', async () => {
    await startDaemon();
    expect(await changeAccount('work-1', 'disable', { config }, io)).toBe(0);
    expect(io.stderr).toBe('work-1 is disabled\n');
    expect(daemon.calls).toEqual([{ name: 'account', with: ['work-1', 'disable'] }]);
  });

  test('an unknown or empty name is a wrong use, with the next step', async () => {
    await startDaemon();
    expect(await changeAccount('nobody', 'enable', { config }, io)).toBe(2);
    expect(await changeAccount(' ', 'enable', { config }, io)).toBe(2);
    expect(io.stderr.match(/next: claude-failover accounts names them/g)).toHaveLength(2);
    expect(daemon.calls).toHaveLength(1);
  });

  test('a refusal is exit 5 and says what to do instead', async () => {
    daemon.accountAnswer = { kind: 'refused', reason: 'login_needed', detail: 'work-1 needs a login' };
    await startDaemon();
    expect(await changeAccount('work-1', 'enable', { config }, io)).toBe(5);
    expect(io.stderr).toMatch(/work-1 needs a login\nnext: log in to it/);
  });

  test('without a daemon nothing is changed and the exit code is 4', async () => {
    expect(await changeAccount('work-1', 'disable', { config }, io)).toBe(4);
    expect(await listAccounts({ config }, io)).toBe(4);
    expect(await listSessions({ config }, io)).toBe(4);
    expect(await terminateSession('main', { config }, io)).toBe(4);
  });
});

describe('sessions', () => {
  test('the list shows the account that each session counts on', async () => {
    daemon.status = statusFacts({
      sessions: [{ ...session('main', 'working'), lease: 'work-2' }, session('docs', 'idle')],
    });
    await startDaemon();
    expect(await listSessions({ config }, io)).toBe(0);
    expect(io.stdout.split('\n').map((line) => line.trim().split(/ {2,}/).at(-1))).toEqual([
      'ACCOUNT',
      'work-2',
      '-',
      '',
    ]);
  });

  test('terminate says how many leases ended and that what runs comes back [R196]', async () => {
    await startDaemon();
    expect(await terminateSession('main', { config }, io)).toBe(0);
    expect(io.stderr).toMatch(/^2 leases of main ended\nstill running: main:0.0; /);
    expect(await terminateSession('nobody', { config }, io)).toBe(2);
    expect(await terminateSession('', { config }, io)).toBe(2);
  });
});
