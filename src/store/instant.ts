/** Instants as they are stored: whole epoch milliseconds, whatever fraction a source's arithmetic left. */
import type { EpochMs } from '../core/time.ts';

export function wholeMs(at: EpochMs): number;
export function wholeMs(at: EpochMs | null): number | null;
export function wholeMs(at: EpochMs | null): number | null {
  return at === null ? null : Math.round(at);
}
