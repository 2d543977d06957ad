import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TaskRow, TaskStatus } from '../../src/core/queue/task.ts';
import { ENDED, mayBecome, TASK_STATUSES } from '../../src/core/queue/task.ts';
import { openReadOnly } from '../../src/store/read-only.ts';
import { aTask } from '../support/fake-tasks.ts';
import { openFor } from './support/open.ts';
import { NOON } from './support/rows.ts';
import { tempDir } from './support/temp-dir.ts';

const FULL: TaskRow = aTask({
  model: 'opus',
  timeoutMs: 60_000,
  maxAttempts: 2,
  session: 'ccl-1',
  notBeforeAt: NOON,
  dependsOn: ['web:page'],
  status: 'running',
  attempt: 1,
  requeues: 2,
  claimId: 'c1',
  workSession: 'ccl-auto-11',
  workPane: 'default 1.1 %1 2',
  account: 'work',
  claimedAt: NOON,
  startedAt: NOON + 1,
  retryAt: NOON + 2,
  completion: 'signal',
  errorKind: 'timeout',
  reason: 'r',
  summary: 's',
  attempts: [
    { attempt: 1, session: 's', account: null, startedAt: null, finishedAt: NOON, outcome: 'timeout', reason: null },
  ],
  decisions: [{ account: 'work', reason: 'selected', at: NOON }],
  delivery: { state: 'typed' },
});

describe('tasks in the database', () => {
  test('come back as they were written, also after a restart and for a command without the daemon', async () => {
    const stateDir = tempDir();
    const first = await openFor(stateDir);
    await first.tasks.save([FULL], [], [{ type: 'task_queued' }], NOON);
    await first.close();
    const { tasks, local } = await openFor(stateDir);
    expect(await tasks.task(FULL.id)).toEqual(FULL);
    expect(await tasks.taskByClaim('c1')).toEqual(FULL);
    expect(await local.events({ limit: 1 })).toMatchObject([{ type: 'task_queued', at: NOON }]);
    const reader = openReadOnly(stateDir);
    expect(await reader.tasks.task(FULL.id)).toEqual(FULL);
    reader.close();
  });

  test('[R209] of several moves from one state one is made, with its event', async () => {
    const { tasks, local } = await openFor(tempDir());
    await tasks.save([FULL], [], [], NOON);
    const moves = await Promise.all(
      (['done', 'failed', 'done'] as const).map((to) =>
        tasks.move(FULL.id, ['running'], to, { finishedAt: NOON + 5 }, [{ type: `task_${to}` }], NOON + 5),
      ),
    );
    expect(moves.map((row) => row?.status ?? null)).toEqual(['done', null, null]);
    expect(moves[0]).toMatchObject({ statusSince: NOON + 5, finishedAt: NOON + 5 });
    expect(await local.events({ limit: 9 })).toHaveLength(1);
    expect(await tasks.move('nobody', TASK_STATUSES, 'done', {}, [], NOON)).toBeNull();
  });

  test('[R209] no move that is not legal is written, whatever is asked', async () => {
    const { tasks } = await openFor(tempDir());
    const status = fc.constantFrom<TaskStatus>(...TASK_STATUSES);
    await fc.assert(
      fc.asyncProperty(status, status, async (from, to) => {
        await tasks.save([aTask({ status: from })], [], [], NOON);
        const move = tasks.move('api:fix-login', TASK_STATUSES, to, {}, [], NOON);
        if (mayBecome(from, to)) expect((await move)?.status).toBe(to);
        else await expect(move).rejects.toMatchObject({ code: 'task_move' });
      }),
      { numRuns: 60 },
    );
  });

  test('[R80] a session has one task under way', async () => {
    const { tasks } = await openFor(tempDir());
    const other = aTask({ id: 'api:b', status: 'queued' });
    await tasks.save([FULL, other], [], [], NOON);
    const take = tasks.move('api:b', ['queued'], 'claimed', { workSession: 'ccl-auto-11' }, [], NOON);
    await expect(take).rejects.toMatchObject({ code: 'task_session_taken' });
    expect((await tasks.task('api:b'))?.status).toBe('queued');
    await tasks.move(FULL.id, ['running'], 'done', {}, [], NOON);
    expect(await tasks.move('api:b', ['queued'], 'claimed', { workSession: 'ccl-auto-11' }, [], NOON)).not.toBeNull();
  });

  test('are listed by state, project and session, a page at a time, none twice', async () => {
    const { tasks } = await openFor(tempDir());
    const rows = Array.from({ length: 25 }, (_, i) =>
      aTask({
        id: `${i % 2 === 0 ? 'api' : 'web'}:t${i}`,
        taskId: `t${i}`,
        project: i % 2 === 0 ? '/src/api' : '/src/web',
        status: i % 5 === 0 ? 'failed' : 'queued',
        statusSince: NOON + (i % 3),
        claimId: i === 10 ? 'c' : null,
      }),
    );
    await tasks.save(rows, [], [], NOON);
    const ids = async (filter: object) => (await tasks.tasks({ limit: 99, ...filter })).map(({ taskId }) => taskId);
    expect(await ids({ statuses: ['failed'], project: 'api' })).toEqual(['t20', 't10', 't0']);
    expect((await ids({ project: '/src/web' })).length).toBe(12);
    expect(await ids({ statuses: ENDED, hasClaim: true })).toEqual(['t10']);
    expect(await ids({ taskId: 't3' })).toEqual(['t3']);
    const seen: string[] = [];
    for (let after: { statusSince: number; id: string } | undefined; ; ) {
      const page = await tasks.tasks({ limit: 4, ...(after && { after }) });
      seen.push(...page.map(({ id }) => id));
      const last = page.at(-1);
      if (last === undefined) break;
      after = { statusSince: last.statusSince, id: last.id };
    }
    expect(seen).toHaveLength(25);
    expect(new Set(seen).size).toBe(25);
  });

  test('are counted by state, with the age of the oldest that waits', async () => {
    const { tasks } = await openFor(tempDir());
    expect(await tasks.counts()).toMatchObject({ byStatus: { queued: 0, done: 0 }, oldestAt: null });
    await tasks.save(
      [
        aTask({ id: 'a:1', createdAt: NOON - 5, status: 'done' }),
        aTask({ id: 'a:2', createdAt: NOON - 3, status: 'retry_wait' }),
        aTask({ id: 'a:3', createdAt: NOON - 2 }),
      ],
      [],
      [],
      NOON,
    );
    expect(await tasks.counts()).toMatchObject({ byStatus: { queued: 1, done: 1, retry_wait: 1 }, oldestAt: NOON - 3 });
    await tasks.save([], ['a:2', 'a:3'], [], NOON);
    expect(await tasks.counts()).toMatchObject({ byStatus: { queued: 0 }, oldestAt: null });
  });

  test('are counted for each queue', async () => {
    const { tasks } = await openFor(tempDir());
    expect(await tasks.countsByProject()).toEqual([]);
    await tasks.save(
      [
        aTask({ id: 'web:1', project: '/src/web', status: 'failed' }),
        aTask({ id: 'api:1', project: '/src/api' }),
        aTask({ id: 'api:2', project: '/src/api' }),
        aTask({ id: 'api:3', project: '/src/api', status: 'running' }),
      ],
      [],
      [],
      NOON,
    );
    expect(await tasks.countsByProject()).toMatchObject([
      { project: '/src/api', byStatus: { queued: 2, running: 1, failed: 0 } },
      { project: '/src/web', byStatus: { queued: 0, failed: 1 } },
    ]);
  });
});
