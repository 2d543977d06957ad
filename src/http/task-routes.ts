/** The routes of the task queue. */
import type { Context, Hono } from 'hono';
import type { NewTask } from '../core/queue/new-task.ts';
import { NEW_TASK_KEYS } from '../core/queue/new-task.ts';
import type { TaskRow } from '../core/queue/task.ts';
import { TASK_STATUSES } from '../core/queue/task.ts';
import { taskDetailView, taskView } from '../core/queue/view.ts';
import type { TaskListFilter, TasksApi, TaskWishAnswer } from '../ports/tasks.ts';
import { problem } from './guard.ts';
import { BadRequest, readBody, readLimit, readText, refuseUnknownQuery } from './parameters.ts';

type Send = (context: Context, value: object, status?: 200 | 202) => Response;

export const TASK_READS = ['/tasks'] as const;
export const TASK_TRIGGERS = ['/tasks', '/trigger/dispatch'] as const;

export function addTaskRoutes(app: Hono, { tasks }: { readonly tasks: TasksApi }, send: Send): void {
  app.get('/tasks', async (context) => {
    refuseUnknownQuery(context, ['status', 'project', 'limit', 'cursor']);
    const filter = readFilter(context);
    // One more than asked for says whether there are more.
    const rows = await tasks.list({ ...filter, limit: filter.limit + 1 });
    const shown = rows.slice(0, filter.limit);
    const last = rows.length > shown.length ? shown.at(-1) : undefined;
    return send(context, { tasks: shown.map(taskView), cursor: last === undefined ? null : cursorOf(last) });
  });
  app.get('/tasks/:id', async (context) => {
    const found = await tasks.find(context.req.param('id'));
    if (found === 'unknown') return problem(context, 404, 'not_found', 'there is no such task');
    if (found === 'several') return problem(context, 400, 'several_tasks', 'several projects have a task of this name');
    return send(context, { task: taskDetailView(found) });
  });
  app.post('/tasks', async (context) => {
    const { project, wish } = await readNewTask(context);
    return answer(context, await tasks.add(project, wish));
  });
  app.post('/tasks/:id/retry', async (context) => {
    await readBody(context, []);
    return answer(context, await tasks.retry(context.req.param('id')));
  });
  app.post('/tasks/:id/cancel', async (context) => {
    const reason = readText(await readBody(context, ['reason']), 'reason', 200) ?? 'cancelled by hand';
    return answer(context, await tasks.cancel(context.req.param('id'), reason));
  });
  app.post('/trigger/dispatch', async (context) => {
    await readBody(context, []);
    tasks.dispatch();
    return send(context, { dispatch: true }, 202);
  });

  function answer(context: Context, given: TaskWishAnswer): Response {
    if (given.kind === 'refused') return problem(context, REFUSALS[given.reason] ?? 409, given.reason, given.detail);
    const task = given.row === null ? {} : { task: taskView(given.row) };
    return send(context, { detail: given.detail, ...task }, 202);
  }
}

/** Whether these routes take a POST at this path. */
export function isTaskTrigger(path: string): boolean {
  return /^\/tasks\/[^/]+\/(?:retry|cancel)$/.test(path);
}

/** Every other reason is a state that may change: 409. */
const REFUSALS: Readonly<Record<string, 400 | 404 | 422>> = {
  unknown_task: 404,
  unknown_project: 404,
  several_tasks: 400,
  bad_task: 422,
};

/** `?status=a,b&project=&limit=&cursor=`. @throws {BadRequest} */
function readFilter(context: Context): TaskListFilter {
  const words = (context.req.queries('status') ?? []).flatMap((text) => text.split(','));
  const statuses = words.flatMap((word) => TASK_STATUSES.filter((status) => status === word));
  if (statuses.length < words.length) throw new BadRequest(`status must be one or more of ${TASK_STATUSES.join(', ')}`);
  const project = context.req.query('project');
  const cursor = context.req.query('cursor');
  return {
    limit: readLimit(context),
    ...(words.length === 0 ? {} : { statuses }),
    ...(project === undefined ? {} : { project }),
    ...(cursor === undefined ? {} : { after: readCursor(cursor) }),
  };
}

function cursorOf({ statusSince, id }: TaskRow): string {
  return `${statusSince}.${id}`;
}

function readCursor(text: string): { readonly statusSince: number; readonly id: string } {
  const [, statusSince, id] = /^(\d{1,15})\.(.+)$/s.exec(text) ?? [];
  if (statusSince === undefined || id === undefined) throw new BadRequest('cursor must be one that an answer gave');
  return { statusSince: Number(statusSince), id };
}

async function readNewTask(context: Context): Promise<{ readonly project: string; readonly wish: NewTask }> {
  const body = await readBody(context, ['project', ...NEW_TASK_KEYS]);
  const project = readText(body, 'project', 4096);
  if (project === null) throw new BadRequest('project must name a project with a queue');
  const { text, max_attempts: maxAttempts, depends_on: dependsOn } = body;
  if (typeof text !== 'string' || text.trim() === '') throw new BadRequest('text must say what is to be done');
  if (maxAttempts !== undefined && typeof maxAttempts !== 'number')
    throw new BadRequest('max_attempts must be a whole number');
  if (dependsOn !== undefined && !(Array.isArray(dependsOn) && dependsOn.every((entry) => typeof entry === 'string')))
    throw new BadRequest('depends_on must be a list of texts');
  const words = ['id', 'title', 'priority', 'model', 'timeout', 'session', 'not_before'].flatMap((key) => {
    const value = readText(body, key, 200);
    return value === null ? [] : [[key, value]];
  });
  return {
    project,
    wish: {
      ...(Object.fromEntries(words) as Partial<NewTask>),
      text,
      ...(maxAttempts === undefined ? {} : { max_attempts: maxAttempts }),
      ...(dependsOn === undefined ? {} : { depends_on: dependsOn as readonly string[] }),
    },
  };
}
