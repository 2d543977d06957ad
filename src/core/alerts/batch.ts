/** How many rows the next transaction may remove, from how long the last one took. */

/** What a transaction should take; a writer that waits for it must not notice. */
export const TARGET_MS = 8;
export const FIRST_BATCH = 250;
export const MIN_BATCH = 20;
export const MAX_BATCH = 2_000;

/** Grows slowly and shrinks at once. */
export function nextBatch(rows: number, tookMs: number): number {
  const factor = Math.min(1.5, TARGET_MS / Math.max(1, tookMs));
  return Math.min(MAX_BATCH, Math.max(MIN_BATCH, Math.floor(rows * factor)));
}
