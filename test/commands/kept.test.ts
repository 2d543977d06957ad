/** The commands about kept sessions and the janitor, against a real socket, a real tmux server and no daemon. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { adoptSession, attachSession, restartSession, sendJanitor } from '../../src/commands/kept.ts';
import { listSessions } from '../../src/commands/sessions.ts';
import type { HttpDoors } from '../../src/http/server.ts';
import { startHttp } from '../../src/http/server.ts';
import { openStore } from '../../src/store/open.ts';
import type { CapturedIo } from '../support/command-io.ts';
import { commandIo } from '../support/command-io.ts';
import { FakeDaemon } from '../support/daemon-facts.ts';
import { aSession } from '../support/kept.ts';
import { silentLog } from '../support/panes.ts';
import { startTmux, type TestTmux } from '../support/tmux.ts';
import { waitFor } from '../support/wait.ts';

let home: string;
let config: string;
let io: CapturedIo;
let tmux: TestTmux;
let doors: HttpDoors | null;
const stateDir = () => join(home, '.local/state/claude-failover');

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'cf-'));
  tmux = await startTmux();
  config = join(home, 'c.yaml');
  writeFileSync(
    config,
    `accounts:\n  - {name: work-1, home: ~/one}\n  - {name: work-2, home: ~/two}\ntmux: {sockets: ["${tmux.socket}"], command_timeout: 30s}\n`,
    { mode: 0o600 },
  );
  io = commandIo({ home, env: { PATH: process.env.PATH ?? '' } });
  doors = null;
});
afterEach(async () => {
  await doors?.stop();
  await tmux.kill();
  rmSync(home, { recursive: true, force: true });
});

async function startDaemon(): Promise<FakeDaemon> {
  const daemon = new FakeDaemon();
  doors = await startHttp({
    api: daemon,
    clock: io.clock,
    log: silentLog,
    listen: null,
    socketPath: join(stateDir(), 'run/api.sock'),
    bearerToken: () => null,
    enableTrigger: () => false,
    version: '0.1.0',
  });
  return daemon;
}

describe('with a daemon', () => {
  test('the kept sessions stand below the panes [R63]', async () => {
    const daemon = await startDaemon();
    daemon.kept = [aSession({ session: 'auto-1', state: 'working', taskId: 'p:1' })];
    expect(await listSessions({ config }, io)).toBe(0);
    expect(io.stdout).toMatch(/^KEPT +KIND +STATE +SINCE +TASK +WHY$/m);
    expect(io.stdout).toMatch(/^auto-1 +autonomous +working .* p:1 /m);
    io.stdout = '';
    expect(await listSessions({ config, json: true }, io)).toBe(0);
    expect(JSON.parse(io.stdout)).toMatchObject({ kept: [{ session: 'auto-1', task: 'p:1' }] });
  });

  test('an autonomous session is made anew on a wish, a dedicated one is refused with the next step', async () => {
    const daemon = await startDaemon();
    expect(await restartSession('auto-1', { config }, io)).toBe(0);
    expect(await restartSession('nobody', { config }, io)).toBe(2);
    expect(await restartSession('main', { config }, io)).toBe(5);
    expect(io.stderr).toContain('next: claude-failover sessions attach main');
    expect(daemon.calls.map((call) => call.with)).toEqual(['auto-1', 'nobody', 'main']);
  });

  test('the janitor says what it would do, and then does it [R227]', async () => {
    const daemon = await startDaemon();
    expect(await sendJanitor({ config, dryRun: true }, io)).toBe(0);
    expect(io.stdout).toBe('delete   /p/.agent-queue/inbox/.tmp-x  (old)\n');
    expect(io.stderr).toBe('1 thing would be done; nothing was changed\n');
    expect(await sendJanitor({ config, json: true }, io)).toBe(0);
    expect(daemon.calls.map((call) => call.with)).toEqual([true, false]);
  });
});

describe('without a daemon', () => {
  test('what is written down of kept sessions is read from the database', async () => {
    const store = await openStore({ stateDir: stateDir(), now: io.clock.now() });
    await store.lifecycles.addLifecycle(aSession({ session: 'auto-7', state: 'failed', cause: 'no prompt' }));
    await store.close();
    expect(await listSessions({ config }, io)).toBe(0);
    expect(io.stdout).toMatch(/^auto-7 +autonomous +failed .* no prompt$/m);
  });

  test('what only the daemon can do is refused with the next step', async () => {
    expect(await restartSession('auto-1', { config }, io)).toBe(4);
    expect(await sendJanitor({ config }, io)).toBe(4);
    expect(io.stderr).toContain('next: start it: claude-failover run');
  });
});

describe('a session of tmux', () => {
  test('is adopted by lines for the configuration, with its directory', async () => {
    const { paneId } = await tmux.newPane(`cd ${home} && exec sleep 1000`, { session: 'main-2' });
    await waitFor(async () => (await tmux.run('display-message', '-p', '-t', paneId, '#{pane_current_path}')) === home);
    expect(await adoptSession('main-2', { config }, io)).toBe(0);
    expect(parse(io.stdout)).toEqual({ sessions: { dedicated: [{ name: 'main-2', project: home }] } });
    expect(io.stderr).toContain(config);
  });

  test('that is not there, or whose name cannot be one, is told [R104]', async () => {
    await tmux.newPane('exec sleep 1000', { session: 'main-2' });
    for (const name of ['main', 'main-', 'a.b', '-x', '']) {
      expect(await adoptSession(name, { config }, io)).toBe(2);
      expect(await attachSession(name, { config }, io)).toBe(2);
    }
    expect(io.stdout).toBe('');
  });

  test('is not shown inside another tmux: the command is printed', async () => {
    await tmux.newPane('exec sleep 1000', { session: 'main-2' });
    const inside = commandIo({ home, env: { PATH: process.env.PATH ?? '', TMUX: '/tmp/x,1,0' } });
    expect(await attachSession('main-2', { config }, inside)).toBe(5);
    expect(inside.stderr).toContain(`-S ${tmux.socket} attach-session -t =main-2:`);
  });
});
