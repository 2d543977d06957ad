/** Swaps and events from the database, for commands that find no daemon. */

import type { EventView, SwapView } from '../core/record-view.ts';
import { eventView, swapRecordView, swapView } from '../core/record-view.ts';
import { explainSwap } from '../core/why.ts';
import type { EventFilter } from '../ports.ts';
import type { CommandIo, GlobalOptions } from './io.ts';
import { loadOffline, withStore } from './offline.ts';

/** @returns null: no such swap, or no database */
export async function readOfflineSwap(
  subject: string,
  options: GlobalOptions,
  io: CommandIo,
): Promise<{ readonly text: string; readonly json: object } | null> {
  const found = await withStore(loadOffline(options, io), async ({ local }) => {
    const swap = subject === 'last' ? ((await local.swaps({ limit: 1 }))[0] ?? null) : await local.swap(subject);
    if (swap === null) return { kind: 'absent', reason: 'no such swap' } as const;
    const [incident, recoveries, events] = await Promise.all([
      local.incident(swap.id),
      local.recoveries(swap.id),
      local.events({ swap: swap.id, limit: 50 }),
    ]);
    return { kind: 'record', record: { swap, incident, recoveries, events } } as const;
  });
  if (found.kind === 'absent') return null;
  return {
    text: explainSwap(found.record, io.clock.now(), io.clock.zone()),
    json: swapRecordView(found.record, { screen: true }),
  };
}

/** @returns null: there is no database */
export async function readOfflineSwaps(
  limit: number,
  options: GlobalOptions,
  io: CommandIo,
): Promise<readonly SwapView[] | null> {
  const found = await withStore(loadOffline(options, io), async ({ local }) =>
    (await local.swaps({ limit })).map(swapView),
  );
  return 'kind' in found ? null : found;
}

/** @returns null: there is no database */
export async function readOfflineEvents(
  filter: EventFilter,
  options: GlobalOptions,
  io: CommandIo,
): Promise<readonly EventView[] | null> {
  const found = await withStore(loadOffline(options, io), async ({ local }) =>
    (await local.events(filter)).map(eventView),
  );
  return 'kind' in found ? null : found;
}
