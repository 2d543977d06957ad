/** What each phase of a test swap writes in its one transaction. */
import type { SwapPhase } from '../../../src/core/swap/swap.ts';
import type { LocalStore } from '../../../src/ports.ts';
import { aRecovery, NOON } from './rows.ts';

export const PHASES = ['flipped', 'recovering', 'done'] as const satisfies readonly SwapPhase[];

type Write = { change: Parameters<LocalStore['updateSwap']>[1]; also: Parameters<LocalStore['updateSwap']>[2] };

export function phaseWrite(id: string, phase: (typeof PHASES)[number]): Write {
  const at = NOON + 10 * (PHASES.indexOf(phase) + 1);
  const steps = [{ at, step: phase, durationMs: 1.25, detail: { phase } }];
  switch (phase) {
    case 'flipped':
      return {
        change: { phase, flippedAt: at, locks: [] },
        also: {
          at,
          steps,
          events: [{ type: 'swap_flipped', swap: id }],
          activation: { pool: id, account: 'spare', since: at, cause: 'swap' },
        },
      };
    case 'recovering':
      return {
        change: { phase },
        also: { at, steps, events: [{ type: 'session_recovered', swap: id }], recoveries: [aRecovery(id)] },
      };
    case 'done':
      return {
        change: { phase, finishedAt: at },
        also: {
          at,
          steps,
          result: { panes: 1 },
          events: [{ type: 'swap_completed', swap: id }],
          recoveries: [aRecovery(id, { state: 'recovered', finishedAt: at, recoveredBy: 'hot' })],
        },
      };
  }
}
