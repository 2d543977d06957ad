/** The few facts of a pool that outlive a restart and belong to no row: partial, breaker, back-off, exhausted. */
import type { EpochMs } from '../core/time.ts';
import type { LocalStore } from '../ports.ts';

export interface PoolFlags {
  /** Sticky: the link and the journal disagree and somebody must look. */
  readonly partial: { readonly reason: string; readonly at: EpochMs; readonly swapId: string | null } | null;
  readonly breaker: { readonly at: EpochMs; readonly detail: string } | null;
  readonly backoff: { readonly failures: number; readonly until: EpochMs } | null;
  /** No account could be swapped to since then. */
  readonly exhausted: { readonly since: EpochMs } | null;
}

const NO_FLAGS: PoolFlags = { partial: null, breaker: null, backoff: null, exhausted: null };

export async function readFlags(store: LocalStore, pool: string): Promise<PoolFlags> {
  const text = await store.meta(key(pool));
  if (text === null) return NO_FLAGS;
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? { ...NO_FLAGS, ...parsed } : NO_FLAGS;
  } catch {
    // Unreadable flags must not read as "all is well".
    return { ...NO_FLAGS, partial: { reason: 'the pool state in the database is unreadable', at: 0, swapId: null } };
  }
}

export async function setFlags(store: LocalStore, pool: string, change: Partial<PoolFlags>): Promise<void> {
  await store.setMeta(key(pool), JSON.stringify({ ...(await readFlags(store, pool)), ...change }));
}

function key(pool: string): string {
  return `pool:${pool}`;
}
