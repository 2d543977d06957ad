/** The journal's words about a task. */
import type { EventType, NewEvent } from '../events.ts';
import type { TaskRow } from './task.ts';

export type TaskEventType = Extract<EventType, `task_${string}`>;

/** Names the task, its project and its title; `also` adds to it, such as a `reason`. */
export function taskEvent(
  type: TaskEventType,
  row: Pick<TaskRow, 'id' | 'project' | 'title' | 'workSession' | 'account'>,
  also: Readonly<Record<string, unknown>> = {},
): NewEvent {
  return {
    type,
    ...(row.account === null ? {} : { account: row.account }),
    ...(row.workSession === null ? {} : { session: row.workSession }),
    data: { task: row.id, title: row.title, project: row.project, ...also },
  };
}
