/** How tasks end: the row first, with its event, then the file follows; what could not follow yet is done by a later look. */

import { extendDecisions } from '../core/queue/decisions.ts';
import { durationMs, resultOf } from '../core/queue/result.ts';
import { afterAttempt, USES_UP_ATTEMPT } from '../core/queue/retry.ts';
import type { TaskAttempt, TaskCompletion, TaskErrorKind, TaskRow } from '../core/queue/task.ts';
import { ENDED, isEnded, UNDER_WAY, WAITING } from '../core/queue/task.ts';
import type { TaskEventType } from '../core/queue/task-event.ts';
import { taskEvent } from '../core/queue/task-event.ts';
import type { EpochMs } from '../core/time.ts';
import { toIso } from '../core/time.ts';
import type { QueueState } from './queue-state.ts';
import { filesOf, NOT_AT_WORK, recordOf, UNTRIED } from './queue-state.ts';
import type { AttemptEnd, TaskAnswer } from './task-queue.ts';

export interface TaskEnd {
  readonly status: 'done' | 'failed' | 'timeout' | 'cancelled';
  readonly outcome: TaskAttempt['outcome'];
  readonly errorKind: TaskErrorKind | null;
  readonly completion: TaskCompletion | null;
  readonly reason: string;
  readonly summary: string | null;
  readonly evidence?: readonly object[];
}

const EVENT_OF: Readonly<Record<TaskEnd['status'], TaskEventType>> = {
  done: 'task_done',
  failed: 'task_failed',
  timeout: 'task_timeout',
  cancelled: 'task_cancelled',
};

/** Any task that has not ended. @returns null: it has, or there is none */
export async function endTask(state: QueueState, id: string, end: TaskEnd, now: EpochMs): Promise<TaskRow | null> {
  const row = await state.tasks.task(id);
  if (row === null || isEnded(row.status)) return null;
  const { status, completion, errorKind, reason, summary } = end;
  const usesUp = end.outcome === 'done' || (end.outcome in USES_UP_ATTEMPT && row.status !== 'retry_wait');
  const attempts = UNDER_WAY.includes(row.status)
    ? [...row.attempts, attemptOf(row, end.outcome, reason, now)]
    : row.attempts;
  const attempt = usesUp ? row.attempt + 1 : row.attempt;
  const change = {
    completion,
    errorKind,
    reason,
    summary,
    finishedAt: now,
    attempts,
    decisions: decisionsAfter(row, end.outcome, now),
    attempt,
    retryAt: null,
    // Of a cancelled one: whose turn it is that must be ended.
    delivery: status === 'cancelled' ? row.delivery : null,
  };
  const event = taskEvent(EVENT_OF[status], row, {
    reason,
    attempt,
    completion,
    error: errorKind,
    summary,
    duration_ms: durationMs({ ...row, attempts }, now),
    final: true,
    ...(end.evidence === undefined ? {} : { evidence: end.evidence }),
  });
  const moved = await state.tasks.move(id, [row.status], status, change, [event], now);
  if (moved === null) return null;
  await state.note(moved, EVENT_OF[status], now);
  return (await settleEnd(state, moved)) ?? moved;
}

/** Moves the file of a task that has ended. @returns null: that was not possible yet */
export async function settleEnd(state: QueueState, row: TaskRow): Promise<TaskRow | null> {
  try {
    const into = row.status === 'done' ? 'done' : 'failed';
    const path = await state.dir.finish(filesOf(row), into, resultOf(row, row.finishedAt ?? row.statusSince));
    return await state.tasks.change(row.id, ENDED, { path: path ?? row.path, claimId: null });
  } catch (err) {
    if (state.isNews(`end ${row.id}`))
      state.log.warn({ err, task: row.id, status: row.status }, 'the file of an ended task cannot be moved yet');
    return null;
  }
}

/** Ends the attempt that this row is about, and the task with it. @returns null: it has ended already */
export async function endAttempt(
  state: QueueState,
  attempt: TaskRow,
  end: TaskEnd,
  now: EpochMs,
): Promise<TaskRow | null> {
  const row = await state.sameAttempt(attempt);
  return row === null ? null : endTask(state, row.id, end, now);
}

/** @returns null: this attempt has ended already */
export async function failAttempt(
  state: QueueState,
  tried: TaskRow,
  end: AttemptEnd,
  now: EpochMs,
): Promise<TaskRow | null> {
  const row = await state.sameAttempt(tried);
  if (row === null) return null;
  const { error, reason: detail, completion = null, summary = null, evidence } = end;
  const after = afterAttempt(row, error, detail, now, state.config.dispatcher);
  const seen = evidence === undefined ? {} : { evidence };
  if (after.status !== 'retry_wait') {
    const { status, reason } = after;
    return endTask(
      state,
      row.id,
      { status, outcome: error, errorKind: error, completion, reason, summary, ...seen },
      now,
    );
  }
  const { attempt, requeues, retryAt, reason } = after;
  const usesUp = attempt > row.attempt;
  const type = usesUp ? 'task_retry' : 'task_requeued';
  const event = taskEvent(type, row, { reason, attempt, error, retry_at: toIso(retryAt), ...seen });
  const timeout = error === 'timeout' ? [taskEvent('task_timeout', row, { reason, attempt, final: false })] : [];
  const change = {
    ...NOT_AT_WORK,
    attempt,
    requeues,
    retryAt,
    reason,
    errorKind: error,
    attempts: [...row.attempts, attemptOf(row, error, detail, now)],
    decisions: decisionsAfter(row, error, now),
  };
  const moved = await state.tasks.move(row.id, [row.status], 'retry_wait', change, [...timeout, event], now);
  if (moved !== null) await state.note(moved, type, now);
  return moved;
}

export async function cancelTask(state: QueueState, id: string, reason: string, now: EpochMs): Promise<TaskAnswer> {
  const row = await state.tasks.task(id);
  if (row === null) return unknown(id);
  if (isEnded(row.status)) return refused('already_ended', `${id} has ended already: ${row.status}`);
  if (WAITING.includes(row.status)) {
    const entry = state.inbox.get(id);
    const claimId = state.newId();
    const taken =
      entry === undefined
        ? { kind: 'gone' as const }
        : await state.dir.claim(
            entry.project,
            entry.file,
            recordOf({ ...row, claimId, claimedAt: now }, state.daemonId),
          );
    if (taken.kind === 'gone' || taken.kind === 'changed')
      return refused('file_missing', `the file of ${id} is not in the inbox any more; try again in a moment`);
    state.inbox.delete(id);
    await state.tasks.change(id, WAITING, { claimId, claimedAt: now });
  }
  const end = { status: 'cancelled', outcome: 'cancelled', errorKind: 'cancelled', completion: null } as const;
  const ended = await endTask(state, id, { ...end, reason, summary: null }, now);
  if (ended === null) return refused('already_ended', `${id} has just ended`);
  return { kind: 'done', row: ended, detail: `${id} is cancelled; its file is ${ended.path}` };
}

export async function retryTask(state: QueueState, id: string, now: EpochMs): Promise<TaskAnswer> {
  const row = await state.tasks.task(id);
  if (row === null) return unknown(id);
  if (row.status === 'retry_wait') {
    const due = await state.tasks.change(id, ['retry_wait'], { retryAt: now });
    return { kind: 'done', row: due, detail: `${id} gets its next attempt now` };
  }
  if (!isEnded(row.status)) return refused('not_ended', `${id} has not ended: it is ${row.status}`);
  if (row.claimId !== null && (await settleEnd(state, row)) === null)
    return refused('under_way', `the file of ${id} could not be put away yet; the log says why`);
  const { path: from } = (await state.tasks.task(id)) ?? row;
  const path = await state.dir.reopen(row.project, row.stem, from);
  if (path === null)
    return refused('file_missing', `${from} is not there, or a task named ${row.stem} waits in the inbox already`);
  if (row.errorKind === 'refused') {
    await state.tasks.save([], [id], [taskEvent('task_queued', row, { reason: 'put back by hand', by: 'hand' })], now);
    return { kind: 'done', row: null, detail: `${path} is looked at again` };
  }
  const event = taskEvent('task_queued', row, { reason: 'begun anew by hand', by: 'hand' });
  const moved = await state.tasks.move(id, ENDED, 'queued', { ...UNTRIED, path }, [event], now);
  return { kind: 'done', row: moved, detail: `${id} waits in the inbox again` };
}

/** The account of an attempt that failed. */
function decisionsAfter(row: TaskRow, outcome: TaskAttempt['outcome'], at: EpochMs): TaskRow['decisions'] {
  if (row.account === null || outcome === 'done' || outcome === 'cancelled') return row.decisions;
  const reason = outcome === 'account_swap' ? 'superseded' : 'failed';
  return extendDecisions(row.decisions, [{ account: row.account, reason, at }]);
}

function attemptOf(row: TaskRow, outcome: TaskAttempt['outcome'], reason: string | null, now: EpochMs): TaskAttempt {
  return {
    attempt: row.attempt + 1,
    session: row.workSession,
    account: row.account,
    startedAt: row.startedAt,
    finishedAt: now,
    outcome,
    reason,
  };
}

function unknown(id: string): TaskAnswer {
  return refused('unknown_task', `there is no task ${id}; see: claude-failover task list`);
}

function refused(reason: string, detail: string): TaskAnswer {
  return { kind: 'refused', reason, detail };
}
