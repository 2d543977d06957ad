/** What the daemon's doors ask about tasks. */
import { composeTask } from '../core/queue/new-task.ts';
import type { TaskRow } from '../core/queue/task.ts';
import { taskKey } from '../core/queue/task.ts';
import type { QueueFacts } from '../core/queue/view.ts';
import type { QueueDir, TaskReads } from '../ports/queue.ts';
import type { TasksApi, TaskWishAnswer } from '../ports/tasks.ts';
import type { Clock } from '../ports.ts';
import type { QueueSummary, TaskQueue } from './task-queue.ts';

export interface TasksApiPorts {
  readonly queue: TaskQueue;
  readonly queueDir: QueueDir;
  readonly tasks: TaskReads;
  readonly clock: Pick<Clock, 'now'>;
  readonly newId: () => string;
  /** Has the dispatcher look at everything as soon as it can. */
  readonly look: () => void;
}

export function createTasksApi(ports: TasksApiPorts): TasksApi {
  const { queue, tasks, clock, look } = ports;
  const withTask = async (name: string, act: (id: string) => Promise<TaskWishAnswer>): Promise<TaskWishAnswer> => {
    const found = await findTask(tasks, name);
    if (found === 'unknown') return refused('unknown_task', `there is no task ${name}`);
    if (found === 'several')
      return refused('several_tasks', `several projects have a task ${name}: name it with its project`);
    const answer = await act(found.id);
    look();
    return answer;
  };
  return {
    list: (filter) => tasks.tasks(filter),
    counts: () => tasks.countsByProject(),
    find: (name) => findTask(tasks, name),
    add: (project, wish) => addTask(ports, project, wish),
    cancel: (name, reason) => withTask(name, (id) => queue.cancel(id, reason, clock.now())),
    retry: (name) => withTask(name, (id) => queue.retry(id, clock.now())),
    dispatch: look,
  };
}

/** What the status says of the queue, from memory. */
export function queueFacts(summary: QueueSummary, isEnabled: boolean, held: ReadonlyMap<string, string>): QueueFacts {
  return {
    enabled: isEnabled,
    held,
    byStatus: summary.counts.byStatus,
    oldestAt: summary.counts.oldestAt,
    projects: summary.projects.map(({ name, path }) => ({ name, ignored: summary.ignored.get(path) ?? [] })),
    flaws: summary.flaws,
  };
}

/** @returns `several`: the part behind the colon is that of several tasks */
export async function findTask(tasks: TaskReads, name: string): Promise<TaskRow | 'unknown' | 'several'> {
  const exact = await tasks.task(name);
  if (exact !== null) return exact;
  const [first, ...more] = await tasks.tasks({ taskId: name, limit: 2 });
  if (first === undefined) return 'unknown';
  return more.length > 0 ? 'several' : first;
}

async function addTask(
  { queueDir, newId, look }: TasksApiPorts,
  name: string,
  wish: Parameters<TasksApi['add']>[1],
): Promise<TaskWishAnswer> {
  const { projects } = await queueDir.projects();
  const project = projects.find((candidate) => candidate.name === name || candidate.path === name);
  if (project === undefined)
    return refused(
      'unknown_project',
      `${name} is no project with a queue: it has no .agent-queue/inbox that can be used`,
    );
  const composed = composeTask(wish, project.name, newId);
  if (composed.kind === 'problems') {
    const problems = composed.problems.map(({ path, message }) => `${path.join('.')} ${message}`);
    return refused('bad_task', problems.join('; '));
  }
  const path = await queueDir.add(project.path, composed.stem, composed.text);
  if (path === null) return refused('name_taken', `a task named ${composed.stem} waits in the inbox already`);
  look();
  return { kind: 'done', row: null, detail: `${taskKey(project.name, composed.stem)} waits in ${path}` };
}

function refused(reason: string, detail: string): TaskWishAnswer {
  return { kind: 'refused', reason, detail };
}
