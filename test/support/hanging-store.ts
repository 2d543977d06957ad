/** A pool store that can be told to hang: then no call is answered, as on a network that swallows everything. */
import type { PoolStore } from '../../src/ports.ts';

export interface HangingStore {
  readonly store: PoolStore;
  /** From now on calls get no answer. */
  hang(): void;
  /** What hung is done now, in its order, or fails with this error. */
  release(error?: Error): void;
  /** How many calls hang. */
  hanging(): number;
}

export function hangingStore(real: PoolStore): HangingStore {
  let isHanging = false;
  let waiting: { go(): void; fail(error: Error): void }[] = [];
  const store = new Proxy(real, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return async (...parameters: unknown[]) => {
        if (isHanging) await new Promise<void>((go, fail) => waiting.push({ go, fail }));
        return value.apply(target, parameters);
      };
    },
  });
  return {
    store,
    hang: () => {
      isHanging = true;
    },
    release: (error) => {
      isHanging = false;
      const all = waiting;
      waiting = [];
      for (const { go, fail } of all)
        if (error === undefined) go();
        else fail(error);
    },
    hanging: () => waiting.length,
  };
}
