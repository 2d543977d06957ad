/** Tasks made by hand, and an API that serves them and remembers what it was asked. */
import type { TaskRow, TaskStatus } from '../../src/core/queue/task.ts';
import { TASK_STATUSES } from '../../src/core/queue/task.ts';
import { HOUR, MINUTE } from '../../src/core/time.ts';
import type { TasksApi, TaskWishAnswer } from '../../src/ports/tasks.ts';

const NOW = Date.UTC(2026, 0, 5, 12);

export function aTask(change: Partial<TaskRow> = {}): TaskRow {
  return {
    id: 'api:fix-login',
    project: '/src/api',
    taskId: 'fix-login',
    stem: 'fix-login',
    path: '/src/api/.agent-queue/inbox/fix-login.md',
    title: 'Fix the login',
    priority: 'high',
    model: null,
    timeoutMs: null,
    maxAttempts: null,
    session: null,
    notBeforeAt: null,
    dependsOn: [],
    meta: { tags: ['web'] },
    status: 'queued',
    statusSince: NOW - 10 * MINUTE,
    attempt: 0,
    requeues: 0,
    claimId: null,
    workSession: null,
    workPane: null,
    account: null,
    createdAt: NOW - HOUR,
    claimedAt: null,
    startedAt: null,
    finishedAt: null,
    retryAt: null,
    completion: null,
    errorKind: null,
    reason: null,
    summary: null,
    attempts: [],
    decisions: [],
    delivery: null,
    ...change,
  };
}

export function byStatusOf(rows: readonly TaskRow[]): Readonly<Record<TaskStatus, number>> {
  const counts = TASK_STATUSES.map((status) => [status, rows.filter((row) => row.status === status).length]);
  return Object.fromEntries(counts) as Record<TaskStatus, number>;
}

/** A task that failed, and one that waits; `twin` is the name of several. */
export const SOME_TASKS: readonly TaskRow[] = [
  aTask({
    id: 'web:page',
    taskId: 'page',
    stem: 'page',
    project: '/src/web',
    path: '/src/web/.agent-queue/failed/page.md',
    title: 'Write the page',
    priority: 'default',
    status: 'failed',
    statusSince: NOW - 5 * MINUTE,
    attempt: 3,
    errorKind: 'session_died',
    decisions: [
      { account: 'work-2', reason: 'limit', at: NOW - 10 * MINUTE },
      { account: 'work-1', reason: 'selected', at: NOW - 10 * MINUTE },
    ],
    reason: 'its session is gone; that was attempt 3 of 3',
    finishedAt: NOW - 5 * MINUTE,
    attempts: [
      {
        attempt: 3,
        session: 'ccl-auto-11',
        account: 'work-1',
        startedAt: NOW - 9 * MINUTE,
        finishedAt: NOW - 5 * MINUTE,
        outcome: 'session_died',
        reason: 'its session is gone',
      },
    ],
  }),
  aTask(),
];

export function fakeTasks(note: (name: string, argument: unknown) => void): TasksApi {
  const answer = (name: string): TaskWishAnswer => {
    const row = SOME_TASKS.find(({ id, taskId }) => id === name || taskId === name);
    if (row === undefined) return { kind: 'refused', reason: 'unknown_task', detail: `there is no task ${name}` };
    if (row.status === 'queued') return { kind: 'refused', reason: 'not_ended', detail: `${name} has not ended` };
    return { kind: 'done', row, detail: `${row.id} waits in the inbox again` };
  };
  return {
    async list(filter) {
      note('tasks', filter);
      return SOME_TASKS.filter(({ status }) => filter.statuses?.includes(status) ?? true).slice(0, filter.limit);
    },
    async counts() {
      const projects = new Set(SOME_TASKS.map(({ project }) => project));
      return [...projects].map((project) => ({
        project,
        byStatus: byStatusOf(SOME_TASKS.filter((row) => row.project === project)),
      }));
    },
    async find(name) {
      if (name === 'twin') return 'several';
      return SOME_TASKS.find(({ id, taskId }) => id === name || taskId === name) ?? 'unknown';
    },
    async add(project, wish) {
      note('addTask', { project, wish });
      if (project !== 'api') return { kind: 'refused', reason: 'unknown_project', detail: `${project} has no queue` };
      return { kind: 'done', row: null, detail: 'api:new waits' };
    },
    async cancel(name, reason) {
      note('cancelTask', { name, reason });
      return answer(name);
    },
    async retry(name) {
      note('retryTask', name);
      return answer(name);
    },
    dispatch: () => note('dispatch', null),
  };
}
