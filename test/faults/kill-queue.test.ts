/** kill -9 of two daemons that share the same projects: every task is done exactly once, and none is lost. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mergeSections, writeConfig } from '../support/daemon-config.ts';
import { type DaemonProcess, startDaemonProcess } from '../support/daemon-process.ts';
import { keepShells } from '../support/kept.ts';
import { StandInWorld } from '../support/stand-in/index.ts';
import { dispatching, projectsDir, type TaskProject, taskProject } from '../support/task-files.ts';
import { startTmux, type TestTmux } from '../support/tmux.ts';
import { waitFor } from '../support/wait.ts';

const IS_LONG = process.env.CF_LONG === '1';
const TASKS = IS_LONG ? 200 : 8;
const SESSIONS = IS_LONG ? 5 : 2;
const KILLS = IS_LONG ? 120 : 4;
/** A daemon lives so long at most before one is killed. */
const LIFE_MS = IS_LONG ? 1500 : 4000;

/** A daemon with accounts, sessions and a state directory of its own. */
interface Side {
  readonly world: StandInWorld;
  readonly tmux: TestTmux;
  readonly config: string;
  daemon: DaemonProcess | null;
}

let sides: readonly Side[] = [];
let projects: readonly TaskProject[] = [];

beforeAll(async () => {
  const first = new StandInWorld();
  projects = ['house', 'garden'].map((name) => taskProject(first, name));
  const shared = projectsDir(first);
  const make = async (world: StandInWorld, prefix: string): Promise<Side> => {
    const tmux = await startTmux();
    await keepShells(world, tmux);
    const base = dispatching(world, SESSIONS, prefix);
    const changes = mergeSections(base, {
      dispatcher: { projects_dir: shared },
      quota: { poll_interval: '200ms' },
      watcher: { done_signal_dir: join(world.root, 'state', 'signals') },
    });
    return { world, tmux, config: writeConfig(world, tmux, changes), daemon: null };
  };
  sides = [await make(first, 'one-'), await make(new StandInWorld(), 'two-')];
});

afterAll(async () => {
  for (const { daemon } of sides) await daemon?.end('SIGKILL');
  for (const { tmux } of sides) await tmux.kill();
  for (const { world } of [...sides].reverse()) world.remove();
});

test(`two daemons, ${TASKS} tasks, up to ${KILLS} kills: each task typed once and done once, none lost [R81 R205 R210 R263]`, {
  timeout: IS_LONG ? 30 * 60_000 : 400_000,
}, async () => {
  for (let n = 0; n < TASKS; n++) {
    const project = projects[n % projects.length];
    project?.drop(`task-${n}`, `---\npriority: ${n % 3 === 0 ? 'high' : 'low'}\n---\n# Task ${n}\nDo it.\n`);
  }
  for (const side of sides) side.daemon = await startDaemonProcess(side.world, side.config);
  const all = Array.from({ length: TASKS }, (_, n) => `task-${n}`).sort();
  const done = (): readonly string[] => projects.flatMap((project) => project.over('done')).sort();
  const startedMs = performance.now();
  let kills = 0;
  while (kills < KILLS && done().length < TASKS) {
    const side = sides[Math.random() < 0.5 ? 0 : 1] as Side;
    const end = performance.now() + Math.random() * LIFE_MS;
    await waitFor(() => performance.now() >= end, { timeoutMs: LIFE_MS + 20_000, everyMs: 2 });
    await side.daemon?.end('SIGKILL');
    side.daemon = await startDaemonProcess(side.world, side.config);
    kills++;
  }
  await waitFor(
    () => {
      if (done().length === TASKS) return true;
      const states = projects.map(
        (project) => `${project.list('inbox')} | ${project.list('claimed')} | ${project.list('failed')}`,
      );
      throw new Error(
        `${done().length} of ${TASKS} are done; inbox | claimed | failed: ${states}\n${sides.map(({ daemon }) => daemon?.log()).join('\n')}`,
      );
    },
    { timeoutMs: IS_LONG ? 20 * 60_000 : 300_000, everyMs: 100 },
  );
  console.log(`${TASKS} tasks, ${kills} kills, ${Math.round((performance.now() - startedMs) / 1000)} s`);
  expect(done()).toEqual(all);
  const ids = projects
    .flatMap((project, p) =>
      all.filter((stem) => Number(stem.slice(5)) % projects.length === p).map((stem) => `${project.name}:${stem}`),
    )
    .sort();
  const typed = sides.flatMap(({ world }) =>
    world.prompts().flatMap((text) => /^Task id: (.+)$/m.exec(text)?.[1] ?? []),
  );
  expect(typed.sort()).toEqual(ids);
  const ended = sides.flatMap(({ world }) => world.events('task-done').map(({ text }) => text));
  expect(ended.sort()).toEqual(ids);
  for (const project of projects) {
    expect([project.list('inbox'), project.list('claimed'), project.list('failed')]).toEqual([[], [], []]);
    for (const stem of project.list('done')) expect(project.result('done', stem)).toMatchObject({ status: 'done' });
  }
});
