/** The switcher: the only writer of the account links. It carries out swaps and brings the stopped panes back. */
import type { Config, PoolConfig } from '../config/schema.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import { isEligible } from '../core/quota/eligibility.ts';
import { decideSwap } from '../core/quota/policy.ts';
import type { PoolView } from '../core/status.ts';
import type { SwapRequest } from '../core/swap/request.ts';
import type { RecoveryRow, SwapRow } from '../core/swap/swap.ts';
import { UNFINISHED_PHASES } from '../core/swap/swap.ts';
import { SECOND } from '../core/time.ts';
import type { PaneFinding } from '../core/verdict/pane-finding.ts';
import { stoppingHit } from '../core/verdict/pane-finding.ts';
import { loginRefusedAt } from '../core/verdict/refused-login.ts';
import type { Board, KillSwitch, Loop, TickContext } from '../ports.ts';
import { earlyStands } from '../steps/act-early.ts';
import { isModelOnly, profileOf, swapPolicyOf } from '../steps/config-policy.ts';
import { isSwapHit } from '../steps/judge-pool.ts';
import { probeFirst } from '../steps/probe-first.ts';
import { readPool } from '../steps/read-pool.ts';
import type { RecoveryPorts } from '../steps/recover-panes.ts';
import { climbAll, goesOnElsewhere, openRecoveries, paneResult } from '../steps/recover-panes.ts';
import { refreshPool } from '../steps/refresh-pool.ts';
import { repairPool } from '../steps/repair-pool.ts';
import { resumeAfterReset } from '../steps/resume-after-reset.ts';
import { afterStopping, runSwap } from '../steps/run-swap.ts';
import { flipOf, panesToStop } from '../steps/stop-first.ts';
import { isTargetLost } from '../steps/swap-checks.ts';
import type { SwapPorts } from '../steps/swap-ports.ts';

export interface SwitcherPorts extends SwapPorts, RecoveryPorts {
  readonly board: Board;
  readonly killSwitch: KillSwitch;
  readonly profiles: readonly AgentProfile[];
  readonly observing: (config: Config) => string | null;
  readonly newId: () => string;
}

const BUSY_INTERVAL_MS = 200;
const IDLE_INTERVAL_MS = 5 * SECOND;
/** A swap is not finished before the other panes had this many polls to show the same limit. */
const SETTLE_POLLS = 2;

/** What is left to do: `held` is work that a pause or observing keeps back, which needs no haste. */
type Work = 'some' | 'held' | 'none';

/** One loop for each pool, so that a swap in one never holds up another. */
export function createSwitcher(ports: SwitcherPorts, pool: string): Loop {
  const state: { repaired: boolean; work: Work } = { repaired: false, work: 'some' };
  /** Recoveries whose pane could not be looked at: they come last. */
  const failing = new Set<string>();
  return {
    name: `switcher:${pool}`,
    intervalMs: () => (state.work === 'some' ? BUSY_INTERVAL_MS : IDLE_INTERVAL_MS),
    async tick(context) {
      const config = context.config.pools.find((candidate) => candidate.name === pool);
      if (config === undefined) return;
      const profile = profileOf(ports.profiles, config);
      if (!state.repaired || (await isCutShort(ports, pool))) {
        const mayMove = (await ports.killSwitch.reason()) === null && ports.observing(context.config) === null;
        await repairPool(ports, config, profile, context, mayMove);
        state.repaired = true;
      }
      state.work = await tickPool(ports, config, profile, state.work, failing, context);
    },
  };
}

/** A swap before its recovery, found outside of its own run: a full disk ended it, or `recover` took it up again. */
async function isCutShort(ports: SwitcherPorts, pool: string): Promise<boolean> {
  return (await ports.local.unfinishedSwaps()).some(
    (swap) =>
      swap.pool === pool && swap.phase !== 'recovering' && swap.phase !== 'stopping' && swap.trigger !== 'reset',
  );
}

async function tickPool(
  ports: SwitcherPorts,
  config: PoolConfig,
  profile: AgentProfile,
  work: Work,
  failing: Set<string>,
  context: TickContext,
): Promise<Work> {
  const asked = ports.board.request(config.name) !== null;
  if (asked) {
    try {
      await answerRequest(ports, config, profile, await ports.killSwitch.reason(), context);
    } finally {
      ports.board.answer(config.name);
    }
  }
  const findings = [...ports.board.findings().values()].filter((finding) => finding.pool === config.name);
  const isStopped = findings.some((finding) => 'hit' in finding.decision || loginRefusedAt(finding) !== null);
  if (work === 'none' && !asked && !isStopped) return 'none';
  // Looked at again: a swap takes a moment, and no key may follow a pause that came meanwhile.
  if ((await ports.killSwitch.reason()) !== null || ports.observing(context.config) !== null) return 'held';
  return (await bringBack(ports, config, profile, findings, failing, context)) ? 'some' : 'none';
}

/** Decides again on fresh facts, under the pool's own single flight, and swaps. */
async function answerRequest(
  ports: SwitcherPorts,
  config: PoolConfig,
  profile: AgentProfile,
  paused: string | null,
  context: TickContext,
): Promise<void> {
  const request = ports.board.request(config.name);
  if (request === null) return;
  const now = ports.clock.now();
  const view = await readPool(ports, config, profile, now);
  const decision = decideSwap(view.pool, request.wish, paused, now, swapPolicyOf(context.config));
  const findings = [...ports.board.findings().values()];
  // What was asked for a moment ago may be over: the limit gone, or the link moved by somebody else.
  const stands =
    request.wish.kind === 'manual' ||
    (request.wish.kind === 'limit'
      ? findings.some((finding) => isSwapHit(finding, config, view, context.config, now))
      : earlyStands(request.wish, view, findings, context.config, now));
  // The configuration may have been changed since it was asked for.
  const isObserving = ports.observing(context.config) !== null;
  if (decision.kind !== 'swap' || !stands || isObserving) {
    const gone = request.wish.kind === 'limit' ? 'hit_gone' : 'no_longer_wanted';
    const held = decision.kind === 'hold' ? decision.reason : decision.kind;
    const reason = isObserving ? 'observe' : stands ? held : gone;
    context.log.info({ pool: config.name, swap: request.id, reason }, 'swap request no longer holds');
    await ports.local.append(
      [
        {
          type: 'swap_refused',
          pool: config.name,
          swap: request.id,
          data: { reason, detail: 'at the moment of the flip' },
        },
      ],
      now,
    );
    return;
  }
  const startedAt = ports.clock.monotonic();
  const stops = panesToStop(findings, config, profile);
  const first = await runSwap(ports, config, profile, view, request, decision, stops, context);
  const swap = (await selectAgain(ports, config, profile, first, request, paused, context)) ?? first;
  const durationMs = Math.round(ports.clock.monotonic() - startedAt);
  const fields = { pool: config.name, swap: swap.id, from: swap.from, to: swap.to, phase: swap.phase, durationMs };
  if (swap.phase === 'recovering') context.log.info(fields, 'link flipped');
  else if (swap.phase === 'stopping') context.log.info({ ...fields, panes: stops.length }, 'agents are being ended');
  else context.log.error({ ...fields, error: swap.error }, 'swap did not go through');
  await refreshPool(ports, config, profile);
  // Moved sessions change their leases at once; the swap itself waits for none of that.
  ports.board.wake('reconciler');
}

/**
 * A target that could not be used any more when the link was about to move: another one is taken, once. Who asked by hand is
 * told instead, and chooses.
 */
async function selectAgain(
  ports: SwitcherPorts,
  config: PoolConfig,
  profile: AgentProfile,
  first: SwapRow,
  request: SwapRequest,
  paused: string | null,
  context: TickContext,
): Promise<SwapRow | null> {
  if (first.phase !== 'failed' || request.wish.kind === 'manual' || !isTargetLost(first)) return null;
  const view = await readPool(ports, config, profile, ports.clock.now());
  // The pause after a failure is for what failed: the link was not touched.
  const pool = { ...view.pool, retryUntil: null };
  const decision = decideSwap(pool, request.wish, paused, ports.clock.now(), swapPolicyOf(context.config));
  if (decision.kind !== 'swap' || decision.to === first.to) return null;
  context.log.warn(
    { pool: config.name, swap: first.id, error: first.error, to: decision.to },
    'another target is taken',
  );
  const stops = panesToStop(ports.board.findings().values(), config, profile);
  return runSwap(ports, config, profile, view, { ...request, id: ports.newId() }, decision, stops, context);
}

/** @returns whether there is still something to do soon */
async function bringBack(
  ports: SwitcherPorts,
  config: PoolConfig,
  profile: AgentProfile,
  findings: readonly PaneFinding[],
  failing: Set<string>,
  context: TickContext,
): Promise<boolean> {
  const now = ports.clock.now();
  const view = await readPool(ports, config, profile, now);
  if (view.pool.state === 'partial' || view.pool.state === 'rolling_back') return false;
  const stopping = view.pool.swaps.find((swap) => swap.phase === 'stopping');
  if (stopping !== undefined) {
    await endAgents(ports, config, profile, view, stopping, failing, context);
    return true;
  }
  /** Swaps of which panes still wait for the proof of another one. */
  const held = new Set<string>();
  const resumed = await resumeAfterReset(ports, config, profile, view, findings, context);
  if (resumed?.isHolding === true) held.add(resumed.swap.id);
  const latest = view.pool.swaps.find(
    (swap) => swap.flippedAt !== null && (swap.phase === 'recovering' || swap.phase === 'done'),
  );
  if (latest !== undefined && latest.to === view.pool.active && canContinueOn(view, context)) {
    const stopped = findings.filter((finding) => isStoppedElsewhere(finding, latest, context.config));
    const active = view.pool.accounts.find(({ name }) => name === latest.to);
    const probe = active && (await probeFirst(ports, latest, active, stopped, findings, context));
    await openRecoveries(ports, latest, probe?.now ?? stopped, config, profile, context);
    if (probe?.isHolding === true) held.add(latest.id);
  }
  const open = await climbOpen(ports, config, profile, view, failing, context);

  const unfinished = view.pool.swaps.filter(
    (swap) => UNFINISHED_PHASES.includes(swap.phase) || swap.trigger === 'reset',
  );
  let recovering = false;
  let settled = false;
  for (const swap of unfinished) {
    if (swap.phase !== 'recovering') continue;
    if (held.has(swap.id) || (await settle(ports, swap, context))) recovering = true;
    else settled = true;
  }
  if (settled) {
    await refreshPool(ports, config, profile);
    ports.board.wake('reconciler');
  }
  return open > 0 || recovering;
}

/** One step for every pane of this pool that is on a ladder. @returns how many still are */
async function climbOpen(
  ports: SwitcherPorts,
  config: PoolConfig,
  profile: AgentProfile,
  view: PoolView,
  failing: Set<string>,
  context: TickContext,
): Promise<number> {
  const swapOf = (row: RecoveryRow): SwapRow | undefined => view.pool.swaps.find((swap) => swap.id === row.swapId);
  const rows = (await ports.local.openRecoveries()).filter((row) => swapOf(row) !== undefined);
  if (rows.length === 0) return 0;
  return climbAll(ports, rows, config.name, profile, failing, (row) => flipOf(swapOf(row)), context);
}

/** Before the flip: ends the agents that must not run meanwhile, then lets the swap go on or fail. */
async function endAgents(
  ports: SwitcherPorts,
  config: PoolConfig,
  profile: AgentProfile,
  view: PoolView,
  swap: SwapRow,
  failing: Set<string>,
  context: TickContext,
): Promise<void> {
  await climbOpen(ports, config, profile, view, failing, context);
  const rows = await ports.local.recoveries(swap.id);
  const kept = rows.find(({ state }) => state === 'handed_over' || state === 'recovered');
  if (kept === undefined && rows.some(({ state }) => state !== 'stopped' && state !== 'gone')) return;
  if (context.signal.aborted) return;
  const problem = kept === undefined ? null : `${kept.label} was not ended: ${kept.reason}`;
  const after = await afterStopping(ports, config, profile, swap, problem, context);
  const fields = { pool: config.name, swap: swap.id, from: swap.from, to: swap.to, phase: after.phase };
  if (after.phase === 'recovering') context.log.info(fields, 'link flipped');
  else context.log.error({ ...fields, error: after.error }, 'swap did not go through');
  await refreshPool(ports, config, profile);
  ports.board.wake('reconciler');
}

/** A pane stopped by a limit, or by the refused login, of an account that is no longer the active one. */
function isStoppedElsewhere(finding: PaneFinding, swap: SwapRow, config: Config): boolean {
  if (finding.notSwitchable !== null) return false;
  if (goesOnElsewhere(finding, swap, config)) return finding.process.startedAt <= (swap.flippedAt ?? 0);
  const hit = stoppingHit(finding);
  if (hit === null || finding.charge === null || isModelOnly(hit, config)) return false;
  // An agent that was started after the flip shows an old session, unless it has an account of its own and met the limit itself;
  // what another swap dealt with is left as it was.
  const isOwnTurn = hit.turnAt !== null && hit.turnAt >= finding.process.startedAt;
  const isOwnAccount = config.pools.some(({ name, mode }) => name === finding.pool && mode === 'env');
  if (finding.process.startedAt > (swap.flippedAt ?? 0) && !(isOwnAccount && isOwnTurn)) return false;
  if (finding.consumedBy !== null) return finding.consumedBy === swap.id;
  return finding.charge.account !== swap.to;
}

function canContinueOn(view: PoolView, context: TickContext): boolean {
  const active = view.pool.accounts.find((account) => account.name === view.pool.active);
  return (
    active !== undefined &&
    isEligible(active, context.now, swapPolicyOf(context.config).eligibility, { purpose: 'keep' }).ok
  );
}

/** Ends a swap once every pane of it has reached an end. @returns whether it must still be waited for */
async function settle(ports: SwitcherPorts, swap: SwapRow, context: TickContext): Promise<boolean> {
  const now = ports.clock.now();
  const rows = await ports.local.recoveries(swap.id);
  const quietMs = Math.max(SETTLE_POLLS * context.config.quota.pollIntervalMs, 3 * SECOND);
  if (rows.some((row) => row.finishedAt === null) || now - (swap.flippedAt ?? swap.startedAt) < quietMs) return true;
  // After a restart the panes are yet to be seen, however long ago the link was moved.
  if (ports.board.judgements() < SETTLE_POLLS) return true;
  const panes = rows.map(paneResult);
  const handedOver = rows.filter((row) => row.state !== 'recovered').length;
  await ports.local.updateSwap(
    swap.id,
    { phase: 'done', finishedAt: now },
    {
      at: now,
      steps: [{ at: now, step: 'done', durationMs: now - swap.startedAt, detail: { panes: rows.length, handedOver } }],
      result: { outcome: 'completed', panes },
      events: [
        {
          type: 'swap_completed',
          pool: swap.pool,
          swap: swap.id,
          account: swap.to,
          data: { from: swap.from, to: swap.to, panes: rows.length, handedOver },
        },
      ],
    },
  );
  context.log.info(
    { pool: swap.pool, swap: swap.id, panes: rows.length, handedOver, durationMs: now - swap.startedAt },
    'swap completed',
  );
  return false;
}
