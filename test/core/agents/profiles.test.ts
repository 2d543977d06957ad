/** The profiles of all agents: how each is found in a process tree, and what is done with its panes. */
import { describe, expect, test } from 'vitest';
import { claude } from '../../../src/core/agents/claude.ts';
import { codex } from '../../../src/core/agents/codex.ts';
import { gemini } from '../../../src/core/agents/gemini.ts';
import { PROFILES } from '../../../src/core/agents/languages.ts';
import { inMode } from '../../../src/core/agents/mode.ts';
import { profileOf } from '../../../src/core/agents/process-match.ts';
import { isHotSwappable, mustStopFirst } from '../../../src/core/agents/profile.ts';

describe('an agent is recognised by how it was started', () => {
  test.each([
    ['claude', ['claude', '--resume'], '/home/me/.local/share/claude/versions/2.1.328'],
    ['codex', ['codex', 'resume', '--last'], '/usr/local/bin/codex'],
    ['codex', ['node', '/usr/bin/codex'], '/usr/bin/node'],
    ['codex', ['node', '/usr/lib/node_modules/@openai/codex/bin/codex.js'], '/usr/bin/node'],
    ['gemini', ['node', '/usr/bin/gemini'], '/usr/bin/node'],
    ['gemini', ['node', '--no-warnings', '/opt/@google/gemini-cli/dist/index.js'], '/usr/bin/node'],
    ['opencode', ['opencode'], '/home/me/.opencode/bin/opencode'],
    ['opencode', ['node', '/usr/lib/node_modules/opencode-ai/bin/opencode'], '/usr/bin/node'],
    [null, ['node', '/srv/codex-dashboard/server.js'], '/usr/bin/node'],
    [null, ['vim', 'gemini.js'], '/usr/bin/vim'],
    [null, ['codex-proxy'], '/usr/bin/codex-proxy'],
  ] as const)('%s: %j', (kind, argv, exe) => {
    expect(profileOf({ argv, exe }, PROFILES)?.kind ?? null).toBe(kind);
  });
});

test('an agent whose accounts can be switched says how, and whether it must end first; the others say why not [R270]', () => {
  const told = PROFILES.map(({ kind, modes, notSwitchable }) => [kind, modes, notSwitchable === null]);
  expect(told).toEqual([
    ['claude', ['config_dir', 'secure_storage', 'env'], true],
    ['codex', ['file_link'], true],
    ['gemini', ['file_link'], true],
    ['opencode', [], false],
  ]);
  for (const profile of [codex, gemini])
    expect([mustStopFirst(profile, null), isHotSwappable(profile, '99.0.0')]).toEqual([true, false]);
});

test('Claude Code must end first where its version takes no lock around the refresh of a login [R270]', () => {
  const versions = ['1.0.128', '2.0.1', '2.0.76', '2.1.328', null];
  expect(versions.map((version) => mustStopFirst(claude, version))).toEqual([true, true, false, false, false]);
});

test('the mode of a pool changes what is true of its agent: nobody follows a link that no process reads [R41]', () => {
  expect(inMode(claude, 'config_dir')).toBe(claude);
  const storage = inMode(claude, 'secure_storage');
  expect([isHotSwappable(storage, '2.1.159'), isHotSwappable(storage, '2.1.160')]).toEqual([false, true]);
  expect(storage.sharedEntries.required).toEqual([]);
  const env = inMode(claude, 'env');
  expect([isHotSwappable(env, '2.1.328'), mustStopFirst(env, '1.0.128')]).toEqual([false, false]);
  expect(env.sharedEntries.required).toEqual(['projects', 'sessions']);
});

test('every profile has a name of its own', () => {
  expect(new Set(PROFILES.map(({ kind }) => kind)).size).toBe(PROFILES.length);
});
