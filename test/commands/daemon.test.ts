import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/adapters/clock.ts';
import { askDaemon } from '../../src/commands/daemon-client.ts';
import { health } from '../../src/commands/health.ts';
import { pause, resume } from '../../src/commands/kill-switch.ts';
import { events, incidents } from '../../src/commands/lists.ts';
import { locate } from '../../src/commands/locate.ts';
import { recover } from '../../src/commands/recover.ts';
import { status } from '../../src/commands/status.ts';
import { swap } from '../../src/commands/swap.ts';
import { why } from '../../src/commands/why.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { HttpDoors } from '../../src/http/server.ts';
import { startHttp } from '../../src/http/server.ts';
import { acquireDaemonLock } from '../../src/store/lock.ts';
import { openStore } from '../../src/store/open.ts';
import { login } from '../support/account-homes.ts';
import type { CapturedIo } from '../support/command-io.ts';
import { commandIo } from '../support/command-io.ts';
import {
  event,
  FakeDaemon,
  NOW,
  poolView,
  quota,
  SWAP_ID,
  session,
  statusFacts,
  swapRecord,
  swapRow,
} from '../support/daemon-facts.ts';
import { silentLog } from '../support/panes.ts';
import { waitFor } from '../support/wait.ts';

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
const socketPath = () => join(stateDir(), 'run/api.sock');

async function startDaemon(): Promise<void> {
  doors = await startHttp({
    api: daemon,
    clock: { ...systemClock(), now: () => NOW, zone: () => 'UTC' },
    log: silentLog,
    listen: null,
    socketPath: socketPath(),
    bearerToken: () => null,
    enableTrigger: () => false,
    version: '0.1.0',
  });
}

/** Homes, link and a database with one swap, as a daemon leaves them. */
async function leaveState(): Promise<void> {
  for (const name of ['one', 'two']) {
    mkdirSync(join(home, name), { mode: 0o700 });
    writeFileSync(join(home, name, '.credentials.json'), login(name), { mode: 0o600 });
  }
  symlinkSync(join(home, 'two'), join(home, '.claude'));
  const store = await openStore({ stateDir: stateDir(), now: NOW });
  await store.pool.ensureAccounts(['work-1', 'work-2'].map((name) => ({ name, pool: 'default' })));
  await store.pool.mergeQuota('work-2', '5h', () => quota('work-2'));
  const { incident } = swapRecord();
  if (incident === null) throw new Error('no incident');
  await store.local.createSwap(swapRow({ pool: 'default' }), incident, [{ type: 'swap_prepared', swap: SWAP_ID }]);
  await store.local.append(
    [{ type: 'session_unreachable', pool: 'default', pane: 'main:0.0', data: { detail: 'it \x1b[2Jdoes not answer' } }],
    NOW,
  );
  await store.close();
}

describe('status', () => {
  test('the first line is the answer', async () => {
    await startDaemon();
    expect(await status({ config }, io)).toBe(0);
    expect(io.stdout.split('\n')[0]).toBe(
      'OK · work: work-2 active (5-hour 38 %, weekly 12 %) · next reset 13:12 (in 1 h 12 m) · 2 panes',
    );
    expect(io.stderr).toBe('');
  });

  test('the first line counts the tasks that wait, are in work and failed', async () => {
    const byStatus = {
      queued: 3,
      blocked: 1,
      claimed: 0,
      launching: 1,
      running: 1,
      retry_wait: 1,
      done: 40,
      failed: 0,
      timeout: 2,
      cancelled: 7,
    };
    daemon.status = statusFacts({ queue: { enabled: true, byStatus, oldestAt: null, projects: [], flaws: [] } });
    await startDaemon();
    await status({ config }, io);
    expect(io.stdout.split('\n')[0]).toMatch(/ · 2 panes · tasks: 5 waiting, 2 in work, 2 failed$/);
  });

  test('a whole page keeps to the width of the terminal', async () => {
    daemon.status = statusFacts({
      paused: 'lunch',
      sessions: [
        session('main', 'limited', 'waits for the reset of an account that will not come back before the evening'),
        session('docs', 'idle'),
      ],
      attention: [
        event({
          type: 'drift',
          severity: 'critical',
          data: { detail: 'the link was moved by somebody else to a place nobody knows of' },
        }),
      ],
    });
    await startDaemon();
    const terminal = commandIo({ home, isTTY: true, env: { NO_COLOR: '1' } });
    await status({ config }, terminal);
    expect(terminal.stdout).toBe(
      [
        'PAUSED · work: work-2 active (5-hour 38 %, weekly 12 %)',
        '  next reset 13:12 (in 1 h 12 m) · 2 panes',
        '',
        '  ! paused: lunch',
        '',
        '  ACCOUNT   STATE    5-HOUR  WEEKLY  RESETS  NOTE',
        '  work-1    limited  limit   -       14:00   5-hour limit reached until 14:00',
        '  work-2 *  active   38 %    12 %    13:12',
        '  work-3    standby  -       -       -',
        '',
        '  PANE      AGENT           POOL  STATE    SINCE  NOTE',
        '  main:0.0  claude 2.1.100  work  limited  5 m    waits for the reset of an',
        '                                                  account that will not come',
        '                                                  back before the evening',
        '  docs:0.0  claude 2.1.100  work  idle     5 m',
        '',
        'Attention',
        '  11:59  drift: the link was moved by somebody else to a place nobody knows of',
        '    (work, main, work-1)',
        '',
      ].join('\n'),
    );
  });

  test('long and ambiguous names of panes stay readable', async () => {
    const long = { ...session('a'.repeat(60), 'idle'), stateSince: NOW - 300 };
    const [here, there] = ['one', 'two'].map((server) => ({ ...session('main', 'idle'), server: `/tmp/${server}` }));
    if (here === undefined || there === undefined) throw new Error('two sessions');
    const config2 = { ...statusFacts().config, needsRestart: ['tmux.sockets'] };
    daemon.status = statusFacts({ sessions: [long, here, there], config: config2 });
    await startDaemon();
    await status({ config }, io);
    expect(io.stdout).toMatch(/^ {2}a{13}…a{8}:0\.0 {2}claude 2\.1\.100 {2}work {2}idle {3}now$/m);
    expect(io.stdout).toMatch(/^ {2}one\/main:0\.0 /m);
    expect(io.stdout).toMatch(/^ {2}two\/main:0\.0 /m);
    expect(io.stdout).toContain('  waits for a restart: tmux.sockets\n');
  });

  test('colour only on a terminal whose user did not refuse it', async () => {
    await startDaemon();
    await status({ config }, io);
    expect(io.stdout).not.toContain('\x1b');
    const terminal = commandIo({ home, isTTY: true });
    await status({ config }, terminal);
    expect(terminal.stdout).toMatch(/^\x1b\[1;32mOK\x1b\[0m /);
    const refused = commandIo({ home, isTTY: true, env: { NO_COLOR: '1' } });
    await status({ config }, refused);
    expect(refused.stdout).not.toContain('\x1b');
  });

  test('JSON is the answer of the API', async () => {
    await startDaemon();
    expect(await status({ config, json: true }, io)).toBe(0);
    expect(JSON.parse(io.stdout)).toMatchObject({ status: 'ok', daemon: { running: true, pid: 4242 } });
  });

  test('[R241] without a daemon it reads the database and the link, and says so', async () => {
    await leaveState();
    expect(await status({ config }, io)).toBe(0);
    expect(io.stdout).toMatch(/^NOT RUNNING · default: work-2 active \(5-hour 38 %\) · next reset 13:12 /);
    expect(io.stderr).toContain('the daemon is not running; this is read from');
    expect(io.stderr).toContain('next: start it: claude-failover run');
    expect(io.stdout).toContain('session unreachable: it does not answer');
    const again = commandIo({ home });
    await status({ config, json: true }, again);
    expect(JSON.parse(again.stdout)).toMatchObject({
      daemon: { running: false },
      pools: [{ name: 'default', active_account: 'work-2', link: { state: 'at work-2' } }],
    });
  });

  test('with neither a daemon nor a database it exits 4 with the next step', async () => {
    expect(await status({ config }, io)).toBe(4);
    expect(io.stdout).toBe('');
    expect(io.stderr).toContain('next: start it: claude-failover run');
  });

  test('a daemon that listens and says nothing is told apart from one that does not run', async () => {
    await leaveState();
    mkdirSync(join(stateDir(), 'run'), { recursive: true, mode: 0o700 });
    const server = createServer((_request, response) => response.end('hello')).listen(socketPath());
    await new Promise((resolve) => server.once('listening', resolve));
    try {
      expect(await status({ config }, io)).toBe(0);
      expect(io.stdout).toMatch(/^NOT ANSWERING · default: work-2 active/);
      expect(io.stderr).toContain('next: look at its log');
      expect(io.stderr).not.toContain('claude-failover run');
    } finally {
      server.close();
    }
  });

  test('watch goes on until it is interrupted', async () => {
    await startDaemon();
    const stop = new AbortController();
    const watching = commandIo({ home, signal: stop.signal });
    const ended = status({ config, watch: true }, watching);
    while (watching.clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
    await watching.clock.advance(2000);
    while (watching.clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    expect(await ended).toBe(0);
    expect(watching.stdout.match(/^OK/gm)).toHaveLength(2);
  });

  test('no control character leaves, whatever panes are called', async () => {
    daemon.status = statusFacts({ sessions: [session('a\x1b]0;owned\x07b', 'unknown', '\x9b31m\r\nred\u202e')] });
    await startDaemon();
    await status({ config }, io);
    expect(io.stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
  });
});

describe('why', () => {
  test('prints the explanation of the daemon', async () => {
    await startDaemon();
    expect(await why('last', { config }, io)).toBe(0);
    expect(io.stdout).toMatch(/^Swap 20260105-115500-ab12\n {2}pool work: work-1 -> work-2, done in 12 s\n/);
    const pane = commandIo({ home });
    expect(await why('%1', { config }, pane)).toBe(0);
    expect(pane.stdout).toMatch(/^Pane main:0\.0 \(%1, session main\)\n/);
    expect(await why('nobody', { config }, commandIo({ home }))).toBe(1);
  });

  test('[R287] explains a swap from the database without the daemon', async () => {
    await leaveState();
    expect(await why('last', { config }, io)).toBe(0);
    expect(io.stdout).toContain('passed over work-3: weekly limit reached');
    const other = commandIo({ home });
    expect(await why('main:0.0', { config }, other)).toBe(4);
    expect(other.stderr).toContain('panes can only be explained by the daemon');
  });

  test('JSON has the masked screen', async () => {
    await startDaemon();
    await why('last', { config, json: true }, io);
    expect(JSON.parse(io.stdout).incident.screen).toContain("You've hit your 5-hour limit");
  });
});

describe('swap', () => {
  test('tells the steps and the panes, and exits 0 when it is done', async () => {
    await startDaemon();
    expect(await swap({ config, to: 'work-2', reason: 'tired' }, io)).toBe(0);
    expect(io.stdout).toBe(
      [
        '  +0.0 s  prepared',
        '  +0.1 s  locked (90 ms)',
        '  +0.8 s  flipped (13 ms)',
        '  main:0.0: recovered (hot) after 3 s',
        '  docs:0.0: handed over after 3 s: someone types there',
        'done: pool work is on work-2 in 12 s',
        '',
      ].join('\n'),
    );
    expect(daemon.calls[0]).toEqual({
      name: 'swap',
      with: { pool: null, to: 'work-2', force: false, reason: 'tired', dryRun: false },
    });
  });

  test('waits until the swap has an end', async () => {
    daemon.record = swapRecord({ swap: swapRow({ phase: 'recovering', finishedAt: null }) });
    await startDaemon();
    const waiting = swap({ config }, io);
    while (io.clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
    daemon.record = swapRecord();
    await io.clock.advance(250);
    expect(await waiting).toBe(0);
    expect(io.stdout.match(/prepared/g)).toHaveLength(1);
  });

  test('a failed one exits 1 and names its record', async () => {
    daemon.record = swapRecord({ swap: swapRow({ phase: 'failed', error: 'the CLI holds its lock' }) });
    await startDaemon();
    expect(await swap({ config }, io)).toBe(1);
    expect(io.stderr).toContain('the swap is failed: the CLI holds its lock');
    expect(io.stderr).toContain(`next: claude-failover why ${SWAP_ID}`);
  });

  test.each([
    ['paused', 5, 'next: claude-failover resume'],
    ['partial', 5, 'next: claude-failover recover'],
    ['target_ineligible', 5, 'next: take another account'],
    ['exhausted', 3, 'next: wait for the reset'],
    ['unknown_pool', 2, 'next: claude-failover status'],
  ])('refused for %s it exits %i with the next step', async (reason, code, next) => {
    const passedOver = [
      {
        account: 'work-1',
        reasons: [{ code: 'limit_reached', detail: '5-hour limit reached', until: NOW + 3_600_000 }],
      },
    ] as const;
    daemon.answer = { kind: 'refused', reason, detail: 'because of it', until: NOW + 3_600_000, passedOver };
    await startDaemon();
    expect(await swap({ config }, io)).toBe(code);
    expect(io.stderr).toContain(`refused (${reason}): because of it`);
    expect(io.stderr).toContain('passed over work-1: 5-hour limit reached until 13:00 (in 1 h)');
    expect(io.stderr).toContain('not before 13:00 (in 1 h)');
    expect(io.stderr).toContain(next);
  });

  test('[R286] a dry run prints the plan, and every process that it would move to another account', async () => {
    mkdirSync(join(home, 'one'));
    symlinkSync(join(home, 'one'), join(home, '.claude'));
    const agents = [{}, { CLAUDE_CONFIG_DIR: join(home, 'one') }].map((env) =>
      spawn('bash', ['-c', 'exec -a claude sleep 600'], { env: { PATH: process.env.PATH ?? '', HOME: home, ...env } }),
    );
    try {
      for (const { pid } of agents)
        await waitFor(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('claude\0'));
      daemon.answer = {
        kind: 'would_swap',
        pool: 'default',
        from: 'work-1',
        to: 'work-2',
        why: 'x',
        passedOver: [],
        panes: [],
      };
      await startDaemon();
      expect(await swap({ config, dryRun: true }, io)).toBe(0);
      expect(io.stdout).toContain(`affected: claude, pid ${agents[0]?.pid}`);
      // Started under its account's own home, it stays there.
      expect(io.stdout).not.toContain(`affected: claude, pid ${agents[1]?.pid}`);
    } finally {
      for (const agent of agents) agent.kill('SIGKILL');
    }
  });

  test('[R286] a dry run names the panes that would be brought back', async () => {
    daemon.answer = {
      kind: 'would_swap',
      pool: 'work',
      from: 'work-1',
      to: 'work-2',
      why: 'eligible, priority 20',
      passedOver: [],
      panes: ['main:0.0'],
    };
    await startDaemon();
    expect(await swap({ config, dryRun: true }, io)).toBe(0);
    expect(io.stdout).toBe(
      'would swap pool work from work-1 to work-2: eligible, priority 20\n  panes that would be brought back: main:0.0\nnothing was changed\n',
    );
  });

  test('without a daemon it exits 4', async () => {
    expect(await swap({ config }, io)).toBe(4);
    expect(io.stderr).toContain('next: start it: claude-failover run');
  });
});

describe('[R285] pause and resume', () => {
  test('go through the daemon', async () => {
    await startDaemon();
    expect(await pause('for\x1b[2J lunch', { config }, io)).toBe(0);
    expect(await resume({ config }, io)).toBe(0);
    expect(daemon.calls).toEqual([
      { name: 'pause', with: 'for [2J lunch' },
      { name: 'resume', with: null },
    ]);
    expect(existsSync(join(stateDir(), 'pause'))).toBe(false);
  });

  test('work by the file without a daemon', async () => {
    expect(await pause(undefined, { config }, io)).toBe(0);
    expect(readFileSync(join(stateDir(), 'pause'), 'utf8')).toBe('by hand\n');
    expect(await resume({ config }, io)).toBe(0);
    expect(existsSync(join(stateDir(), 'pause'))).toBe(false);
  });

  test('work by the file when the daemon fails', async () => {
    daemon.failure = new Error('broken');
    await startDaemon();
    await pause('now', { config }, io);
    expect(readFileSync(join(stateDir(), 'pause'), 'utf8')).toBe('now\n');
  });

  test('--for ends it by itself, with the daemon and without', async () => {
    expect(await pause('lunch', { config, for: '1h' }, io)).toBe(0);
    const end = new Date(io.clock.now() + 3_600_000).toISOString();
    expect(readFileSync(join(stateDir(), 'pause'), 'utf8')).toBe(`lunch\nuntil: ${end}\n`);
    expect(io.stderr).toContain('for 1 h at most');
    await startDaemon();
    expect(await pause('lunch', { config, for: '1h' }, io)).toBe(0);
    expect(daemon.calls).toMatchObject([{ name: 'pause', with: { reason: 'lunch' } }]);
    expect(await pause('lunch', { config, for: 'a while' }, io)).toBe(2);
    expect(daemon.calls).toHaveLength(1);
  });

  test('a daemon with another state directory is named, and nothing is said to be paused', async () => {
    const lock = acquireDaemonLock(join(home, '.claude.failover.lock'), { procRoot: '/proc', now: NOW });
    if (lock.kind !== 'held') throw new Error('the lock is taken');
    try {
      expect(await pause('now', { config }, io)).toBe(1);
      expect(await resume({ config }, io)).toBe(1);
      expect(io.stderr).toContain(
        `a daemon runs (pid ${process.pid}) with another state directory; nothing was paused`,
      );
      expect(existsSync(stateDir())).toBe(false);
      const own = acquireDaemonLock(join(stateDir(), 'daemon.lock'), { procRoot: '/proc', now: NOW });
      expect(await pause('now', { config }, io)).toBe(0);
      if (own.kind === 'held') own.release();
    } finally {
      lock.release();
    }
  });

  test('what stands at the place of the file pauses, though the reason cannot be kept', async () => {
    mkdirSync(join(stateDir(), 'pause'), { recursive: true });
    expect(await pause('now', { config }, io)).toBe(0);
    expect(io.stderr).toContain('the reason could not be kept');
  });

  test('a pause that cannot be made says why', async () => {
    mkdirSync(join(home, '.local'));
    writeFileSync(join(home, '.local/state'), '');
    await expect(pause('now', { config }, io)).rejects.toMatchObject({
      exitCode: 1,
      message: `${stateDir()} cannot be used: a part of the path is a file, not a directory`,
    });
  });

  test('work when the rest of the configuration is wrong', async () => {
    writeFileSync(config, 'daemon: {state_dir: ~/st}\nnonsense: 1\n');
    await pause('now', { config }, io);
    expect(readFileSync(join(home, 'st/pause'), 'utf8')).toBe('now\n');
  });
});

describe('recover, health and lists', () => {
  test('recover tells each pool, and without a daemon how it is done', async () => {
    expect(await recover({ config }, io)).toBe(4);
    expect(io.stderr).toContain('it verifies links, homes and database at start');
    await startDaemon();
    expect(await recover({ config }, io)).toBe(0);
    expect(io.stdout).toBe('ok    work: the link points at work-2\n');
    expect(await recover({ config, pool: 'other' }, io)).toBe(2);
  });

  test('health exits 0, 3 or 4', async () => {
    expect(await health({ config }, io)).toBe(4);
    await startDaemon();
    expect(await health({ config }, io)).toBe(0);
    daemon.status = statusFacts({ pools: [poolView({ state: 'partial' })] });
    expect(await health({ config }, io)).toBe(3);
    expect(io.stdout).toBe('ok\nunhealthy\n  ! pool work: partial swap (unknown); run: claude-failover recover\n');
  });

  test('incidents are listed from the daemon and from the database alike', async () => {
    await leaveState();
    expect(await incidents({ config }, io)).toBe(0);
    expect(io.stdout).toBe(
      'ID                    AT     POOL     SWAP              OUTCOME  TOOK  BECAUSE OF\n' +
        '20260105-115500-ab12  11:55  default  work-1 -> work-2  done     12 s  main:0.0\n',
    );
    rmSync(join(stateDir(), 'run'), { recursive: true, force: true });
    await startDaemon();
    const asked = commandIo({ home });
    await incidents({ config, json: true }, asked);
    expect(JSON.parse(asked.stdout).swaps[0].id).toBe(SWAP_ID);
  });

  test('events are listed, filtered and stripped of control characters', async () => {
    await leaveState();
    expect(await events({ config, type: 'session_unreachable', since: '1h' }, io)).toBe(0);
    expect(io.stdout).toBe(
      '2026-01-05 12:00:00  warning   session_unreachable  it does not answer (default, main:0.0)\n',
    );
    expect(await events({ config, type: 'bogus' }, io)).toBe(2);
    expect(await events({ config, since: 'yesterday' }, io)).toBe(2);
    expect(await incidents({ config, limit: '0' }, io)).toBe(2);
  });

  test('an event without a sentence of its own tells from where to where', async () => {
    await leaveState();
    const store = await openStore({ stateDir: stateDir(), now: NOW });
    await store.local.append(
      [{ type: 'swap_completed', pool: 'work', data: { from: 'work-1', to: 'work-2', panes: 1 } }],
      NOW,
    );
    await store.close();
    expect(await events({ config, type: 'swap_completed' }, io)).toBe(0);
    expect(io.stdout).toBe('2026-01-05 12:00:00  info      swap_completed  work-1 -> work-2 (work)\n');
  });
});

describe('finding the daemon', () => {
  test.each([
    ['accounts: []\n', {}],
    ['accounts: []\n', { XDG_RUNTIME_DIR: '/run/user/7' }],
    ['accounts: []\n', { XDG_RUNTIME_DIR: 'relative' }],
    ['daemon:\n  state_dir: ~/state\n', {}],
    [`daemon:\n  state_dir: \${PLACE}/state\n  runtime_dir: <state_dir>/r\n`, { PLACE: '/srv' }],
    ['http:\n  socket: ~/a.sock\n', {}],
    ["http:\n  socket: '/run/x/a b.sock' # socket\n", {}],
    ['http:\n  socket:\n    /run/x/d.sock\n', {}],
    ['http:\n  socket: /run/x\n    /e.sock\n', {}],
    ['http: {socket: ~/f.sock}\n', {}],
    ['tmux:\n  sockets: [default, ~/t.sock]\ndaemon:\n  runtime_dir: null\n', {}],
    ['# state_dir: ~/not\ndaemon:\n  # runtime_dir: x\n  state_dir: ~/yes  # socket: no\n', {}],
    ['http: {"so\\x63ket": "<runtime_dir>/b.sock"}\n', {}],
    ['mcp_http:\n  socket: /run/x/c.sock\n', {}],
  ])('the light search agrees with the schema on %j %j', async (text, env) => {
    const accounts = 'accounts: [{name: a, home: ~/a}, {name: b, home: ~/b}]\n';
    writeFileSync(config, text.replace('accounts: []\n', '') + accounts);
    const found = await locate({ config }, { env, home });
    const loaded = loadConfig({ path: config, env, home });
    expect(found).toEqual({ file: config, stateDir: loaded.daemon.stateDir, socket: loaded.http.socket });
  });

  test('the light search agrees with the schema on the example', () => {
    const example = new URL('../../config.example.yaml', import.meta.url).pathname;
    const loaded = loadConfig({ path: example, env: {}, home });
    return expect(locate({ config: example }, { env: {}, home })).resolves.toEqual({
      file: example,
      stateDir: loaded.daemon.stateDir,
      socket: loaded.http.socket,
    });
  });

  test('an answer that is not JSON, or never comes, is no answer', async () => {
    const path = join(home, 'x.sock');
    const server = createServer((request, response) =>
      request.url === '/silent' ? undefined : response.end('hello'),
    ).listen(path);
    await new Promise((resolve) => server.once('listening', resolve));
    try {
      expect(await askDaemon(path, '/')).toMatchObject({
        kind: 'no_answer',
        reason: expect.stringContaining('no JSON'),
      });
      expect(await askDaemon(path, '/silent', { timeoutMs: 50 })).toMatchObject({
        kind: 'no_answer',
        reason: expect.stringContaining('no answer within'),
      });
      chmodSync(path, 0o600);
    } finally {
      server.closeAllConnections();
      server.close();
    }
    expect(await askDaemon(join(home, 'absent.sock'), '/')).toMatchObject({ kind: 'not_running' });
  });
});
