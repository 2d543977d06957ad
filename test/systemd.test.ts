import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { StandInWorld } from './support/stand-in/index.ts';
import { startTmux } from './support/tmux.ts';
import { readUnit } from './support/unit-file.ts';
import { waitFor } from './support/wait.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const UNITS = join(ROOT, 'systemd');
const DAEMONS = ['claude-failover.service', 'claude-failover-user.service'];
const SERVERS = ['claude-failover-tmux.service', 'claude-failover-tmux-user.service'];

const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0;
if (!hasAnalyze) console.warn('skipped: the unit files are not verified, there is no systemd-analyze here');
const noNamespace = whyNoNamespace();
if (noNamespace !== null) console.warn(`skipped: the daemon is not tried in a namespace like its unit, ${noNamespace}`);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cf-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe.each(DAEMONS)('%s', (name) => {
  const unit = readUnit(join(UNITS, name));

  test('tells systemd that it is ready and lives, and comes back after every end but a useless one [R94]', () => {
    const expected = {
      Type: 'notify',
      NotifyAccess: 'all',
      WatchdogSec: '60',
      Restart: 'always',
      RestartPreventExitStatus: '78',
      TimeoutStopSec: '30',
    };
    for (const [key, value] of Object.entries(expected)) expect(unit.get(key), key).toEqual([value]);
    expect(unit.has('ExecStartPost')).toBe(false);
  });

  test('sends SIGTERM to the daemon alone [R96] and never starts or ends the tmux server [R276]', () => {
    expect(unit.get('KillMode')).toEqual(['mixed']);
    expect(unit.get('Wants')?.join(' ')).toContain('claude-failover-tmux.service');
    for (const key of ['Requires', 'BindsTo', 'PartOf', 'Conflicts']) expect(unit.has(key), key).toBe(false);
    expect(unit.get('ExecStart')?.join(' ')).not.toContain('tmux');
  });

  test('keeps the processes of the agents visible and the compiler of V8 working', () => {
    for (const key of ['PrivateUsers', 'ProtectProc', 'ProcSubset', 'MemoryDenyWriteExecute', 'PrivatePIDs']) {
      expect(unit.has(key), key).toBe(false);
    }
  });
});

test('the system service runs as a user, with a state directory, and may write where the link lies [R94]', () => {
  const unit = readUnit(join(UNITS, 'claude-failover.service'));
  expect(unit.get('User')).toEqual(['agent']);
  expect(unit.get('StateDirectory')).toEqual(['claude-failover']);
  expect(unit.get('ReadWritePaths')).toEqual(['/home/agent']);
});

describe.skipIf(!hasAnalyze)('systemd-analyze', () => {
  test.each([
    ['the system units', [], { 'claude-failover.service': DAEMONS[0], 'claude-failover-tmux.service': SERVERS[0] }],
    [
      'the user units',
      ['--user'],
      { 'claude-failover.service': DAEMONS[1], 'claude-failover-tmux.service': SERVERS[1] },
    ],
  ] as const)('finds nothing wrong in %s', (_name, flags, files) => {
    const paths = Object.entries(files).map(([installed, source]) => install(String(source), installed));
    const { status, stdout, stderr } = analyze([...flags, 'verify', ...paths]);
    expect(stdout + stderr).toBe('');
    expect(status).toBe(0);
  });

  test('rates the exposure of the system service at 2.0 or less', () => {
    const path = install('claude-failover.service', 'claude-failover.service');
    const { status, stdout } = analyze(['security', '--offline=true', '--threshold=20', path]);
    const exposure = /Overall exposure level for .*: (\d+\.\d+)/.exec(stdout)?.[1];
    expect(Number(exposure)).toBeLessThanOrEqual(2);
    expect(status).toBe(0);
  });

  test('would rate it worse without its protections, so the figure means something', () => {
    const path = join(folder, 'claude-failover.service');
    writeFileSync(path, '[Service]\nExecStart=/bin/true\n');
    expect(analyze(['security', '--offline=true', '--threshold=20', path]).status).not.toBe(0);
  });
});

describe.each(SERVERS)('%s', (name) => {
  test('starts a server that stays without a session and stops at ExecStop [R276]', async () => {
    const unit = readUnit(join(UNITS, name));
    expect(unit.get('Type')).toEqual(['forking']);
    mkdirSync(join(folder, 'claude-failover-tmux'));
    const command = (key: string): string[] =>
      String(unit.get(key)?.[0])
        .replace('%t', folder)
        .split(' ')
        .slice(1)
        .map((word) => (word === '\\;' ? ';' : word));
    const socket = join(folder, 'claude-failover-tmux', 'server');
    const env = { PATH: process.env.PATH, HOME: folder, TERM: 'dumb' };
    execFileSync('tmux', ['-f', '/dev/null', '-S', socket, ...command('ExecStart').slice(2)], { env });
    try {
      const ask = (...args: string[]): string =>
        execFileSync('tmux', ['-S', socket, ...args], { env, encoding: 'utf8' });
      for (const key of ['ExecStart', 'ExecStop']) expect(command(key).slice(0, 2), key).toEqual(['-S', socket]);
      expect(ask('show-options', '-gv', 'exit-empty').trim()).toBe('off');
      ask('new-session', '-d', '-s', 'short', 'true');
      await waitFor(() => ask('list-sessions').trim() === '');
      expect(ask('display-message', '-p', '#{pid}').trim()).toMatch(/^\d+$/);
    } finally {
      execFileSync('tmux', ['-S', socket, ...command('ExecStop').slice(2)], { env });
    }
    await waitFor(() => spawnSync('tmux', ['-S', socket, 'list-sessions'], { env }).status !== 0);
  });
});

test.skipIf(noNamespace !== null)(
  'in a namespace like its unit the daemon sees the agent, flips the link and types, and writes nowhere else',
  async () => {
    const tmux = await startTmux();
    const world = new StandInWorld();
    try {
      // Without capabilities, as an ordinary user's agent: nobody may look into a process that has more than himself.
      const pane = await world.startPane(tmux, { shellOnly: true });
      await pane.say('setpriv --inh-caps=-all --bounding-set=-all claude');
      await pane.shows('Claude Code v');
      await pane.say('hello');
      await pane.shows('REPLY-1 account=work-1');
      const agentPid = world.events('start')[0]?.pid;
      const fresh = new Date(Date.now() + 10_000);
      utimesSync(world.home('work-2').credentials, fresh, fresh);
      const outside = join(ROOT, 'test', 'written-by-the-probe');
      const task = {
        agentPid,
        link: world.link,
        target: world.home('work-2').home,
        pane: pane.identity,
        forbidden: ['/etc/cf-probe', '/usr/cf-probe', outside],
      };
      const shell = ['sh', join(ROOT, 'test', 'support', 'like-the-unit.sh'), world.root, tmux.dir, ROOT];
      const probe = [
        process.execPath,
        '--import',
        'tsx',
        join(ROOT, 'test', 'support', 'unit-probe.ts'),
        JSON.stringify(task),
      ];
      const output = execFileSync('unshare', ['--mount', '--propagation', 'private', ...shell, ...probe], {
        cwd: ROOT,
        encoding: 'utf8',
      });
      expect(JSON.parse(output)).toEqual({
        sees: true,
        cwd: pane.cwd,
        pasted: { kind: 'sent' },
        pressed: { kind: 'sent' },
        refusals: ['EROFS', 'EROFS', 'EROFS'],
      });
      await pane.shows('REPLY-2 account=work-2');
      expect(existsSync(outside)).toBe(false);
    } finally {
      world.remove();
      await tmux.kill();
    }
  },
);

/** Puts a unit under its installed name, with the programs of this machine, which `verify` looks for. */
function install(source: string, installed: string): string {
  const path = join(folder, installed);
  copyFileSync(join(UNITS, source), path);
  const programs = { '/usr/bin/node': process.execPath, '/usr/bin/tmux': which('tmux') };
  const text = Object.entries(programs).reduce(
    (unit, [from, to]) => unit.replaceAll(from, to),
    readFileSync(path, 'utf8'),
  );
  writeFileSync(path, text);
  return path;
}

function analyze(args: readonly string[]): {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
} {
  return spawnSync('systemd-analyze', args, {
    encoding: 'utf8',
    env: { ...process.env, SYSTEMD_COLORS: '0', SYSTEMD_PAGER: 'cat', XDG_RUNTIME_DIR: folder },
  });
}

function which(program: string): string {
  return execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();
}

function whyNoNamespace(): string | null {
  if (process.getuid?.() !== 0) return 'it takes root to make one';
  for (const program of ['unshare', 'setpriv']) {
    if (spawnSync(program, ['--version']).error !== undefined) return `there is no ${program} here`;
  }
  const trial = spawnSync('unshare', ['--mount', '--propagation', 'private', 'mount', '-t', 'tmpfs', 'tmpfs', '/tmp']);
  return trial.status === 0 ? null : `mounting is refused: ${trial.stderr.toString().trim()}`;
}

test('every unit file is one of those tested here', () => {
  expect(readdirSync(UNITS).sort()).toEqual([...DAEMONS, ...SERVERS].sort());
});
