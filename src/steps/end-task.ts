/** What an ended attempt leaves behind: the session is freed, its lease and its signal file go. Doing it twice is doing it once. */
import type { TaskRow } from '../core/queue/task.ts';
import { UNDER_WAY } from '../core/queue/task.ts';
import type { LifecycleEvent, LifecycleRow } from '../core/sessions/lifecycle.ts';
import type { EpochMs } from '../core/time.ts';
import type { Logger, TickContext } from '../ports.ts';
import { moveSession } from './move-session.ts';
import { stopTurn } from './stop-turn.ts';
import type { TaskPorts } from './task-ports.ts';
import { isTaskLease } from './task-ports.ts';

type EndPorts = Pick<TaskPorts, 'board' | 'lifecycles' | 'doneSignals' | 'shared' | 'tasks' | 'clock' | 'host'>;

/** How the session stands after the attempt. `crashed`: it is of no use any more and is made anew. */
export type SessionEnd = Extract<LifecycleEvent, { kind: 'completed' | 'released' | 'crashed' }>;

export async function freeSession(
  ports: EndPorts,
  task: Pick<TaskRow, 'id' | 'workSession'>,
  end: SessionEnd,
  context: Pick<TickContext, 'log'>,
): Promise<void> {
  const session = task.workSession;
  if (session === null) return;
  const now = ports.clock.now();
  await giveLeaseBack(ports, task.id, end.kind, now, context.log);
  await ports.doneSignals.consume(session);
  const row = await ports.lifecycles.lifecycle(session);
  if (row?.taskId === task.id) {
    const moved = await moveSession(ports, session, end, context);
    // In a state in which that may not come, the session is at least not the task's any more.
    if (moved === null) await moveSession(ports, session, { kind: 'released', detail: end.detail }, context);
  }
  if ((await ports.lifecycles.lifecycle(session))?.lost?.taskId === task.id)
    await moveSession(ports, session, { kind: 'settled', taskId: task.id }, context);
  ports.board.wake('lifecycle');
}

/**
 * Sessions that still have a task which ended, or which a kill cut off from them.
 *
 * @returns how many are waited for: the turn of a cancelled task is being ended there
 */
export async function freeLeftovers(
  ports: TaskPorts,
  rows: readonly LifecycleRow[],
  context: TickContext,
): Promise<number> {
  let waitedFor = 0;
  for (const row of rows) {
    const id = row.taskId ?? row.lost?.taskId ?? null;
    if (id === null) continue;
    const task = await ports.tasks.task(id);
    if (task !== null && UNDER_WAY.includes(task.status) && task.workSession === row.session) continue;
    if (task?.status === 'cancelled' && row.taskId === id && !(await stopTurn(ports, task, row, context))) {
      waitedFor++;
      continue;
    }
    const detail = task === null ? 'its task is not known any more' : `its task is ${task.status}`;
    context.log.info({ session: row.session, task: id, reason: detail }, 'session freed');
    await freeSession(ports, { id, workSession: row.session }, { kind: 'released', detail }, context);
  }
  return waitedFor;
}

/** By whatever account a swap has moved it to meanwhile. What the store refuses is put right by the keeper of the leases. */
async function giveLeaseBack(ports: EndPorts, taskId: string, why: string, now: EpochMs, log: Logger): Promise<void> {
  try {
    const own = (await ports.shared.leases(now)).filter(
      ({ holder, session }) =>
        isTaskLease(holder) && holder?.startsWith(`task:${taskId}#`) === true && session.startsWith(`${ports.host}/`),
    );
    if (own.length > 0) await ports.shared.releaseLeases({ ids: own.map(({ id }) => id) }, `task_${why}`, now);
  } catch (err) {
    log.warn({ task: taskId, err }, 'the lease of a task could not be released');
  }
}
