/** One run after many calls: when it has been quiet for a while. */

import type { Clock } from '../ports.ts';

/**
 * @returns what to call at each change; `run` follows once no call came for `quietMs` (at most twice that after the
 *   last call), never after `signal` aborted. Runs do not overlap;
 *   a call during one leads to another.
 */
export function debounce(
  clock: Pick<Clock, 'sleep'>,
  quietMs: number,
  signal: AbortSignal,
  run: () => void | Promise<void>,
  onError: (error: unknown) => void,
): () => void {
  let calls = 0;
  let isBusy = false;
  const settle = async () => {
    isBusy = true;
    let seen = calls;
    try {
      do {
        do {
          seen = calls;
          await clock.sleep(quietMs, signal);
        } while (seen !== calls && !signal.aborted);
        if (!signal.aborted) await run();
      } while (seen !== calls && !signal.aborted);
    } finally {
      isBusy = false;
    }
  };
  return () => {
    calls += 1;
    if (!isBusy && !signal.aborted) settle().catch(onError);
  };
}
