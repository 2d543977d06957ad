/** What `/health`, `/status` and the command line say: one view of the daemon's facts, derived in one place. */
import type { AccountStatusView } from './account-view.ts';
import { accountView } from './account-view.ts';
import type { LinkState } from './accounts.ts';
import type { ChannelFacts, ChannelView } from './channel-view.ts';
import { channelTrouble, channelView } from './channel-view.ts';
import type { JournalEvent } from './events.ts';
import { type FigureView, figureViews } from './figures-view.ts';
import type { ServerView } from './panes.ts';
import type { QueueFacts, QueueView } from './queue/view.ts';
import { queueView } from './queue/view.ts';
import type { EligibilityPolicy } from './quota/eligibility.ts';
import { isEligible } from './quota/eligibility.ts';
import type { PoolFacts } from './quota/policy.ts';
import { breakerEndsAt, lastCompleted } from './quota/policy.ts';
import { countEligible, hasSpareSoon } from './quota/spare.ts';
import { nextEnd } from './quota/view.ts';
import { describeLink } from './swap/recovery.ts';
import type { SwapRow } from './swap/swap.ts';
import type { EpochMs } from './time.ts';
import { formatDuration, MINUTE, SECOND, toIso, utcMinute } from './time.ts';
import type { QuotaFigures } from './verdict/signals.ts';

/** The facts of one pool as the loops last saw them. */
export interface PoolView {
  readonly pool: PoolFacts;
  readonly agent: string;
  readonly link: string;
  readonly linkState: LinkState;
  readonly partialReason: string | null;
  readonly swapStateSince: EpochMs | null;
  readonly asOf: EpochMs;
}

export interface SessionFacts {
  readonly id: string;
  /** The tmux socket. */
  readonly server: string;
  readonly sessionName: string;
  readonly label: string;
  readonly pool: string | null;
  readonly kind: string;
  readonly agent: string;
  readonly version: string | null;
  readonly state: string;
  readonly stateReason: string | null;
  readonly stateSince: EpochMs;
  readonly launchedUnder: string | null;
  /** The account on which it holds its lease. */
  readonly lease?: string | null;
  /** As the CLI itself reported them; absent: not known. */
  readonly figures?: QuotaFigures;
}

export interface JobFacts {
  readonly name: string;
  readonly state: string;
  readonly lastStartedAt: EpochMs | null;
  readonly lastDurationMs: number | null;
  readonly lastResult: string | null;
  readonly lastError: string | null;
  readonly nextAt: EpochMs | null;
  readonly consecutiveFailures: number;
  readonly degraded: boolean;
}

/** Everything the views are made of. `daemon` is null when the command line reads the database itself. */
export interface StatusFacts {
  readonly version: string;
  readonly daemon: { readonly pid: number; readonly startedAt: EpochMs } | null;
  readonly mode: 'act' | 'observe';
  /** Why the daemon only observes although the mode is `act`. */
  readonly observeReason: string | null;
  readonly paused: string | null;
  readonly pools: readonly PoolView[];
  /** Pools of the configuration of which nothing has been read yet: that says nothing about their accounts. */
  readonly notLoaded?: readonly string[];
  readonly servers: readonly ServerView[];
  /** Since when no tmux server could be read; null: one can be. */
  readonly tmuxDownSince: EpochMs | null;
  readonly sessions: readonly SessionFacts[];
  /** Null: writable. */
  readonly storeError: string | null;
  readonly jobs: readonly JobFacts[];
  readonly config: {
    readonly file: string;
    readonly hash: string;
    readonly loadedAt: EpochMs;
    readonly rejected: string | null;
    /** Keys whose value in the file waits for a restart. */
    readonly needsRestart: readonly string[];
  };
  /** Newest warnings and worse. */
  readonly attention: readonly JournalEvent[];
  /** Alerts that are active or acknowledged; absent: nobody counted. */
  readonly openAlerts?: number;
  /** Absent where no daemon runs. */
  readonly channels?: readonly ChannelFacts[];
  /** The tasks; absent where nobody has looked at them. */
  readonly queue?: QueueFacts;
  readonly asOf: EpochMs;
  readonly policy: EligibilityPolicy & { readonly swapCooldownMs: number; readonly swapTimeoutMs: number };
}

export interface PoolStatusView {
  readonly name: string;
  readonly agent: string;
  readonly active_account: string | null;
  readonly eligible: number;
  readonly switcher: string;
  readonly partial_swap: boolean;
  readonly link: { readonly path: string; readonly state: string };
  readonly last_swap: {
    readonly id: string;
    readonly at: string | null;
    readonly from: string;
    readonly to: string;
    readonly trigger_session: string | null;
    readonly outcome: string;
  } | null;
  readonly cooldown: { readonly active: boolean; readonly remaining_s: number };
  /** Somebody asked for no automatic swap until then. */
  readonly hold_until: string | null;
  readonly next_reset_at: string | null;
}

export interface StatusView {
  readonly status: 'ok' | 'degraded' | 'unhealthy';
  readonly reasons: readonly string[];
  readonly version: string;
  readonly daemon: { readonly running: boolean; readonly pid: number | null; readonly uptime_s: number | null };
  readonly mode: 'act' | 'observe';
  readonly observe_reason: string | null;
  readonly paused: string | null;
  readonly pools: readonly PoolStatusView[];
  readonly accounts: readonly AccountStatusView[];
  readonly sessions: readonly {
    readonly session: string;
    readonly pane: string;
    readonly server: string;
    readonly pool: string | null;
    readonly kind: string;
    readonly agent: string;
    readonly version: string | null;
    readonly state: string;
    readonly reason: string | null;
    readonly since: string | null;
    readonly launched_under: string | null;
    readonly lease: string | null;
    readonly figures: readonly FigureView[];
  }[];
  readonly servers: readonly { readonly socket: string; readonly state: string; readonly reason: string | null }[];
  readonly jobs: readonly {
    readonly name: string;
    readonly state: string;
    readonly last_start: string | null;
    readonly duration_ms: number | null;
    readonly result: string | null;
    readonly error: string | null;
    readonly next_run: string | null;
    readonly degraded: boolean;
  }[];
  readonly attention: readonly {
    readonly at: string | null;
    readonly type: string;
    readonly severity: string;
    readonly detail: string;
  }[];
  /** null: nobody has looked. */
  readonly queue: QueueView | null;
  readonly alerts: { readonly active: number };
  readonly config: {
    readonly file: string;
    readonly hash: string;
    readonly loaded_at: string | null;
    readonly rejected: string | null;
    readonly needs_restart: readonly string[];
  };
  readonly notifications: readonly ChannelView[];
  readonly as_of: string | null;
}

export interface HealthView {
  readonly status: 'ok' | 'degraded' | 'unhealthy';
  readonly version: string;
  readonly uptime_s: number | null;
  readonly partial_swap: boolean;
  readonly pools: readonly {
    readonly name: string;
    readonly active_account: string | null;
    readonly eligible: number;
    readonly switcher: string;
  }[];
  readonly checks: Readonly<Record<'tmux' | 'db' | 'link' | 'loops' | 'notifications', 'pass' | 'warn' | 'fail'>>;
  readonly reasons: readonly string[];
  readonly as_of: string | null;
}

/** How long tmux may be away before that is unhealthy. */
const TMUX_GRACE_MS = MINUTE;

export function buildStatus(facts: StatusFacts, now: EpochMs): StatusView {
  const health = judge(facts, now);
  return {
    status: health.status,
    reasons: health.reasons,
    version: facts.version,
    daemon: {
      running: facts.daemon !== null,
      pid: facts.daemon?.pid ?? null,
      uptime_s: facts.daemon === null ? null : Math.round((now - facts.daemon.startedAt) / SECOND),
    },
    mode: facts.mode,
    observe_reason: facts.observeReason,
    paused: facts.paused,
    pools: facts.pools.map((view) => poolStatus(view, facts, now)),
    accounts: facts.pools.flatMap((view) =>
      view.pool.accounts.map((account) => accountView(account, view.pool.active, now, facts.policy)),
    ),
    sessions: facts.sessions.map((session) => ({
      session: session.sessionName,
      pane: session.label,
      server: session.server,
      pool: session.pool,
      kind: session.kind,
      agent: session.agent,
      version: session.version,
      state: session.state,
      reason: session.stateReason,
      since: toIso(session.stateSince),
      launched_under: session.launchedUnder,
      lease: session.lease ?? null,
      figures: figureViews(session.figures),
    })),
    servers: facts.servers.map(({ server, state, reason }) => ({ socket: server, state, reason })),
    jobs: facts.jobs.map((job) => ({
      name: job.name,
      state: job.state,
      last_start: toIso(job.lastStartedAt),
      duration_ms: job.lastDurationMs,
      result: job.lastResult,
      error: job.lastError,
      next_run: job.nextAt !== null && Number.isFinite(job.nextAt) ? toIso(job.nextAt) : null,
      degraded: job.degraded,
    })),
    attention: facts.attention
      .filter((event) => isStillSo(event, facts))
      .map((event) => ({
        at: toIso(event.at),
        type: event.type,
        severity: event.severity,
        detail: describeEvent(event),
      })),
    queue: facts.queue === undefined ? null : queueView(facts.queue, now),
    alerts: { active: facts.openAlerts ?? 0 },
    config: {
      file: facts.config.file,
      hash: facts.config.hash,
      loaded_at: toIso(facts.config.loadedAt),
      rejected: facts.config.rejected,
      needs_restart: facts.config.needsRestart,
    },
    notifications: (facts.channels ?? []).map(channelView),
    as_of: toIso(facts.asOf),
  };
}

export function buildHealth(facts: StatusFacts, now: EpochMs): HealthView {
  const { status, reasons, checks } = judge(facts, now);
  return {
    status,
    version: facts.version,
    uptime_s: facts.daemon === null ? null : Math.round((now - facts.daemon.startedAt) / SECOND),
    partial_swap: facts.pools.some((view) => view.pool.state === 'partial'),
    pools: facts.pools.map((view) => ({
      name: view.pool.pool,
      active_account: view.pool.active,
      eligible: countEligible(view.pool, facts.policy, now),
      switcher: view.pool.state,
    })),
    checks,
    reasons,
    as_of: toIso(facts.asOf),
  };
}

/** What the facts say is over needs no attention any more. */
function isStillSo({ type }: JournalEvent, facts: StatusFacts): boolean {
  if (type === 'tmux_unavailable') return facts.servers.some((server) => server.state !== 'ok');
  return type !== 'config_rejected' || facts.config.rejected !== null;
}

/** One sentence of an event's own data, for lists. */
export function describeEvent(
  event: Pick<JournalEvent, 'data' | 'pool' | 'session' | 'pane' | 'account'> & { readonly type: string },
): string {
  const { detail, reason, error, from, to, version, task } = event.data;
  const said = [detail, reason, error].filter((value) => typeof value === 'string');
  const move = typeof from === 'string' && typeof to === 'string' ? `${from} -> ${to}` : null;
  // What tmux said is the reason that a person can act on.
  const words = event.type === 'tmux_unavailable' && said.length > 0 ? said.join(': ') : said[0];
  const named = event.type.startsWith('task_') && typeof task === 'string' ? task : null;
  const what = [named, move, words].filter((part) => part != null).join(': ');
  const where = [event.pool, event.session ?? event.pane, event.account].filter((part) => part !== null);
  return [
    what || (typeof version === 'string' ? version : event.type.replaceAll('_', ' ')),
    ...(where.length > 0 ? [`(${where.join(', ')})`] : []),
  ].join(' ');
}

function judge(facts: StatusFacts, now: EpochMs): Pick<HealthView, 'status' | 'reasons' | 'checks'> {
  const fatal: string[] = [];
  const soft: string[] = [];
  const checks: Record<keyof HealthView['checks'], 'pass' | 'warn' | 'fail'> = {
    tmux: 'pass',
    db: 'pass',
    link: 'pass',
    loops: 'pass',
    notifications: 'pass',
  };

  for (const name of facts.notLoaded ?? []) soft.push(`pool ${name}: its accounts are not loaded yet`);
  for (const { pool, linkState, partialReason, swapStateSince } of facts.pools) {
    if (pool.state === 'partial')
      fatal.push(`pool ${pool.pool}: partial swap (${partialReason ?? 'unknown'}); run: claude-failover recover`);
    const underWayMs = isUnderWay(pool.state) && swapStateSince !== null ? now - swapStateSince : 0;
    if (underWayMs > facts.policy.swapTimeoutMs)
      soft.push(`pool ${pool.pool}: ${pool.state} for ${formatDuration(underWayMs)}`);
    if (linkState.kind !== 'account') {
      checks.link = 'fail';
      fatal.push(`pool ${pool.pool}: the link is ${describeLink(linkState)}`);
    }
    const active = pool.accounts.find((account) => account.name === pool.active);
    const usable = active !== undefined && isEligible(active, now, facts.policy, { purpose: 'keep' }).ok;
    const eligible = countEligible(pool, facts.policy, now);
    if (eligible === 0) fatal.push(`pool ${pool.pool}: no account can be used (no_eligible_account)`);
    else if (usable && eligible === 1 && !hasSpareSoon(pool, facts.policy, now))
      soft.push(`pool ${pool.pool}: no spare account`);
    if (pool.breakerOpenedAt !== null && now < breakerEndsAt(pool.breakerOpenedAt))
      soft.push(`pool ${pool.pool}: circuit breaker open`);
    if (pool.hold !== null && pool.hold.until > now)
      soft.push(`pool ${pool.pool}: held until ${utcMinute(pool.hold.until)}: ${pool.hold.reason}`);
  }
  if (facts.tmuxDownSince !== null) {
    const fails = now - facts.tmuxDownSince > TMUX_GRACE_MS;
    checks.tmux = fails ? 'fail' : 'warn';
    const servers = facts.servers.map(({ server, state, reason }) => `${server}: ${reason ?? state}`);
    (fails ? fatal : soft).push(`no tmux server can be read (${servers.join('; ')})`);
  }
  if (facts.storeError !== null) {
    checks.db = 'fail';
    fatal.push(`the database cannot be written: ${facts.storeError}`);
  }
  const dead = facts.jobs.filter((job) => job.state === 'late' || (facts.daemon !== null && job.state === 'stopped'));
  const degraded = facts.jobs.filter((job) => job.degraded);
  if (dead.length > 0) {
    checks.loops = 'fail';
    fatal.push(`loop ${dead.map((job) => job.name).join(', ')} does not answer`);
  } else if (degraded.length > 0) {
    checks.loops = 'warn';
    soft.push(`loop ${degraded.map((job) => job.name).join(', ')} keeps failing`);
  }
  const silent = (facts.channels ?? []).flatMap((channel) => channelTrouble(channel, now) ?? []);
  if (silent.length > 0) checks.notifications = 'warn';
  soft.push(...silent);
  if (facts.paused !== null) soft.push(`paused: ${facts.paused}`);
  if (facts.observeReason !== null) soft.push(`observing only: ${facts.observeReason}`);
  if (facts.config.rejected !== null) soft.push(`the changed configuration was rejected: ${facts.config.rejected}`);
  return {
    status: fatal.length > 0 ? 'unhealthy' : soft.length > 0 ? 'degraded' : 'ok',
    reasons: [...fatal, ...soft],
    checks,
  };
}

function isUnderWay(state: PoolFacts['state']): boolean {
  return state !== 'normal' && state !== 'exhausted' && state !== 'partial';
}

function poolStatus(view: PoolView, facts: StatusFacts, now: EpochMs): PoolStatusView {
  const { pool } = view;
  const completedAt = lastCompleted(pool.swaps);
  const remainingMs = completedAt === null ? 0 : Math.max(0, completedAt + facts.policy.swapCooldownMs - now);
  const last: SwapRow | undefined = pool.swaps.find((swap) => swap.trigger !== 'reset');
  const next = nextEnd(
    pool.accounts.flatMap(({ quota }) => quota),
    now,
  );
  return {
    name: pool.pool,
    agent: view.agent,
    active_account: pool.active,
    eligible: countEligible(pool, facts.policy, now),
    switcher: pool.state,
    partial_swap: pool.state === 'partial',
    link: { path: view.link, state: describeLink(view.linkState) },
    last_swap:
      last === undefined
        ? null
        : {
            id: last.id,
            at: toIso(last.flippedAt ?? last.startedAt),
            from: last.from,
            to: last.to,
            trigger_session: last.triggerPane,
            outcome: last.error === null ? last.phase : `${last.phase}: ${last.error}`,
          },
    cooldown: { active: remainingMs > 0, remaining_s: Math.ceil(remainingMs / SECOND) },
    hold_until: pool.hold !== null && pool.hold.until > now ? toIso(pool.hold.until) : null,
    next_reset_at: toIso(next),
  };
}
