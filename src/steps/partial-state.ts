/** The partial state of a pool, in which nothing is done of its own accord: how it is entered, and what must hold to leave it. */
import type { PoolConfig } from '../config/schema.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import type { NewEvent } from '../core/events.ts';
import { describeLink } from '../core/swap/recovery.ts';
import type { SwapRow } from '../core/swap/swap.ts';
import type { Logger } from '../ports.ts';
import { readFlags, setFlags } from './pool-flags.ts';
import { placeOf } from './read-pool.ts';
import type { SwapPorts } from './swap-ports.ts';

/** Makes a pool `partial`: no automatic action until somebody has looked. */
export async function markPartial(
  ports: Pick<SwapPorts, 'local' | 'clock'>,
  pool: string,
  swap: SwapRow | null,
  reason: string,
): Promise<void> {
  const at = ports.clock.now();
  await setFlags(ports.local, pool, { partial: { reason, at, swapId: swap?.id ?? null } });
  const event: NewEvent = { type: 'partial_swap', pool, data: { reason }, ...(swap === null ? {} : { swap: swap.id }) };
  if (swap === null) await ports.local.append([event], at);
  else {
    await ports.local.updateSwap(
      swap.id,
      { phase: 'partial', finishedAt: at, error: reason },
      {
        at,
        steps: [{ at, step: 'partial', durationMs: null, detail: { reason } }],
        result: { outcome: 'partial', error: reason },
        events: [event],
      },
    );
  }
}

export interface Verified {
  readonly ok: boolean;
  readonly detail: string;
}

/** What `recover`, or a restart, must find in order before a pool may act again. Changes nothing. */
export async function verifyPool(ports: SwapPorts, config: PoolConfig, profile: AgentProfile): Promise<Verified> {
  const state = await ports.link.read(placeOf(config));
  if (state.kind !== 'account') {
    const example = config.accounts[0]?.home ?? '<home>';
    const remedy =
      state.kind === 'directory' || state.kind === 'file'
        ? 'move it aside first, nothing here overwrites it; then '
        : '';
    return {
      ok: false,
      detail: `the link ${config.link} is ${describeLink(state)}; ${remedy}point it at an account: ln -sfn ${example} ${config.link}`,
    };
  }
  const home = config.accounts.find((account) => account.name === state.account)?.home ?? '';
  const seen = await ports.homes.inspect(profile, home);
  if (seen.problem !== null) return { ok: false, detail: `the home of ${state.account} is ${seen.problem}` };
  const login = seen.credentials === 'ok' ? '' : `; its credentials are ${seen.credentials}, log in to it again`;
  return { ok: true, detail: `the link points at ${state.account}${login}` };
}

/** A restart that finds the link in order ends a partial state. */
export async function endIfMended(
  ports: SwapPorts,
  config: PoolConfig,
  profile: AgentProfile,
  log: Logger,
): Promise<void> {
  if ((await readFlags(ports.local, config.name)).partial === null) return;
  const verified = await verifyPool(ports, config, profile);
  log.warn({ pool: config.name, ...verified }, 'the pool was partial when the daemon stopped');
  if (verified.ok) await endPartial(ports, config);
}

/** Clears everything that holds the pool back. Call only after `verifyPool` said ok. */
export async function clearPool(ports: SwapPorts, config: PoolConfig): Promise<void> {
  await endPartial(ports, config);
  await setFlags(ports.local, config.name, { breaker: null, backoff: null });
}

/** Ends a partial state, and with it the swap that led there: finished if the link is at its target, else failed. */
async function endPartial(ports: SwapPorts, config: PoolConfig): Promise<void> {
  const { partial } = await readFlags(ports.local, config.name);
  const state = await ports.link.read(placeOf(config));
  if (partial !== null && state.kind === 'account') {
    const at = ports.clock.now();
    const swap = partial.swapId === null ? null : await ports.local.swap(partial.swapId);
    if (swap?.phase === 'partial' && swap.to === state.account) {
      // The link is where the swap wanted it: the switcher finishes it, so that its panes are brought back.
      const steps = [{ at, step: 'taken_up', durationMs: null, detail: { link: state.target } }];
      await ports.local.updateSwap(swap.id, { phase: 'prepared', error: null, finishedAt: null }, { at, steps });
    } else {
      if (swap?.phase === 'partial') {
        // Its hits count again: what it was meant for is still to be done.
        await ports.local.updateSwap(
          swap.id,
          { phase: 'failed' },
          { at, result: { outcome: 'failed', error: swap.error } },
        );
      }
      await ports.local.recordActivation({ pool: config.name, account: state.account, since: at, cause: 'recover' });
      await ports.shared.markActive(state.account, null, at);
    }
  }
  await setFlags(ports.local, config.name, { partial: null });
}
