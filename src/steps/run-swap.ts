/** Carries out one swap along the state machine, and takes up one that was cut short. */
import type { PoolConfig } from '../config/schema.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import { FailoverError, LinkError } from '../core/errors.ts';
import type { Decision } from '../core/quota/policy.ts';
import type { PoolView } from '../core/status.ts';
import type { PoolSwitchState, SwitchEffect, SwitchEvent } from '../core/swap/machine.ts';
import { eventAfterFailure, step } from '../core/swap/machine.ts';
import { describeLink } from '../core/swap/recovery.ts';
import type { SwapRequest } from '../core/swap/request.ts';
import type { SwapRow } from '../core/swap/swap.ts';
import type { PaneFinding } from '../core/verdict/pane-finding.ts';
import type { TickContext } from '../ports.ts';
import { filesOf, placeOf } from './read-pool.ts';
import { EFFECTS, isRunEffect, messageOf } from './swap-effects.ts';
import type { Run, SwapPorts } from './swap-ports.ts';

/**
 * Swaps as decided, up to the point where panes are to be brought back, or where the agents that must not run meanwhile are to
 * be ended.
 *
 * @param stops  the panes of those agents
 * @returns the swap as it stands: `stopping`, `recovering`, `failed` or `partial`
 * @throws {StoreError} the plan could not be written: nothing was touched
 */
export async function runSwap(
  ports: SwapPorts,
  config: PoolConfig,
  profile: AgentProfile,
  view: PoolView,
  request: SwapRequest,
  decision: Extract<Decision, { kind: 'swap' }>,
  stops: readonly PaneFinding[],
  context: TickContext,
): Promise<SwapRow> {
  if (view.linkState.kind !== 'account')
    throw new LinkError('link_invalid', `the link is ${describeLink(view.linkState)}`);
  const target = config.accounts.find((account) => account.name === decision.to);
  if (target === undefined) throw new LinkError('target_unknown', `pool ${config.name} has no account ${decision.to}`);
  const run: Run = {
    config,
    profile,
    context,
    request,
    decision,
    stops,
    swap: {
      id: request.id,
      pool: config.name,
      from: view.linkState.account,
      to: decision.to,
      trigger: request.wish.kind,
      triggerPane: request.triggerPane,
      reason: request.reason,
      resetAt: request.resetAt,
      phase: 'prepared',
      requestedAt: request.requestedAt,
      startedAt: ports.clock.now(),
      flippedAt: null,
      finishedAt: null,
      error: null,
      fromTarget: view.linkState.target,
      toTarget: ports.link.targetFor(config.link, target.home, filesOf(config).files),
      locks: [],
    },
    locks: null,
    lockedAt: null,
    mtimeMs: null,
    movedAt: null,
    error: null,
    contended: false,
  };
  await drive(ports, run, 'normal', 'request');
  return run.swap;
}

/**
 * Goes on with a swap whose agents were to be ended.
 *
 * @param problem  why one of them did not end; null: all have
 */
export async function afterStopping(
  ports: SwapPorts,
  config: PoolConfig,
  profile: AgentProfile,
  swap: SwapRow,
  problem: string | null,
  context: TickContext,
): Promise<SwapRow> {
  const run = takeUp(config, profile, swap, context);
  run.error = problem;
  await drive(ports, run, 'stopping', problem === null ? 'stopped' : 'not_stopped');
  return run.swap;
}

/** Takes up a swap that a killed daemon left with its link moved; the remaining effects are safe to repeat. */
export async function finishSwap(
  ports: SwapPorts,
  config: PoolConfig,
  profile: AgentProfile,
  swap: SwapRow,
  context: TickContext,
): Promise<SwapRow> {
  const run = takeUp(config, profile, swap, context);
  await ports.locks.releaseLeftover(swap.locks);
  if (swap.flippedAt === null) {
    try {
      await EFFECTS.freshen(ports, run);
    } catch (err) {
      // A login that is gone is told elsewhere; the link stands all the same.
      context.log.warn({ pool: config.name, swap: swap.id, err }, 'the credentials could not be freshened');
    }
    const state = await ports.link.read(placeOf(config));
    run.movedAt = state.kind === 'account' ? (state.movedAt ?? null) : null;
    await EFFECTS.write_flipped(ports, run);
  }
  await EFFECTS.mark_active(ports, run);
  await EFFECTS.write_recovering(ports, run);
  return run.swap;
}

/** Puts the link back after a roll-back that was cut short. */
export async function undoSwap(
  ports: SwapPorts,
  config: PoolConfig,
  profile: AgentProfile,
  swap: SwapRow,
  context: TickContext,
): Promise<SwapRow> {
  const run = takeUp(config, profile, swap, context);
  run.error = swap.error ?? 'rolled back after an interruption';
  await ports.locks.releaseLeftover(swap.locks);
  await drive(ports, run, 'switching', 'failed_touched');
  return run.swap;
}

/** Writes down that a swap did not happen. */
export async function abandonSwap(ports: SwapPorts, swap: SwapRow, reason: string): Promise<SwapRow> {
  await ports.locks.releaseLeftover(swap.locks);
  const at = ports.clock.now();
  return ports.local.updateSwap(
    swap.id,
    { phase: 'failed', finishedAt: at, error: reason, locks: [] },
    {
      at,
      steps: [{ at, step: 'abandoned', durationMs: null, detail: { reason } }],
      result: { outcome: 'failed', error: reason },
      events: [{ type: 'swap_failed', severity: 'warning', pool: swap.pool, swap: swap.id, data: { error: reason } }],
    },
  );
}

function takeUp(config: PoolConfig, profile: AgentProfile, swap: SwapRow, context: TickContext): Run {
  return {
    config,
    profile,
    context,
    request: null,
    decision: null,
    stops: [],
    swap,
    locks: null,
    lockedAt: null,
    mtimeMs: null,
    movedAt: null,
    error: null,
    contended: false,
  };
}

/** Runs the machine until it rests or waits for panes. */
async function drive(ports: SwapPorts, run: Run, from: PoolSwitchState, first: SwitchEvent): Promise<void> {
  let state = from;
  let event = first;
  for (;;) {
    const next = step(state, event);
    if (next.kind === 'ignored') throw new FailoverError('swap_machine', next.reason);
    state = next.to;
    // Nothing to do now: the repair takes it up.
    if (next.effects.length === 0) return;
    event = await runEffects(ports, run, next.effects);
    if (state === 'saving' && event === 'ok' && run.stops.length > 0) event = 'stop_first';
    if (state === 'stopping' && event === 'ok') return;
    if (state === 'normal' || state === 'partial' || state === 'resuming') return;
  }
}

async function runEffects(ports: SwapPorts, run: Run, effects: readonly SwitchEffect[]): Promise<SwitchEvent> {
  for (const effect of effects) {
    try {
      if (isRunEffect(effect)) await EFFECTS[effect](ports, run);
    } catch (cause) {
      if (effect === 'write_plan') throw cause;
      run.error ??= messageOf(cause);
      run.context.log.warn({ pool: run.config.name, swap: run.swap.id, effect, err: cause }, 'swap step failed');
      if (run.contended) return 'contended';
      return eventAfterFailure(effect);
    }
  }
  return 'ok';
}
