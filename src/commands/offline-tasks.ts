/** Tasks from the database, for commands that find no daemon. */
import type { QueueView, TaskDetailView, TaskView } from '../core/queue/view.ts';
import { queueView, taskDetailView, taskView } from '../core/queue/view.ts';
import type { TaskFilter } from '../ports/queue.ts';
import { findTask } from '../steps/tasks-api.ts';
import type { CommandIo, GlobalOptions } from './io.ts';
import { loadOffline, withStore } from './offline.ts';

/** @returns null: there is no database */
export async function readOfflineTasks(
  filter: TaskFilter,
  options: GlobalOptions,
  io: CommandIo,
): Promise<readonly TaskView[] | null> {
  const found = await withStore(loadOffline(options, io), async ({ tasks }) =>
    (await tasks.tasks(filter)).map(taskView),
  );
  return 'kind' in found ? null : found;
}

/** @returns null: there is no database; a text: why there is no such task */
export async function readOfflineTask(
  name: string,
  options: GlobalOptions,
  io: CommandIo,
): Promise<TaskDetailView | string | null> {
  const found = await withStore(loadOffline(options, io), async ({ tasks }) => ({ row: await findTask(tasks, name) }));
  if ('kind' in found) return null;
  if (found.row === 'unknown') return `there is no task ${name}`;
  if (found.row === 'several') return `several projects have a task ${name}: name it with its project`;
  return taskDetailView(found.row);
}

/** What the database says of the queue; its projects are not looked at. @returns null: there is no database */
export async function readOfflineQueue(options: GlobalOptions, io: CommandIo): Promise<QueueView | null> {
  const loaded = loadOffline(options, io);
  const found = await withStore(loaded, async ({ tasks }) => {
    const { byStatus, oldestAt } = await tasks.counts();
    const enabled = loaded.config.dispatcher.enabled;
    return { view: queueView({ enabled, byStatus, oldestAt, projects: [], flaws: [] }, io.clock.now()) };
  });
  return 'kind' in found ? null : found.view;
}
