/** Instants and durations: their type, their units, and how a person reads them. */

/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = number;

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** What `parseDuration` reads. */
export const DURATION: RegExp = /^\s*(\d+(\.\d+)?\s*(ms|s|m|h|d)\s*)+$/;

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: SECOND, m: MINUTE, h: HOUR, d: DAY };

/**
 * Reads a duration as the config writes it; several parts, as Go writes them, are added up.
 *
 * @returns milliseconds, or null when the text is not `<number><ms|s|m|h|d>`, once or several times
 * @example parseDuration('1.5h') // 5_400_000
 * @example parseDuration('1h30m0s') // 5_400_000
 */
export function parseDuration(text: string): number | null {
  if (!DURATION.test(text)) return null;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)/g)];
  return Math.round(parts.reduce((sum, [, count, unit = '']) => sum + Number(count) * (UNIT_MS[unit] ?? 0), 0));
}

/**
 * A duration for a person, in at most two units.
 *
 * @example formatDuration(4_320_000) // '1 h 12 m'
 */
export function formatDuration(ms: number): string {
  if (ms < SECOND) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = Math.round(ms / SECOND);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} m` : `${minutes} m ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} m`;
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 ? `${days} d` : `${days} d ${hours % 24} h`;
}

/**
 * An instant within a sentence that is stored or sent, where the reader's zone is not known.
 *
 * @example utcMinute(Date.UTC(2026, 0, 5, 14, 5)) // '2026-01-05 14:05 UTC'
 */
export function utcMinute(at: EpochMs): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** Whether a calendar knows this instant. */
export function isInstant(at: number): at is EpochMs {
  return Math.abs(at) <= 8.64e15;
}

/** An instant as ISO 8601 in UTC, or null for null. */
export function toIso(at: EpochMs | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
