/** Reads how long a provider wants to be left alone. */
import type { EpochMs } from '../../core/time.ts';
import { DAY, SECOND } from '../../core/time.ts';

/** @param header `Retry-After`: seconds or a date (RFC 9110 §10.2.3) @returns ms, at most a day; null: it says nothing */
export function retryAfterMs(header: string | null, now: EpochMs): number | null {
  if (header === null) return null;
  const ms = /^\s*\d{1,9}\s*$/.test(header) ? Number(header) * SECOND : Date.parse(header) - now;
  return Number.isFinite(ms) && ms >= 0 ? Math.min(ms, DAY) : null;
}
