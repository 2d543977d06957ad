/** Ends the turn of a cancelled task: one look at its pane, and at most one Escape, written down before it is pressed. */
import { stopTurn as decide } from '../core/completion/stop-turn.ts';
import { taskMark } from '../core/dispatch/task-text.ts';
import type { TaskRow } from '../core/queue/task.ts';
import { taskEvent } from '../core/queue/task-event.ts';
import type { LifecycleRow } from '../core/sessions/lifecycle.ts';
import type { TickContext } from '../ports.ts';
import { look } from './deliver-task.ts';
import { moveSession } from './move-session.ts';
import type { TaskPorts } from './task-ports.ts';
import { deliveryOf } from './task-ports.ts';

/** @returns whether the session may be freed: its turn has ended, or will not be ended by us */
export async function stopTurn(
  ports: TaskPorts,
  task: TaskRow,
  row: LifecycleRow,
  context: TickContext,
): Promise<boolean> {
  const { config, log, signal } = context;
  const delivery = deliveryOf(task);
  if (row.pane === null || !WITH_TURN.has(row.state) || ports.observing(config) !== null) return true;
  if ((await ports.killSwitch.reason()) !== null) return false;
  const seen = await look(ports, await ports.panes.observe(row.pane, signal));
  const now = ports.clock.now();
  const turn = {
    agent: delivery?.watch.agent ?? delivery?.agent ?? null,
    mark: taskMark(task.id),
    cancelledAt: task.finishedAt ?? task.statusSince,
    pressedAt: row.typing.what === 'escape' ? row.typing.at : null,
    isObserved: row.kind === 'dedicated',
  };
  const step = decide(turn, { ...seen, prompts: seen.transcript?.prompts ?? null }, now);
  switch (step.kind) {
    case 'wait':
      return false;
    case 'press': {
      const moved = await moveSession(ports, row.session, { kind: 'interrupting', at: now }, context);
      if (moved === null || signal.aborted) return false;
      const result = await ports.keys.press(row.pane, 'Escape', signal);
      if (result.kind !== 'sent')
        log.warn({ session: row.session, key: 'Escape', reason: result.reason }, 'key was not sent');
      return false;
    }
    case 'over':
      await tell(ports, task, 'task_stopped', step.detail, now);
      return true;
    case 'not_stopped': {
      const then = row.kind === 'dedicated' ? 'it goes on there' : 'its agent is ended';
      await tell(ports, task, 'task_not_stopped', `${step.detail}: ${then}`, now);
      return true;
    }
  }
}

/** In all others a swap or the keeper of the sessions is at work there. */
const WITH_TURN: ReadonlySet<LifecycleRow['state']> = new Set(['idle', 'working', 'stalled', 'blocked']);

async function tell(
  { tasks }: TaskPorts,
  task: TaskRow,
  type: 'task_stopped' | 'task_not_stopped',
  detail: string,
  now: number,
): Promise<void> {
  await tasks.save([], [], [taskEvent(type, task, { reason: detail })], now);
  await tasks.change(task.id, ['cancelled'], { reason: `${task.reason ?? 'cancelled'}; ${detail}`, delivery: null });
}
