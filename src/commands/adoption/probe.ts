/** Tries whether the installed CLI takes its credentials from the directory that a variable in its settings names. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { AgentProfile } from '../../core/agents/profile.ts';
import { compareVersions } from '../../core/agents/profile.ts';
import { MINUTE } from '../../core/time.ts';
import { versionOf } from '../doctor/programs.ts';
import type { CommandIo } from '../io.ts';

/**
 * Asks `claude auth status` in a made-up home with a made-up login: it must see the login, and must see none when the
 * variable in the settings there names an empty directory. Nothing of the user's is read and nobody is asked.
 *
 * @returns why it cannot be used; null: it can
 */
export async function probeCredentialsDir(profile: AgentProfile, io: Pick<CommandIo, 'env'>): Promise<string | null> {
  const [program = profile.kind] = profile.process.names;
  if (profile.credentialsDir === null) return `${profile.kind} has no variable that moves only its credentials`;
  const { env: variable, since } = profile.credentialsDir;
  const said = await versionOf(program, ['--version'], io.env);
  const version = /\d+\.\d+\.\d+/.exec(said ?? '')?.[0] ?? null;
  if (version === null) return `${program} is not in PATH, or does not tell its version`;
  if (compareVersions(version, since) < 0)
    return `${program} ${version} does not know ${variable}: that came with ${since}`;
  const home = mkdtempSync(join(tmpdir(), 'cf-probe-'));
  try {
    const directory = join(home, profile.configDir.underHome);
    mkdirSync(join(home, 'empty'), { mode: 0o700 });
    mkdirSync(directory, { mode: 0o700 });
    const [file = ''] = profile.credentialFiles;
    writeFileSync(join(directory, file), JSON.stringify(MADE_UP), { mode: 0o600 });
    if (!(await isLoggedIn(program, home, io))) return `${program} ${version} does not tell whether it is logged in`;
    writeFileSync(join(directory, 'settings.json'), JSON.stringify({ env: { [variable]: join(home, 'empty') } }));
    return (await isLoggedIn(program, home, io)) === false
      ? null
      : `${program} ${version} does not heed ${variable} in its settings`;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

const MADE_UP = {
  claudeAiOauth: {
    accessToken: 'made-up',
    refreshToken: 'made-up',
    expiresAt: Date.parse('2100-01-01T00:00:00Z'),
    scopes: ['user:inference', 'user:profile'],
    subscriptionType: 'max',
  },
};

/** Null: it did not say. */
async function isLoggedIn(program: string, home: string, io: Pick<CommandIo, 'env'>): Promise<boolean | null> {
  const { stdout } = await execa(program, ['auth', 'status'], {
    env: {
      PATH: io.env.PATH ?? '/usr/bin:/bin',
      HOME: home,
      LC_ALL: 'C.UTF-8',
      // Nobody listens there.
      ANTHROPIC_BASE_URL: 'http://127.0.0.1:9',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_AUTOUPDATER: '1',
      DISABLE_TELEMETRY: '1',
    },
    extendEnv: false,
    cwd: home,
    stdin: 'ignore',
    timeout: MINUTE,
    killSignal: 'SIGKILL',
    reject: false,
  });
  const said = /"loggedIn":\s*(true|false)/.exec(String(stdout))?.[1];
  return said === undefined ? null : said === 'true';
}
