import { spawn } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAccountLink } from '../../src/adapters/accounts/link.ts';
import { type InitOptions, init } from '../../src/commands/init.ts';
import type { CommandIo } from '../../src/commands/io.ts';
import { type UnadoptOptions, unadopt } from '../../src/commands/unadopt.ts';
import { loadConfigFile } from '../../src/config/load.ts';
import { FailoverError } from '../../src/core/errors.ts';
import { acquireDaemonLock } from '../../src/store/lock.ts';
import { openReadOnly } from '../../src/store/read-only.ts';
import { CANARY, login, makeHome } from '../support/account-homes.ts';
import { type CapturedIo, commandIo } from '../support/command-io.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { USER_ACCOUNT, USER_ORGANISATION, UserHome } from '../support/user-home.ts';
import { waitFor } from '../support/wait.ts';

const PROGRAM = ['/usr/bin/node', '/opt/main.js'];
const SHM = existsSync('/dev/shm');

let user: UserHome;
let io: CapturedIo;
const ends: (() => void)[] = [];

beforeEach(() => {
  user = new UserHome();
  io = commandIo({ home: user.home });
});

afterEach(() => {
  expect(io.stdout + io.stderr).not.toContain(CANARY);
  for (const end of ends.splice(0).reverse()) end();
  user.remove();
});

function again(change: Partial<CommandIo> = {}): void {
  io = commandIo({ home: user.home, ...change });
}

const run = (options: InitOptions = {}): Promise<number> => init(PROGRAM, { yes: true, ...options }, io);
const back = (options: UnadoptOptions = {}): Promise<number> => unadopt({ yes: true, ...options }, io);

/** What a refusal by an error says. */
async function refusal(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof FailoverError) return `${error.code}: ${error.message} | ${error.hint ?? ''}`;
    throw error;
  }
  throw new Error(`it was not refused: ${io.stdout}`);
}

/** A process that has to do with the directory, until the end of the test. */
async function startProcess(
  command: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; file?: string } = {},
): Promise<number> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    cwd: options.cwd ?? user.home,
    env: { PATH: process.env.PATH ?? '', HOME: user.home, ...options.env },
    stdio: [options.file === undefined ? 'pipe' : openSync(options.file, 'r'), 'ignore', 'ignore'],
  });
  ends.push(() => void child.kill('SIGKILL'));
  await waitFor(() => readFileSync(`/proc/${child.pid}/cmdline`, 'utf8').includes('600'));
  await waitFor(() => readFileSync(`/proc/${child.pid}/comm`, 'utf8').startsWith('sleep'));
  return child.pid ?? 0;
}

/** Bears the name of the agent and does nothing. */
const AGENT = ['bash', '-c', 'exec -a claude sleep 600'];

const CONFIG = `version: 1
# mine
accounts:
  - { name: one, home: ~/.claude-one }
  - { name: two, home: ~/.claude-two }
`;

function writeConfig(text = CONFIG): void {
  mkdirSync(dirname(user.config), { recursive: true });
  writeFileSync(user.config, text);
}

describe('init on a directory of weeks', () => {
  test('makes it the home of the first account behind a link, shares its sessions, and writes a configuration that holds [R41 R46 R242]', async () => {
    expect(await run()).toBe(0);
    const home = join(user.home, '.claude-work-1');
    expect(readlinkSync(user.claude)).toBe(home);
    expect(lstatSync(join(home, '.credentials.json')).isFile()).toBe(true);
    for (const name of ['projects', 'sessions', 'settings.json', 'skills'])
      expect(readlinkSync(join(home, name))).toBe(join(user.home, '.claude-shared', name));
    expect(lstatSync(join(home, 'policy-limits.json')).isFile()).toBe(true);
    expect(readdirSync(user.home).filter((name) => name.includes('lock'))).toEqual([]);

    const { config } = loadConfigFile({ env: {}, home: user.home });
    expect(config.pools).toMatchObject([{ link: user.claude, accounts: [{ name: 'work-1', home }] }]);
    const [pool] = config.pools;
    const place = { link: pool?.link ?? '', homes: [{ account: 'work-1', home }] };
    expect(await createAccountLink({ log: new RecordingLog() }).read(place)).toMatchObject({ account: 'work-1' });
    expect(io.stdout).toContain('claude-failover accounts add');
  });

  test('keeps whose login it was, which the home itself does not tell [R266]', async () => {
    await run();
    const store = openReadOnly(join(user.home, '.local', 'state', 'claude-failover'));
    ends.push(() => store.close());
    expect(await store.pool.accounts()).toMatchObject([
      { name: 'work-1', identity: `${USER_ACCOUNT}/${USER_ORGANISATION}` },
    ]);
  });

  test('says with --dry-run what it would do and changes nothing', async () => {
    const before = user.picture();
    expect(await run({ dryRun: true })).toBe(0);
    expect(io.stdout).toContain(`rename ${user.claude} to ${user.claude}-work-1`);
    expect(io.stdout).toContain('nothing was changed');
    expect(user.picture()).toEqual(before);
    expect(existsSync(user.config)).toBe(false);
  });

  test('needs a yes: without one it changes nothing and ends with 5, on a terminal it asks [R242]', async () => {
    const before = user.picture();
    expect(await run({ yes: false })).toBe(5);
    again({ isTTY: true, stdin: answers('no\n') });
    expect(await run({ yes: false })).toBe(5);
    expect(io.stderr).toContain('Do this? [y/N]');
    expect(user.picture()).toEqual(before);
    again({ isTTY: true, stdin: answers('yes\n') });
    expect(await run({ yes: false })).toBe(0);
    expect(lstatSync(user.claude).isSymbolicLink()).toBe(true);
  });

  test('uses the accounts of a configuration that is there, and leaves that file as it is', async () => {
    writeConfig();
    expect(await run()).toBe(0);
    expect(readlinkSync(user.claude)).toBe(join(user.home, '.claude-one'));
    expect(readFileSync(user.config, 'utf8')).toBe(CONFIG);
  });

  test('takes the directory that CLAUDE_CONFIG_DIR names', async () => {
    const other = join(user.home, 'elsewhere');
    makeHome(user.home, 'elsewhere');
    again({ env: { CLAUDE_CONFIG_DIR: other } });
    expect(await run()).toBe(0);
    expect(readlinkSync(other)).toBe(`${other}-work-1`);
    expect(lstatSync(user.claude).isDirectory()).toBe(true);
    expect(loadConfigFile({ env: {}, home: user.home }).config.pools[0]?.link).toBe(other);
  });

  test('takes a relative link along that still leads to the same place', async () => {
    symlinkSync('../dotfiles', join(user.claude, 'agents'));
    expect(await run()).toBe(0);
    expect(readdirSync(join(user.claude, 'agents'))).toEqual(['CLAUDE.md']);
    again();
    expect(await back()).toBe(0);
    expect(readlinkSync(join(user.claude, 'agents'))).toBe('../dotfiles');
  });

  test('makes home, shared entries and link where the CLI was never started', async () => {
    rmSync(user.claude, { recursive: true });
    expect(await run()).toBe(0);
    expect(readdirSync(join(user.home, '.claude-work-1')).sort()).toEqual(['projects', 'sessions']);
    expect(io.stdout).toContain('there is no login yet');
  });

  test('has nothing to do the second time', async () => {
    await run();
    const after = user.picture();
    again();
    expect(await run()).toBe(0);
    expect(io.stdout).toContain('in place already');
    expect(user.picture()).toEqual(after);
  });

  test('installs the hooks when asked to', async () => {
    expect(await run({ hooks: true })).toBe(0);
    expect(readFileSync(join(user.claude, 'settings.json'), 'utf8')).toContain('# claude-failover');
  });
});

describe('init refuses', () => {
  test('while an agent runs there, and names every other process too [R242 R286]', async () => {
    const before = user.picture();
    const editor = await startProcess(['sleep', '600'], { cwd: user.claude });
    const reader = await startProcess(['sleep', '600'], { file: join(user.claude, 'settings.json') });
    const job = await startProcess(['sleep', '600'], { env: { CLAUDE_CONFIG_DIR: user.claude } });
    const bystander = await startProcess(['sleep', '600']);
    expect(await run({ dryRun: true })).toBe(0);
    expect(io.stdout).toContain(`sleep, pid ${editor}: works in that directory`);
    expect(io.stdout).toContain(`sleep, pid ${reader}: has a file open there`);
    expect(io.stdout).toContain(`sleep, pid ${job}: its environment names that directory`);
    expect(io.stdout).not.toContain(`pid ${bystander}`);

    const agent = await startProcess(AGENT);
    again();
    expect(await refusal(run())).toContain(`agent_running: agents run in ${user.claude}: claude (pid ${agent})`);
    expect(io.stdout).toContain(`claude, pid ${agent}`);
    expect(user.picture()).toEqual(before);
  });

  test('while a daemon runs, for the same state directory or the same link', async () => {
    for (const path of [
      join(user.home, '.local', 'state', 'claude-failover', 'daemon.lock'),
      `${user.claude}.failover.lock`,
    ]) {
      const lock = acquireDaemonLock(path, { procRoot: '/proc', now: 0 });
      expect(await refusal(run())).toContain(`daemon_running: the daemon runs (pid ${process.pid})`);
      if (lock.kind === 'held') lock.release();
    }
    expect(lstatSync(user.claude).isDirectory()).toBe(true);
  });

  test.skipIf(!SHM)('a home on another file system: nothing is ever copied [R242 R260]', async () => {
    const far = mkdtempSync('/dev/shm/cf-');
    ends.push(() => rmSync(far, { recursive: true, force: true }));
    const before = user.picture();
    expect(await run({ home: join(far, 'home') })).toBe(1);
    expect(io.stderr).toContain('lies on another file system');
    expect(user.picture()).toEqual(before);
  });

  const OBSTACLES: Readonly<Record<string, { make(): void; says: readonly string[] }>> = {
    'a home that is there already': {
      make: () => mkdirSync(join(user.home, '.claude-one')),
      says: ['something is there already', '--home'],
    },
    'an entry that is shared already': {
      make: () => mkdirSync(join(user.home, '.claude-shared', 'projects'), { recursive: true }),
      says: ['are both there', 'cp -an'],
    },
    'a relative link that would lead elsewhere': {
      make: () => symlinkSync('skills/a skill', join(user.claude, 'agents')),
      says: ['is a relative link', 'ln -sfn'],
    },
    'a file in the place of the directory': {
      make: () => {
        rmSync(user.claude, { recursive: true });
        writeFileSync(user.claude, '');
      },
      says: ['is a file', 'mv -nT'],
    },
    'the login of another account': {
      make: () => {
        const identity = { accountUuid: USER_ACCOUNT, organizationUuid: USER_ORGANISATION };
        makeHome(user.home, '.claude-two', login('two', identity));
      },
      says: ['holds the login of two once more', 'claude-failover accounts login two'],
    },
  };
  for (const [what, { make, says }] of Object.entries(OBSTACLES)) {
    test(`${what}, with the command that helps, and changes nothing [R46 R242 R266]`, async () => {
      writeConfig();
      make();
      const before = user.picture();
      expect(await run()).toBe(1);
      for (const part of says) expect(io.stderr).toContain(part);
      expect(user.picture()).toEqual(before);
    });
  }

  test('options that contradict the configuration, and names that are not in it', async () => {
    writeConfig();
    expect(await refusal(run({ home: '/elsewhere' }))).toContain('contradiction');
    expect(await refusal(run({ mode: 'env' }))).toContain('contradiction');
    expect(await refusal(run({ account: 'three' }))).toContain('accounts: one, two');
    expect(await refusal(run({ pool: 'other' }))).toContain('pools: default');
  });
});

describe('unadopt', () => {
  test('gives everything back: paths, modes, inodes and bytes [R242]', async () => {
    const before = user.picture();
    await run();
    again();
    expect(await back()).toBe(0);
    expect(user.picture()).toEqual(before);
    expect(existsSync(user.record)).toBe(false);
    again();
    expect(await run()).toBe(0);
  });

  test('also after a swap; what was written meanwhile comes back too, and other homes keep no dead links', async () => {
    writeConfig();
    await run();
    const two = makeHome(user.home, '.claude-two');
    for (const name of ['projects', 'sessions', 'settings.json'])
      symlinkSync(join(user.home, '.claude-shared', name), join(two, name));
    rmSync(user.claude);
    symlinkSync(two, user.claude);
    writeFileSync(join(user.claude, 'sessions', '42.json'), '{}');
    writeFileSync(join(user.claude, 'projects', 'new.jsonl'), 'new');
    again();
    expect(await back()).toBe(0);
    expect(lstatSync(user.claude).isDirectory()).toBe(true);
    expect(readFileSync(join(user.claude, '.credentials.json'), 'utf8')).toContain('-user');
    expect(readFileSync(join(user.claude, 'projects', 'new.jsonl'), 'utf8')).toBe('new');
    expect(readFileSync(join(user.claude, 'sessions', '42.json'), 'utf8')).toBe('{}');
    expect(readdirSync(two)).toEqual(['.credentials.json']);
    expect(existsSync(join(user.home, '.claude-shared'))).toBe(false);
  });

  test('refuses what init did not take over, a link that somebody changed, and a running agent', async () => {
    writeConfig();
    expect(await refusal(back())).toContain('not_adopted');
    await run();
    rmSync(user.claude);
    symlinkSync(user.home, user.claude);
    expect(await refusal(back())).toContain('link_strange');
    rmSync(user.claude);
    symlinkSync(join(user.home, '.claude-one'), user.claude);
    again();
    expect(await back({ yes: false })).toBe(5);
    await startProcess(AGENT, { env: { CLAUDE_CONFIG_DIR: join(user.home, '.claude-one') } });
    again();
    expect(await refusal(back())).toContain('agent_running');
  });

  test('with --dry-run says what would go where and changes nothing', async () => {
    await run();
    const after = user.picture();
    again();
    expect(await back({ dryRun: true })).toBe(0);
    expect(io.stdout).toContain(`rename ${user.claude}-work-1 to ${user.claude}`);
    expect(user.picture()).toEqual(after);
  });
});

async function* answers(text: string): AsyncIterable<Uint8Array> {
  yield new TextEncoder().encode(text);
}
