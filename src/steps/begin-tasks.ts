/** Gives waiting tasks to free sessions: the gates, the choice, the lease, the claim, in this order. */
import type { Config } from '../config/schema.ts';
import { isHotSwappable } from '../core/agents/profile.ts';
import { assign } from '../core/dispatch/assign.ts';
import type { Candidate, NotFree } from '../core/dispatch/free-session.ts';
import { notFree } from '../core/dispatch/free-session.ts';
import type { DispatchGate } from '../core/dispatch/gate.ts';
import { dispatchGate } from '../core/dispatch/gate.ts';
import { StoreError } from '../core/errors.ts';
import { paneKey } from '../core/panes.ts';
import { decisionsAtClaim } from '../core/queue/decisions.ts';
import type { TaskRow } from '../core/queue/task.ts';
import type { LeaseRow } from '../core/quota/lease.ts';
import type { LaunchPlan, LifecycleRow } from '../core/sessions/lifecycle.ts';
import type { EpochMs } from '../core/time.ts';
import type { TickContext } from '../ports.ts';
import { swapPolicyOf } from './config-policy.ts';
import { freeSession } from './end-task.ts';
import { guardLaunch } from './guard-launch.ts';
import { launchPlan } from './launch-plan.ts';
import { sessionName } from './leases.ts';
import { moveSession } from './move-session.ts';
import type { TaskPorts } from './task-ports.ts';
import { isTaskLease, leaseHolder } from './task-ports.ts';

/** Why nothing is given out now, by pool, and why a session gets nothing. */
export interface DispatchOutcome {
  readonly held: ReadonlyMap<string, string>;
  readonly notFree: ReadonlyMap<string, NotFree>;
  readonly begun: number;
}

/** Tasks that are looked at for the free sessions: some name a session that is not free. */
const LOOK_AHEAD = 50;

/** The gate of one pool, on what is known of it now. */
export async function gateOf(ports: TaskPorts, pool: string, now: EpochMs, config: Config): Promise<DispatchGate> {
  const facts = {
    enabled: config.dispatcher.enabled,
    observing: ports.observing(config),
    paused: await ports.killSwitch.reason(),
    pool: ports.board.pools().get(pool)?.pool ?? null,
  };
  const { eligibility } = swapPolicyOf(config);
  return dispatchGate(facts, now, { postSwapDelayMs: config.dispatcher.postSwapDelayMs, eligibility });
}

export async function beginTasks(
  ports: TaskPorts,
  rows: readonly LifecycleRow[],
  context: TickContext,
): Promise<DispatchOutcome> {
  const { config } = context;
  const now = ports.clock.now();
  const held = new Map<string, string>();
  const accounts = new Map<string, string>();
  for (const pool of new Set(rows.map((row) => row.pool))) {
    const gate = await gateOf(ports, pool, now, config);
    if (gate.kind === 'held') held.set(pool, `${gate.reason}: ${gate.detail}`);
    else accounts.set(pool, gate.account);
  }
  const notFreeOnes = new Map<string, NotFree>();
  const free: Candidate[] = [];
  // Without the leases nobody knows which sessions are taken: a store that does not answer holds everything.
  const leases = accounts.size === 0 ? [] : await ports.shared.leases(now);
  for (const row of rows) {
    const account = accounts.get(row.pool);
    if (account === undefined) continue;
    const candidate = candidateOf(ports, row, account, leases, config);
    const why = notFree(candidate, now, config.dispatcher.sessionCooldownMs);
    if (why === null) free.push(candidate);
    else notFreeOnes.set(row.session, why);
  }
  let begun = 0;
  if (free.length > 0) {
    const tasks = await ports.queue.next(now, free.length + LOOK_AHEAD);
    for (const { task, session } of assign(tasks, free)) {
      const row = rows.find((candidate) => candidate.session === session);
      const account = accounts.get(row?.pool ?? '');
      if (row === undefined || account === undefined || context.signal.aborted) continue;
      if (await beginOne(ports, task, row, account, context)) begun++;
    }
  }
  return { held, notFree: notFreeOnes, begun };
}

function candidateOf(
  { board, profiles, host }: TaskPorts,
  row: LifecycleRow,
  account: string,
  leases: readonly LeaseRow[],
  config: Config,
): Candidate {
  const key = row.pane === null ? null : paneKey(row.pane);
  const view = board.snapshot()?.panes.find(({ identity }) => paneKey(identity) === key);
  const finding = key === null ? undefined : board.findings().get(key);
  const profile = profiles.find(({ kind }) => kind === row.agent);
  const isHot = profile !== undefined && isHotSwappable(profile, finding?.signals?.version ?? null);
  const dedicated = config.sessions.dedicated.find(({ name }) => name === row.session);
  const isLeased =
    key !== null && leases.some(({ session, holder }) => session === sessionName(host, key) && isTaskLease(holder));
  const pane =
    view === undefined || view.dead || (view.process !== null && finding?.process.pid !== view.process.pid)
      ? null
      : {
          isFresh: view.process === null,
          isOnActiveAccount: isHot || finding?.launchedUnder === account,
          isBusy: finding?.reading.busy ?? false,
          hasDialog: (finding?.reading.dialog ?? null) !== null,
          composer: finding?.reading.composer?.text ?? null,
          inMode: view.inMode,
          clientActivityAt: view.clientActivityAt,
        };
  return {
    session: row.session,
    kind: row.kind,
    acceptsTasks: dedicated?.acceptTasks ?? false,
    state: row.state,
    stateSince: row.stateSince,
    taskId: row.taskId ?? row.lost?.taskId ?? null,
    isLeased,
    pane,
  };
}

/** @returns whether the task is the session's now */
async function beginOne(
  ports: TaskPorts,
  task: TaskRow,
  row: LifecycleRow,
  account: string,
  context: TickContext,
): Promise<boolean> {
  const { config, log } = context;
  const now = ports.clock.now();
  if (row.pane === null) return false;
  const place = sessionName(ports.host, paneKey(row.pane));
  const claim = { account, session: place, holder: leaseHolder(task) };
  const pool = config.pools.find(({ name }) => name === row.pool);
  const maxSessions = pool?.accounts.find(({ name }) => name === account)?.maxSessions ?? 0;
  const grant = await ports.shared.acquireLease(claim, { maxSessions, ttlMs: config.leases.ttlMs }, now);
  if (!grant.allowed) {
    await ports.queue.decide(task.id, [{ account, reason: 'limit', at: now }]);
    log.debug(
      { task: task.id, session: row.session, account, count: grant.count },
      'the account takes no further session',
    );
    return false;
  }
  const { eligibility } = swapPolicyOf(config);
  const known = ports.board.pools().get(row.pool)?.pool.accounts ?? [];
  const decisions = decisionsAtClaim(known, account, now, eligibility);
  const claimed = await ports.queue
    .claim(task, { session: row.session, account, decisions }, now)
    .catch(async (err: unknown) => {
      await giveUp(ports, claim, context);
      throw err;
    });
  if (claimed.kind !== 'claimed') {
    log.debug({ task: task.id, reason: claimed.kind }, 'task was not claimed');
    await giveUp(ports, claim, context);
    return false;
  }
  log.info({ task: task.id, session: row.session, account }, 'task claimed');
  return startSession(ports, claimed.row, row, context);
}

async function giveUp(
  { shared, clock }: TaskPorts,
  claim: { readonly account: string; readonly session: string; readonly holder: string },
  { log }: TickContext,
): Promise<void> {
  try {
    await shared.releaseLease(claim, 'task_not_claimed', clock.now());
  } catch (err) {
    if (!(err instanceof StoreError)) throw err;
    log.warn({ holder: claim.holder, err }, 'the lease of a task could not be released');
  }
}

/** Also after a kill between the claim and this. @returns whether the session is the task's */
export async function startSession(
  ports: TaskPorts,
  task: TaskRow,
  row: LifecycleRow,
  context: TickContext,
): Promise<boolean> {
  const now = ports.clock.now();
  if (row.taskId !== task.id) {
    const plan = await planFor(ports, task, row, context);
    if ('why' in plan) {
      await ports.queue.failAttempt(task, { error: 'agent_error', reason: plan.why }, now);
      await freeSession(ports, task, { kind: 'released', detail: plan.why }, context);
      return false;
    }
    const { launch } = plan;
    const snapshot = ports.board.snapshot();
    const key = row.pane === null ? null : paneKey(row.pane);
    const hasAgent = snapshot?.panes.some(({ identity, process }) => paneKey(identity) === key && process !== null);
    const event = { kind: 'assigned', taskId: task.id, launch, hasAgent: hasAgent ?? false } as const;
    if ((await moveSession(ports, row.session, event, context)) === null) {
      const reason = `${row.session} could not take it`;
      await ports.queue.giveBack(task, reason, now);
      await freeSession(ports, task, { kind: 'released', detail: reason }, context);
      return false;
    }
  }
  // Its agent is started there, without waiting for the next look at all sessions.
  ports.board.wake('lifecycle');
  const moved = await ports.tasks.move(task.id, ['claimed'], 'launching', { delivery: null, startedAt: null }, [], now);
  return moved !== null;
}

/** What is started for it; `why`: nothing may be. */
type Plan = { readonly launch: LaunchPlan | null } | { readonly why: string };

/** A session of ours starts an agent of its own for each task, in the task's project; any other keeps the one it has. */
async function planFor(ports: TaskPorts, task: TaskRow, row: LifecycleRow, context: TickContext): Promise<Plan> {
  const { config } = context;
  const pool = config.pools.find(({ name }) => name === row.pool);
  if (row.kind === 'dedicated' || pool === undefined) return { launch: null };
  const model = task.model ?? config.agents[row.agent]?.models[task.priority] ?? null;
  const account = ports.board.pools().get(row.pool)?.pool.active ?? null;
  const launch = launchPlan(config, pool, row.agent, task.project, model, account);
  if (launch === null) return { why: `its model is no name of one: ${model ?? 'none'}` };
  const why = await guardLaunch(ports, launch, context);
  return why === null ? { launch } : { why };
}
