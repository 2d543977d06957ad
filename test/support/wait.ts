/** Waits for facts instead of letting time pass. */

export interface WaitOptions {
  /** Default 60 000: on a starved machine each of the processes that are waited for may stall for seconds. */
  readonly timeoutMs?: number;
  /** Default 20. */
  readonly everyMs?: number;
}

/**
 * Asks until the answer is truthy, and returns it.
 * @throws the last error of `condition`, or one that says how long was waited
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 60_000, everyMs = 20 }: WaitOptions = {},
): Promise<Exclude<T, false | null | undefined | 0 | ''>> {
  const giveUpAt = performance.now() + timeoutMs;
  for (;;) {
    let problem: unknown = new Error(`not so within ${timeoutMs} ms: ${condition}`);
    try {
      const answer = await condition();
      if (answer) return answer as Exclude<T, false | null | undefined | 0 | ''>;
    } catch (error) {
      problem = error;
    }
    if (performance.now() >= giveUpAt) throw problem;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
