/** A task, and the queue as a whole, as the doors and commands show them. */
import type { EpochMs } from '../time.ts';
import { SECOND, toIso } from '../time.ts';
import { attemptView } from './result.ts';
import type { TaskRow, TaskStatus } from './task.ts';
import { TASK_STATUSES } from './task.ts';

export interface TaskView {
  readonly id: string;
  /** Absolute path of its project. */
  readonly project: string;
  readonly title: string;
  readonly status: TaskStatus;
  readonly since: string | null;
  readonly reason: string | null;
  readonly priority: string;
  readonly model: string | null;
  /** The session that its file asks for. */
  readonly session: string | null;
  readonly depends_on: readonly string[];
  readonly not_before: string | null;
  /** Attempts used up. */
  readonly attempt: number;
  readonly max_attempts: number | null;
  readonly timeout_s: number | null;
  readonly work_session: string | null;
  readonly account: string | null;
  readonly written_at: string | null;
  readonly claimed_at: string | null;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly retry_at: string | null;
  readonly completion: string | null;
  readonly error_kind: string | null;
  readonly summary: string | null;
  readonly path: string;
}

/** One task with all that is known of it. */
export interface TaskDetailView extends TaskView {
  readonly attempts: readonly Readonly<Record<string, unknown>>[];
  /** Which accounts were considered for it, what became of each, and when; oldest first. */
  readonly decisions: readonly { readonly account: string; readonly reason: string; readonly at: string | null }[];
  /** The keys of its front matter that mean nothing to this program. */
  readonly meta: Readonly<Record<string, unknown>>;
}

export function taskView(row: TaskRow): TaskView {
  return {
    id: row.id,
    project: row.project,
    title: row.title,
    status: row.status,
    since: toIso(row.statusSince),
    reason: row.reason,
    priority: row.priority,
    model: row.model,
    session: row.session,
    depends_on: row.dependsOn,
    not_before: toIso(row.notBeforeAt),
    attempt: row.attempt,
    max_attempts: row.maxAttempts,
    timeout_s: row.timeoutMs === null ? null : row.timeoutMs / SECOND,
    work_session: row.workSession,
    account: row.account,
    written_at: toIso(row.createdAt),
    claimed_at: toIso(row.claimedAt),
    started_at: toIso(row.startedAt),
    finished_at: toIso(row.finishedAt),
    retry_at: toIso(row.retryAt),
    completion: row.completion,
    error_kind: row.errorKind,
    summary: row.summary,
    path: row.path,
  };
}

export function taskDetailView(row: TaskRow): TaskDetailView {
  return {
    ...taskView(row),
    attempts: row.attempts.map(attemptView),
    decisions: row.decisions.map(({ account, reason, at }) => ({ account, reason, at: toIso(at) })),
    meta: row.meta,
  };
}

/** What is known of the queue, for the status. */
export interface QueueFacts {
  readonly enabled: boolean;
  /** Why nothing is given out now, by pool; absent: nobody gives anything out. */
  readonly held?: ReadonlyMap<string, string>;
  readonly byStatus: Readonly<Record<TaskStatus, number>>;
  /** When the oldest task that waits was written; null: none waits. */
  readonly oldestAt: EpochMs | null;
  readonly projects: readonly { readonly name: string; readonly ignored: readonly string[] }[];
  readonly flaws: readonly { readonly project: string; readonly detail: string; readonly isRefused: boolean }[];
}

export interface QueueView {
  readonly enabled: boolean;
  /** Pools whose sessions get no task now, and why. */
  readonly held: readonly { readonly pool: string; readonly reason: string }[];
  readonly by_status: Readonly<Record<TaskStatus, number>>;
  readonly oldest_s: number | null;
  readonly projects: readonly { readonly name: string; readonly ignored: readonly string[] }[];
  readonly flaws: readonly { readonly project: string; readonly detail: string; readonly refused: boolean }[];
}

export function queueView(facts: QueueFacts, now: EpochMs): QueueView {
  return {
    enabled: facts.enabled,
    held: [...(facts.held ?? [])].map(([pool, reason]) => ({ pool, reason })),
    by_status: facts.byStatus,
    oldest_s: facts.oldestAt === null ? null : Math.max(0, Math.round((now - facts.oldestAt) / SECOND)),
    projects: facts.projects,
    flaws: facts.flaws.map(({ project, detail, isRefused }) => ({ project, detail, refused: isRefused })),
  };
}

/** `3 queued · 1 running`; states without a task are left out. */
export function countWords(byStatus: Readonly<Record<TaskStatus, number>>): string {
  const parts = TASK_STATUSES.filter((status) => byStatus[status] > 0).map(
    (status) => `${byStatus[status]} ${status.replaceAll('_', ' ')}`,
  );
  return parts.length === 0 ? 'no task' : parts.join(' · ');
}
