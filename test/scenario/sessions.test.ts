/** Kept sessions under a whole daemon over a real tmux: made, adopted, started, recycled, made anew; and what is never ended. */
import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { HOUR } from '../support/daemon.ts';
import type { ConfigChanges } from '../support/daemon-config.ts';
import { keepShells, keptOf } from '../support/kept.ts';
import type { Stage } from '../support/stage.ts';
import { onStage } from '../support/stage.ts';
import type { TestTmux } from '../support/tmux.ts';
import { waitFor } from '../support/wait.ts';

const AUTO = { prefix: 'auto-', start_index: 1 };
const SHORT = { lifecycle: { reconcile_interval: '1s', launch_timeout: '60s' } };
const names = async (tmux: TestTmux): Promise<readonly string[]> =>
  (await tmux.run('list-sessions', '-F', '#{session_name}')).split('\n').sort();
const panes = async (tmux: TestTmux): Promise<readonly string[]> =>
  (await tmux.run('list-panes', '-a', '-F', '#{session_name} #{pane_id} #{pane_pid}')).split('\n').sort();

/** Tasks are handed out by the test itself. */
const KEEPING = ['reconciler', 'watcher', 'quota-monitor', 'lifecycle'];

/** A stage whose new sessions have the world's shell. */
function onKeptStage(play: (stage: Stage) => Promise<void>): () => Promise<void> {
  return onStage(async (stage) => {
    await keepShells(stage.world, stage.tmux);
    await play(stage);
  });
}

function autonomous(stage: Stage, more: object): ConfigChanges {
  return { ...SHORT, sessions: { autonomous: { ...AUTO, workdir: stage.world.project('work'), ...more } } };
}

test.concurrent(
  'sessions that must be there are made in their directory, and one that dies is made again [R60 R61]',
  onKeptStage(async (stage) => {
    const { world, tmux, start } = stage;
    const daemon = await start({ changes: autonomous(stage, { min: 2, max: 3 }) });
    const kept = await keptOf(world);
    await kept.is('auto-1', 'idle');
    const { pane } = await kept.is('auto-2', 'idle');
    expect(await names(tmux)).toEqual(['auto-1', 'auto-2', 'somebody']);
    const cwd = await tmux.run('display-message', '-p', '-t', pane?.paneId ?? '', '#{pane_current_path}');
    expect(cwd).toBe(realpathSync(join(world.root, 'work')));

    await tmux.run('kill-session', '-t', '=auto-1:');
    const again = await kept.is('auto-1', 'idle', (row) => row.restarts.length === 1);
    expect(again.isOurs).toBe(true);
    expect((await daemon.events('session_created')).map(({ session }) => session)).toEqual(
      expect.arrayContaining(['auto-1', 'auto-2', 'auto-1']),
    );
    await kept.close();
  }),
);

test.concurrent(
  'a session that is there already is adopted as it is, whatever runs in it [R61]',
  onKeptStage(async (stage) => {
    const { world, tmux, start } = stage;
    const busy = await world.startPane(tmux, { name: 'auto-1', env: { STAND_IN_TURN_MS: '600000' } });
    await busy.say('a long turn');
    await busy.shows('esc to interrupt');
    const before = await panes(tmux);
    await start({ changes: autonomous(stage, { min: 1, max: 1 }) });
    const kept = await keptOf(world);
    const row = await kept.is('auto-1', 'working');
    expect(row).toMatchObject({ isOurs: false, taskId: null, cause: 'it was there already' });
    expect(await panes(tmux)).toEqual(before);
    await kept.close();
  }),
);

test.concurrent(
  'a dedicated session is made with its agent, whose arguments arrive as they are [R87 R61]',
  onKeptStage(async ({ world, tmux, start }) => {
    const project = join(world.root, "it's a #(project)");
    mkdirSync(project);
    const args = ['--permission-mode', "it's $(touch /tmp/x); `y`", '--session-id', '*'];
    await start({
      changes: { ...SHORT, agents: { claude: { args } }, sessions: { dedicated: [{ name: 'main', project }] } },
    });
    const kept = await keptOf(world);
    const row = await kept.is('main', 'idle', ({ launchedAt }) => launchedAt !== null);
    expect(row).toMatchObject({ kind: 'dedicated', isOurs: true });
    await waitFor(() => world.events('start').length > 0);
    expect(world.events('start').map(({ argv }) => argv)).toEqual([args]);
    const agentCwd = await tmux.run('display-message', '-p', '-t', row.pane?.paneId ?? '', '#{pane_current_path}');
    expect(agentCwd).toBe(realpathSync(project));
    await kept.close();
  }),
);

test.concurrent(
  'an autonomous session gets a fresh agent for each task [R71]',
  onKeptStage(async (stage) => {
    const { world, start } = stage;
    const project = world.project('p');
    await start({ changes: autonomous(stage, { min: 1, max: 1 }), loops: KEEPING });
    const kept = await keptOf(world);
    const plan = { argv: ['claude', '--model', 'opus'], cwd: project, configDir: null };
    for (const task of ['p:1', 'p:2']) {
      await kept.is('auto-1', 'idle', (row) => row.taskId === null);
      await kept.move('auto-1', { kind: 'assigned', taskId: task, launch: plan, hasAgent: false });
      await kept.is('auto-1', 'idle', (row) => row.taskId === task);
      await kept.move('auto-1', { kind: 'submitted' });
      await kept.move('auto-1', { kind: 'completed', detail: 'signal' });
    }
    await kept.is('auto-1', 'idle', (row) => row.taskId === null && row.launch === null);
    expect(world.events('start').map(({ argv }) => argv)).toEqual([plan.argv.slice(1), plan.argv.slice(1)]);
    expect(world.events('exit').map(({ reason }) => reason)).toEqual(['/exit', '/exit']);
    await kept.close();
  }),
);

test.concurrent(
  'the task of an agent that ends under it is lost to its session, which can be used again [R60]',
  onKeptStage(async (stage) => {
    const { world, tmux, start } = stage;
    const daemon = await start({ changes: autonomous(stage, { min: 1, max: 1 }), loops: KEEPING });
    const kept = await keptOf(world);
    await kept.is('auto-1', 'idle');
    const plan = { argv: ['claude'], cwd: world.project('p'), configDir: null };
    await kept.move('auto-1', { kind: 'assigned', taskId: 'p:1', launch: plan, hasAgent: false });
    const ready = await kept.is('auto-1', 'idle', (row) => row.taskId === 'p:1');
    await kept.move('auto-1', { kind: 'submitted' });
    const agent = await waitFor(() => world.events('start')[0]);
    process.kill(agent.pid, 'SIGKILL');
    const told = await daemon.told('session_failed');
    expect(told.data).toMatchObject({ why: 'session_died', task: 'p:1' });
    const back = await kept.is('auto-1', 'idle', (row) => row.lost?.taskId === 'p:1');
    expect(back).toMatchObject({ taskId: null, pane: ready.pane, isOurs: true });
    expect(back.crashedAt).not.toBeNull();
    expect(back.restarts).toHaveLength(1);

    // The same when the whole session goes.
    await kept.move('auto-1', { kind: 'settled', taskId: 'p:1' });
    await kept.move('auto-1', { kind: 'assigned', taskId: 'p:2', launch: plan, hasAgent: false });
    await kept.is('auto-1', 'idle', (row) => row.taskId === 'p:2');
    await kept.move('auto-1', { kind: 'submitted' });
    await tmux.run('kill-session', '-t', '=auto-1:');
    const anew = await kept.is('auto-1', 'idle', (row) => row.lost?.taskId === 'p:2');
    expect(anew.pane).not.toEqual(ready.pane);
    await kept.close();
  }),
);

test.concurrent(
  'a session that keeps dying is left alone for an hour, and that is told once [R220]',
  onKeptStage(async (stage) => {
    const { world, tmux, start } = stage;
    const changes = autonomous(stage, { min: 1, max: 1 });
    const daemon = await start({
      changes: { ...changes, lifecycle: { reconcile_interval: '1s', max_restarts_per_hour: 1 } },
    });
    const kept = await keptOf(world);
    for (let restarts = 0; restarts < 2; restarts++) {
      await kept.is('auto-1', 'idle', (row) => row.restarts.length === restarts);
      await tmux.run('kill-session', '-t', '=auto-1:');
    }
    const held = await kept.is('auto-1', 'failed', (row) => row.heldUntil !== null);
    expect((held.heldUntil ?? 0) - held.stateSince).toBeGreaterThan(HOUR - 10_000);
    await daemon.polls(10);
    expect(await daemon.events('session_crash_loop')).toHaveLength(1);
    expect(await names(tmux)).toEqual(['somebody']);
    await kept.close();
  }),
);

test.concurrent(
  'the daemon starts and stops fifty times and no pane is ended, its own or anybody’s [R94 R244 R276]',
  onKeptStage(async (stage) => {
    const { world, tmux, start } = stage;
    await world.startPane(tmux, { name: 'adopted' });
    const sessions = {
      dedicated: [{ name: 'main', project: world.project('main') }],
      autonomous: { ...AUTO, workdir: world.project('work'), min: 1, max: 2 },
    };
    const changes = { ...SHORT, sessions };
    const first = await start({ changes, loops: KEEPING });
    const kept = await keptOf(world);
    await kept.is('auto-1', 'idle');
    await kept.is('main', 'idle', ({ launchedAt }) => launchedAt !== null);
    const plan = { argv: ['claude'], cwd: world.project('p'), configDir: null };
    await kept.move('auto-1', { kind: 'assigned', taskId: 'p:1', launch: plan, hasAgent: false });
    await kept.is('auto-1', 'idle', (row) => row.taskId === 'p:1');
    await kept.move('auto-1', { kind: 'submitted' });
    await first.stop();
    const before = await panes(tmux);
    const starts = world.events('start').length;
    for (let i = 0; i < 50; i++) {
      const daemon = await start({ changes, loops: KEEPING });
      await daemon.polls(3);
      await daemon.stop();
    }
    expect(await panes(tmux)).toEqual(before);
    expect(world.events('start')).toHaveLength(starts);
    expect(await kept.row('auto-1')).toMatchObject({ state: 'working', taskId: 'p:1', restarts: [] });
    await kept.close();
  }),
  600_000,
);

test.concurrent(
  'an agent that does not start is told with what its shell said, and its command is typed once [R246]',
  onKeptStage(async ({ world, tmux, start }) => {
    const sessions = { dedicated: [{ name: 'main', project: world.project('main') }] };
    const agents = { claude: { command: 'no-such-agent' } };
    const changes = { agents, sessions, lifecycle: { reconcile_interval: '1s', launch_timeout: '15s' } };
    const daemon = await start({ changes, loops: KEEPING });
    const { data } = await daemon.told('session_failed');
    expect(data.detail).toMatch(/its agent did not start: .*no-such-agent.*not found/);
    const kept = await keptOf(world);
    const { pane } = await kept.is('main', 'idle');
    await daemon.polls(10);
    const screen = await tmux.run('capture-pane', '-p', '-J', '-t', pane?.paneId ?? '');
    expect(screen.match(/&& no-such-agent/g)).toHaveLength(1);
    expect(await daemon.events('session_failed')).toHaveLength(1);
    await kept.close();
  }),
);

test.concurrent(
  'nothing is made, typed or ended while the daemon is paused or only observes [R272 R285]',
  onKeptStage(async (stage) => {
    const { world, tmux, start } = stage;
    const changes = autonomous(stage, { min: 1, max: 1 });
    const daemon = await start({ changes: { ...changes, mode: 'observe' } });
    await daemon.polls(8);
    expect(await names(tmux)).toEqual(['somebody']);
    await daemon.stop();
    const second = await start({ changes });
    const kept = await keptOf(world);
    await kept.is('auto-1', 'idle');
    await second.app.api.pause('by hand');
    await tmux.run('kill-session', '-t', '=auto-1:');
    await kept.is('auto-1', 'missing');
    await second.polls(8);
    expect(await names(tmux)).toEqual(['somebody']);
    await second.app.api.resume();
    await kept.is('auto-1', 'idle');
    await kept.close();
  }),
);

test.concurrent(
  'what a working session shows is kept, masked, for whoever goes on with its task [R222]',
  onKeptStage(async (stage) => {
    const { world, start } = stage;
    const secret = `sk-ant-api03-${'x'.repeat(40)}`;
    const changes = { ...autonomous(stage, { min: 1, max: 1 }), checkpoint: { interval: '1s', keep: 2, lines: 50 } };
    await start({ changes, loops: KEEPING });
    const kept = await keptOf(world);
    await kept.is('auto-1', 'idle');
    const plan = { argv: ['claude'], cwd: world.project('p'), configDir: null };
    await kept.move('auto-1', { kind: 'assigned', taskId: 'p:1', launch: plan, hasAgent: false });
    const { pane } = await kept.is('auto-1', 'idle', (row) => row.taskId === 'p:1');
    await kept.move('auto-1', { kind: 'submitted' });
    for (let i = 0; i < 4; i++) {
      const seen = (await kept.checkpoints('auto-1'))[0]?.hash;
      await stage.tmux.run('send-keys', '-t', pane?.paneId ?? '', '-l', `${i} ${secret} `);
      await waitFor(async () => (await kept.checkpoints('auto-1'))[0]?.hash !== seen);
    }
    const checkpoints = await kept.checkpoints('auto-1');
    expect(checkpoints).toHaveLength(2);
    expect(checkpoints[0]).toMatchObject({ taskId: 'p:1', cwd: realpathSync(plan.cwd) });
    expect(checkpoints[0]?.lines).toContain('[masked]');
    expect(JSON.stringify(checkpoints)).not.toContain('sk-ant-api03');
    await kept.close();
  }),
);
