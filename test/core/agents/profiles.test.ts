/** The profiles of all agents: how each is found in a process tree, and what is done with its panes. */
import { describe, expect, test } from 'vitest';
import { PROFILES } from '../../../src/core/agents/languages.ts';
import { profileOf } from '../../../src/core/agents/process-match.ts';

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

test('every agent but Claude Code says why its panes are not moved', () => {
  expect(PROFILES.filter(({ notSwitchable }) => notSwitchable === null).map(({ kind }) => kind)).toEqual(['claude']);
});

test('every profile has a name of its own', () => {
  expect(new Set(PROFILES.map(({ kind }) => kind)).size).toBe(PROFILES.length);
});
