/** Reads a pool anew and makes that the view that everybody sees, unless somebody began to read it later and was faster. */
import type { PoolConfig } from '../config/schema.ts';
import type { AgentProfile } from '../core/agents/profile.ts';
import type { PoolView } from '../core/status.ts';
import type { Board, Clock } from '../ports.ts';
import type { PoolReaders } from './read-pool.ts';
import { readPool } from './read-pool.ts';

export interface RefreshPorts extends PoolReaders {
  readonly board: Board;
  readonly clock: Pick<Clock, 'now'>;
}

/** @returns what was read, also when a newer view is the current one */
export async function refreshPool(ports: RefreshPorts, config: PoolConfig, profile: AgentProfile): Promise<PoolView> {
  const ticket = ports.board.ticket();
  const view = await readPool(ports, config, profile, ports.clock.now());
  ports.board.postPool(view, ticket);
  return view;
}
