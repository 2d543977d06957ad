/** What a real pane's transcript says of tokens, and how a real task ended, are in the figures of their accounts. */
import { expect, test, vi } from 'vitest';
import { HOUR } from '../support/daemon.ts';
import { keepShells } from '../support/kept.ts';
import { onStage } from '../support/stage.ts';
import { dispatching, taskProject } from '../support/task-files.ts';
import { waitFor } from '../support/wait.ts';

/** On a machine that may be busy. */
const WAIT = { timeoutMs: 150_000 };
vi.setConfig({ testTimeout: 300_000 });

/** What the stand-in says that each of its answers used: 10 in, 9 out. */
const ANSWER = 19;

test.concurrent(
  'each answer is charged to the account it was given under, before a swap and after it [R168]',
  onStage(async ({ world, tmux, start }) => {
    const pane = await world.startPane(tmux, { name: 'a' });
    const daemon = await start();
    await pane.say('say hello');
    await waitFor(() => world.servedBy().length === 1, WAIT);
    world.setLimit('work-1', { kind: 'five_hour', resetsAt: Date.now() + 3 * HOUR });
    await pane.say('do the work');
    await daemon.swapDone();
    const used = async (): Promise<Record<string, number | undefined>> => {
      await daemon.app.supervisor.runOnce('tokens');
      const { accounts, total } = await daemon.app.api.records.stats('last7d');
      const rows = accounts.map(({ account, tokens }) => [account, tokens?.total_tokens] as const);
      return { ...Object.fromEntries(rows), all: total.tokens?.total_tokens };
    };
    await waitFor(async () => (await used()).all === 2 * ANSWER, WAIT);
    expect(await used()).toMatchObject({ 'work-1': ANSWER, 'work-2': ANSWER, all: 2 * ANSWER });
    expect((await daemon.app.api.records.stats('last7d')).total.top_models).toHaveLength(1);
  }),
);

test.concurrent(
  'a task that was done is counted for its account and its project, with how long it took [R168]',
  onStage(async ({ world, tmux, start }) => {
    await keepShells(world, tmux);
    const project = taskProject(world);
    project.drop('door', 'Mend it.\n');
    const daemon = await start({ changes: dispatching(world, 1) });
    await waitFor(() => project.over('done').includes('door'), WAIT);
    const { total, accounts } = await daemon.app.api.records.stats('last7d');
    expect(total.tasks).toMatchObject({ done: 1, failed: 0, timeout: 0 });
    expect(total.tasks?.median_ms).toBeGreaterThan(0);
    expect(total.top_projects).toEqual([{ project: project.path, tasks: 1 }]);
    expect(accounts.find(({ account }) => account === 'work-1')?.tasks?.done).toBe(1);
  }),
);
