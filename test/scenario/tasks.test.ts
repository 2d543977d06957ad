/** Tasks under a whole daemon over real panes: given out, typed, ended by their own evidence, and carried over a swap. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { TaskRow } from '../../src/core/queue/task.ts';
import type { TestDaemon } from '../support/daemon.ts';
import { HOUR } from '../support/daemon.ts';
import type { ConfigChanges } from '../support/daemon-config.ts';
import { mergeSections } from '../support/daemon-config.ts';
import { keepShells } from '../support/kept.ts';
import type { Stage } from '../support/stage.ts';
import { onStage } from '../support/stage.ts';
import type { TaskProject } from '../support/task-files.ts';
import { dispatching, taskProject } from '../support/task-files.ts';
import { isRunning } from '../support/tmux.ts';
import { waitFor } from '../support/wait.ts';

/** Several of these run side by side, on a machine that may be busy. */
const WAIT_MS = 150_000;
const WAIT = { timeoutMs: WAIT_MS };
vi.setConfig({ testTimeout: 300_000 });

interface Play extends Stage {
  readonly project: TaskProject;
  /** Starts a daemon with up to `max` sessions of its own. */
  dispatch(max?: number, changes?: ConfigChanges): Promise<TestDaemon>;
  /** An agent command that runs the stand-in with these variables; a shell script, as people have them. */
  wrap(name: string, lines: string): string;
  /** The same for an agent whose turns end when it is let go. */
  holdTurns(): { readonly command: string; letGo(): void };
}

function onQueue(play: (play: Play) => Promise<void>): () => Promise<void> {
  return onStage(async (stage) => {
    await keepShells(stage.world, stage.tmux);
    const project = taskProject(stage.world);
    const dispatch = (max = 1, more: ConfigChanges = {}): Promise<TestDaemon> =>
      stage.start({ changes: mergeSections(dispatching(stage.world, max), more) });
    const wrap = (name: string, lines: string): string => {
      const path = join(stage.world.bin, name);
      writeFileSync(path, `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
      return path;
    };
    const holdTurns: Play['holdTurns'] = () => {
      const turns = stage.world.turnHold();
      turns.hold();
      const command = wrap('held', `STAND_IN_HOLD='${turns.env.STAND_IN_HOLD}' exec claude "$@"`);
      return { command, letGo: turns.letGo };
    };
    await play({ ...stage, project, dispatch, wrap, holdTurns });
  });
}

const typed = ({ world }: Pick<Stage, 'world'>): readonly string[] =>
  world.prompts().flatMap((text) => /^Task id: (.+)$/m.exec(text)?.[1] ?? []);
/** Its prompt is on record before its screen shows that it works. */
const isSeenAtWork = (daemon: TestDaemon): Promise<unknown> =>
  waitFor(() => daemon.status().sessions.some(({ state }) => state === 'working'), WAIT);
const tasksDone = ({ world }: Stage): readonly string[] => world.events('task-done').map(({ text }) => text ?? '');

test.concurrent(
  'a task that was there before the start is launched in its project, typed once, done by its signal, and its session starts afresh [R65 R71 R73 R75 R81 R82 R87 R213 R217]',
  onQueue(async (play) => {
    const { project, world } = play;
    project.drop('door', '---\npriority: critical\n---\n# Mend the door\n\nIt squeaks.\n`$(touch /tmp/nothing)`\n');
    const daemon = await play.dispatch();
    await waitFor(() => project.over('done').includes('door'), WAIT);
    expect(project.list('inbox')).toEqual([]);
    expect(project.result('done', 'door')).toMatchObject({ status: 'done', session: 'auto-1', account: 'work-1' });
    const [given] = world.events('task');
    expect(given).toMatchObject({ text: 'house:door', reason: project.path, argv: ['--model', 'opus'] });
    const [prompt] = world.prompts().filter((text) => text.includes('Task id: house:door'));
    expect(prompt).toMatch(/^Task: Mend the door\nTask id: house:door\nFile: .*\/claimed\/door__/);
    expect(prompt).toContain('\n`$(touch /tmp/nothing)`\n');
    expect(tasksDone(play)).toEqual(['house:door']);
    const [done] = await daemon.events('task_done');
    expect(JSON.stringify(done?.data)).toContain('signal');
    await daemon.told('session_recycled', WAIT_MS);
    expect(world.events('exit').map(({ reason }) => reason)).toEqual(['/exit']);
  }),
);

test.concurrent(
  'an agent that skips permissions is started with the safety hook in its project, and not at all where it cannot be put in [R86]',
  onQueue(async (play) => {
    const { project, world } = play;
    const other = taskProject(world, 'barn');
    mkdirSync(join(world.root, 'elsewhere'));
    symlinkSync(join(world.root, 'elsewhere'), join(other.path, '.claude'));
    project.drop('door', 'Do it.\n');
    other.drop('gate', '---\nmax_attempts: 1\n---\nDo it.\n');
    await play.dispatch(2, {
      dispatcher: { safety_hook: true },
      agents: { claude: { args: ['--dangerously-skip-permissions'] } },
    });
    await waitFor(() => project.over('done').includes('door') && other.over('failed').includes('gate'), WAIT);
    expect(world.events('task').map(({ text }) => text)).toEqual(['house:door']);
    const settings = JSON.parse(readFileSync(join(project.path, '.claude/settings.json'), 'utf8'));
    const [{ command }] = settings.hooks.PreToolUse[0].hooks;
    const run = (text: string) =>
      spawnSync('/bin/sh', ['-c', command], {
        input: JSON.stringify({ cwd: project.path, tool_name: 'Bash', tool_input: { command: text } }),
      }).status;
    const state = join(world.root, 'state');
    expect([
      run('git push --force'),
      run(`echo x > ${state}/x`),
      run(`echo x > ${state}/signals/x`),
      run('ls'),
    ]).toEqual([2, 2, 0, 0]);
    expect(JSON.stringify(other.result('failed', 'gate'))).toMatch(/without the safety hook: .*is a symbolic link/);
    expect(readdirSync(join(world.root, 'elsewhere'))).toEqual([]);
  }),
);

test.concurrent(
  'a hook, a moved file and an idle prompt each end a task, with their evidence [R66 R70 R213 R214]',
  onQueue(async (play) => {
    const { project } = play;
    project.drop('by-hook', 'Do it.\nstand-in: hook\n');
    project.drop('by-move', 'Do it.\nstand-in: move done\n');
    project.drop('by-prompt', 'Do it.\nstand-in: silent\n');
    const daemon = await play.dispatch(3);
    await waitFor(() => project.over('done').length === 3, WAIT);
    const completions = ['by-hook', 'by-move', 'by-prompt'].map((stem) => project.result('done', stem).completion);
    expect(completions[0]).toBe('hook');
    expect(completions[1]).toBe('agent_moved');
    // The stand-in keeps a transcript and a registry as the CLI does: they tell before its screen does.
    expect(['transcript', 'inferred']).toContain(completions[2]);
    expect(await daemon.events('task_done')).toHaveLength(3);
    expect([...typed(play)].sort()).toEqual(['house:by-hook', 'house:by-move', 'house:by-prompt']);
  }),
);

test.concurrent(
  'a task that fails is tried again, and ends in failed/ with what was said [R211 R212]',
  onQueue(async (play) => {
    const { project } = play;
    project.drop('door', '---\nmax_attempts: 2\n---\nDo it.\nstand-in: fail\n');
    const daemon = await play.dispatch();
    await waitFor(() => project.over('failed').includes('door'), WAIT);
    expect(project.result('failed', 'door')).toMatchObject({ status: 'failed', error_kind: 'agent_error' });
    expect(project.result('failed', 'door').attempts).toHaveLength(2);
    expect(typed(play)).toEqual(['house:door', 'house:door']);
    expect(await daemon.events('task_failed')).toHaveLength(1);
  }),
);

test.concurrent(
  'a task at a limit goes on under the next account, typed once, and uses up no attempt; its accounts are told [R52 R195 R211]',
  onQueue(async (play) => {
    const { project, world } = play;
    project.drop('door', 'Do it.\nstand-in: take 1500ms\n');
    // Nobody knows of it before the task asks.
    world.setLimit('work-1', { kind: 'five_hour', resetsAt: Date.now() + 3 * HOUR });
    const daemon = await play.dispatch();
    expect((await daemon.swapDone(WAIT_MS)).swap).toMatchObject({ from: 'work-1', to: 'work-2' });
    await waitFor(() => project.over('done').includes('door'), WAIT);
    expect(typed(play)).toEqual(['house:door']);
    expect(world.prompts()).toContain('continue');
    expect(world.servedBy()).toEqual(['work-2']);
    const task = (await daemon.app.api.tasks.find('door')) as TaskRow;
    expect(task.account).toBe('work-2');
    expect(task.decisions).toMatchObject([
      { account: 'work-2', reason: 'superseded', at: expect.any(Number) },
      { account: 'work-1', reason: 'selected' },
      { account: 'work-1', reason: 'limit' },
      { account: 'work-2', reason: 'selected' },
    ]);
    expect(project.result('done', 'door').attempts).toMatchObject([{ attempt: 1, outcome: 'done' }]);
    expect(await daemon.events('task_retry', 'task_requeued', 'task_failed')).toEqual([]);
  }),
);

test.concurrent(
  'a task whose session cannot be resumed after a swap begins anew, without using up an attempt [R52 R211]',
  onQueue(async (play) => {
    const { project, world } = play;
    // Keeps its account in memory, so that it must be restarted.
    const command = play.wrap('old', 'STAND_IN_VERSION=2.0.76 STAND_IN_TITLE=off exec claude "$@"');
    project.drop('door', 'Do it.\nstand-in: take 1500ms\n');
    world.setLimit('work-1', { kind: 'five_hour', resetsAt: Date.now() + 3 * HOUR });
    const daemon = await play.dispatch(1, { agents: { claude: { command } }, switcher: { verify_timeout: '4s' } });
    await daemon.told('swap_flipped', WAIT_MS);
    // Then there is no conversation to go on with.
    rmSync(join(world.shared, 'projects'), { recursive: true });
    mkdirSync(join(world.shared, 'projects'));
    await daemon.swapDone(WAIT_MS);
    await waitFor(() => project.over('done').includes('door'), WAIT);
    expect(typed(play)).toEqual(['house:door', 'house:door']);
    const { attempts } = project.result('done', 'door') as { attempts: readonly object[] };
    expect(attempts).toMatchObject([
      { attempt: 1, outcome: 'account_swap' },
      { attempt: 1, outcome: 'done' },
    ]);
    expect(await daemon.events('task_failed')).toEqual([]);
  }),
);

test.concurrent(
  'while the daemon is paused, tasks wait where they are, and the status says why [R79 R285]',
  onQueue(async (play) => {
    const { project, world } = play;
    const daemon = await play.dispatch(2);
    const pausing = join(world.root, 'state', 'pause');
    writeFileSync(pausing, '');
    project.drop('door', 'Do it.\n');
    await daemon.told('task_queued', WAIT_MS);
    await waitFor(() => daemon.log.lines.some(({ message }) => message === 'no tasks are given out'), WAIT);
    await daemon.polls(5);
    expect([project.list('inbox'), project.list('claimed')]).toEqual([['door'], []]);
    expect(daemon.status().queue?.held).toMatchObject([{ pool: 'default', reason: expect.stringContaining('paused') }]);
    expect(world.events('start')).toEqual([]);
    await daemon.app.api.resume();
    await waitFor(() => project.over('done').includes('door'), WAIT);
  }),
);

test.concurrent(
  'a dialog that nobody named blocks its task, is told and is never answered [R69 R265]',
  onQueue(async (play) => {
    const { project, world } = play;
    project.drop('door', 'Do it.\nstand-in: ask\n');
    const daemon = await play.dispatch(1, { watcher: { auto_answers: ['trust_folder'] } });
    const blocked = await daemon.told('session_blocked', WAIT_MS);
    expect(blocked).toMatchObject({ session: 'auto-1' });
    await daemon.polls(10);
    expect(world.events('dialog-key')).toEqual([]);
    expect(project.list('claimed')).toHaveLength(1);
  }),
);

test.concurrent(
  'a permission that may be given is given once, by its number, and the task goes on; nobody is told [R69 R265]',
  onQueue(async (play) => {
    const { project, world } = play;
    project.drop('door', 'Do it.\nstand-in: ask\n');
    const daemon = await play.dispatch(1, { watcher: { auto_answers: ['permission'] } });
    await waitFor(() => project.over('done').includes('door'), WAIT);
    expect(world.events('dialog-key').map(({ text }) => text)).toEqual(['1']);
    // A task that ends at once may be over before a look has seen that its dialog closed: it is told when its session moves.
    const answered = await waitFor(async () => (await daemon.events('dialog_answered'))[0], WAIT);
    expect(answered).toMatchObject({ session: 'auto-1', data: { dialog: 'permission', keys: ['1'] } });
    expect(await daemon.events('session_blocked')).toEqual([]);
  }),
);

test.concurrent(
  'a folder that may be trusted is: the cursor goes to the known choice before Enter follows [R69 R265]',
  onQueue(async (play) => {
    const { project, world } = play;
    const command = play.wrap('asking', 'STAND_IN_ASKS_FOR_TRUST=1 exec claude "$@"');
    project.drop('door', 'Do it.\n');
    const daemon = await play.dispatch(1, {
      agents: { claude: { command } },
      watcher: { auto_answers: ['trust_folder'] },
    });
    await waitFor(() => project.over('done').includes('door'), WAIT);
    expect(world.events('dialog-key').map(({ text }) => text)).toEqual(['other', 'enter']);
    expect((await daemon.events('dialog_answered')).map(({ data }) => data.dialog)).toEqual(['trust_folder']);
    expect(await daemon.events('session_blocked')).toEqual([]);
  }),
);

test.concurrent(
  'a session that dies takes its attempt with it; the next one does the task [R60 R211]',
  onQueue(async (play) => {
    const { project, tmux, world } = play;
    project.drop('door', 'Do it.\n');
    const { command, letGo } = play.holdTurns();
    await play.dispatch(1, { agents: { claude: { command } } });
    const { pid } = await waitFor(() => world.events('task')[0], WAIT);
    await tmux.run('kill-session', '-t', '=auto-1:');
    await waitFor(() => !isRunning(pid), WAIT);
    letGo();
    await waitFor(() => project.over('done').includes('door'), WAIT);
    expect(project.result('done', 'door').attempts).toMatchObject([
      { attempt: 1, outcome: 'session_died' },
      { attempt: 2, outcome: 'done' },
    ]);
  }),
);

test.concurrent(
  'an agent that ends in the middle of its task takes the attempt with it [R60 R211]',
  onQueue(async (play) => {
    const { project } = play;
    project.drop('door', '---\nmax_attempts: 1\n---\nDo it.\nstand-in: die\n');
    await play.dispatch();
    await waitFor(() => project.over('failed').includes('door'), WAIT);
    expect(project.result('failed', 'door')).toMatchObject({ error_kind: 'session_died' });
  }),
);

test.concurrent(
  'a dedicated session takes only what names it, not while its person writes, and never gets an exit [R71 R72 R77 R245]',
  onQueue(async (play) => {
    const { project, world } = play;
    const own = await world.startPane(play.tmux, { name: 'main', project: 'house' });
    await own.type('half a sentence');
    await own.shows('half a sentence');
    project.drop('any', 'Do it.\n');
    project.drop('named', '---\nsession: main\n---\nDo it.\n');
    const daemon = await play.dispatch(0, { sessions: { dedicated: [{ name: 'main', accept_tasks: true }] } });
    await daemon.told('task_queued', WAIT_MS);
    await daemon.polls(8);
    expect(typed(play)).toEqual([]);
    await own.press('C-u');
    await waitFor(() => project.over('done').includes('named'), WAIT);
    expect(typed(play)).toEqual(['house:named']);
    expect(project.list('inbox')).toEqual(['any']);
    await daemon.polls(5);
    expect(world.events('exit')).toEqual([]);
  }),
);

test.concurrent(
  'a cancelled task stops: one Escape ends its turn, and its session starts afresh and takes the next [R71 R212]',
  onQueue(async (play) => {
    const { project, world } = play;
    project.drop('door', 'Do it.\nstand-in: take 600000ms\n');
    const daemon = await play.dispatch();
    await daemon.told('task_started', WAIT_MS);
    await isSeenAtWork(daemon);
    await daemon.app.api.tasks.cancel('door', 'not wanted any more');
    expect(project.list('failed')).toEqual(['door']);
    const stopped = await daemon.told('task_stopped', WAIT_MS);
    expect(stopped.data).toMatchObject({ task: 'house:door', reason: 'Escape ended its turn' });
    await daemon.told('session_recycled', WAIT_MS);
    expect(world.events('interrupted')).toHaveLength(1);
    expect(world.events('exit').map(({ reason }) => reason)).toEqual(['/exit']);
    const row = await daemon.app.api.tasks.find('door');
    expect(row).toMatchObject({ status: 'cancelled', reason: 'not wanted any more; Escape ended its turn' });
    project.drop('gate', 'Do it.\n');
    await waitFor(() => project.over('done').includes('gate'), WAIT);
  }),
);

test.concurrent(
  'a cancelled task stops in the session of a person too, which keeps its agent [R72 R77 R212]',
  onQueue(async (play) => {
    const { project, world } = play;
    await world.startPane(play.tmux, { name: 'main', project: 'house' });
    project.drop('door', '---\nsession: main\n---\nDo it.\nstand-in: take 600000ms\n');
    const daemon = await play.dispatch(0, { sessions: { dedicated: [{ name: 'main', accept_tasks: true }] } });
    await daemon.told('task_started', WAIT_MS);
    await isSeenAtWork(daemon);
    await daemon.app.api.tasks.cancel('door', 'by hand');
    await daemon.told('task_stopped', WAIT_MS);
    await waitFor(() => world.events('interrupted').length === 1, WAIT);
    project.drop('gate', '---\nsession: main\n---\nDo it.\n');
    await waitFor(() => project.over('done').includes('gate'), WAIT);
    expect(world.events('interrupted')).toHaveLength(1);
    expect(world.events('exit')).toEqual([]);
  }),
);

test.concurrent(
  'two sessions work side by side, one task each at a time, every lease given back [R80 R219]',
  onQueue(async (play) => {
    const { project, world } = play;
    const stems = ['a', 'b', 'c', 'd'];
    for (const stem of stems) project.drop(stem, 'Do it.\n');
    const { command, letGo } = play.holdTurns();
    const daemon = await play.dispatch(2, { agents: { claude: { command } } });
    // One alone could do all of them while the other is still being made.
    await waitFor(() => world.events('task').length === 2, WAIT);
    letGo();
    await waitFor(() => project.over('done').length === 4, WAIT);
    expect([...typed(play)].sort()).toEqual(stems.map((stem) => `house:${stem}`));
    const bySession = stems.map((stem) => project.result('done', stem).session);
    expect(new Set(bySession)).toEqual(new Set(['auto-1', 'auto-2']));
    const turns = world.events('task');
    expect(new Set(turns.map(({ pid }) => pid)).size).toBe(4);
    // An agent that has left holds nothing either.
    await waitFor(() => daemon.status().accounts.every(({ leases }) => leases === 0), WAIT);
  }),
);

test.concurrent(
  'a thousand tasks that are dropped at once: the first is given out soon, and none is lost',
  onQueue(async (play) => {
    const { project, world } = play;
    const daemon = await play.dispatch(1, dispatching(world, 1, 'auto-', 1));
    await daemon.told('session_created', WAIT_MS);
    await daemon.polls(10);
    const before = process.memoryUsage().rss;
    const startedMs = performance.now();
    for (let n = 0; n < 1000; n++) project.drop(`task-${n}`, `# Task ${n}\nDo it.\n`);
    const droppedMs = performance.now();
    await daemon.told('task_claimed', WAIT_MS);
    const claimedMs = performance.now();
    await daemon.told('task_started', WAIT_MS);
    const typedMs = performance.now();
    const MIB = 1024 * 1024;
    const [dropping, first, given] = [droppedMs, claimedMs, typedMs].map((at) => Math.round(at - startedMs));
    const grown = Math.round((process.memoryUsage().rss - before) / MIB);
    console.log(
      `1,000 files written in ${dropping} ms; first claim after ${first} ms, given to a new agent after ${given} ms; memory +${grown} MiB`,
    );
    await waitFor(() => project.over('done').length >= 1, WAIT);
    // Read in the order in which they move: one on its way is seen twice, never not at all.
    const left = (['inbox', 'claimed', 'done'] as const).flatMap((folder) => project.list(folder));
    expect(new Set(left.map((name) => name.replace(/__.*/, ''))).size).toBe(1000);
    const prompts = typed({ world });
    expect(new Set(prompts).size).toBe(prompts.length);
  }),
);
