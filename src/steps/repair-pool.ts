/** Puts a pool in order at start: unfinished swaps, leftover locks and links. */
import type { PoolConfig } from '../config/schema.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import { planRepair } from '../core/swap/recovery.ts';
import type { TickContext } from '../ports.ts';
import { markPartial } from './partial-state.ts';
import { filesOf, placeOf } from './read-pool.ts';
import { abandonSwap, finishSwap, undoSwap } from './run-swap.ts';
import type { SwapPorts } from './swap-ports.ts';

/**
 * Journal and link decide together; running it again changes nothing.
 *
 * @param mayMove whether a link may be put back now: not under a pause, and not where the daemon only looks on
 */
export async function repairPool(
  ports: SwapPorts,
  config: PoolConfig,
  profile: AgentProfile,
  context: TickContext,
  mayMove = true,
): Promise<void> {
  await ports.link.sweepLeftovers(config.link, filesOf(config).files);
  const state = await ports.link.read(placeOf(config));
  const unfinished = (await ports.local.unfinishedSwaps()).filter((swap) => swap.pool === config.name);
  for (const swap of unfinished) {
    if (swap.trigger === 'reset' || swap.phase === 'recovering') continue;
    const repair = planRepair(swap, state);
    if (repair.kind === 'undo' && !mayMove) continue;
    context.log.warn(
      { pool: config.name, swap: swap.id, phase: swap.phase, repair: repair.kind, reason: repair.reason },
      'unfinished swap found',
    );
    if (repair.kind === 'finish') await finishSwap(ports, config, profile, swap, context);
    else if (repair.kind === 'continue') await ports.locks.releaseLeftover(swap.locks);
    else if (repair.kind === 'undo') await undoSwap(ports, config, profile, swap, context);
    else if (repair.kind === 'abandon') await abandonSwap(ports, swap, repair.reason);
    else await markPartial(ports, config.name, swap, repair.reason);
  }
}
