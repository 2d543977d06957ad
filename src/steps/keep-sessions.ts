/** Keeps the configured sessions: compares each with what tmux has, makes what is missing, and starts and ends their agents. */
import type { Config, PoolConfig } from '../config/schema.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import { StoreError } from '../core/errors.ts';
import { paneKey } from '../core/panes.ts';
import type { KeepAction, KeepPolicy, SessionSight } from '../core/sessions/keep.ts';
import { keepSession } from '../core/sessions/keep.ts';
import type { LifecycleRow } from '../core/sessions/lifecycle.ts';
import { newLifecycle } from '../core/sessions/lifecycle.ts';
import { planPool } from '../core/sessions/pool-size.ts';
import type { LifecycleStore, SessionMaker } from '../ports/lifecycle.ts';
import type { KillSwitch, TickContext } from '../ports.ts';
import { kindOf, profileOf } from './config-policy.ts';
import type { LaunchPorts } from './launch-agent.ts';
import { launchAgent } from './launch-agent.ts';
import { launchPlan } from './launch-plan.ts';
import { moveSession } from './move-session.ts';
import type { SeePorts } from './see-session.ts';
import { seeSession } from './see-session.ts';

export interface KeepPorts extends LaunchPorts, SeePorts {
  readonly lifecycles: LifecycleStore;
  readonly maker: SessionMaker;
  readonly killSwitch: Pick<KillSwitch, 'reason'>;
  readonly profiles: readonly AgentProfile[];
  /** Why nothing may be typed or made; null: it may. */
  readonly observing: (config: Config) => string | null;
  /** Tasks that wait for a session. */
  readonly queued: () => Promise<number>;
}

/** Sessions that are looked at, and typed into, at the same time. */
const AT_ONCE = 8;

/** @returns whether something is under way that must be looked at again soon */
export async function keepSessions(
  ports: KeepPorts,
  told: Map<string, string>,
  context: TickContext,
): Promise<boolean> {
  const { config, signal } = context;
  if (ports.board.snapshot() === null) return false;
  const mayAct = ports.observing(config) === null && (await ports.killSwitch.reason()) === null;
  await addConfigured(ports, config);
  const open = await ports.local.openRecoveries();
  const sights = new Map<string, SessionSight>();
  const rows = await ports.lifecycles.lifecycles();
  await inParallel(rows, async (row) => {
    const sight = await seeSession(ports, row, open, signal);
    if (sight !== null) sights.set(row.session, sight);
  });
  const { make, end } = planPool(
    config.sessions.autonomous,
    rows.filter((row) => row.kind === 'autonomous'),
    mayAct ? await ports.queued() : 0,
    (row) => isForsaken(ports, row, sights.get(row.session)),
    ports.clock.now(),
  );
  await inParallel(rows, async (row) => {
    const sight = sights.get(row.session);
    if (sight === undefined || signal.aborted) return;
    try {
      if (mayAct && end.includes(row.session))
        return await endSession(ports, row, 'nothing waits for it', told, context);
      const policy: KeepPolicy = {
        recreate: config.lifecycle.recreate,
        maxRestartsPerHour: config.lifecycle.maxRestartsPerHour,
        isWanted: isWanted(row, config, make),
        mayAct,
      };
      await carryOut(ports, row, keepSession(row, sight, policy, ports.clock.now()), told, context);
    } catch (error) {
      // One session must not hold up another; a store that fails would fail for all.
      if (error instanceof StoreError) throw error;
      context.log.warn({ session: row.session, err: error }, 'a session could not be kept');
    }
  });
  await forgetForeign(ports, config);
  return (await ports.lifecycles.lifecycles()).some(({ state }) => UNDER_WAY.has(state));
}

const UNDER_WAY: ReadonlySet<string> = new Set(['launching', 'draining', 'done']);

/** A row for each session that is configured, and for each autonomous one there may be, as the configuration has it now. */
async function addConfigured(ports: KeepPorts, config: Config): Promise<void> {
  const known = new Map((await ports.lifecycles.lifecycles()).map((row) => [row.session, row]));
  const { dedicated, autonomous } = config.sessions;
  const wanted = [
    ...dedicated.map(({ name, pool, agent, project }) => ({ name, pool, agent, project, kind: 'dedicated' as const })),
    ...autonomous.names.map((name) => ({
      name,
      pool: autonomous.pool,
      agent: autonomous.agent,
      project: autonomous.workdir,
      kind: 'autonomous' as const,
    })),
  ];
  const views = ports.board.snapshot()?.panes ?? [];
  for (const { name, kind, pool, agent, project } of wanted) {
    const row = known.get(name);
    if (row !== undefined) {
      const now = { pool, agent, project: project ?? '' };
      if (row.pool !== now.pool || row.agent !== now.agent || row.project !== now.project) {
        const change = (current: LifecycleRow) => ({ row: { ...current, ...now }, effects: [] });
        await ports.lifecycles.changeLifecycle(name, change, ports.clock.now());
      }
      continue;
    }
    const server = views.find((view) => view.sessionName === name)?.identity.server ?? config.tmux.sockets[0] ?? '';
    const what = { session: name, server, kind, pool, agent, project: project ?? '' };
    await ports.lifecycles.addLifecycle(newLifecycle(what, ports.clock.now()));
  }
}

/** The daemon does not answer any more for what left the configuration; the session itself stays as it is. */
async function forgetForeign(ports: KeepPorts, config: Config): Promise<void> {
  for (const row of await ports.lifecycles.lifecycles()) {
    const isOwn = kindOf(config, row.session) === row.kind && config.tmux.sockets.includes(row.server);
    if (!isOwn && row.taskId === null && row.lost === null) await ports.lifecycles.removeLifecycle(row.session);
  }
}

function isWanted(row: LifecycleRow, config: Config, make: readonly string[]): boolean {
  if (row.kind === 'autonomous') return row.state === 'failed' || make.includes(row.session);
  return row.project !== '' && config.sessions.dedicated.some(({ name }) => name === row.session);
}

/** Nobody looks at it, and nothing runs in it. */
function isForsaken(ports: KeepPorts, row: LifecycleRow, sight: SessionSight | undefined): boolean {
  const own = row.pane === null ? null : paneKey(row.pane);
  const view = ports.board.snapshot()?.panes.find(({ identity }) => paneKey(identity) === own);
  return view !== undefined && view.process === null && view.clientActivityAt === null && sight?.recovery === null;
}

async function carryOut(
  ports: KeepPorts,
  row: LifecycleRow,
  action: KeepAction,
  told: Map<string, string>,
  context: TickContext,
): Promise<void> {
  switch (action.kind) {
    case 'none':
      return;
    case 'move':
      await moveSession(ports, row.session, action.event, context);
      return;
    case 'make': {
      const launch = dedicatedLaunch(ports, row, context.config);
      // The account that it begins under is not known yet.
      if (launch === null && row.kind === 'dedicated') return;
      const moved = await moveSession(ports, row.session, { kind: 'creating', launch, cause: action.cause }, context);
      if (moved !== null) await makeSession(ports, moved, context);
      return;
    }
    case 'make_again':
      return makeSession(ports, row, context);
    case 'end':
      return endSession(ports, row, action.why, told, context);
    case 'type':
      return launchAgent(ports, row, profileOf(ports.profiles, poolOf(row, context.config)), context);
  }
}

async function makeSession(ports: KeepPorts, row: LifecycleRow, context: TickContext): Promise<void> {
  const made = await ports.maker.make(row.server, row.session, row.project, context.signal);
  // One that is there is taken for what it is when it is seen.
  if (made.kind === 'exists') return;
  if (made.kind === 'made') {
    await moveSession(ports, row.session, { kind: 'created', pane: made.pane }, context);
    ports.board.wake('watcher');
    return;
  }
  const detail = `it could not be made: ${made.detail}`;
  await moveSession(ports, row.session, { kind: 'launch_failed', detail }, context);
}

async function endSession(
  ports: KeepPorts,
  row: LifecycleRow,
  why: string,
  told: Map<string, string>,
  context: TickContext,
): Promise<void> {
  const seen = ports.board.snapshot()?.panes.find((view) => view.sessionName === row.session);
  const pane = row.pane ?? seen?.identity;
  if (pane === undefined) return;
  const ended = await ports.maker.end(pane, row.session, context.signal);
  if (ended.kind === 'ended') {
    told.delete(row.session);
    if (row.state !== 'missing') await moveSession(ports, row.session, { kind: 'gone', detail: why }, context);
    ports.board.wake('watcher');
    return;
  }
  if (told.get(row.session) === ended.reason) return;
  told.set(row.session, ended.reason);
  context.log.warn({ session: row.session, reason: ended.reason, why }, 'a session was not ended');
}

/** An autonomous session begins with its shell alone: what runs in it depends on the task. */
function dedicatedLaunch({ board }: KeepPorts, row: LifecycleRow, config: Config) {
  if (row.kind === 'autonomous') return null;
  const account = board.pools().get(row.pool)?.pool.active ?? null;
  return launchPlan(config, poolOf(row, config), row.agent, row.project, null, account);
}

/** @throws {Error} the configuration has no such pool; its checks do not let that happen */
function poolOf(row: LifecycleRow, config: Config): PoolConfig {
  const pool = config.pools.find(({ name }) => name === row.pool);
  if (pool === undefined) throw new Error(`no pool ${row.pool}`);
  return pool;
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let i = 0; i < items.length; i += AT_ONCE) await Promise.all(items.slice(i, i + AT_ONCE).map(work));
}
