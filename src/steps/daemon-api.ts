/** What the daemon answers at its doors: status from memory, wishes by hand, records from the store. */
import type { Config } from '../config/schema.ts';
import { paneKey } from '../core/panes.ts';
import { decideSwap } from '../core/quota/policy.ts';
import type { SessionFacts } from '../core/status.ts';
import { type EpochMs, toIso } from '../core/time.ts';
import { confirmedHit } from '../core/verdict/pane-finding.ts';
import type {
  DaemonApi,
  ManualSwap,
  ManualSwapAnswer,
  PaneRecord,
  RecoverAnswer,
  SwapRecord,
} from '../ports/daemon.ts';
import type { PoolStore, SessionRow } from '../ports.ts';
import { actOnAccount, terminateSession } from './account-actions.ts';
import { profileOf, swapPolicyOf } from './config-policy.ts';
import type { JudgePorts } from './judge-pool.ts';
import { clearPool, verifyPool } from './partial-state.ts';
import { readFlags, setFlags } from './pool-flags.ts';
import { readPool } from './read-pool.ts';
import { refreshPool } from './refresh-pool.ts';
import { sessionRow } from './session-row.ts';
import { panesToStop } from './stop-first.ts';
import type { SwapPorts } from './swap-ports.ts';

export interface ApiPorts extends JudgePorts, SwapPorts {
  readonly host: string;
  /** The pool store itself: who acts by hand is answered when it is written. */
  readonly direct: PoolStore;
  readonly config: () => Config;
  readonly pauseFile: {
    reason(): Promise<string | null>;
    pause(reason: string, until?: EpochMs | null): Promise<unknown>;
    resume(): Promise<void>;
  };
  readonly status: DaemonApi['facts'];
  readonly reload: DaemonApi['reload'];
  readonly records: DaemonApi['records'];
  readonly keeping: DaemonApi['keeping'];
  readonly tasksApi: DaemonApi['tasks'];
  /** Lets a daemon that observes because its database was replaced act again. */
  readonly endObserving: () => Promise<void>;
}

/** Events shown beside a pane or a swap. */
const RECORD_EVENTS = 50;

export function createDaemonApi(ports: ApiPorts): DaemonApi {
  return {
    facts: ports.status,
    records: ports.records,
    keeping: ports.keeping,
    tasks: ports.tasksApi,
    reload: ports.reload,
    swap: (wish) => swapByHand(ports, wish),
    async pause(reason, until = null) {
      await ports.pauseFile.pause(reason, until);
      // The pause holds without its record.
      const data = { reason, until: toIso(until) };
      await ports.local.append([{ type: 'paused', data }], ports.clock.now()).catch(() => {});
    },
    hold: (pool, until, reason) => holdPool(ports, pool, until, reason),
    async resume() {
      await ports.pauseFile.resume();
      for (const { name } of ports.config().pools) await setFlags(ports.local, name, { hold: null });
      await ports.local.append([{ type: 'resumed' }], ports.clock.now());
      ports.board.wake('quota-monitor');
    },
    recover: (pool) => recover(ports, pool),
    account: (name, action) => actOnAccount({ ...ports, shared: ports.direct }, name, action),
    terminate: (session) => terminateSession({ ...ports, shared: ports.direct }, session),
    swapRecord: (id) => swapRecord(ports, id),
    swaps: (limit) => ports.local.swaps({ limit }),
    activations: (pool, limit) => ports.local.activations(pool, limit),
    paneRecord: (pane) => paneRecord(ports, pane),
    events: (filter) => ports.local.events(filter),
  };
}

async function swapByHand(ports: ApiPorts, wish: ManualSwap): Promise<ManualSwapAnswer> {
  const config = ports.config();
  const refused = (reason: string, detail: string): ManualSwapAnswer => ({
    kind: 'refused',
    reason,
    detail,
    until: null,
    passedOver: [],
  });
  const named =
    wish.to === null ? null : config.pools.find((pool) => pool.accounts.some((account) => account.name === wish.to));
  const pool =
    wish.pool === null
      ? (named ?? (config.pools.length === 1 ? config.pools[0] : null))
      : config.pools.find((candidate) => candidate.name === wish.pool);
  if (pool === null)
    return refused(
      'several_pools',
      `name one of the pools with --pool: ${config.pools.map(({ name }) => name).join(', ')}`,
    );
  if (pool === undefined) return refused('unknown_pool', `there is no pool ${wish.pool}`);

  const now = ports.clock.now();
  const profile = profileOf(ports.profiles, pool);
  const view = await readPool(ports, pool, profile, now);
  const asked = { kind: 'manual', to: wish.to, force: wish.force } as const;
  if (!wish.dryRun && ports.board.request(pool.name) !== null)
    return refused('switching', 'a swap was asked for a moment ago');
  const decision = decideSwap(view.pool, asked, await ports.pauseFile.reason(), now, swapPolicyOf(config));
  if (decision.kind === 'exhausted') {
    return {
      kind: 'refused',
      reason: 'exhausted',
      detail: 'no other account can be used',
      until: decision.earliestAt,
      passedOver: decision.passedOver,
    };
  }
  if (decision.kind === 'trip') return refused('circuit_breaker', decision.detail);
  if (decision.kind === 'hold') return { ...decision, kind: 'refused' };
  if (wish.dryRun) {
    const findings = [...ports.board.findings().values()].filter((finding) => finding.pool === pool.name);
    const ended = new Set(panesToStop(findings, pool, profile));
    const panes = findings.filter((finding) => ended.has(finding) || confirmedHit(finding) !== null);
    return {
      kind: 'would_swap',
      pool: pool.name,
      from: view.pool.active,
      to: decision.to,
      why: decision.why,
      passedOver: decision.passedOver,
      panes: panes.map((finding) => finding.view.label),
    };
  }
  const observing = ports.observing(config);
  if (observing !== null) return refused('observe', `nothing is flipped: ${observing}`);
  const id = ports.newId();
  // Written down first: what is refused because the disk is full must not be carried out later.
  await ports.local.append(
    [
      {
        type: 'swap_requested',
        pool: pool.name,
        account: decision.to,
        swap: id,
        data: { reason: wish.reason, by: 'hand', force: wish.force },
      },
    ],
    now,
  );
  const isAsked = ports.board.ask({
    id,
    pool: pool.name,
    wish: asked,
    requestedAt: now,
    triggerPane: null,
    reason: wish.reason,
    resetAt: null,
    hits: [],
    screen: null,
    evidence: [],
  });
  if (!isAsked) return refused('switching', 'a swap was asked for a moment ago');
  ports.board.wake('switcher');
  return { kind: 'accepted', id, pool: pool.name, to: decision.to };
}

async function holdPool(ports: ApiPorts, name: string, until: EpochMs, reason: string): Promise<boolean> {
  const pool = ports.config().pools.find((candidate) => candidate.name === name);
  if (pool === undefined) return false;
  const now = ports.clock.now();
  await setFlags(ports.local, name, { hold: { until, reason } });
  await ports.local.append([{ type: 'pool_held', pool: name, data: { reason, until: toIso(until) } }], now);
  await refreshPool(ports, pool, profileOf(ports.profiles, pool));
  return true;
}

async function recover(ports: ApiPorts, pool: string | null): Promise<readonly RecoverAnswer[]> {
  const answers: RecoverAnswer[] = [];
  for (const config of ports.config().pools) {
    if (pool !== null && config.name !== pool) continue;
    const profile = profileOf(ports.profiles, config);
    const verified = await verifyPool(ports, config, profile);
    if (verified.ok) {
      const { partial } = await readFlags(ports.local, config.name);
      await clearPool(ports, config);
      const swap = partial?.swapId == null ? {} : { swap: partial.swapId };
      await ports.local.append(
        [{ type: 'recovered_by_hand', pool: config.name, ...swap, data: { detail: verified.detail } }],
        ports.clock.now(),
      );
    }
    await refreshPool(ports, config, profile);
    answers.push({ pool: config.name, ...verified });
  }
  if (answers.length > 0 && answers.every((answer) => answer.ok)) await ports.endObserving();
  ports.board.wake('switcher');
  ports.board.wake('quota-monitor');
  return answers;
}

async function swapRecord(ports: ApiPorts, id: string): Promise<SwapRecord | null> {
  const swap = id === 'last' ? ((await ports.local.swaps({ limit: 1 }))[0] ?? null) : await ports.local.swap(id);
  if (swap === null) return null;
  const [incident, recoveries, events] = await Promise.all([
    ports.local.incident(swap.id),
    ports.local.recoveries(swap.id),
    ports.local.events({ swap: swap.id, limit: RECORD_EVENTS }),
  ]);
  return { swap, incident, recoveries, events };
}

async function paneRecord(ports: ApiPorts, name: string): Promise<PaneRecord | null> {
  const findings = [...ports.board.findings().values()];
  const finding =
    findings.find(({ view }) => view.identity.paneId === name || view.label === name) ??
    findings.find(({ view }) => view.sessionName === name);
  if (finding === undefined) return null;
  const events = (await ports.local.events({ limit: 500 }))
    .filter((event) => event.pane === finding.view.label)
    .slice(0, RECORD_EVENTS);
  const swaps = new Set(events.flatMap((event) => (event.swap === null ? [] : [event.swap])));
  const recoveries = (await Promise.all([...swaps].map((id) => ports.local.recoveries(id)))).flat();
  return { finding, events, recoveries: recoveries.filter((row) => row.label === finding.view.label) };
}

/** Tells the sessions of the last poll, for the status; remembers them, for since when each is in its state. */
export function createSessionFacts(ports: Pick<ApiPorts, 'board' | 'config'>): () => readonly SessionFacts[] {
  let before = new Map<string, SessionRow>();
  return () => {
    const findings = [...ports.board.findings().values()];
    const rows = findings.map((finding) =>
      sessionRow(finding, before.get(paneKey(finding.view.identity)), ports.config(), finding.at),
    );
    before = new Map(rows.map((row) => [row.id, row]));
    const figures = new Map(findings.map(({ view, signals }) => [paneKey(view.identity), signals?.figures ?? []]));
    const leases = ports.board.leases();
    return rows.map((row) => ({
      ...row,
      lease: leases.get(row.id) ?? null,
      figures: figures.get(row.id) ?? [],
    }));
  };
}
