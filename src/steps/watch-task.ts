/** Judges a task under way by all that is seen of it, and ends its attempt once. */

import { judge } from '../core/completion/judge.ts';
import type { Judgement, PaneFacts, Seen, WorkFacts, WorkingTask } from '../core/completion/work.ts';
import { paneKey } from '../core/panes.ts';
import { decisionsAtSwap } from '../core/queue/decisions.ts';
import type { TaskRow } from '../core/queue/task.ts';
import type { LifecycleRow } from '../core/sessions/lifecycle.ts';
import type { RecoveryRow, RecoveryState } from '../core/swap/swap.ts';
import { stoppingHit } from '../core/verdict/pane-finding.ts';
import type { TickContext } from '../ports.ts';
import { answerDialog, settleAnswer } from './answer-dialog.ts';
import { isModelOnly } from './config-policy.ts';
import type { SessionEnd } from './end-task.ts';
import { freeSession } from './end-task.ts';
import { moveSession } from './move-session.ts';
import type { TaskDelivery, TaskPorts } from './task-ports.ts';
import { deliveryOf, keptDelivery } from './task-ports.ts';

/** @param session null: it is not kept any more */
export async function watchTask(
  ports: TaskPorts,
  task: TaskRow,
  session: LifecycleRow | null,
  context: TickContext,
): Promise<void> {
  const delivery = deliveryOf(task);
  if (delivery?.agent == null || task.startedAt === null) {
    return lose(ports, task, 'session_died', 'nothing is known of how it was begun', context);
  }
  const { watcher } = context.config;
  const work: WorkingTask = {
    id: task.id,
    taskId: task.taskId,
    startedAt: task.startedAt,
    timeoutMs: task.timeoutMs ?? watcher.idleTimeoutMs,
    agent: delivery.agent,
  };
  const facts = await gather(ports, task, delivery, session, context);
  const now = ports.clock.now();
  const judgement = judge(work, delivery.watch, facts, now, watcher);
  if (context.signal.aborted) return;
  await followAccount(ports, task, delivery, session, facts, judgement.kind !== 'working');
  if (session !== null && hasClosed(ports, session, facts)) await settleAnswer(ports, session, context);
  if (judgement.kind !== 'working') return end(ports, task, judgement, context);

  if (JSON.stringify(judgement.watch) !== JSON.stringify(delivery.watch)) {
    await ports.tasks.change(task.id, ['running'], { delivery: keptDelivery(delivery, judgement.watch) });
  }
  if (session !== null) await showCondition(ports, session, judgement, context);
}

/** A session that ended under its task, as whoever keeps the sessions found it. What the agent itself told counts before that. */
export async function settleLost(
  ports: TaskPorts,
  task: TaskRow,
  session: LifecycleRow,
  context: TickContext,
): Promise<void> {
  const { lost } = session;
  if (lost === null) return;
  const told = await toldBy(ports, task);
  if (task.status === 'running' && (told.signal !== null || told.moved !== null))
    return watchTask(ports, task, session, context);
  const error = lost.reason === 'account_swap' ? 'account_swap' : 'session_died';
  const detail = lost.reason === 'launch_failed' ? `its session did not start: ${lost.detail}` : lost.detail;
  return lose(ports, task, error, detail, context);
}

async function lose(
  ports: TaskPorts,
  task: TaskRow,
  error: 'session_died' | 'account_swap',
  reason: string,
  context: TickContext,
): Promise<void> {
  await ports.queue.failAttempt(task, { error, reason }, ports.clock.now());
  context.log.warn({ task: task.id, session: task.workSession, error, reason }, 'task lost its session');
  await freeSession(ports, task, { kind: 'released', detail: reason }, context);
}

type Ending = Exclude<Judgement, { kind: 'working' }>;

async function end(ports: TaskPorts, task: TaskRow, ending: Ending, context: TickContext): Promise<void> {
  const row = await writeEnd(ports, task, ending);
  // Of several that found it ended, one says so.
  if (row !== null) {
    const fields = { task: task.id, session: task.workSession, status: row.status, seen: ending.seen };
    context.log.info(fields, ending.kind === 'done' ? 'task done' : 'attempt ended');
  }
  await freeSession(ports, task, sessionEndOf(task, ending), context);
}

/** @returns null: it had ended already */
async function writeEnd({ queue, clock }: TaskPorts, task: TaskRow, ending: Ending): Promise<TaskRow | null> {
  const now = clock.now();
  const evidence = ending.seen;
  const told = evidence.map(sentence).join('; ');
  if (ending.kind === 'done') {
    const { completion, summary } = ending;
    return queue.succeed(task, { completion, summary, reason: told, evidence }, now);
  }
  const reason = `${ending.reason} (${told})`;
  if (ending.kind === 'requeue') return queue.failAttempt(task, { error: 'account_swap', reason, evidence }, now);
  const { error, completion } = ending;
  if (completion === 'agent_moved') return queue.fail(task, { reason, summary: null, evidence }, now);
  return queue.failAttempt(task, { error, reason, completion, evidence }, now);
}

/** A session that ended under its task is made anew; any other is freed as it stands. */
function sessionEndOf(task: TaskRow, ending: Ending): SessionEnd {
  if (ending.kind === 'done') return { kind: 'completed', detail: `task ${task.id} is done` };
  const isDead = ending.kind === 'failed' && ending.error === 'session_died';
  return { kind: isDead ? 'crashed' : 'released', detail: ending.reason };
}

function sentence({ source, detail }: Seen): string {
  return `${source}: ${detail}`;
}

async function showCondition(
  ports: TaskPorts,
  session: LifecycleRow,
  { condition, detail }: Extract<Judgement, { kind: 'working' }>,
  context: TickContext,
): Promise<void> {
  const move = (event: Parameters<typeof moveSession>[2]) => moveSession(ports, session.session, event, context);
  if (session.state === 'blocked' && condition !== 'blocked') await move({ kind: 'unblocked' });
  if (session.state === 'stalled' && condition === 'working') await move({ kind: 'moved' });
  if (condition === 'blocked' && (session.state === 'working' || session.state === 'stalled')) {
    const isHeld = ports.observing(context.config) !== null || (await ports.killSwitch.reason()) !== null;
    const outcome = isHeld ? null : await answerDialog(ports, session, context);
    if (outcome?.kind === 'pending') return;
    const asked = detail ?? 'a dialog waits for a person';
    await move({ kind: 'blocked', detail: outcome?.why == null ? asked : `${outcome.why}: ${asked}` });
  }
  if (condition === 'stalled' && session.state === 'working')
    await move({ kind: 'stalled', detail: detail ?? 'nothing has moved' });
  // A kill may have come between the task's row and its session's.
  if (condition === 'working' && session.state === 'idle') await move({ kind: 'submitted' });
}

/** A swap took its session along: the session was brought back, or its lease has moved, or the task ended after it was told to go on. */
async function followAccount(
  { board, queue, clock }: TaskPorts,
  task: TaskRow,
  { pane }: TaskDelivery,
  session: LifecycleRow | null,
  { recoveries }: WorkFacts,
  hasEnded: boolean,
): Promise<void> {
  const { account } = task;
  if (account === null || session === null) return;
  const swaps = board.pools().get(session.pool)?.pool.swaps ?? [];
  const wentOn: readonly RecoveryState[] = hasEnded ? ['recovered', 'prompted', 'reprompted'] : ['recovered'];
  const back = recoveries.find(({ state }) => wentOn.includes(state));
  const taken = swaps.find(({ id, from }) => id === back?.swapId && from === account)?.to;
  const leased = board.leases().get(paneKey(pane));
  const to = leased !== undefined && leased !== account ? leased : taken;
  if (to === undefined || to === account) return;
  const trigger = swaps.find((swap) => swap.from === account && swap.to === to)?.trigger ?? null;
  await queue.decide(task.id, decisionsAtSwap(account, to, trigger, clock.now()), to);
}

/** A poll after the last key shows no dialog in its pane. */
function hasClosed({ board }: TaskPorts, { answering, pane }: LifecycleRow, facts: WorkFacts): boolean {
  if (answering === null || pane === null || facts.pane === null || facts.pane === 'unseen') return false;
  const { reading } = facts.pane;
  return reading !== null && reading.dialog === null && (board.findings().get(paneKey(pane))?.at ?? 0) > answering.at;
}

async function toldBy(ports: TaskPorts, task: TaskRow): Promise<Pick<WorkFacts, 'signal' | 'moved'>> {
  const signal = task.workSession === null ? null : await ports.doneSignals.read(task.workSession);
  const place = await ports.queueDir.locate(task);
  return { signal, moved: place.kind === 'done' || place.kind === 'failed' ? place.kind : null };
}

async function gather(
  ports: TaskPorts,
  task: TaskRow,
  delivery: TaskDelivery,
  session: LifecycleRow | null,
  context: TickContext,
): Promise<WorkFacts> {
  const heartbeat = await ports.queueDir.heartbeat(task.project);
  const isOwn = heartbeat !== null && (heartbeat.taskId === task.taskId || heartbeat.session === task.workSession);
  return {
    ...(await toldBy(ports, task)),
    pane: paneFacts(ports, delivery, context),
    recoveries: await recoveriesOf(ports, task, delivery, session),
    heartbeatAt: isOwn ? heartbeat.at : null,
  };
}

/** What the last poll that began after the task was typed saw of its pane. */
function paneFacts({ board }: TaskPorts, { pane, stateSince }: TaskDelivery, context: TickContext): WorkFacts['pane'] {
  const snapshot = board.snapshot();
  const server = snapshot?.servers.find((candidate) => candidate.server === pane.server);
  if (snapshot === null || snapshot.takenAt <= stateSince) return 'unseen';
  if (server?.state === 'absent') return null;
  if (server?.state !== 'ok') return 'unseen';
  const key = paneKey(pane);
  const view = snapshot.panes.find(({ identity }) => paneKey(identity) === key);
  if (view === undefined || view.dead) return null;
  const base = { screenText: view.screen?.text ?? '', reading: null, signals: null, limit: null };
  if (view.process === null) return { ...base, agent: null };
  const agent = { pid: view.process.pid, startTicks: view.process.startTicks };
  // A stopped agent shows nothing of its own.
  if (!view.process.foreground) return { ...base, agent };
  const finding = board.findings().get(key);
  // An agent that the poll saw and nobody has judged yet.
  if (finding === undefined || finding.process.pid !== agent.pid || finding.at <= stateSince) return 'unseen';
  const { reading, signals, decision } = finding;
  const hit = decision.kind === 'suspected' ? decision.hit : stoppingHit(finding);
  const limit: PaneFacts['limit'] = hit === null ? null : isModelOnly(hit, context.config) ? 'model' : 'account';
  return { ...base, agent, reading, signals, limit };
}

/** Recoveries of this pane that began after the task was typed, the newest first. */
async function recoveriesOf(
  { local, board }: TaskPorts,
  task: TaskRow,
  { pane }: TaskDelivery,
  session: LifecycleRow | null,
): Promise<readonly RecoveryRow[]> {
  const since = task.startedAt ?? 0;
  const swaps = session === null ? [] : (board.pools().get(session.pool)?.pool.swaps ?? []);
  const late = swaps.filter(({ startedAt, finishedAt }) => Math.max(startedAt, finishedAt ?? startedAt) >= since);
  const rows = [
    ...(await local.openRecoveries()),
    ...(await Promise.all(late.map(({ id }) => local.recoveries(id)))).flat(),
  ];
  const own = new Map(
    rows
      .filter((row) => paneKey(row.pane) === paneKey(pane) && (row.finishedAt === null || row.startedAt >= since))
      .map((row) => [row.id, row]),
  );
  return [...own.values()].sort((a, b) => b.startedAt - a.startedAt);
}
