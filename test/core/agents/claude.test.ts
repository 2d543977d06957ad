/** The profile of Claude Code. */
import { describe, expect, test } from 'vitest';
import { claude } from '../../../src/core/agents/claude.ts';
import { isHotSwappable } from '../../../src/core/agents/profile.ts';

describe('the profile of Claude Code', () => {
  test.each([
    '/usr/lib/node_modules/@anthropic-ai/claude-code/cli.js',
    '/home/me/.nvm/versions/node/v20/lib/node_modules/@anthropic-ai/claude-code/cli.js',
    '/home/me/.local/bin/claude',
    '/opt/claude.mjs',
    '/opt/claude-code/dist/cli.mjs',
    'claude',
  ])('[R253] knows the script %s as the CLI', (script) => {
    expect(claude.process.script.test(script)).toBe(true);
  });

  test.each([
    '/opt/other/cli.js',
    '/usr/bin/claude-failover',
    '/opt/claude-failover/dist/main.js',
    '/opt/claude.py',
    'vim',
  ])('does not take %s for it', (script) => {
    expect(claude.process.script.test(script)).toBe(false);
  });

  test('adopts a flipped link from 2.1.92 on', () => {
    expect(['2.1.91', '2.1.92', '2.1.328', '2.0.76', null].map((version) => isHotSwappable(claude, version))).toEqual([
      false,
      true,
      true,
      false,
      false,
    ]);
  });

  test("[R259] takes the CLI's own locks, in its order", () => {
    expect(claude.locks).toEqual([
      { path: { inside: '.oauth_refresh.lock' }, staleMs: 60_000 },
      { path: { beside: '.lock' }, staleMs: 60_000 },
      { path: { inside: '.storage-write.lock' }, staleMs: 15_000 },
    ]);
  });

  test('[R46] never shares what belongs to the account', () => {
    const shared = [...claude.sharedEntries.required, ...claude.sharedEntries.optional];
    expect(shared).toEqual(expect.arrayContaining(['projects', 'sessions', 'history.jsonl', 'settings.json']));
    for (const own of ['.credentials.json', '.claude.json']) expect(shared).not.toContain(own);
    expect(shared.filter((entry) => entry.endsWith('.lock'))).toEqual([]);
  });

  test('[R269] names the credentials that outrank the link', () => {
    expect(claude.overridingEnv).toEqual(
      expect.arrayContaining(['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'CLAUDE_CODE_OAUTH_TOKEN']),
    );
  });

  test('[R51] resumes by id', () => {
    expect(claude.resumeArgs('abc')).toEqual(['--resume', 'abc']);
    expect(claude.resumeFlags).toMatchObject({ '--resume': true, '-r': true, '--continue': false, '-c': false });
  });
});
