/** How long a pause may last that ends by itself, wherever it is asked for. */
import { DAY, MINUTE, parseDuration } from './time.ts';

/** What is said to whoever asks for another. */
export const PAUSE_TIMES = 'a time from 1m to 7d, such as 1h';

/** @returns milliseconds; null: this is no such time */
export function parsePauseTime(text: string): number | null {
  const ms = parseDuration(text);
  return ms === null || ms < MINUTE || ms > 7 * DAY ? null : ms;
}
