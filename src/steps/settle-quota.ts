/** Writes down that limits are over, so that no record waits for somebody to read it. */
import { settle } from '../core/quota/record.ts';
import { MINUTE } from '../core/time.ts';
import type { Clock, PoolStore, TickContext } from '../ports.ts';

export interface SettlePorts {
  readonly shared: Pick<PoolStore, 'quota' | 'mergeQuotas'>;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
}

/**
 * Readers settle a record by themselves at once; what is written waits. A wall clock that is set forward and back again must
 * not have ended a limit, and an account rests for a moment after its reset.
 */
const WRITE_AFTER_MS = 2 * MINUTE;

/** @param over  by account and window, since when (monotonic ms) a record was found to be over; is brought up to date */
export async function settleQuota(ports: SettlePorts, over: Map<string, number>, context: TickContext): Promise<void> {
  const now = ports.clock.now();
  const nowMs = ports.clock.monotonic();
  const records = await ports.shared.quota();
  const found = new Set<string>();
  const due = records.filter((record) => {
    if (settle(record, now) === record) return false;
    const key = `${record.account}/${record.window}`;
    found.add(key);
    const since = over.get(key) ?? nowMs;
    over.set(key, since);
    return nowMs - since >= WRITE_AFTER_MS;
  });
  for (const key of over.keys()) if (!found.has(key)) over.delete(key);
  await ports.shared.mergeQuotas(
    due.map(({ account, window }) => ({
      account,
      window,
      merge: (current) => (current === null ? null : settle(current, now)),
    })),
  );
  for (const { account, window } of due) context.log.info({ account, window }, 'quota window is over');
}
