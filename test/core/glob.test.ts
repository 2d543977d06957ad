/** Globs over session names. */

import { describe, expect, it } from 'vitest';
import { matchesGlob } from '../../src/core/glob.ts';
import { cpuMsOf } from '../support/cpu-time.ts';

describe('a glob', () => {
  it.each([
    ['work', 'work', true],
    ['work', 'work-1', false],
    ['*', '', true],
    ['*', 'anything', true],
    ['', '', true],
    ['', 'a', false],
    ['work-*', 'work-', true],
    ['work-*', 'work', false],
    ['*-*-x', 'a-b-c-x', true],
    ['*-*-x', 'a-x', false],
    ['**a', 'bba', true],
    ['?', 'ü', true],
    ['?', '👍', true],
    ['??', 'a', false],
    ['[ab]c', 'bc', true],
    ['[ab]c', 'cc', false],
    ['[a-c]', 'b', true],
    ['[a-c]', 'd', false],
    ['[!a-c]', 'd', true],
    ['[^a-c]', 'b', false],
    ['[]a]', ']', true],
    ['[!]a]', ']', false],
    ['[!]a]', 'b', true],
    ['[a-]', '-', true],
    ['[abc', '[abc', true],
    ['[abc', 'a', false],
    ['a.c', 'abc', false],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['(a|b)+', '(a|b)+', true],
  ])('%j on %j is %j', (glob, name, matches) => {
    expect(matchesGlob(glob, name)).toBe(matches);
  });

  it('answers in time to a pattern made to take forever', async () => {
    const cpuMs = await cpuMsOf(() => expect(matchesGlob(`${'*a'.repeat(200)}b`, 'a'.repeat(5000))).toBe(false));
    expect(cpuMs).toBeLessThan(1000);
  });
});
