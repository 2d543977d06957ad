/** Taking a task and giving it back: the file first, because only its rename decides whose it is. */
import type { TaskDecision } from '../core/queue/decisions.ts';
import { extendDecisions } from '../core/queue/decisions.ts';
import { dueTasks } from '../core/queue/order.ts';
import type { TaskRow } from '../core/queue/task.ts';
import { CLAIMED, isEnded } from '../core/queue/task.ts';
import { taskEvent } from '../core/queue/task-event.ts';
import type { EpochMs } from '../core/time.ts';
import { endTask } from './queue-ends.ts';
import type { QueueState } from './queue-state.ts';
import { filesOf, NOT_AT_WORK, recordOf } from './queue-state.ts';
import type { Claimed, GivenTo } from './task-queue.ts';

/** More tasks than an inbox is read for. */
const MAX_ROWS = 100_000;

export async function nextTasks(state: QueueState, now: EpochMs, limit: number): Promise<readonly TaskRow[]> {
  const rows = await state.tasks.tasks({ statuses: ['queued', 'retry_wait'], limit: MAX_ROWS });
  // What is in an inbox that cannot be used now is left out.
  const reachable = rows.filter((row) => row.status === 'retry_wait' || state.inbox.has(row.id));
  return dueTasks(reachable, now).slice(0, limit);
}

export function claimTask(state: QueueState, row: TaskRow, given: GivenTo, now: EpochMs): Promise<Claimed> {
  return row.status === 'retry_wait' ? claimAgain(state, row, given, now) : claimFresh(state, row, given, now);
}

async function claimFresh(
  state: QueueState,
  row: TaskRow,
  { session, account, decisions = [] }: GivenTo,
  now: EpochMs,
): Promise<Claimed> {
  const entry = state.inbox.get(row.id);
  if (entry === undefined) return { kind: 'gone' };
  state.inbox.delete(row.id);
  const claimId = state.newId();
  const claimed = { ...row, claimId, claimedAt: now, workSession: session, account };
  const taken = await state.dir.claim(entry.project, entry.file, recordOf(claimed, state.daemonId));
  if (taken.kind === 'gone' || taken.kind === 'changed') return { kind: 'gone' };
  if (taken.kind === 'refused') {
    const { refusal, detail } = taken;
    await refuseClaimed(state, row, claimId, `${refusal}: ${detail}`, now);
    return { kind: 'refused', refusal, detail };
  }
  const { taskId, ...header } = taken.header;
  const change = {
    ...header,
    path: taken.path,
    claimId,
    claimedAt: now,
    workSession: session,
    account,
    reason: null,
    decisions: extendDecisions(row.decisions, decisions),
  };
  let moved: TaskRow | null = null;
  try {
    // What it is called was written anew in its place: that is another task.
    if (taskId === row.taskId) {
      const event = taskEvent('task_claimed', claimed, { claim: claimId, attempt: row.attempt + 1 });
      moved = await state.tasks.move(row.id, ['queued'], 'claimed', change, [event], now);
    }
  } finally {
    if (moved === null) await state.dir.release({ ...filesOf(row), claimId });
  }
  if (moved === null) return { kind: 'gone' };
  await state.note(moved, 'task_claimed', now);
  return { kind: 'claimed', row: moved, text: taken.text };
}

/** It lies in `claimed/` since an earlier attempt. */
async function claimAgain(
  state: QueueState,
  row: TaskRow,
  { session, account, decisions = [] }: GivenTo,
  now: EpochMs,
): Promise<Claimed> {
  const read = await state.dir.read(filesOf(row));
  if (read.kind === 'gone') {
    await settleMissing(state, row, now);
    return { kind: 'gone' };
  }
  if (read.kind === 'refused') {
    const { refusal, detail } = read;
    await refuseClaimed(state, row, row.claimId, `${refusal}: ${detail}`, now);
    return { kind: 'refused', refusal, detail };
  }
  const chain = extendDecisions(row.decisions, decisions);
  const change = { ...NOT_AT_WORK, workSession: session, account, claimedAt: now, retryAt: null, decisions: chain };
  const event = taskEvent('task_claimed', { ...row, ...change }, { claim: row.claimId, attempt: row.attempt + 1 });
  const moved = await state.tasks.move(row.id, ['retry_wait'], 'claimed', change, [event], now);
  if (moved === null) return { kind: 'gone' };
  await state.dir.saveClaim(moved.project, moved.stem, recordOf(moved, state.daemonId));
  await state.note(moved, 'task_claimed', now);
  return { kind: 'claimed', row: moved, text: read.text };
}

/** @param account the one that it goes on under; absent: the same */
export async function decideTask(
  state: QueueState,
  id: string,
  added: readonly TaskDecision[],
  account?: string,
): Promise<void> {
  const row = await state.tasks.task(id);
  if (row === null || isEnded(row.status)) return;
  const decisions = extendDecisions(row.decisions, added);
  if (decisions === row.decisions && account === undefined) return;
  await state.tasks.change(id, [row.status], { decisions, ...(account === undefined ? {} : { account }) });
}

/** @returns null: the attempt has ended already */
export async function giveBack(state: QueueState, row: TaskRow, reason: string, now: EpochMs): Promise<TaskRow | null> {
  if ((await state.sameAttempt(row)) === null) return null;
  const path = await state.dir.release(filesOf(row));
  const change = { ...NOT_AT_WORK, reason };
  const event = taskEvent('task_requeued', row, { reason });
  const moved =
    path === null
      ? await state.tasks.move(row.id, CLAIMED, 'retry_wait', { ...change, retryAt: now }, [event], now)
      : await state.tasks.move(
          row.id,
          CLAIMED,
          'queued',
          { ...change, path, claimId: null, claimedAt: null },
          [event],
          now,
        );
  if (moved !== null) await state.note(moved, 'task_requeued', now);
  return moved;
}

/** The file of a task that waits for its next attempt is not where it was put. */
export async function settleMissing(state: QueueState, row: TaskRow, now: EpochMs): Promise<void> {
  const place = await state.dir.locate(filesOf(row));
  const summary = null;
  if (place.kind === 'claimed') return;
  if (place.kind === 'inbox') {
    const change = {
      ...NOT_AT_WORK,
      claimId: null,
      claimedAt: null,
      path: place.path,
      reason: 'its file is in the inbox again',
    };
    await state.tasks.move(
      row.id,
      CLAIMED,
      'queued',
      change,
      [taskEvent('task_requeued', row, { reason: change.reason })],
      now,
    );
    return;
  }
  if (place.kind === 'done' || place.kind === 'failed') {
    const isDone = place.kind === 'done';
    const reason = `its file was found in ${place.kind}/`;
    const end = {
      status: place.kind,
      outcome: isDone ? 'done' : 'agent_error',
      errorKind: isDone ? null : 'agent_error',
    } as const;
    await endTask(state, row.id, { ...end, completion: 'agent_moved', reason, summary }, now);
    return;
  }
  const reason = 'its file was removed';
  await endTask(
    state,
    row.id,
    { status: 'cancelled', outcome: 'cancelled', errorKind: 'cancelled', completion: null, reason, summary },
    now,
  );
}

async function refuseClaimed(
  state: QueueState,
  row: TaskRow,
  claimId: string | null,
  reason: string,
  now: EpochMs,
): Promise<void> {
  await state.tasks.change(row.id, ['queued', 'retry_wait'], { claimId, claimedAt: now });
  await endTask(
    state,
    row.id,
    { status: 'failed', outcome: 'refused', errorKind: 'refused', completion: null, reason, summary: null },
    now,
  );
}
