/** The part of the running daemon that its doors ask about tasks. */
import type { NewTask } from '../core/queue/new-task.ts';
import type { TaskRow, TaskStatus } from '../core/queue/task.ts';
import type { EpochMs } from '../core/time.ts';
import type { ProjectCounts } from './queue.ts';

export interface TaskListFilter {
  readonly statuses?: readonly TaskStatus[];
  /** Name or path of the project. */
  readonly project?: string;
  /** Only what comes behind this one. */
  readonly after?: { readonly statusSince: EpochMs; readonly id: string };
  readonly limit: number;
}

/** What became of a wish by hand about a task. */
export type TaskWishAnswer =
  | { readonly kind: 'done'; readonly detail: string; readonly row: TaskRow | null }
  /**
   * `unknown_task`, `several_tasks`, `already_ended`, `not_ended`, `under_way`, `file_missing`, `unknown_project`,
   * `bad_task`, `name_taken`.
   */
  | { readonly kind: 'refused'; readonly reason: string; readonly detail: string };

export interface TasksApi {
  /** Those whose state is newest first. */
  list(filter: TaskListFilter): Promise<readonly TaskRow[]>;
  /** How many tasks each queue has in which state. */
  counts(): Promise<readonly ProjectCounts[]>;
  /** By its id, or by the part behind the colon where that is enough. */
  find(name: string): Promise<TaskRow | 'unknown' | 'several'>;
  /** Writes a task into the inbox of a project that has a queue. */
  add(project: string, wish: NewTask): Promise<TaskWishAnswer>;
  cancel(name: string, reason: string): Promise<TaskWishAnswer>;
  retry(name: string): Promise<TaskWishAnswer>;
  /** Looks at all inboxes and gives out what can be given out, as soon as possible. */
  dispatch(): void;
}
