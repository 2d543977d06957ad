/** The dispatcher: looks at the inboxes, gives tasks to free sessions, types them in, and ends them once they have ended. */
import { StoreError } from '../core/errors.ts';
import { paneKey } from '../core/panes.ts';
import type { TaskRow } from '../core/queue/task.ts';
import { UNDER_WAY } from '../core/queue/task.ts';
import type { LifecycleRow } from '../core/sessions/lifecycle.ts';
import type { EpochMs } from '../core/time.ts';
import { SECOND } from '../core/time.ts';
import type { QueueWatch } from '../ports/queue.ts';
import type { Loop, TickContext } from '../ports.ts';
import type { DispatchOutcome } from '../steps/begin-tasks.ts';
import { beginTasks, gateOf, startSession } from '../steps/begin-tasks.ts';
import type { TaskTexts } from '../steps/deliver-task.ts';
import { deliverTask } from '../steps/deliver-task.ts';
import { freeLeftovers, freeSession } from '../steps/end-task.ts';
import type { TaskPorts } from '../steps/task-ports.ts';
import { deliveryOf } from '../steps/task-ports.ts';
import { settleLost, watchTask } from '../steps/watch-task.ts';

export interface DispatcherPorts extends TaskPorts {
  readonly queueWatch: Pick<QueueWatch, 'follow'>;
}

export interface Dispatcher extends Loop {
  /** Something may have changed: the next tick looks at every inbox and every task. */
  look(): void;
  /** Why nothing is given out now, by pool; empty: it is. */
  held(): ReadonlyMap<string, string>;
}

/** While a task is being typed. */
const TYPING_MS = 200;
/** While tasks wait for a session, or a cancelled one's turn for its end. */
const WAITING_MS = SECOND;
/** While a task is being typed the inboxes are looked at no more often: a thousand files take as long as the typing. */
const SCAN_PAUSE_MS = SECOND;
/** Tasks that are looked at side by side. */
const AT_ONCE = 8;
const MOST = 500;

interface State {
  isRepaired: boolean;
  isAsked: boolean;
  /** The inboxes are to be looked at although it is not yet time. */
  mustScan: boolean;
  /** By the monotonic clock, as the next one. */
  scannedMs: number;
  nextScanMs: number;
  intervalMs: number;
  /** When each task was last judged. */
  readonly judgedAt: Map<string, EpochMs>;
  readonly texts: TaskTexts;
  /** Tasks whose last look failed: each failure is told once. */
  readonly failing: Set<string>;
  /** Tasks that waited at the end of the last tick. */
  waiting: number;
  last: DispatchOutcome | null;
  said: string;
}

export function createDispatcher(ports: DispatcherPorts): Dispatcher {
  const state: State = {
    isRepaired: false,
    isAsked: true,
    mustScan: true,
    scannedMs: Number.NEGATIVE_INFINITY,
    nextScanMs: Number.NEGATIVE_INFINITY,
    intervalMs: 0,
    judgedAt: new Map(),
    texts: new Map(),
    failing: new Set(),
    waiting: 0,
    last: null,
    said: '',
  };
  return {
    name: 'dispatcher',
    intervalMs: ({ dispatcher }) => Math.min(state.intervalMs, dispatcher.scanIntervalMs),
    tick: (context) => tick(ports, state, context),
    look: () => {
      state.isAsked = true;
    },
    held: () => state.last?.held ?? new Map(),
  };
}

async function tick(ports: DispatcherPorts, state: State, context: TickContext): Promise<void> {
  const { config } = context;
  const isAsked = state.isAsked;
  state.isAsked = false;
  state.mustScan ||= isAsked;
  state.intervalMs = config.dispatcher.scanIntervalMs;
  if (!state.isRepaired) {
    await ports.queue.repair(ports.clock.now());
    state.isRepaired = true;
  }

  const rows = await ports.lifecycles.lifecycles();
  const stopping = await freeLeftovers(ports, rows, context);
  const tasks = await ports.tasks.tasks({ statuses: UNDER_WAY, limit: MOST });
  forget(state, tasks);
  const due = tasks.filter((task) => task.status !== 'running' || isDue(ports, state, task, isAsked, context));
  for (let from = 0; from < due.length && !context.signal.aborted; from += AT_ONCE) {
    await Promise.all(due.slice(from, from + AT_ONCE).map((task) => work(ports, state, task, rows, context)));
  }

  await scan(ports, state, tasks.some(isBeingTyped), context);
  state.last = await beginTasks(ports, await ports.lifecycles.lifecycles(), context);
  say(state, context);
  const { byStatus } = await ports.tasks.counts();
  const waiting = byStatus.queued + byStatus.retry_wait;
  // More sessions may be needed.
  if (waiting > state.waiting) ports.board.wake('lifecycle');
  state.waiting = waiting;
  if (byStatus.claimed + byStatus.launching > 0) state.intervalMs = TYPING_MS;
  else if (byStatus.running > 0) state.intervalMs = Math.min(config.quota.pollIntervalMs, config.watcher.intervalMs);
  if (waiting + stopping > 0) state.intervalMs = Math.min(state.intervalMs, WAITING_MS);
  state.intervalMs = Math.max(TYPING_MS, Math.min(state.intervalMs, state.nextScanMs - ports.clock.monotonic()));
}

async function scan(
  ports: DispatcherPorts,
  state: State,
  isTyping: boolean,
  { config, log }: TickContext,
): Promise<void> {
  const nowMs = ports.clock.monotonic();
  if (config.dispatcher.projectsDir === null || (!state.mustScan && nowMs < state.nextScanMs)) return;
  if (isTyping && nowMs - state.scannedMs < SCAN_PAUSE_MS) return;
  state.mustScan = false;
  state.scannedMs = nowMs;
  const now = ports.clock.now();
  const { projects, isPartial, settlesAt } = await ports.queue.scan(now);
  ports.queueWatch.follow(config.dispatcher.projectsDir, projects);
  const settlesMs = settlesAt === null ? config.dispatcher.scanIntervalMs : Math.max(0, settlesAt - now);
  state.nextScanMs = nowMs + (isPartial ? 0 : Math.min(config.dispatcher.scanIntervalMs, settlesMs));
  log.debug({ projects: projects.length, isPartial, settlesAt }, 'inboxes looked at');
}

function isBeingTyped({ status }: TaskRow): boolean {
  return status === 'claimed' || status === 'launching';
}

/** A running task is judged in its turn, and at once when a hook of its session was heard. */
function isDue(ports: TaskPorts, state: State, task: TaskRow, isAsked: boolean, { config }: TickContext): boolean {
  const judgedAt = state.judgedAt.get(task.id);
  const now = ports.clock.now();
  if (isAsked || judgedAt === undefined || Math.abs(now - judgedAt) >= config.watcher.intervalMs) return true;
  const delivery = deliveryOf(task);
  const finding = delivery === null ? undefined : ports.board.findings().get(paneKey(delivery.pane));
  // A dialog that may be answered is not left standing.
  const asks = config.watcher.autoAnswers.length > 0 && finding !== undefined && finding.reading.dialog !== null;
  if (asks && finding.at > judgedAt) return true;
  const sessionId = finding?.signals?.sessionId ?? null;
  const heardAt = sessionId === null ? null : (ports.signals.heardAt?.(sessionId) ?? null);
  return heardAt !== null && finding !== undefined && heardAt >= judgedAt - SECOND && finding.at > judgedAt;
}

async function work(
  ports: TaskPorts,
  state: State,
  task: TaskRow,
  rows: readonly LifecycleRow[],
  context: TickContext,
): Promise<void> {
  try {
    const session = rows.find((row) => row.session === task.workSession) ?? null;
    if (session?.lost?.taskId === task.id) await settleLost(ports, task, session, context);
    else if (task.status === 'running') {
      state.judgedAt.set(task.id, ports.clock.now());
      await watchTask(ports, task, session, context);
    } else await prepare(ports, state, task, session, context);
    state.failing.delete(task.id);
  } catch (err) {
    // One task must not hold up the others; a store that fails would fail for all.
    if (err instanceof StoreError) throw err;
    if (!state.failing.has(task.id)) context.log.warn({ task: task.id, err }, 'a task could not be looked at');
    state.failing.add(task.id);
  }
}

/** A task that is claimed, and not typed yet. */
async function prepare(
  ports: TaskPorts,
  state: State,
  task: TaskRow,
  session: LifecycleRow | null,
  context: TickContext,
): Promise<void> {
  const isIts = session?.taskId === task.id;
  if (session === null || (task.status === 'launching' && !isIts)) {
    const reason =
      session === null ? `session ${task.workSession} is not kept any more` : 'its session has no part in it';
    // What was typed may be under way there.
    const wasTyped = (deliveryOf(task)?.typedAt ?? null) !== null;
    if (wasTyped) await ports.queue.failAttempt(task, { error: 'session_died', reason }, ports.clock.now());
    else await ports.queue.giveBack(task, reason, ports.clock.now());
    return freeSession(ports, task, { kind: 'released', detail: reason }, context);
  }
  if (task.status === 'claimed') {
    await startSession(ports, task, session, context);
    return;
  }
  const gate = await gateOf(ports, session.pool, ports.clock.now(), context.config);
  const held = gate.kind === 'held' ? `${gate.reason}: ${gate.detail}` : null;
  await deliverTask(ports, task, session, state.texts, held, context);
}

function forget(state: State, tasks: readonly TaskRow[]): void {
  const ids = new Set(tasks.map(({ id }) => id));
  const claims = new Set(tasks.map(({ claimId }) => claimId));
  for (const id of state.judgedAt.keys()) if (!ids.has(id)) state.judgedAt.delete(id);
  for (const id of state.failing) if (!ids.has(id)) state.failing.delete(id);
  for (const claim of state.texts.keys()) if (!claims.has(claim)) state.texts.delete(claim);
}

/** Once for each change, so that a quiet night leaves few lines. */
function say(state: State, { log }: TickContext): void {
  const held = Object.fromEntries(state.last?.held ?? []);
  const said = JSON.stringify(held);
  if (said === state.said) return;
  state.said = said;
  log.info({ held }, said === '{}' ? 'tasks are given out' : 'no tasks are given out');
}
