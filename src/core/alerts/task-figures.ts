/** What is counted of tasks: how they ended, how long they took, and for which projects. */
import type { JournalEvent } from '../events.ts';

export interface TaskFigures {
  readonly done: number;
  readonly failed: number;
  readonly timeout: number;
  /** How long each task took that was done, from its first start to its end, ms, ascending. */
  readonly tookMs: readonly number[];
  /** Tasks that ended, by the absolute path of their project. */
  readonly projects: readonly ProjectFigures[];
}

export interface ProjectFigures {
  readonly project: string;
  readonly tasks: number;
}

export const NO_TASKS: TaskFigures = { done: 0, failed: 0, timeout: 0, tookMs: [], projects: [] };

/** The end of a task; null: this event is none. */
export function taskFiguresOf({ type, data }: JournalEvent): TaskFigures | null {
  const ended = ENDS[type as keyof typeof ENDS];
  // A time-out of one attempt is not yet the end of its task.
  if (ended === undefined || (type === 'task_timeout' && data.final === false)) return null;
  const tookMs = type === 'task_done' && typeof data.duration_ms === 'number' ? [data.duration_ms] : [];
  const projects = typeof data.project === 'string' ? [{ project: data.project, tasks: 1 }] : [];
  return { ...NO_TASKS, [ended]: 1, tookMs, projects };
}

const ENDS = { task_done: 'done', task_failed: 'failed', task_timeout: 'timeout' } as const;

/** Null: neither was counted. */
export function addTasks(a: TaskFigures | null, b: TaskFigures | null): TaskFigures | null {
  if (a === null || b === null) return a ?? b;
  return {
    done: a.done + b.done,
    failed: a.failed + b.failed,
    timeout: a.timeout + b.timeout,
    tookMs: [...a.tookMs, ...b.tookMs].sort((x, y) => x - y),
    projects: byProject([...a.projects, ...b.projects]),
  };
}

/** Each project once, by name. */
function byProject(rows: readonly ProjectFigures[]): readonly ProjectFigures[] {
  const sums = new Map<string, number>();
  for (const { project, tasks } of rows) sums.set(project, (sums.get(project) ?? 0) + tasks);
  return [...sums].map(([project, tasks]) => ({ project, tasks })).sort((a, b) => (a.project < b.project ? -1 : 1));
}
