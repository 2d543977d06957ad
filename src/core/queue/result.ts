/** What is written beside a task when it ends: `<task>.result.json`. */
import type { EpochMs } from '../time.ts';
import { toIso } from '../time.ts';
import type { TaskAttempt, TaskErrorKind, TaskRefusal, TaskRow, TaskStatus } from './task.ts';

/** As the file has it; instants are ISO 8601 in UTC. */
export interface TaskResult {
  readonly task_id: string;
  readonly status: TaskStatus | 'refused';
  readonly attempts: readonly Readonly<Record<string, unknown>>[];
  readonly session: string | null;
  readonly account: string | null;
  readonly started_at: string | null;
  readonly finished_at: string;
  /** From the first start to the end; null: it never started. */
  readonly duration_s: number | null;
  readonly completion: string | null;
  readonly summary: string | null;
  readonly error_kind: TaskErrorKind | TaskRefusal | null;
  readonly reason: string | null;
  /** Tells this end from another one of the same task. */
  readonly claim_id: string | null;
}

/** The result of a task that ended. */
export function resultOf(row: TaskRow, finishedAt: EpochMs): TaskResult {
  const startedAt = firstStart(row);
  const tookMs = durationMs(row, finishedAt);
  return {
    task_id: row.taskId,
    status: row.status,
    attempts: row.attempts.map(attemptView),
    session: row.workSession,
    account: row.account,
    started_at: toIso(startedAt),
    finished_at: toIso(finishedAt) ?? '',
    duration_s: tookMs === null ? null : Math.round(tookMs / 100) / 10,
    completion: row.completion,
    summary: row.summary,
    error_kind: row.errorKind,
    reason: row.reason,
    claim_id: row.claimId,
  };
}

/** From the first start to the end; null: it never started. */
export function durationMs(row: Pick<TaskRow, 'attempts' | 'startedAt'>, finishedAt: EpochMs): number | null {
  const startedAt = firstStart(row);
  return startedAt === null ? null : Math.max(0, finishedAt - startedAt);
}

function firstStart({ attempts, startedAt }: Pick<TaskRow, 'attempts' | 'startedAt'>): EpochMs | null {
  return attempts.find((attempt) => attempt.startedAt !== null)?.startedAt ?? startedAt;
}

/** The result of a file that was not taken as a task. */
export function refusalResult(
  taskId: string,
  claimId: string,
  refusal: TaskRefusal,
  detail: string,
  at: EpochMs,
): TaskResult {
  return {
    task_id: taskId,
    status: 'refused',
    attempts: [],
    session: null,
    account: null,
    started_at: null,
    finished_at: toIso(at) ?? '',
    duration_s: null,
    completion: null,
    summary: null,
    error_kind: refusal,
    reason: detail,
    claim_id: claimId,
  };
}

/** One attempt as results, the API and `task show` tell it. */
export function attemptView(attempt: TaskAttempt): Readonly<Record<string, unknown>> {
  return {
    attempt: attempt.attempt,
    session: attempt.session,
    account: attempt.account,
    started_at: toIso(attempt.startedAt),
    finished_at: toIso(attempt.finishedAt),
    outcome: attempt.outcome,
    reason: attempt.reason,
  };
}
