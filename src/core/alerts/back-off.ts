/** When a message is tried again, and when nobody waits for it any more. */
import { DAY, MINUTE, SECOND } from '../time.ts';

const LONGEST_MS = 5 * MINUTE;
/** A message that is not critical is given up after this. */
export const GIVE_UP_AFTER_MS = DAY;

/**
 * 1 s · 2^failures, at most 5 min, and up to a quarter more so that many senders do not come at once.
 *
 * @param failures tries in a row that failed, the last one included, from 1
 * @param random   in [0, 1)
 */
export function retryDelayMs(failures: number, random: number): number {
  const baseMs = Math.min(LONGEST_MS, SECOND * 2 ** Math.min(failures - 1, 20));
  return Math.min(LONGEST_MS, Math.round(baseMs * (1 + random / 4)));
}
