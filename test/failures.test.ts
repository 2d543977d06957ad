/** Every failure that the daemon must live through has a test of its own; this page names them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const titles = readdirSync(HERE, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts') && file !== 'failures.test.ts')
  .flatMap((file) =>
    [...readFileSync(join(HERE, file), 'utf8').matchAll(/^ *(?:test[^(]*\()?\s*['`"]([^\n]{20,})['`"],/gm)].map(
      ([, title = '']) => title,
    ),
  );

test.each([
  ['a tmux program or server that is missing', /server that ends and begins anew|tmux counts as down/],
  ['a tmux server that hangs', /a server that never answers does not keep its swap open/],
  ['a capture that fails', /five captures in a row that fail/],
  ['a database that takes no writes', /database that takes no writes is said/],
  ['a database that is damaged', /a damaged database is put aside/],
  ['a full disk in the middle of a swap', /a disk that is full when/],
  ['a link that was moved', /a link that somebody moved to another account/],
  ['a link that is not ours any more', /a pool that is partial stays so over a restart/],
  ['a target whose home is unusable', /an account whose tokens the CLI blanked is never taken/],
  ['a step that fails after the flip', /a step that fails after the flip puts link and credentials back/],
  ['a roll-back that fails', /a roll-back that fails makes the pool partial/],
  ['a session that will not start again', /an agent that does not start is told/],
  ['every account at its limit', /with every account at its limit nothing is flipped or typed/],
  ['a configuration that became invalid', /keeps? .*(?:last good|old)|old (?:one|configuration) stays/i],
  ['a wall clock that jumps', /wall clock was set back|clock jump|jump/],
  ['a second daemon', /a second daemon is refused/],
  ['an operator who types', /within ten seconds of a key that its person pressed/],
  ['an operator who types where a task would go', /not while its person writes/],
  [
    'a tmux server that does not answer while a task is under way',
    /nothing is concluded from a server that does not answer/,
  ],
  ['a tmux session that dies with its task', /a session that dies takes its attempt with it/],
  ['a session that will not start for its task', /a task whose session ended is taken care of once/],
  ['every account at its limit while tasks wait', /with every account at its limit tasks wait where they are/],
  ['a task in the middle of a swap', /a task whose session cannot be resumed after a swap begins anew/],
  ['a database that takes no writes while a task would be given out', /a store that does not answer gives out nothing/],
  ['a full disk while a task is put away', /a full disk/],
  ['two daemons over the same tasks', /two daemons, .*each task typed once and done once/],
])('%s has a test [R246]', (_failure, title) => {
  expect(titles.filter((candidate) => title.test(candidate)).length).toBeGreaterThan(0);
});
