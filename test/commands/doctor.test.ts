import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/adapters/clock.ts';
import type { Check } from '../../src/commands/doctor/check.ts';
import { checkMachine } from '../../src/commands/doctor/machine.ts';
import { doctor } from '../../src/commands/doctor.ts';
import { init } from '../../src/commands/init.ts';
import { startHttp } from '../../src/http/server.ts';
import { CANARY, login } from '../support/account-homes.ts';
import { commandIo } from '../support/command-io.ts';
import { FakeDaemon, statusFacts } from '../support/daemon-facts.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { silentLog } from '../support/panes.ts';
import type { TestTmux } from '../support/tmux.ts';
import { startTmux } from '../support/tmux.ts';

let home: string;
let config: string;
let bin: string;
let tmux: TestTmux | null;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'cf-'));
  config = join(home, 'c.yaml');
  bin = join(home, 'bin');
  tmux = null;
  writeConfig();
  mkdirSync(bin);
  agent('echo "2.1.100 (Claude Code)"');
  for (const name of ['one', 'two']) {
    mkdirSync(join(home, name), { mode: 0o700 });
    writeFileSync(join(home, name, '.credentials.json'), login(name), { mode: 0o600 });
  }
  for (const entry of ['projects', 'sessions']) {
    mkdirSync(join(home, '.claude-shared', entry), { recursive: true, mode: 0o700 });
    for (const name of ['one', 'two']) symlinkSync(join(home, '.claude-shared', entry), join(home, name, entry));
  }
  symlinkSync(join(home, 'one'), join(home, '.claude'));
});
afterEach(async () => {
  await tmux?.kill();
  rmSync(home, { recursive: true, force: true });
});

function writeConfig(extra = `tmux: {sockets: [${join('~', 'none.sock')}]}\n`): void {
  writeFileSync(config, `accounts:\n  - {name: a, home: ~/one}\n  - {name: b, home: ~/two}\n${extra}`, { mode: 0o600 });
}

function agent(script: string): void {
  writeFileSync(join(bin, 'claude'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

async function run(
  env: Record<string, string> = {},
): Promise<{ code: number; checks: Map<string, Check>; text: string }> {
  const io = commandIo({ home, env: { PATH: `${bin}:/usr/bin:/bin`, ...env } });
  const code = await doctor({ config, json: true }, io);
  const { checks } = JSON.parse(io.stdout) as { checks: Check[] };
  return { code, checks: new Map(checks.map((check) => [check.name, check])), text: io.stdout };
}

describe('[R240] doctor', () => {
  test('finds nothing to mend in a good installation', async () => {
    tmux = await startTmux();
    await tmux.newPane('exec sleep 1000');
    writeConfig(`tmux: {sockets: [${tmux.socket}], command_timeout: 30s}\n`);
    const { code, checks } = await run();
    expect([...checks.values()].filter(({ state }) => state === 'fail')).toEqual([]);
    expect(code).toBe(0);
    expect(checks.get(`tmux socket ${tmux.socket}`)?.detail).toBe('a server answers');
    expect(checks.get('agent claude')?.detail).toBe('version 2.1.100, follows the link while it runs');
    expect(checks.get('pool default: link')?.state).toBe('ok');
    expect(checks.get('tokens')?.detail).toContain('can read your tokens itself');
  });

  test('tells a TMUX_TMPDIR that a service would not have, and asks for paths or the variable [R103]', async () => {
    writeConfig('tmux: {sockets: [default]}\n');
    const { checks } = await run({ TMUX_TMPDIR: join(home, 'tmux') });
    expect(checks.get('TMUX_TMPDIR')).toMatchObject({
      state: 'warn',
      fix: `in the unit of the daemon: Environment=TMUX_TMPDIR=${join(home, 'tmux')}, or write the sockets as paths`,
    });
    writeConfig();
    expect((await run({ TMUX_TMPDIR: join(home, 'tmux') })).checks.get('TMUX_TMPDIR')?.state).toBe('ok');
  });

  test('names the command that adopts a real directory, and that command is enough', async () => {
    rmSync(join(home, '.claude'));
    renameSync(join(home, 'one'), join(home, '.claude'));
    const { code, checks } = await run();
    expect(code).toBe(1);
    expect(checks.get('pool default: link')).toMatchObject({ state: 'fail', fix: 'claude-failover init' });
    // A login in the home that is still to be made would stand in the way.
    expect(checks.get('pool default: homes')?.fix).not.toContain('login');
    expect(await init([], { config, yes: true }, commandIo({ home }))).toBe(0);
    const after = (await run()).checks;
    for (const name of ['link', 'homes', 'shared entries'])
      expect(after.get(`pool default: ${name}`)?.state).toBe('ok');
  });

  test('a real directory is not moved into a home that is there already', async () => {
    rmSync(join(home, '.claude'));
    mkdirSync(join(home, '.claude'));
    expect((await run()).checks.get('pool default: link')?.fix).toMatch(
      /is there already: mv -nT .*; or give a a home .* not exist yet/,
    );
  });

  test('its commands share what homes have of their own, and lose none of it', async () => {
    rmSync(join(home, '.claude-shared'), { recursive: true });
    for (const name of ['one', 'two']) {
      rmSync(join(home, name, 'projects'));
      mkdirSync(join(home, name, 'projects'));
      writeFileSync(join(home, name, 'projects', name), name);
    }
    rmSync(join(home, 'two', 'sessions'));
    const io = commandIo({ home, env: { PATH: `${bin}:/usr/bin:/bin` } });
    await doctor({ config, json: true }, io);
    const { checks } = JSON.parse(io.stdout) as { checks: Check[] };
    const fixes = checks.filter(({ name, state }) => name.endsWith('shared entries') && state === 'fail');
    expect(fixes).toHaveLength(4);
    for (const { fix } of fixes) execFileSync('sh', ['-c', fix ?? '']);
    expect((await run()).checks.get('pool default: shared entries')?.state).toBe('ok');
    expect(readdirSync(join(home, '.claude-shared/projects')).sort()).toEqual(['one', 'two']);
    expect(lstatSync(join(home, '.claude-shared')).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(home, 'two/projects.unshared'))).toEqual(['two']);
  });

  test('what stands in the way of our own directories is told, not thrown', async () => {
    mkdirSync(join(home, '.local'));
    writeFileSync(join(home, '.local/state'), '');
    const { checks } = await run();
    for (const name of ['state directory', 'socket']) expect(checks.get(name)?.state).toBe('fail');
  });

  test.each<[string, () => void, string, string, RegExp]>([
    [
      'a missing link',
      () => rmSync(join(home, '.claude')),
      'pool default: link',
      'fail',
      /^ln -s .*\/one .*\/\.claude$/,
    ],
    [
      'a link to nowhere',
      () => rmSync(join(home, 'one'), { recursive: true }),
      'pool default: link',
      'fail',
      /^ln -sfn /,
    ],
    [
      'open credentials',
      () => chmodSync(join(home, 'one/.credentials.json'), 0o644),
      'pool default: homes',
      'warn',
      /^chmod 600 /,
    ],
    [
      'a killed write of the CLI',
      () => {
        const path = join(home, 'two/.credentials.json.tmp.0a1b2c3d');
        writeFileSync(path, '');
        utimesSync(path, 0, 0);
      },
      'pool default: homes',
      'warn',
      /^when sessions on b answer, .*: mv -nT \S+\.tmp\.0a1b2c3d /,
    ],
    [
      'no login',
      () => rmSync(join(home, 'two/.credentials.json')),
      'pool default: homes',
      'warn',
      /claude-failover accounts login b$/,
    ],
    [
      'entries that are not shared',
      () => rmSync(join(home, 'two/projects')),
      'pool default: shared entries',
      'fail',
      /./,
    ],
    [
      'an open state directory',
      () => mkdirSync(join(home, '.local/state/claude-failover'), { recursive: true, mode: 0o755 }),
      'state directory',
      'fail',
      /^chmod 700 /,
    ],
    [
      'a configuration that others can write',
      () => chmodSync(config, 0o666),
      'configuration mode',
      'fail',
      /^chmod go-w /,
    ],
    ['an invalid configuration', () => writeConfig('mode: acct\n'), 'configuration', 'fail', /did you mean act/],
    [
      'a home that is a file',
      () => {
        rmSync(join(home, 'two'), { recursive: true });
        writeFileSync(join(home, 'two'), '');
      },
      'pool default: homes',
      'warn',
      /^mv -nT .*\/two .*\/two\.old-.* && claude-failover accounts login b$/,
    ],
    [
      'credentials that are a link',
      () => {
        rmSync(join(home, 'two/.credentials.json'));
        symlinkSync(join(home, 'one/.credentials.json'), join(home, 'two/.credentials.json'));
      },
      'pool default: homes',
      'warn',
      /^mv -nT .*\.credentials\.json\.old-.* && claude-failover accounts login b$/,
    ],
    ['an old agent', () => agent('echo 2.0.1'), 'agent claude', 'warn', /^update it to 2\.1\.92/],
    ['an agent that does not run', () => agent('exit 3'), 'agent claude', 'warn', /PATH/],
  ])('names %s with a remedy', async (_what, breakIt, name, state, fix) => {
    breakIt();
    const { checks } = await run();
    expect(checks.get(name)).toMatchObject({ state, fix: expect.stringMatching(fix) });
  });

  test('every check that is not well has a remedy', async () => {
    rmSync(join(home, 'one'), { recursive: true });
    const { checks } = await run({ NODE_OPTIONS: '--inspect' });
    for (const { state, fix } of checks.values()) expect(fix === null).toBe(state === 'ok' || state === 'note');
    expect(checks.get('environment')?.detail).toBe('NODE_OPTIONS is set');
  });

  test('the agent sees neither the environment nor the home of the user', async () => {
    agent('case "$HOME" in *cf-version-*) [ -z "$ANTHROPIC_API_KEY" ] && echo 2.1.100 && exit ;; esac; exit 1');
    const { checks } = await run({ ANTHROPIC_API_KEY: 'x', HOME: home });
    expect(checks.get('agent claude')?.state).toBe('ok');
  });

  test('no token is in its answer', async () => {
    expect((await run()).text).not.toContain(CANARY);
  });

  test('a daemon of another version, or an unwell one, is named', async () => {
    const daemon = new FakeDaemon();
    const socketPath = join(home, '.local/state/claude-failover/run/api.sock');
    mkdirSync(join(home, '.local/state/claude-failover'), { recursive: true, mode: 0o700 });
    const doors = await startHttp({
      api: daemon,
      clock: systemClock(),
      log: silentLog,
      listen: null,
      socketPath,
      bearerToken: () => null,
      enableTrigger: () => false,
      version: '0.1.0',
    });
    try {
      daemon.status = statusFacts({ version: '0.0.9' });
      expect((await run()).checks.get('daemon')?.detail).toBe('runs version 0.0.9, this is 0.1.0');
      daemon.status = statusFacts({ storeError: 'disk full' });
      expect((await run()).checks.get('daemon')).toMatchObject({
        state: 'fail',
        detail: expect.stringContaining('disk full'),
      });
    } finally {
      await doors.stop();
    }
  });

  test('prints a line for each check and its remedy in one piece below', async () => {
    rmSync(join(home, '.claude'));
    const io = commandIo({ home, env: { PATH: `${bin}:/usr/bin:/bin` } });
    expect(await doctor({ config }, io)).toBe(1);
    expect(io.stdout).toMatch(/^FAIL {2}pool default: link: /m);
    expect(io.stdout).toMatch(new RegExp(`^ {6}fix: ln -s ${home}/one ${home}/.claude$`, 'm'));
    expect(io.stdout).toMatch(/\d+ checks: 1 failed, \d+ to look at\n$/);
    expect(io.stdout).not.toContain('\x1b');
  });
});

test('an old Node fails, a clock that was never set too', () => {
  const byName = (checks: readonly Check[], name: string) => checks.find((check) => check.name === name)?.state;
  expect(byName(checkMachine('20.18.3', {}, new FakeClock()), 'node')).toBe('fail');
  expect(byName(checkMachine('24.1.0', {}, new FakeClock()), 'node')).toBe('ok');
  expect(byName(checkMachine('24.1.0', {}, new FakeClock('1970-01-01T00:00:00Z')), 'clock')).toBe('fail');
});
