/** The board on which loops of one process leave their newest facts for each other. */
import type { PaneSnapshot } from '../core/panes.ts';
import type { PoolView } from '../core/status.ts';
import type { SwapRequest } from '../core/swap/request.ts';
import type { PaneFinding } from '../core/verdict/pane-finding.ts';
import type { Board } from '../ports.ts';

/** @param wake shortens the pause of the loop with this name */
export function createBoard(wake: (loop: string) => void): Board {
  let snapshot: PaneSnapshot | null = null;
  let findings: ReadonlyMap<string, PaneFinding> = new Map();
  let judgements = 0;
  const requests = new Map<string, SwapRequest>();
  const pools = new Map<string, PoolView>();
  const tickets = new Map<string, number>();
  let lastTicket = 0;
  let leases: ReadonlyMap<string, string> = new Map();
  return {
    snapshot: () => snapshot,
    postSnapshot(next) {
      snapshot = next;
    },
    findings: () => findings,
    postFindings(next) {
      findings = next;
      judgements++;
    },
    judgements: () => judgements,
    ask(request) {
      if (requests.has(request.pool)) return false;
      requests.set(request.pool, request);
      return true;
    },
    request: (pool) => requests.get(pool) ?? null,
    answer(pool) {
      requests.delete(pool);
    },
    pools: () => pools,
    ticket: () => ++lastTicket,
    postPool(view, ticket) {
      const { pool, accounts } = view.pool;
      // A view without accounts is one that was not loaded.
      if (accounts.length === 0 || ticket < (tickets.get(pool) ?? 0)) return false;
      pools.set(pool, view);
      tickets.set(pool, ticket);
      return true;
    },
    leases: () => leases,
    postLeases(next) {
      leases = next;
    },
    wake,
  };
}
