/** In which order tasks are given out. */
import type { EpochMs } from '../time.ts';
import type { TaskRow } from './task.ts';
import { TASK_PRIORITIES } from './task.ts';

export type Ordered = Pick<TaskRow, 'priority' | 'notBeforeAt' | 'createdAt' | 'stem' | 'id'>;

/** Priority, then the earliest `not_before` (none is earliest), then when the file was written, then its name. Total. */
export function compareTasks(a: Ordered, b: Ordered): number {
  return (
    TASK_PRIORITIES.indexOf(a.priority) - TASK_PRIORITIES.indexOf(b.priority) ||
    (a.notBeforeAt ?? 0) - (b.notBeforeAt ?? 0) ||
    a.createdAt - b.createdAt ||
    byText(a.stem, b.stem) ||
    byText(a.id, b.id)
  );
}

/** Whether its time has come. */
export function isDue(task: Pick<TaskRow, 'status' | 'notBeforeAt' | 'retryAt'>, now: EpochMs): boolean {
  if (task.status === 'queued') return task.notBeforeAt === null || task.notBeforeAt <= now;
  return task.status === 'retry_wait' && (task.retryAt ?? 0) <= now;
}

/** What may be given out now, the most urgent first. */
export function dueTasks<T extends Ordered & Pick<TaskRow, 'status' | 'retryAt'>>(
  tasks: readonly T[],
  now: EpochMs,
): readonly T[] {
  return tasks.filter((task) => isDue(task, now)).sort(compareTasks);
}

/** By code unit: the same in every locale. */
function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
