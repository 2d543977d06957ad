/** A test that does what the guard forbids, on a home made up for it. Only test/guard.test.ts runs it, in a child. */
import { mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const victim = process.env.CF_GUARD_VICTIM;
if (victim === undefined) throw new Error('run by test/guard.test.ts only');

test('asks for the home directory and gets a throw-away one', () => {
  expect(homedir()).not.toBe(victim);
});

test.runIf(process.env.CF_GUARD_DEED === 'link')('moves the link of the home it should not know', () => {
  symlinkSync('/nowhere', join(victim, '.claude.new'));
  renameSync(join(victim, '.claude.new'), join(victim, '.claude'));
});

test.runIf(process.env.CF_GUARD_DEED === 'create')('makes files in the home it should not know', () => {
  mkdirSync(join(victim, '.config', 'claude-failover'), { recursive: true });
});
