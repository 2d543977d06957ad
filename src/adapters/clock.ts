/** The machine's own time: the only file that reads the clock or sets a timer. */
import { setMaxListeners } from 'node:events';
import { performance } from 'node:perf_hooks';
import type { Clock } from '../ports.ts';

/** Node fires a longer timer at once, so a longer wait is made of several. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** The real clock. `monotonic` is CLOCK_MONOTONIC: it does not count the time a machine was suspended. */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    sleep,
    deadline,
    zone: () => Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const wake = (): void => {
      cancel();
      signal?.removeEventListener('abort', wake);
      resolve();
    };
    const cancel = after(ms, wake);
    signal?.addEventListener('abort', wake);
  });
}

function deadline(ms: number, parent?: AbortSignal): { readonly signal: AbortSignal; clear(): void } {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  const follow = (): void => end(parent?.reason);
  const cancel = after(ms, () => end(new DOMException(`${ms} ms are over`, 'TimeoutError')));
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

/** Calls `run` once after `ms`, however long that is. @returns a function that calls it off */
function after(ms: number, run: () => void): () => void {
  const dueAt = performance.now() + ms;
  let timer: NodeJS.Timeout;
  const arm = (leftMs: number): void => {
    const waitMs = Math.min(Math.max(0, leftMs), LONGEST_TIMER_MS);
    timer = setTimeout(() => (waitMs === LONGEST_TIMER_MS ? arm(dueAt - performance.now()) : run()), waitMs);
  };
  arm(ms);
  return () => clearTimeout(timer);
}
