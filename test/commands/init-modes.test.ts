import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
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
import { probeCredentialsDir } from '../../src/commands/adoption/probe.ts';
import { settingsVariables } from '../../src/commands/adoption/variables.ts';
import { type InitOptions, init } from '../../src/commands/init.ts';
import { unadopt } from '../../src/commands/unadopt.ts';
import { loadConfigFile } from '../../src/config/load.ts';
import { claude } from '../../src/core/agents/claude.ts';
import { placeOf } from '../../src/steps/read-pool.ts';
import { CANARY } from '../support/account-homes.ts';
import { type CapturedIo, commandIo } from '../support/command-io.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { UserHome } from '../support/user-home.ts';

const VARIABLE = 'CLAUDE_SECURESTORAGE_CONFIG_DIR';

let user: UserHome;
let io: CapturedIo;

beforeEach(() => {
  user = new UserHome();
  again();
});

afterEach(() => {
  expect(io.stdout + io.stderr).not.toContain(CANARY);
  user.remove();
});

function again(): void {
  io = commandIo({ home: user.home, env: { PATH: `${join(user.home, 'bin')}:${process.env.PATH}` } });
}

const run = (options: InitOptions = {}): Promise<number> => init([], { yes: true, ...options }, io);
const back = (): Promise<number> => unadopt({ yes: true }, io);

/** The account that the pool of the written configuration is on. */
async function active(): Promise<string> {
  const [pool] = loadConfigFile({ env: {}, home: user.home }).config.pools;
  if (pool === undefined) throw new Error('no pool');
  const state = await createAccountLink({ log: new RecordingLog() }).read(placeOf(pool));
  return state.kind === 'account' ? state.account : state.kind;
}

/** A program in the place of Claude Code that tells whether it is logged in. */
function putCli(version: string, heeds: boolean): void {
  const script = `#!/bin/sh
[ "$1" = --version ] && { echo "${version} (Claude Code)"; exit 0; }
if ${heeds ? 'grep -qs SECURESTORAGE "$HOME/.claude/settings.json"' : 'false'}; then echo '{"loggedIn": false}'
else echo '{"loggedIn": true}'; fi
`;
  mkdirSync(join(user.home, 'bin'), { recursive: true });
  writeFileSync(join(user.home, 'bin', 'claude'), script);
  chmodSync(join(user.home, 'bin', 'claude'), 0o755);
}

describe('init in mode secure_storage', () => {
  test('moves the credentials alone and names their link in the settings, after it tried the CLI [R41 R242]', async () => {
    putCli('2.1.300', true);
    const before = user.picture();
    const settings = join(user.claude, 'settings.json');
    expect(await run({ mode: 'secure_storage' })).toBe(0);
    const link = join(user.home, '.local', 'share', 'claude-failover', 'default', 'active');
    expect(readlinkSync(link)).toBe(join(dirname(link), 'work-1'));
    expect(readdirSync(link)).toEqual(['.credentials.json']);
    expect(existsSync(join(user.claude, '.credentials.json'))).toBe(false);
    expect(lstatSync(join(user.claude, 'projects')).isDirectory()).toBe(true);
    expect(JSON.parse(readFileSync(settings, 'utf8'))).toEqual({ model: 'opus', env: { [VARIABLE]: link } });
    expect(await active()).toBe('work-1');
    again();
    expect(await run()).toBe(0);
    expect(io.stdout).toContain('in place already');

    again();
    expect(await back()).toBe(0);
    expect(readFileSync(settings, 'utf8')).toBe('{ "model": "opus" }\n');
    // The text of the settings was written twice; everything else was never written at all.
    const withoutSettings = (picture: typeof before) => ({ ...picture, '.claude/settings.json': '', bin: '' });
    expect(withoutSettings(user.picture())).toEqual(withoutSettings(before));
    expect(existsSync(dirname(link))).toBe(false);
  });

  test.each([
    ['2.1.100', true, `does not know ${VARIABLE}`],
    ['2.1.300', false, `does not heed ${VARIABLE}`],
    ['none', true, 'does not tell its version'],
  ])('is refused for a CLI %s that heeds the variable: %s', async (version, heeds, says) => {
    putCli(version, heeds);
    const before = user.picture();
    expect(await probeCredentialsDir(claude, io)).toContain(says);
    expect(await run({ mode: 'secure_storage' })).toBe(1);
    expect(io.stderr).toContain(says);
    expect(user.picture()).toEqual(before);
  });

  test('is refused where the settings name another directory, or are no settings', async () => {
    putCli('2.1.300', true);
    user.write('.claude/settings.json', `{"env":{"${VARIABLE}":"/elsewhere"}}`, 0o600);
    expect(await run({ mode: 'secure_storage' })).toBe(1);
    expect(io.stderr).toContain('to another directory');
    user.write('.claude/settings.json', '{"env":', 0o600);
    await expect(run({ mode: 'secure_storage' })).rejects.toThrow('cannot be used');
  });
});

test('init in mode env leaves the directory where it is, shares its sessions, and makes the link that names the account [R41 R46]', async () => {
  const before = user.picture();
  expect(await run({ mode: 'env' })).toBe(0);
  expect(lstatSync(user.claude).isDirectory()).toBe(true);
  expect(readlinkSync(join(user.claude, 'projects'))).toBe(join(user.home, '.claude-shared', 'projects'));
  expect(await active()).toBe('work-1');
  again();
  expect(await back()).toBe(0);
  expect(user.picture()).toEqual(before);
});

describe('init on the files of Codex', () => {
  const AUTH = JSON.stringify({ tokens: { access_token: CANARY, refresh_token: CANARY, account_id: 'one' } });
  let codex: string;
  let auth: string;

  beforeEach(() => {
    codex = join(user.home, '.codex');
    auth = join(codex, 'auth.json');
    mkdirSync(join(codex, 'sessions'), { recursive: true });
    writeFileSync(auth, AUTH, { mode: 0o600 });
    writeFileSync(join(codex, 'config.toml'), 'model = "x"\n');
  });

  /** A login whose token says whose it is. */
  function loginOf(person: string, extra = ''): string {
    const claims = { 'https://api.openai.com/auth': { chatgpt_user_id: person } };
    const token = `x.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;
    const tokens = { id_token: token, access_token: `${CANARY}${extra}`, refresh_token: CANARY, account_id: 'org' };
    return JSON.stringify({ tokens });
  }

  test('makes the credentials file a link into the home of the account, and puts it back [R41 R242]', async () => {
    const before = user.picture();
    expect(await run({ agent: 'codex' })).toBe(0);
    expect(readlinkSync(auth)).toBe(join(user.home, '.codex-work-1', 'auth.json'));
    expect(readdirSync(codex).sort()).toEqual(['auth.json', 'config.toml', 'sessions']);
    expect(await active()).toBe('work-1');
    expect(io.stdout).not.toContain('hook install');
    again();
    expect(await back()).toBe(0);
    expect(user.picture()).toEqual(before);
  });

  test('a file that took the place of the link goes to the account whose login it is; the older one is kept apart [R260 R267]', async () => {
    writeFileSync(auth, loginOf('one'), { mode: 0o600 });
    await run({ agent: 'codex' });
    const home = join(user.home, '.codex-work-1', 'auth.json');
    rmSync(auth);
    writeFileSync(auth, loginOf('one', '-newer'), { mode: 0o600 });
    again();
    expect(await run()).toBe(0);
    expect(readlinkSync(auth)).toBe(home);
    expect(readFileSync(home, 'utf8')).toBe(loginOf('one', '-newer'));
    const quarantine = join(user.home, '.local', 'state', 'claude-failover', 'quarantine');
    const [kept = ''] = readdirSync(quarantine);
    expect(kept).toContain('login-of-work-1');
    expect(readFileSync(join(quarantine, kept, 'auth.json'), 'utf8')).toBe(loginOf('one'));

    again();
    expect(await back()).toBe(0);
    expect(readFileSync(auth, 'utf8')).toBe(loginOf('one', '-newer'));
    expect(existsSync(dirname(home))).toBe(false);
  });

  test('a file of nobody known is left where it is until somebody says whose it is [R267]', async () => {
    writeFileSync(auth, loginOf('one'), { mode: 0o600 });
    await run({ agent: 'codex' });
    rmSync(auth);
    writeFileSync(auth, loginOf('stranger'), { mode: 0o600 });
    const before = user.picture();
    again();
    expect(await run()).toBe(1);
    expect(io.stderr).toContain('two logins, and only one can be this account');
    expect(user.picture()).toEqual(before);
    again();
    expect(await run({ account: 'work-1' })).toBe(0);
    expect(readFileSync(auth, 'utf8')).toBe(loginOf('stranger'));
  });

  test('the second account’s file goes to the second account', async () => {
    writeFileSync(auth, loginOf('one'), { mode: 0o600 });
    await run({ agent: 'codex' });
    const second = join(user.home, '.codex-two');
    mkdirSync(second);
    writeFileSync(join(second, 'auth.json'), loginOf('two'), { mode: 0o600 });
    writeFileSync(user.config, `${readFileSync(user.config, 'utf8')}  - { name: two, home: ~/.codex-two }\n`);
    rmSync(auth);
    writeFileSync(auth, loginOf('two', '-newer'), { mode: 0o600 });
    again();
    expect(await run()).toBe(0);
    expect(readlinkSync(auth)).toBe(join(second, 'auth.json'));
    expect(await active()).toBe('two');
  });

  test('Gemini CLI has two such files; one that is not there yet becomes a link too', async () => {
    const gemini = join(user.home, '.gemini');
    mkdirSync(gemini);
    writeFileSync(join(gemini, 'oauth_creds.json'), JSON.stringify({ refresh_token: CANARY }), { mode: 0o600 });
    const before = user.picture();
    expect(await run({ agent: 'gemini' })).toBe(0);
    for (const name of ['oauth_creds.json', 'google_accounts.json'])
      expect(readlinkSync(join(gemini, name))).toBe(join(user.home, '.gemini-work-1', name));
    expect(await active()).toBe('work-1');
    again();
    expect(await back()).toBe(0);
    expect(user.picture()).toEqual(before);
  });
});

describe('a variable in the settings', () => {
  test.each([
    '{}\n',
    '{ "model": "opus" }\n',
    '{\n  "env": {\n    "A": "1"\n  },\n  "x": [1, 2]\n}',
    '{"env":{"A":"1"}}',
  ])('is set and taken out, and the text is as it was: %j', async (text) => {
    const file = join(user.home, 'settings.json');
    writeFileSync(file, text, { mode: 0o640 });
    await settingsVariables.write(file, 'X_DIR', '/a "b"');
    expect(await settingsVariables.read(file, 'X_DIR')).toBe('/a "b"');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject(JSON.parse(text));
    expect(lstatSync(file).mode & 0o777).toBe(0o640);
    await settingsVariables.write(file, 'X_DIR', null);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  test('is written through a link to the file that it leads to', async () => {
    writeFileSync(join(user.home, 'real.json'), '{}');
    symlinkSync('real.json', join(user.home, 'settings.json'));
    await settingsVariables.write(join(user.home, 'settings.json'), 'A', 'b');
    expect(lstatSync(join(user.home, 'settings.json')).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(user.home, 'real.json'), 'utf8')).toContain('"A": "b"');
  });
});
