/** Tells whether a test swap and all that was written together with its phase are there. */
import { expect } from 'vitest';
import type { SwapRow } from '../../../src/core/swap/swap.ts';
import type { LocalStore } from '../../../src/ports.ts';
import { PHASES } from './swap-phases.ts';

/** Fails unless everything that was written together with this swap's phase is there, and nothing of a later phase. */
export async function expectWhole(store: LocalStore, swap: SwapRow): Promise<void> {
  const stage = ['prepared', ...PHASES].indexOf(swap.phase);
  const passed = PHASES.slice(0, stage);
  const incident = await store.incident(swap.id);
  expect(incident?.steps.map(({ step }) => step)).toEqual(passed);
  expect(incident?.result).toEqual(stage === 3 ? { panes: 1 } : null);
  expect(await store.events({ swap: swap.id, limit: 10 })).toHaveLength(stage + 1);
  expect(await store.activations(swap.id, 10)).toHaveLength(stage >= 1 ? 1 : 0);
  const recoveries = await store.recoveries(swap.id);
  expect(recoveries.map(({ state }) => state)).toEqual(stage < 2 ? [] : [stage === 2 ? 'waiting' : 'recovered']);
  expect(swap.locks).toHaveLength(stage === 0 ? 1 : 0);
}
