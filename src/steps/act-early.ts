/** Moves a pool whose panes show no limit: away from an account over its threshold, with a refused login or with a limit on record, home to the account it prefers. */
import type { Config, PoolConfig } from '../config/schema.ts';
import type { AutoPause } from '../core/quota/auto-pause.ts';
import { pauseOf } from '../core/quota/auto-pause.ts';
import { describePause, isEligible } from '../core/quota/eligibility.ts';
import type { Decision, Wish } from '../core/quota/policy.ts';
import { decideSwap } from '../core/quota/policy.ts';
import type { PoolView } from '../core/status.ts';
import type { SwapRequest } from '../core/swap/request.ts';
import { MINUTE, SECOND, toIso } from '../core/time.ts';
import type { PaneFinding } from '../core/verdict/pane-finding.ts';
import { isSwitchable } from '../core/verdict/pane-finding.ts';
import { storedScreen } from '../core/verdict/recorded.ts';
import type { TickContext } from '../ports.ts';
import { profileOf, swapPolicyOf } from './config-policy.ts';
import type { JudgePorts } from './judge-pool.ts';
import { describeEvidence } from './judge-pool.ts';
import type { DownMemory } from './leave-down.ts';
import { downWish, refusedSessions } from './leave-down.ts';
import { readPool } from './read-pool.ts';

type EarlyWish = Extract<Wish, { kind: 'threshold' | 'down' | 'known_limit' | 'return' }>;

/** What is remembered of each pool between ticks. */
export interface EarlyMemory {
  /** Since when its active account is over a threshold; monotonic ms. */
  readonly crossed: Map<string, { readonly account: string; readonly sinceMs: number }>;
  readonly down: DownMemory;
  /** Since when all rests under a limit on record; monotonic ms. */
  readonly resting: Map<string, number>;
  /** The refusal that was told last. */
  readonly refusals: Map<string, string>;
}

export function newEarlyMemory(): EarlyMemory {
  return { crossed: new Map(), down: new Map(), resting: new Map(), refusals: new Map() };
}

/** A limit that ends sooner is waited for. */
const SHORT_MS = 5 * MINUTE;
/** So long nothing may have happened: a pane that met the limit itself, or is being started again, comes first. */
const REST_MS = 30 * SECOND;

/** Asks for a swap that no pane demands yet. Only looks at what was read before, until there is something to ask for. */
export async function actEarly(
  ports: JudgePorts,
  memory: EarlyMemory,
  config: PoolConfig,
  view: PoolView,
  findings: readonly PaneFinding[],
  paused: string | null,
  context: TickContext,
): Promise<void> {
  if (profileOf(ports.profiles, config).notSwitchable !== null) return;
  const mine = findings.filter((finding) => isSwitchable(finding, config.name));
  const wish =
    (await downWish(ports, memory.down, config, view, mine, context.config)) ??
    wishOf(ports, memory, config, view, mine, context) ??
    (await limitWish(ports, memory, config, view, mine, context));
  if (wish === null) {
    // A session that works for a moment makes an old refusal no news.
    if (!memory.crossed.has(config.name)) memory.refusals.delete(config.name);
    return;
  }
  if (ports.board.request(config.name) !== null || (await isOverruled(ports, wish, config))) return;
  const decide = (facts: PoolView): Decision =>
    decideSwap(facts.pool, wish, paused, ports.clock.now(), swapPolicyOf(context.config));
  const first = decide(view);
  if (first.kind !== 'swap') return refuse(ports, memory, config, wish, first, context);
  const fresh = await readPool(ports, config, profileOf(ports.profiles, config), ports.clock.now());
  const decision = earlyStands(wish, fresh, findings, context.config, ports.clock.now()) ? decide(fresh) : null;
  if (decision === null) return;
  if (decision.kind !== 'swap') return refuse(ports, memory, config, wish, decision, context);
  const observing = ports.observing(context.config);
  if (observing !== null) {
    const detail = `would swap to ${decision.to}: ${observing}`;
    return tellRefusal(ports, memory, config, wish, 'observe', { detail }, context);
  }
  await ask(ports, config, wish, fresh, decision, findings, context);
}

/** Whether what was asked for is still wanted: looked at again when the link is about to move. */
export function earlyStands(
  wish: EarlyWish,
  view: PoolView,
  findings: readonly PaneFinding[],
  config: Config,
  now: number,
): boolean {
  if (wish.kind === 'threshold') return activePause(view, config, now) !== null;
  if (wish.kind === 'down') return refusedSessions(view, findings, config, now) !== null;
  const mine = findings.filter((finding) => isSwitchable(finding, view.pool.pool));
  if (!mine.every(isAtRest)) return false;
  return wish.kind === 'return' ? view.pool.active !== wish.to : knownLimit(view, config, now) !== null;
}

function wishOf(
  ports: JudgePorts,
  memory: EarlyMemory,
  config: PoolConfig,
  view: PoolView,
  findings: readonly PaneFinding[],
  context: TickContext,
): Extract<EarlyWish, { kind: 'threshold' | 'return' }> | null {
  const { quota } = context.config;
  const pause = activePause(view, context.config, ports.clock.now());
  const { active } = view.pool;
  if (pause === null || active === null) {
    memory.crossed.delete(config.name);
    if (config.returnTo === null || active === null || active === config.returnTo) return null;
    return findings.every(isAtRest) ? { kind: 'return', to: config.returnTo } : null;
  }
  const nowMs = ports.clock.monotonic();
  const before = memory.crossed.get(config.name);
  const crossed = before?.account === active ? before : { account: active, sinceMs: nowMs };
  memory.crossed.set(config.name, crossed);
  if (quota.thresholdAction === 'notify') return null;
  const mayWait = quota.thresholdAction === 'swap_when_idle' && nowMs - crossed.sinceMs < quota.thresholdGraceMs;
  if (mayWait && findings.some(isWorking)) return null;
  return { kind: 'threshold', detail: describePause(pause) };
}

async function limitWish(
  ports: JudgePorts,
  memory: EarlyMemory,
  config: PoolConfig,
  view: PoolView,
  findings: readonly PaneFinding[],
  context: TickContext,
): Promise<Extract<EarlyWish, { kind: 'known_limit' }> | null> {
  const detail = knownLimit(view, context.config, ports.clock.now());
  const isResting = detail !== null && findings.every(isAtRest) && !(await isBringingBack(ports, view));
  if (!isResting) {
    memory.resting.delete(config.name);
    return null;
  }
  const nowMs = ports.clock.monotonic();
  const sinceMs = memory.resting.get(config.name) ?? nowMs;
  memory.resting.set(config.name, sinceMs);
  return nowMs - sinceMs < REST_MS ? null : { kind: 'known_limit', detail };
}

/** A pane of this pool is on its way back from a swap, done or not. */
async function isBringingBack(ports: JudgePorts, { pool }: PoolView): Promise<boolean> {
  const swaps = new Set(pool.swaps.map(({ id }) => id));
  return (await ports.local.openRecoveries()).some(({ swapId }) => swaps.has(swapId));
}

function activePause({ pool }: PoolView, config: Config, now: number): AutoPause | null {
  const active = pool.accounts.find(({ name }) => name === pool.active);
  return active === undefined ? null : pauseOf(active, now, swapPolicyOf(config).eligibility);
}

/** What keeps the active account from working, by its own records; null: nothing, or not for long. */
function knownLimit({ pool }: PoolView, config: Config, now: number): string | null {
  const active = pool.accounts.find(({ name }) => name === pool.active);
  if (active === undefined) return null;
  const { reasons } = isEligible(active, now, swapPolicyOf(config).eligibility, { purpose: 'keep' });
  const limits = reasons.filter(({ code, until }) => code === 'limit_reached' && (until ?? now) > now + SHORT_MS);
  return limits.length === 0 ? null : limits.map(({ detail }) => detail).join('; ');
}

/** In the middle of a turn; a question to the user is part of one. */
function isWorking({ reading }: PaneFinding): boolean {
  return reading.busy || reading.dialog !== null;
}

/** Nothing runs on it and no limit stands on it. */
function isAtRest(finding: PaneFinding): boolean {
  return !isWorking(finding) && !('hit' in finding.decision);
}

/** A link that somebody moved past us was moved by hand. */
async function isOverruled(ports: JudgePorts, wish: EarlyWish, config: PoolConfig): Promise<boolean> {
  if (wish.kind !== 'return' && wish.kind !== 'known_limit') return false;
  const [latest] = await ports.local.activations(config.name, 1);
  return latest?.cause === 'external';
}

async function ask(
  ports: JudgePorts,
  config: PoolConfig,
  wish: EarlyWish,
  view: PoolView,
  decision: Extract<Decision, { kind: 'swap' }>,
  findings: readonly PaneFinding[],
  context: TickContext,
): Promise<void> {
  const now = ports.clock.now();
  const id = ports.newId();
  const reason = wish.kind === 'return' ? `${wish.to} can be used again` : wish.detail;
  const refused = wish.kind === 'down' ? (refusedSessions(view, findings, context.config, now)?.panes ?? []) : [];
  const [first] = refused;
  const request: SwapRequest = {
    id,
    pool: config.name,
    wish,
    requestedAt: now,
    triggerPane: first?.view.label ?? null,
    reason,
    resetAt: null,
    hits: [],
    screen: first === undefined ? null : storedScreen(first.view.screen?.text ?? ''),
    evidence: refused.map((finding) => describeEvidence(finding, ports.clock.zone(), context)),
  };
  if (!ports.board.ask(request)) return;
  const data = { reason, by: wish.kind, from: view.pool.active, to: decision.to };
  await ports.local.append([{ type: 'swap_requested', pool: config.name, account: decision.to, swap: id, data }], now);
  context.log.info({ pool: config.name, swap: id, ...data }, 'swap requested');
  ports.board.wake('switcher');
}

async function refuse(
  ports: JudgePorts,
  memory: EarlyMemory,
  config: PoolConfig,
  wish: EarlyWish,
  decision: Exclude<Decision, { kind: 'swap' }>,
  context: TickContext,
): Promise<void> {
  if (decision.kind !== 'hold') return;
  const { reason, detail, until, passedOver } = decision;
  context.log.debug({ pool: config.name, wish: wish.kind, reason, passedOver }, 'no early swap');
  // The way home may be barred for days: that is no news, and waiting out a cooldown is none where work goes on meanwhile.
  if (wish.kind === 'return' || reason === 'switching' || (reason === 'cooldown' && wish.kind !== 'down')) return;
  const data = {
    detail: detail === wish.detail ? detail : `${detail}; ${wish.detail}`,
    until: toIso(until),
    passed_over: passedOver,
  };
  await tellRefusal(ports, memory, config, wish, reason, data, context);
}

/** Once, until it is another one or there is nothing to ask for any more. */
async function tellRefusal(
  ports: JudgePorts,
  memory: EarlyMemory,
  config: PoolConfig,
  wish: EarlyWish,
  reason: string,
  data: Readonly<Record<string, unknown>>,
  context: TickContext,
): Promise<void> {
  const refusal = `${wish.kind}|${reason}`;
  if (memory.refusals.get(config.name) === refusal) return;
  memory.refusals.set(config.name, refusal);
  const fields = { reason, by: wish.kind, ...data };
  await ports.local.append([{ type: 'swap_refused', pool: config.name, data: fields }], ports.clock.now());
  context.log.info({ pool: config.name, ...fields }, 'swap refused');
}
