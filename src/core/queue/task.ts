/** A task as this daemon knows it: what its file asks for, how far it came, and which state may follow which. */
import type { EpochMs } from '../time.ts';
import type { TaskDecision } from './decisions.ts';

export const TASK_STATUSES = [
  'queued',
  'blocked',
  'claimed',
  'launching',
  'running',
  'retry_wait',
  'done',
  'failed',
  'timeout',
  'cancelled',
] as const;

/**
 * `queued`, `blocked`: its file is in the inbox, anybody may take it. `claimed`, `launching`, `running`, `retry_wait`: its
 * file is in `claimed/` under a claim of this daemon. The others are ends.
 */
export type TaskStatus = (typeof TASK_STATUSES)[number];

export const TASK_PRIORITIES = ['critical', 'high', 'default', 'low'] as const;
/** The first is the most urgent. */
export type TaskPriority = (typeof TASK_PRIORITIES)[number];

/** The evidence that ended an attempt. */
export type TaskCompletion = 'signal' | 'agent_moved' | 'hook' | 'transcript' | 'inferred' | 'timeout';

/** Why an attempt ended without success. Only the first four use up an attempt. */
export type TaskErrorKind =
  | 'submit_failed'
  | 'timeout'
  | 'session_died'
  | 'agent_error'
  | 'account_swap'
  | 'daemon_restart'
  | 'cancelled'
  | 'dependency_cycle'
  | 'dependency_timeout'
  /** The file was not taken as a task: see `TaskRefusal`. */
  | 'refused';

/** Why a file in the inbox is not taken as a task. */
export type TaskRefusal =
  | 'malformed'
  | 'duplicate_id'
  | 'name_invalid'
  | 'not_a_file'
  | 'symlink'
  | 'hard_link'
  | 'foreign_owner'
  | 'too_large'
  | 'empty'
  | 'replaced'
  | 'unreadable';

/** One attempt that ended. */
export interface TaskAttempt {
  /** Counts from 1; an attempt that was not used up has the number of the next one. */
  readonly attempt: number;
  /** The tmux session it was given to; null: none yet. */
  readonly session: string | null;
  readonly account: string | null;
  readonly startedAt: EpochMs | null;
  readonly finishedAt: EpochMs;
  readonly outcome: 'done' | TaskErrorKind;
  readonly reason: string | null;
}

/** What the front matter of a task file says, with what its name and its text add. */
export interface TaskHeader {
  /** `id`, or the file's name without `.md`. */
  readonly taskId: string;
  /** `title`, or the first heading, or the file's name. */
  readonly title: string;
  readonly priority: TaskPriority;
  /** null: by priority. */
  readonly model: string | null;
  /** null: `watcher.idle_timeout`. */
  readonly timeoutMs: number | null;
  /** null: `dispatcher.max_attempts`. */
  readonly maxAttempts: number | null;
  /** The tmux session that must do it; null: any free one. */
  readonly session: string | null;
  readonly notBeforeAt: EpochMs | null;
  /** `project:task_id`, each one once. */
  readonly dependsOn: readonly string[];
  /** All other keys as they are. */
  readonly meta: Readonly<Record<string, unknown>>;
}

export interface TaskRow extends TaskHeader {
  /** `<name of the project directory>:<taskId>`. */
  readonly id: string;
  /** Absolute path of the project directory. */
  readonly project: string;
  /** The file's name without `.md`, as it was in the inbox. */
  readonly stem: string;
  /** Where the file is now, as far as is written down. */
  readonly path: string;
  readonly status: TaskStatus;
  readonly statusSince: EpochMs;
  /** Attempts used up. */
  readonly attempt: number;
  /** How often it was put back without using up an attempt, since the last one that was. */
  readonly requeues: number;
  /** Null while the file is in the inbox. */
  readonly claimId: string | null;
  /** The tmux session it was given to. */
  readonly workSession: string | null;
  /** The pane key it was given to. */
  readonly workPane: string | null;
  readonly account: string | null;
  /** When the file was last written: its place in the order. */
  readonly createdAt: EpochMs;
  readonly claimedAt: EpochMs | null;
  /** When the attempt under way was typed. */
  readonly startedAt: EpochMs | null;
  readonly finishedAt: EpochMs | null;
  /** In `retry_wait`: not before then. */
  readonly retryAt: EpochMs | null;
  readonly completion: TaskCompletion | null;
  readonly errorKind: TaskErrorKind | null;
  /** Why it is in its state, for a person. */
  readonly reason: string | null;
  /** What the agent said of its work. */
  readonly summary: string | null;
  /** Oldest first. */
  readonly attempts: readonly TaskAttempt[];
  /** Which accounts were considered for it; oldest first. */
  readonly decisions: readonly TaskDecision[];
  /** How far the attempt under way has been typed: written before each key, so that nothing is typed twice. */
  readonly delivery: Readonly<Record<string, unknown>> | null;
}

/** What follows what; `retry` by hand leads from every end back to `queued`. A status always follows itself. */
export const TASK_MOVES: Readonly<Record<TaskStatus, readonly TaskStatus[]>> = {
  queued: ['blocked', 'claimed', 'failed', 'cancelled'],
  blocked: ['queued', 'failed', 'cancelled'],
  claimed: ['launching', 'running', 'retry_wait', 'queued', 'done', 'failed', 'timeout', 'cancelled'],
  launching: ['running', 'retry_wait', 'queued', 'done', 'failed', 'timeout', 'cancelled'],
  running: ['retry_wait', 'queued', 'done', 'failed', 'timeout', 'cancelled'],
  retry_wait: ['claimed', 'launching', 'running', 'queued', 'done', 'failed', 'cancelled'],
  done: ['queued'],
  failed: ['queued'],
  timeout: ['queued'],
  cancelled: ['queued'],
};

/** Its file waits in the inbox. */
export const WAITING: readonly TaskStatus[] = ['queued', 'blocked'];
/** Its file is in `claimed/` under a claim of this daemon. */
export const CLAIMED: readonly TaskStatus[] = ['claimed', 'launching', 'running', 'retry_wait'];
/** A session works on it. */
export const UNDER_WAY: readonly TaskStatus[] = ['claimed', 'launching', 'running'];
/** Nothing more happens to it by itself. */
export const ENDED: readonly TaskStatus[] = ['done', 'failed', 'timeout', 'cancelled'];

export function mayBecome(from: TaskStatus, to: TaskStatus): boolean {
  return from === to || TASK_MOVES[from].includes(to);
}

export function isEnded(status: TaskStatus): boolean {
  return ENDED.includes(status);
}

/** The id of a row. @param project the name of the project's directory */
export function taskKey(project: string, taskId: string): string {
  return `${project}:${taskId}`;
}
