/** The few facts of a pool that outlive a restart and belong to no row: partial, breaker, back-off, hold, exhausted. */
import type { EpochMs } from '../core/time.ts';
import type { LocalStore } from '../ports.ts';

export interface PoolFlags {
  /** Sticky: the link and the journal disagree and somebody must look. */
  readonly partial: { readonly reason: string; readonly at: EpochMs; readonly swapId: string | null } | null;
  readonly breaker: { readonly at: EpochMs; readonly detail: string } | null;
  readonly backoff: { readonly failures: number; readonly until: EpochMs } | null;
  /** Somebody asked for no automatic swap. */
  readonly hold: { readonly until: EpochMs; readonly reason: string } | null;
  /** No account could be swapped to since then. */
  readonly exhausted: { readonly since: EpochMs } | null;
}

export async function readFlags(store: Pick<LocalStore, 'meta'>, pool: string): Promise<PoolFlags> {
  try {
    const [partial, breaker, backoff, hold, exhausted] = await Promise.all([
      read<PoolFlags['partial']>(store, pool, 'partial'),
      read<PoolFlags['breaker']>(store, pool, 'breaker'),
      read<PoolFlags['backoff']>(store, pool, 'backoff'),
      read<PoolFlags['hold']>(store, pool, 'hold'),
      read<PoolFlags['exhausted']>(store, pool, 'exhausted'),
    ]);
    return { partial, breaker, backoff, hold, exhausted };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // Unreadable flags must not read as "all is well".
    const reason = 'the pool state in the database is unreadable';
    return { partial: { reason, at: 0, swapId: null }, breaker: null, backoff: null, hold: null, exhausted: null };
  }
}

/** Each flag is a row of its own: two loops that change different flags do not undo each other. */
export async function setFlags(
  store: Pick<LocalStore, 'setMeta'>,
  pool: string,
  change: Partial<PoolFlags>,
): Promise<void> {
  for (const [flag, value] of Object.entries(change)) {
    await store.setMeta(key(pool, flag), value === null ? null : JSON.stringify(value));
  }
}

async function read<T>(store: Pick<LocalStore, 'meta'>, pool: string, flag: keyof PoolFlags): Promise<T | null> {
  const text = await store.meta(key(pool, flag));
  return text === null ? null : (JSON.parse(text) as T);
}

function key(pool: string, flag: string): string {
  return `pool:${pool}:${flag}`;
}
