import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { addAccount, loginAccount } from '../../src/commands/accounts-add.ts';
import { init } from '../../src/commands/init.ts';
import { loadConfigFile } from '../../src/config/load.ts';
import { FailoverError } from '../../src/core/errors.ts';
import { CANARY, login } from '../support/account-homes.ts';
import { type CapturedIo, commandIo } from '../support/command-io.ts';
import { USER_ACCOUNT, USER_ORGANISATION, UserHome } from '../support/user-home.ts';

const OTHER = { accountUuid: '00000000-0000-4000-a000-00000000000c', organizationUuid: USER_ORGANISATION };
const SAME = { accountUuid: USER_ACCOUNT, organizationUuid: USER_ORGANISATION };

let user: UserHome;
let io: CapturedIo;
let bin: string;

beforeEach(async () => {
  user = new UserHome();
  bin = join(user.home, 'bin');
  mkdirSync(bin);
  io = commandIo({ home: user.home });
  await init([], { yes: true }, io);
});

afterEach(() => {
  expect(io.stdout + io.stderr).not.toContain(CANARY);
  user.remove();
});

/** A program in the place of the CLI: it tells a version, writes down how it was called, and logs in as told. */
function putCli(
  credentials: string | null,
  version = '2.1.300',
  name = 'claude',
  variable = 'CLAUDE_CONFIG_DIR',
): void {
  const file = join(user.home, 'login.json');
  if (credentials !== null) writeFileSync(file, credentials, { mode: 0o600 });
  const target = name === 'claude' ? '.credentials.json' : name === 'codex' ? 'auth.json' : '.gemini/oauth_creds.json';
  const script = `#!/bin/sh
if [ "$1" = --version ]; then echo "${version} (made up)"; exit 0; fi
{ echo "args: $*"; env | cut -d= -f1 | sort; } > "${user.home}/called"
echo "home: $${variable}" >> "${user.home}/called"
${credentials === null ? '' : `cp "${file}" "$${variable}/${target}" && chmod 600 "$${variable}/${target}"`}
`;
  writeFileSync(join(bin, name), script);
  chmodSync(join(bin, name), 0o755);
  const env = {
    PATH: `${bin}:${process.env.PATH}`,
    HOME: user.home,
    ANTHROPIC_API_KEY: CANARY,
    CLAUDE_SECURESTORAGE_CONFIG_DIR: user.claude,
  };
  io = commandIo({ home: user.home, env });
}

const called = (): string => readFileSync(join(user.home, 'called'), 'utf8');
const accounts = () => loadConfigFile({ env: {}, home: user.home }).config.pools[0]?.accounts.map(({ name }) => name);

async function refusal(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof FailoverError) return `${error.code}: ${error.message} | ${error.hint ?? ''}`;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('accounts add', () => {
  test('makes a home that shares the sessions, has the CLI log in there by itself, and adds one line to the configuration [R46 R266]', async () => {
    const home = join(user.home, '.claude-work-2');
    putCli(login('two', OTHER));
    const before = readFileSync(user.config, 'utf8');
    expect(await addAccount('work-2', {}, io)).toBe(0);

    expect(called()).toContain(`home: ${home}`);
    expect(called()).toContain('args: auth login');
    // Nothing that would send the login elsewhere, and never a logout.
    for (const name of ['ANTHROPIC_API_KEY', 'CLAUDE_SECURESTORAGE_CONFIG_DIR', 'logout'])
      expect(called()).not.toContain(name);
    expect(lstatSync(home).mode & 0o777).toBe(0o700);
    expect(readlinkSync(join(home, 'projects'))).toBe(join(user.home, '.claude-shared', 'projects'));
    expect(readFileSync(user.config, 'utf8')).toBe(`${before}  - { name: work-2, home: ~/.claude-work-2 }\n`);
    expect(accounts()).toEqual(['work-1', 'work-2']);
    expect(readlinkSync(user.claude)).toBe(join(user.home, '.claude-work-1'));
  });

  test('refuses the login of an account that is there already, and takes the next one [R266]', async () => {
    putCli(login('one once more', SAME));
    expect(await addAccount('work-2', {}, io)).toBe(1);
    expect(io.stderr).toContain('work-2 holds the login of work-1 once more');
    expect(accounts()).toEqual(['work-1']);
    putCli(login('two', OTHER));
    expect(await addAccount('work-2', {}, io)).toBe(0);
    expect(accounts()).toEqual(['work-1', 'work-2']);
  });

  test('leaves the configuration alone when nobody logged in; a home that is logged in already is not asked again', async () => {
    putCli(null);
    expect(await addAccount('work-2', {}, io)).toBe(1);
    expect(io.stderr).toContain('its credentials are missing');
    expect(accounts()).toEqual(['work-1']);
    writeFileSync(join(user.home, '.claude-work-2', '.credentials.json'), login('two', OTHER), { mode: 0o600 });
    rmSync(join(user.home, 'called'));
    expect(await addAccount('work-2', {}, io)).toBe(0);
    expect(existsSync(join(user.home, 'called'))).toBe(false);
  });

  test('starts an older Claude Code as it is and says what to do there', async () => {
    putCli(login('two', OTHER), '2.0.76');
    expect(await addAccount('work-2', {}, io)).toBe(0);
    expect(called()).toContain('args: \n');
    expect(io.stderr).toContain('log in where it asks');
  });

  test('refuses before anybody logs in: a name that is taken or none, a home of another, no CLI', async () => {
    putCli(login('two', OTHER));
    expect(await refusal(addAccount('work-1', {}, io))).toContain('account_there');
    expect(await refusal(addAccount('a b', {}, io))).toContain('account_refused');
    const inside = join(user.home, '.claude-work-1', 'inside');
    expect(await refusal(addAccount('work-2', { home: inside }, io))).toContain(
      'lies inside the home of account work-1',
    );
    expect(existsSync(join(user.home, 'called'))).toBe(false);
    io = commandIo({ home: user.home, env: { PATH: '/nowhere' } });
    expect(await refusal(addAccount('work-2', {}, io))).toContain('agent_missing');
    expect(accounts()).toEqual(['work-1']);
  });

  test('gives Gemini CLI, whose variable names the directory above, the home as its own', async () => {
    const home = join(user.home, '.gemini-second');
    const first = `  g: { agent: gemini, link: ${join(user.home, '.gemini')} }`;
    const text = `version: 1\npools:\n${first}\naccounts:\n  - { name: one, pool: g, home: ~/.gemini-one }\n`;
    writeFileSync(user.config, text);
    putCli(JSON.stringify({ refresh_token: CANARY, access_token: CANARY }), '0.61.0', 'gemini', 'GEMINI_CLI_HOME');
    expect(await addAccount('second', {}, io)).toBe(0);
    expect(existsSync(join(home, 'oauth_creds.json'))).toBe(true);
    expect(io.stderr).toContain('choose Login with Google');
    expect(accounts()).toEqual(['one', 'second']);
  });
});

describe('accounts login', () => {
  test('logs in to the home of the account again', async () => {
    putCli(login('one anew', SAME));
    expect(await loginAccount('work-1', {}, io)).toBe(0);
    expect(called()).toContain(`home: ${join(user.home, '.claude-work-1')}`);
    expect(io.stdout).toContain('work-1 is logged in');
  });

  test('says when it is somebody else’s login, or none [R266 R267]', async () => {
    putCli(login('two', OTHER));
    expect(await loginAccount('work-1', {}, io)).toBe(1);
    expect(io.stderr).toContain('holds the login of somebody else than before');
    putCli(login('one', { accessToken: '', refreshToken: '', expiresAt: 0 }));
    expect(await loginAccount('work-1', {}, io)).toBe(1);
    expect(io.stderr).toContain('its credentials are blanked');
    expect(await refusal(loginAccount('work-9', {}, io))).toContain('unknown_account');
  });
});
