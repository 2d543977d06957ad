/** The keys about sessions that are kept: their names, their contradictions, and how their agents are started. */
import { expect, test } from 'vitest';
import { toConfig } from '../../src/config/schema.ts';
import { ConfigError } from '../../src/core/errors.ts';

const accounts = [
  { name: 'a', home: '~/.claude-a' },
  { name: 'b', home: '~/.claude-b' },
];
const load = (more: object) => toConfig({ accounts, ...more }, {}, '/home/ada');
const problems = (more: object): readonly string[] => {
  try {
    load(more);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
  return [];
};

test('autonomous sessions are named by the prefix and a number, from start_index on, max of them [R62]', () => {
  const { autonomous } = load({ sessions: { autonomous: { prefix: 'w-', start_index: 3, max: 3 } } }).sessions;
  expect(autonomous.names).toEqual(['w-3', 'w-4', 'w-5']);
});

test('names that tmux would change are refused, for kept sessions too [R104]', () => {
  expect(problems({ sessions: { autonomous: { prefix: 'a.b-' } } })).toEqual([
    expect.stringContaining('sessions.autonomous.prefix'),
  ]);
  expect(problems({ sessions: { dedicated: [{ name: 'a:b' }] } })).toEqual([
    expect.stringContaining('sessions.dedicated[0].name'),
  ]);
});

test.each([
  ['more kept than allowed', { autonomous: { min: 2, max: 1 } }, 'sessions.autonomous.min: is more than max (1)'],
  [
    'a pool that is not there',
    { autonomous: { pool: 'x', max: 1 } },
    'sessions.autonomous.pool: there is no such pool',
  ],
  [
    'one name for a dedicated and an autonomous session',
    { autonomous: { prefix: 'w-', start_index: 1, max: 2 }, dedicated: [{ name: 'w-2' }] },
    'sessions.dedicated[0].name: is the name of an autonomous session too: it would be given tasks',
  ],
])('%s is refused [R204]', (_, sessions, expected) => {
  expect(problems({ sessions })).toEqual([expected]);
});

test('a kept session that watch.exclude hides is warned of', () => {
  const { warnings } = load({
    watch: { exclude: ['w-*'] },
    sessions: { autonomous: { prefix: 'w-', start_index: 1, max: 2 } },
  });
  expect(warnings.map(({ message }) => message)).toEqual(['hides w-1, w-2: nothing is known of it']);
});

test('a model can never become a flag, and no argument can hold what a terminal obeys [R87]', () => {
  expect(problems({ agents: { claude: { models: { high: '--resume' } } } })).toHaveLength(1);
  expect(problems({ agents: { claude: { args: ['a\u001bb'] } } })).toHaveLength(1);
  expect(load({ agents: { claude: { args: ['--x', "it's"] } } }).agents.claude?.args).toEqual(['--x', "it's"]);
});

test('whether the CLI needs to be told where its link is follows from the link', () => {
  expect(load({}).pools[0]?.configDir).toBeNull();
  expect(load({ pools: { default: { link: '~/other' } } }).pools[0]?.configDir).toBe('/home/ada/other');
});
