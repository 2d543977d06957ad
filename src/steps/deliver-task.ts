/** Types a task into the session that was started for it, one journaled key at a time. */

import { newWatch } from '../core/completion/work.ts';
import type { Delivery, DeliveryEnd, DeliveryView } from '../core/dispatch/delivery.ts';
import { deliver, newDelivery } from '../core/dispatch/delivery.ts';
import { taskMark, taskText } from '../core/dispatch/task-text.ts';
import type { TaskRow } from '../core/queue/task.ts';
import { taskEvent } from '../core/queue/task-event.ts';
import { splitTaskFile } from '../core/queue/task-file.ts';
import { contextOf } from '../core/sessions/checkpoint.ts';
import type { LifecycleRow } from '../core/sessions/lifecycle.ts';
import type { EpochMs } from '../core/time.ts';
import { formatDuration, MINUTE, SECOND } from '../core/time.ts';
import type { KeyResult, TickContext } from '../ports.ts';
import { freeSession } from './end-task.ts';
import { moveSession } from './move-session.ts';
import type { TaskPorts } from './task-ports.ts';
import { deliveryOf, keptDelivery } from './task-ports.ts';

/** Lines of what was seen last that whoever goes on with a task is shown. */
const CONTEXT_LINES = 40;
/** A gate that shuts after the claim is waited for this long before the task goes back to the inbox. */
const GATE_PATIENCE_MS = MINUTE;

/** Texts of tasks being typed, by claim: each is looked at several times. */
export type TaskTexts = Map<string, string>;

/** One look, and at most one key. @param held why nothing may be typed now; null: it may */
export async function deliverTask(
  ports: TaskPorts,
  task: TaskRow,
  session: LifecycleRow,
  texts: TaskTexts,
  held: string | null,
  context: TickContext,
): Promise<void> {
  const { config, log, signal } = context;
  const timeoutMs = task.timeoutMs ?? config.watcher.idleTimeoutMs;
  const known = deliveryOf(task);
  const isTyped = known !== null && known.state !== 'waiting';
  const waitedMs = ports.clock.now() - (task.claimedAt ?? task.statusSince);
  if (waitedMs >= timeoutMs) {
    const reason = `it could not be typed within ${formatDuration(timeoutMs)}: ${session.cause}`;
    return failDelivery(ports, task, { kind: 'failed', error: 'submit_failed', reason }, context);
  }
  if (held !== null && !isTyped) {
    if (waitedMs < GATE_PATIENCE_MS) return;
    return failDelivery(ports, task, { kind: 'given_back', reason: held }, context);
  }
  if (session.state !== 'idle' || session.pane === null) return;

  const text = await textOf(ports, task, texts, context);
  if (text === null) return;
  const view = await ports.panes.observe(session.pane, signal);
  const before: Delivery = known ?? newDelivery(session.pane, ports.clock.now());
  const seen = await look(ports, view);
  const now = ports.clock.now();
  const step = deliver(before, seen, now, {
    text,
    mark: taskMark(task.id),
    promptTimeoutMs: config.dispatcher.promptTimeoutMs,
    submitDelayMs: config.tmux.submitDelayMs,
    pasteLostMs: config.tmux.commandTimeoutMs + 2 * SECOND,
  });
  if (signal.aborted) return;
  if (step.end !== null) return failDelivery(ports, task, step.end, context);
  if (step.delivery.state === 'sent') return begun(ports, task, step.delivery, now, texts, context);
  if (step.delivery !== known) {
    // What an earlier attempt left there is no word about this one.
    if (step.action.kind === 'paste') await ports.doneSignals.consume(session.session);
    const kept = keptDelivery(step.delivery, newWatch(now));
    const saved = await ports.tasks.change(task.id, ['launching'], { delivery: kept, workPane: null });
    if (saved === null || saved.claimId !== task.claimId) return;
  }
  const result = await carryOut(ports, step.delivery, step.action, signal);
  if (result.kind !== 'sent')
    log.warn(
      { task: task.id, session: session.session, key: step.action.kind, reason: result.reason },
      'key was not sent',
    );
}

async function carryOut(
  { keys }: TaskPorts,
  { pane }: Delivery,
  action: ReturnType<typeof deliver>['action'],
  signal: AbortSignal,
): Promise<KeyResult> {
  if (action.kind === 'paste') return keys.paste(pane, action.text, signal);
  return action.kind === 'enter' ? keys.press(pane, 'Enter', signal) : { kind: 'sent' };
}

async function begun(
  ports: TaskPorts,
  task: TaskRow,
  delivery: Delivery,
  now: EpochMs,
  texts: TaskTexts,
  context: TickContext,
): Promise<void> {
  const startedAt = delivery.typedAt ?? now;
  const event = taskEvent('task_started', task, { attempt: task.attempt + 1 });
  const change = { startedAt, delivery: keptDelivery(delivery, newWatch(now)) };
  if ((await ports.tasks.move(task.id, ['launching'], 'running', change, [event], now)) === null) return;
  texts.delete(task.claimId ?? '');
  if (task.workSession !== null) await moveSession(ports, task.workSession, { kind: 'submitted' }, context);
  context.log.info(
    { task: task.id, session: task.workSession, account: task.account, pastes: delivery.pastes },
    'task begun',
  );
}

async function failDelivery(ports: TaskPorts, task: TaskRow, end: DeliveryEnd, context: TickContext): Promise<void> {
  const now = ports.clock.now();
  context.log.warn(
    { task: task.id, session: task.workSession, end: end.kind, reason: end.reason },
    'task was not delivered',
  );
  if (end.kind === 'given_back') await ports.queue.giveBack(task, end.reason, now);
  else await ports.queue.failAttempt(task, { error: end.error, reason: end.reason }, now);
  await freeSession(ports, task, { kind: 'released', detail: end.reason }, context);
}

/** @returns null: its file is not to be had, and the attempt has ended */
async function textOf(ports: TaskPorts, task: TaskRow, texts: TaskTexts, context: TickContext): Promise<string | null> {
  const claim = task.claimId ?? '';
  const known = texts.get(claim);
  if (known !== undefined) return known;
  const read = await ports.queueDir.read(task);
  if (read.kind !== 'text') {
    const reason = read.kind === 'gone' ? 'its file has gone' : read.detail;
    await ports.queue.failAttempt(task, { error: 'agent_error', reason }, ports.clock.now());
    await freeSession(ports, task, { kind: 'released', detail: reason }, context);
    return null;
  }
  const [last] = await ports.lifecycles.checkpoints({ taskId: task.id, limit: 1 });
  const before = last === undefined ? null : contextOf(last, CONTEXT_LINES);
  const text = taskText({
    title: task.title,
    id: task.id,
    path: task.path,
    body: splitTaskFile(read.text)?.body ?? read.text,
    signalPath: ports.doneSignals.pathOf(task.workSession ?? ''),
    ...(before === null ? {} : { context: before }),
  });
  texts.set(claim, text);
  return text;
}

/** A fresh look at what its agent shows and has written. */
export async function look(
  ports: TaskPorts,
  view: Awaited<ReturnType<TaskPorts['panes']['observe']>>,
): Promise<DeliveryView> {
  const process = view?.process ?? null;
  const signals = process === null ? null : await ports.signals.read(process);
  const screen = process === null ? null : (view?.screen ?? null);
  return {
    present: view !== null && !view.dead,
    agent: process,
    reading:
      screen === null || process === null ? null : ports.readScreen(screen.text, ports.clock.now(), process.agent),
    inMode: view?.inMode ?? false,
    clientActivityAt: view?.clientActivityAt ?? null,
    // What is only the newest file of its directory proves nothing.
    transcript: signals === null || signals.isGuess ? null : (signals.transcript ?? signals.rollout ?? null),
  };
}
