/** What becomes of a task after an attempt that did not succeed: another one later, now, or none. */
import type { EpochMs } from '../time.ts';
import { formatDuration } from '../time.ts';
import type { TaskErrorKind, TaskRow } from './task.ts';

export interface RetryPolicy {
  readonly maxAttempts: number;
  /** The pause after the first failed attempt, the second …; the last one holds for all that follow. */
  readonly retryBackoffMs: readonly number[];
}

export type AttemptError = Exclude<TaskErrorKind, 'cancelled' | 'dependency_cycle' | 'dependency_timeout' | 'refused'>;

/** An account swap and a restart of the daemon are not the task's fault. */
export const USES_UP_ATTEMPT: Readonly<Record<AttemptError, boolean>> = {
  submit_failed: true,
  timeout: true,
  session_died: true,
  agent_error: true,
  account_swap: false,
  daemon_restart: false,
};

/** More than these in a row mean that something else is wrong: the next one uses up an attempt. */
export const MAX_REQUEUES = 5;

export interface AfterAttempt {
  readonly status: 'retry_wait' | 'failed' | 'timeout';
  /** Attempts used up. */
  readonly attempt: number;
  readonly requeues: number;
  readonly retryAt: EpochMs | null;
  /** For a person. */
  readonly reason: string;
}

/**
 * @example afterAttempt(task, 'timeout', 'nothing for 60 m', now, policy)
 *   // { status: 'retry_wait', attempt: 1, requeues: 0, retryAt: now + 60_000, reason: 'nothing for 60 m; attempt 2 of 3 in 1 m' }
 */
export function afterAttempt(
  task: Pick<TaskRow, 'attempt' | 'requeues' | 'maxAttempts'>,
  error: AttemptError,
  detail: string,
  now: EpochMs,
  policy: RetryPolicy,
): AfterAttempt {
  const most = task.maxAttempts ?? policy.maxAttempts;
  if (!USES_UP_ATTEMPT[error] && task.requeues < MAX_REQUEUES) {
    const reason = `${detail}; it begins again without using up an attempt`;
    return { status: 'retry_wait', attempt: task.attempt, requeues: task.requeues + 1, retryAt: now, reason };
  }
  const attempt = task.attempt + 1;
  if (attempt >= most) {
    const status = error === 'timeout' ? 'timeout' : 'failed';
    return { status, attempt, requeues: 0, retryAt: null, reason: `${detail}; that was attempt ${attempt} of ${most}` };
  }
  const pauseMs = backoffMs(attempt, policy.retryBackoffMs);
  const reason = `${detail}; attempt ${attempt + 1} of ${most} in ${formatDuration(pauseMs)}`;
  return { status: 'retry_wait', attempt, requeues: 0, retryAt: now + pauseMs, reason };
}

/** @param attempt attempts used up, at least 1 */
function backoffMs(attempt: number, pausesMs: readonly number[]): number {
  return pausesMs[Math.min(attempt, pausesMs.length) - 1] ?? 0;
}
