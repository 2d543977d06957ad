/** The official Claude Code on a directory that was taken over: it finds its login where it was moved, and where it was given back. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { probeCredentialsDir } from '../../src/commands/adoption/probe.ts';
import { init } from '../../src/commands/init.ts';
import { unadopt } from '../../src/commands/unadopt.ts';
import { claude } from '../../src/core/agents/claude.ts';
import { temporaryDirectory } from '../support/account-homes.ts';
import { commandIo } from '../support/command-io.ts';
import { installAgent } from './install.ts';

const homes: string[] = [];
afterEach(() => {
  for (const home of homes.splice(0)) rmSync(home, { recursive: true, force: true });
});

/** A made-up user who is logged in, with the program in the path. */
function userOf(program: string) {
  const home = temporaryDirectory();
  homes.push(home);
  mkdirSync(join(home, 'bin'));
  symlinkSync(program, join(home, 'bin', 'claude'));
  mkdirSync(join(home, '.claude'), { mode: 0o700 });
  const login = {
    accessToken: 'sk-ant-oat01-made-up',
    refreshToken: 'sk-ant-ort01-made-up',
    expiresAt: Date.parse('2100-01-01T00:00:00Z'),
    scopes: ['user:inference', 'user:profile'],
    subscriptionType: 'max',
  };
  writeFileSync(join(home, '.claude', '.credentials.json'), JSON.stringify({ claudeAiOauth: login }), { mode: 0o600 });
  const PATH = `${join(home, 'bin')}:${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`;
  const env = {
    PATH,
    HOME: home,
    // Nobody listens there.
    ANTHROPIC_BASE_URL: 'http://127.0.0.1:9',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
    DISABLE_TELEMETRY: '1',
  };
  const isLoggedIn = (): boolean => {
    // It ends with 1 when it is not logged in.
    const said = execFileSync('sh', ['-c', 'claude auth status || true'], { env, cwd: home, timeout: 60_000 });
    return (JSON.parse(said.toString()) as { loggedIn: boolean }).loggedIn;
  };
  return {
    home,
    credentials: join(home, '.claude', '.credentials.json'),
    isLoggedIn,
    io: () => commandIo({ home, env }),
  };
}

describe.each(['latest', '2.1.220'])('Claude Code %s', (version) => {
  const agent = installAgent(`@anthropic-ai/claude-code@${version}`, 'claude');
  if (agent.kind === 'absent') console.log(`Claude Code ${version} is skipped: ${agent.reason}`);
  const test = it.skipIf(agent.kind === 'absent');
  const program = agent.kind === 'installed' ? agent.program : '';

  test.each(['config_dir', 'secure_storage'])(
    'finds its login in mode %s, and again after unadopt',
    { timeout: 120_000 },
    async (mode) => {
      const user = userOf(program);
      const before = readFileSync(user.credentials, 'utf8');
      expect(user.isLoggedIn()).toBe(true);
      const io = user.io();
      expect(await init([], { mode, yes: true }, io), io.stderr).toBe(0);
      expect(user.isLoggedIn()).toBe(true);
      const last = user.io();
      expect(await unadopt({ yes: true }, last), last.stderr).toBe(0);
      expect(readFileSync(user.credentials, 'utf8')).toBe(before);
      expect(user.isLoggedIn()).toBe(true);
    },
  );
});

describe('Claude Code 2.0.76', () => {
  const agent = installAgent('@anthropic-ai/claude-code@2.0.76', 'claude');
  if (agent.kind === 'absent') console.log(`Claude Code 2.0.76 is skipped: ${agent.reason}`);

  it.skipIf(agent.kind === 'absent')('is not taken for one that knows the variable', async () => {
    const { io } = userOf(agent.kind === 'installed' ? agent.program : '');
    expect(await probeCredentialsDir(claude, io())).toContain('does not know CLAUDE_SECURESTORAGE_CONFIG_DIR');
  });
});
