/** What `doctor` says of the sessions that are kept. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkSessions } from '../../src/commands/doctor/sessions.ts';
import { toConfig } from '../../src/config/schema.ts';
import { startTmux, type TestTmux } from '../support/tmux.ts';

let dir: string;
let tmux: TestTmux;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'cf-'));
  tmux = await startTmux();
});
afterEach(async () => {
  await tmux.kill();
  rmSync(dir, { recursive: true, force: true });
});

async function said(more: object): Promise<readonly string[]> {
  const accounts = ['a', 'b'].map((name) => ({ name, home: join(dir, name) }));
  const config = toConfig({ accounts, tmux: { sockets: [tmux.socket], command_timeout: '30s' }, ...more }, {}, dir);
  const env = { PATH: process.env.PATH ?? '' };
  const checks = await checkSessions(config, env, new AbortController().signal);
  for (const { state, fix } of checks) expect(fix === null).toBe(state === 'ok' || state === 'note');
  return checks.map(({ name, state, detail }) => `${state} ${name}: ${detail}`);
}

test('nothing is said where no session is kept', async () => {
  expect(await said({ sessions: { dedicated: [{ name: 'main' }] } })).toEqual([]);
});

test('directories that are not there are found, and a pool without a queue', async () => {
  const sessions = {
    dedicated: [{ name: 'main', project: join(dir, 'gone') }],
    autonomous: { prefix: 'auto-', start_index: 1, max: 2, workdir: dir },
  };
  const lines = await said({ sessions, agents: { claude: { command: join(dir, 'claude') } } });
  expect(lines).toEqual([
    `fail session main: ${join(dir, 'gone')} is not a directory, so it cannot be made there`,
    `ok autonomous sessions: made in ${dir}`,
    'ok autonomous names: auto-1 … auto-2',
    'warn autonomous sessions: no task will reach them: dispatcher.projects_dir is not set',
    expect.stringMatching(/^note signal directory: /),
    expect.stringMatching(/^fail agents\.claude\.command: .* cannot be run \(ENOENT\)/),
  ]);
});

test('names beside those that are there are found before any work is lost [R62]', async () => {
  await tmux.newPane('exec sleep 1000', { session: 'ccl-auto-11' });
  const projects = join(dir, 'projects');
  mkdirSync(projects);
  const sessions = { autonomous: { prefix: 'ccl-auto', start_index: 0, max: 1, workdir: dir } };
  const lines = await said({ sessions, dispatcher: { projects_dir: projects } });
  expect(lines).toContain('warn autonomous names: none of ccl-auto0 is there, but ccl-auto-11: they would get no task');
});

test('a signal directory in which others can write is refused', async () => {
  const signals = join(dir, 'signals');
  mkdirSync(signals);
  chmodSync(signals, 0o777);
  const sessions = { autonomous: { max: 1, workdir: dir } };
  const lines = await said({ sessions, watcher: { done_signal_dir: signals } });
  expect(lines).toContain(`fail signal directory: ${signals} can be written by others (mode 0777)`);
});

test('a safety hook that would be put into no project is told [R86]', async () => {
  const sessions = { autonomous: { max: 1, workdir: dir } };
  const dispatcher = { safety_hook: true };
  expect(await said({ sessions, dispatcher })).toContain(
    'warn safety hook: agents.claude.args do not skip permissions, so it is put into no project',
  );
  const agents = { claude: { args: ['--dangerously-skip-permissions'] } };
  expect(await said({ sessions, dispatcher, agents })).toContain(
    'ok safety hook: put into a project before a task is begun there',
  );
});
