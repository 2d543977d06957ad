/** Builds account homes and a profile with Claude Code's locks and files in throw-away directories. */
import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentProfile } from '../../src/core/agents/profile.ts';

/** A mark that stands in every token made here: it must appear in no message and no log line. */
export const CANARY = 'canary-sk-ant';

/** The user the tests run as. */
export const OWN_UID = process.getuid?.() ?? 0;

export function temporaryDirectory(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), 'cf-')));
}

/** Only what the account adapters read: the screen and launch parts are left empty. */
export const accountProfile: AgentProfile = {
  kind: 'claude',
  notSwitchable: null,
  process: { names: ['claude'], script: /claude/ },
  hotSwapSince: '2.1.92',
  configDir: { env: 'CLAUDE_CONFIG_DIR', underHome: '.claude' },
  credentialFiles: ['.credentials.json'],
  locks: [
    { path: { inside: '.oauth_refresh.lock' }, staleMs: 60_000 },
    { path: { beside: '.lock' }, staleMs: 60_000 },
    { path: { inside: '.storage-write.lock' }, staleMs: 15_000 },
  ],
  modes: ['config_dir', 'env'],
  stopFirst: 'never',
  writerLocks: [],
  background: null,
  credentialsDir: null,
  overridingEnv: [],
  sharedEntries: { required: ['projects', 'sessions'], optional: ['settings.json', 'history.jsonl', 'todos'] },
  resumeArgs: (sessionId) => ['--resume', sessionId],
  resumeFlags: {},
  continuePrompt: 'continue',
  exitCommand: '/exit',
};

/** A login as Claude Code writes it; the tokens carry the canary. */
export function login(name: string, changes: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    claudeAiOauth: {
      accessToken: `${CANARY}-access-${name}`,
      refreshToken: `${CANARY}-refresh-${name}`,
      expiresAt: 1_795_200_000_000,
      refreshTokenExpiresAt: 1_797_000_000_000,
      scopes: ['user:inference'],
      ...changes,
    },
  });
}

/** Makes `<directory>/<name>` with a credentials file. @returns its path */
export function makeHome(directory: string, name: string, credentials: string | null = login(name)): string {
  const home = join(directory, name);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  if (credentials !== null) writeFileSync(join(home, '.credentials.json'), credentials, { mode: 0o600 });
  return home;
}
