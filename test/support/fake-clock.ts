/** A clock that stands still until a test moves it. */
import { setMaxListeners } from 'node:events';
import type { Clock } from '../../src/ports.ts';

interface Sleeper {
  readonly dueMs: number;
  readonly order: number;
  readonly wake: () => void;
}

/** Time moves only by `advance` (both clocks) and `set` (the wall clock alone, as an administrator would). */
export class FakeClock implements Clock {
  #wallMs: number;
  #monotonicMs = 0;
  #order = 0;
  readonly #sleepers = new Set<Sleeper>();
  readonly #zone: string;

  constructor(startIso = '2026-01-05T12:00:00Z', zone = 'UTC') {
    this.#wallMs = Date.parse(startIso);
    this.#zone = zone;
  }

  now(): number {
    return this.#wallMs;
  }

  monotonic(): number {
    return this.#monotonicMs;
  }

  zone(): string {
    return this.#zone;
  }

  /** How many sleeps and deadlines are open. */
  get pending(): number {
    return this.#sleepers.size;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const wake = (): void => {
        cancel();
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const cancel = this.#after(ms, wake);
      signal?.addEventListener('abort', wake);
    });
  }

  deadline(ms: number, parent?: AbortSignal): { readonly signal: AbortSignal; clear(): void } {
    const controller = new AbortController();
    setMaxListeners(0, controller.signal);
    const follow = (): void => end(parent?.reason);
    const cancel = this.#after(ms, () => end(new DOMException(`${ms} ms are over`, 'TimeoutError')));
    const clear = (): void => {
      cancel();
      parent?.removeEventListener('abort', follow);
    };
    const end = (reason: unknown): void => {
      clear();
      controller.abort(reason);
    };
    if (parent?.aborted) end(parent.reason);
    else parent?.addEventListener('abort', follow);
    return { signal: controller.signal, clear };
  }

  /**
   * Lets `ms` pass: wakes what falls due in order of time, then of arrival, and lets each woken part run until it waits
   * again before the next one wakes.
   */
  async advance(ms: number): Promise<void> {
    const endMs = this.#monotonicMs + ms;
    await settle();
    for (let next = this.#firstDue(endMs); next !== null; next = this.#firstDue(endMs)) {
      this.#moveTo(Math.max(next.dueMs, this.#monotonicMs));
      next.wake();
      await settle();
    }
    this.#moveTo(endMs);
    await settle();
  }

  /** Sets the wall clock; the monotonic clock and all sleeps stay as they are. */
  set(iso: string): void {
    this.#wallMs = Date.parse(iso);
  }

  #after(ms: number, run: () => void): () => void {
    const sleeper: Sleeper = {
      dueMs: this.#monotonicMs + Math.max(0, ms),
      order: this.#order++,
      wake: () => {
        this.#sleepers.delete(sleeper);
        run();
      },
    };
    this.#sleepers.add(sleeper);
    return () => this.#sleepers.delete(sleeper);
  }

  #firstDue(untilMs: number): Sleeper | null {
    let first: Sleeper | null = null;
    for (const sleeper of this.#sleepers) {
      if (sleeper.dueMs > untilMs) continue;
      if (first === null || sleeper.dueMs < first.dueMs) first = sleeper;
      else if (sleeper.dueMs === first.dueMs && sleeper.order < first.order) first = sleeper;
    }
    return first;
  }

  #moveTo(monotonicMs: number): void {
    this.#wallMs += monotonicMs - this.#monotonicMs;
    this.#monotonicMs = monotonicMs;
  }
}

/** Lets every microtask, and what it queued, run. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
