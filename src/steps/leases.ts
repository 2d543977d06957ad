/** Keeps the leases of this host's sessions equal to what really runs, and counts them where decisions are made. */
import type { Config } from '../config/schema.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import { isHotSwappable } from '../core/agents/profile.ts';
import { StoreError } from '../core/errors.ts';
import { displayState, isEligible } from '../core/quota/eligibility.ts';
import type { Holding, LeaseClaim, LeaseRow } from '../core/quota/lease.ts';
import { planRepair } from '../core/quota/lease.ts';
import type { PoolView } from '../core/status.ts';
import type { EpochMs } from '../core/time.ts';
import { MINUTE } from '../core/time.ts';
import type { LeaseStore } from '../ports/leases.ts';
import type { Board, Clock, LocalStore, Logger, SessionRow, TickContext } from '../ports.ts';
import { profileOf, swapPolicyOf } from './config-policy.ts';

export interface LeasePorts {
  readonly profiles: readonly AgentProfile[];
  readonly local: Pick<LocalStore, 'sessions' | 'append'>;
  readonly shared: LeaseStore;
  readonly board: Board;
  readonly clock: Clock;
  /** Names this host among those that share the store. */
  readonly host: string;
  /** Tasks under way, by the pane key of their session. */
  readonly taskHolders: () => Promise<readonly TaskHolder[]>;
}

/** An attempt at a task, which holds a lease beside that of its session's agent. */
export interface TaskHolder {
  readonly pane: string;
  readonly pool: string;
  readonly holder: string;
  /** The account it was begun on. */
  readonly account: string | null;
}

/** Accounts that were told to be over their capacity. */
type OverCapacity = Set<string>;

/**
 * What makes the leases equal to the sessions table. What the store refuses is logged, with account and session where it is
 * about one lease, and tried again at the next look: bookkeeping stops nothing.
 */
export function createLeaseKeeper(ports: LeasePorts): (context: TickContext) => Promise<void> {
  const over: OverCapacity = new Set();
  let saidMs = Number.NEGATIVE_INFINITY;
  return async (context) => {
    try {
      await repairLeases(ports, over, context);
    } catch (err) {
      if (!(err instanceof StoreError)) throw err;
      if (ports.clock.monotonic() - saidMs < MINUTE) return;
      saidMs = ports.clock.monotonic();
      context.log.warn({ err }, 'leases could not be compared with the sessions');
    }
  };
}

async function repairLeases(ports: LeasePorts, over: OverCapacity, context: TickContext): Promise<void> {
  // Before the first look at the panes nobody knows who still runs.
  if (ports.board.snapshot() === null) return;
  const now = ports.clock.now();
  const { log, config } = context;
  const rows = await ports.local.sessions();
  const own = (await ports.shared.leases(now)).filter((lease) => lease.session.startsWith(sessionName(ports.host, '')));
  const agents = rows.flatMap((row) => holdingOf(row, ports, config, now));
  const holdings = [
    ...agents,
    ...(await ports.taskHolders()).map((task) => taskHolding(task, agents, ports, config, now)),
  ];
  const { keep, release, take } = planRepair(own, holdings);
  for (const reason of new Set(release.map((wrong) => wrong.reason))) {
    const leases = release.filter((wrong) => wrong.reason === reason).map(({ lease }) => lease);
    await giveBack(ports, leases, reason, log);
  }
  if (keep.length > 0 || take.length > 0) await ports.shared.renewLeases(keep, config.leases.ttlMs, now);
  const taken: LeaseClaim[] = [];
  for (const claim of take) if (await claimOne(ports, claim, over, context)) taken.push(claim);

  const kept = own.filter((lease) => keep.includes(lease.id));
  const prefix = sessionName(ports.host, '').length;
  ports.board.postLeases(new Map([...kept, ...taken].map(({ session, account }) => [session.slice(prefix), account])));
}

/** The name of a session in the store, which other hosts may share. */
export function sessionName(host: string, paneKey: string): string {
  return `${host}/${paneKey}`;
}

function holdingOf(row: SessionRow, ports: LeasePorts, config: Config, now: EpochMs): readonly Holding[] {
  if (row.pool === null || row.agentPid === null || row.state === 'not_switchable') return [];
  const pool = config.pools.find((candidate) => candidate.name === row.pool);
  if (pool === undefined) return [];
  const view = ports.board.pools().get(row.pool);
  const isHot = isHotSwappable(profileOf(ports.profiles, pool), row.version);
  const account = view === undefined ? null : isHot ? view.pool.active : row.launchedUnder;
  return [
    {
      session: sessionName(ports.host, row.id),
      holder: `session:${row.id}:${row.agentPid}.${row.agentStartTicks}`,
      account,
      barred: view === undefined || account === null ? null : barredBecause(account, view, config, now),
    },
  ];
}

/** A task is on the account of its session's agent; before that one is seen, on the one it was begun on. */
function taskHolding(
  { pane, pool, holder, account }: TaskHolder,
  agents: readonly Holding[],
  ports: LeasePorts,
  config: Config,
  now: EpochMs,
): Holding {
  const session = sessionName(ports.host, pane);
  const agent = agents.find((holding) => holding.session === session);
  if (agent !== undefined) return { ...agent, holder };
  const view = ports.board.pools().get(pool);
  const barred = view === undefined || account === null ? null : barredBecause(account, view, config, now);
  return { session, holder, account, barred };
}

/** An account that is exhausted or failed keeps no claims: its sessions wait, or are on their way to another one. */
function barredBecause(name: string, { pool }: PoolView, config: Config, now: EpochMs): string | null {
  const account = pool.accounts.find((candidate) => candidate.name === name);
  if (account === undefined) return 'account_removed';
  const { eligibility } = swapPolicyOf(config);
  const codes = new Set(isEligible(account, now, eligibility, { purpose: 'keep' }).reasons.map(({ code }) => code));
  if (codes.has('limit_reached')) return 'account_exhausted';
  const isFailed = codes.has('login_ended') || codes.has('credentials_unusable') || codes.has('home_unusable');
  // Sessions go on under an account that somebody switched off.
  const isOff = displayState(account, name === pool.active, now, eligibility) === 'disabled';
  return isFailed || (codes.has('status') && !isOff) ? 'account_failed' : null;
}

async function giveBack(ports: LeasePorts, leases: readonly LeaseRow[], reason: string, log: Logger): Promise<void> {
  try {
    // By their ids: another holder's lease on the same session and account stays.
    await ports.shared.releaseLeases({ ids: leases.map(({ id }) => id) }, reason, ports.clock.now());
    for (const { account, session } of leases) log.info({ account, session, reason }, 'lease released');
  } catch (err) {
    for (const { account, session } of leases)
      log.warn({ account, session, reason, err }, 'a lease could not be released');
  }
}

/** The session runs already, so the claim is for the count only: the limit keeps new work away, never what is there. */
async function claimOne(
  ports: LeasePorts,
  claim: LeaseClaim,
  over: OverCapacity,
  { config, log }: TickContext,
): Promise<boolean> {
  const { account, session } = claim;
  const now = ports.clock.now();
  try {
    const terms = { maxSessions: 0, ttlMs: config.leases.ttlMs };
    const grant = await ports.shared.acquireLease(claim, terms, now);
    log.info({ account, session, count: grant.count }, 'lease taken');
    await tellOverCapacity(ports, over, account, grant.count, config);
    return true;
  } catch (err) {
    log.warn({ account, session, err }, 'a lease could not be taken');
    return false;
  }
}

async function tellOverCapacity(
  ports: LeasePorts,
  over: OverCapacity,
  account: string,
  count: number,
  config: Config,
): Promise<void> {
  const pool = config.pools.find(({ accounts }) => accounts.some(({ name }) => name === account));
  const most = pool?.accounts.find(({ name }) => name === account)?.maxSessions ?? 0;
  if (pool === undefined || most === 0 || count <= most) {
    over.delete(account);
    return;
  }
  if (over.has(account)) return;
  over.add(account);
  const detail = `${count} sessions run on ${account}, more than its max_sessions ${most}; they go on`;
  await ports.local.append(
    [{ type: 'account_over_capacity', pool: pool.name, account, data: { detail } }],
    ports.clock.now(),
  );
}

/** `full`, `empty`: the store could not tell, and this is what `leases.on_error` makes of that. */
export type LeaseCounts = ReadonlyMap<string, number> | 'full' | 'empty';

export interface CountPorts {
  readonly shared: Pick<LeaseStore, 'leaseCounts'>;
  readonly local: Pick<LocalStore, 'append'>;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly log: Logger;
  readonly config: () => Pick<Config, 'leases'>;
}

/** Counts leases for decisions and never fails: an outage is logged once a minute and written down once. */
export function createLeaseCounter(ports: CountPorts): (now: EpochMs) => Promise<LeaseCounts> {
  let saidMs = Number.NEGATIVE_INFINITY;
  let isOut = false;
  return async (now) => {
    try {
      const counts = await ports.shared.leaseCounts(now);
      isOut = false;
      return counts;
    } catch (err) {
      if (!(err instanceof StoreError)) throw err;
      const { onError } = ports.config().leases;
      const counted = onError === 'deny' ? 'full' : 'empty';
      if (ports.clock.monotonic() - saidMs >= MINUTE) {
        saidMs = ports.clock.monotonic();
        ports.log.warn({ err, onError }, `leases cannot be counted; accounts with max_sessions count as ${counted}`);
      }
      if (!isOut) {
        isOut = true;
        const detail = `accounts with max_sessions count as ${counted} until the leases can be read again: ${err.message}`;
        const event = { type: 'leases_unavailable', data: { detail } } as const;
        await ports.local.append([event], ports.clock.now()).catch(() => undefined);
      }
      return counted;
    }
  };
}
