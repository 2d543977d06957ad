/** Instants as programs write them: epoch seconds or milliseconds, or ISO 8601; and how far one of the future is believed. */
import type { EpochMs } from '../../core/time.ts';

/** Between these, a number is taken for seconds; above, for milliseconds (1973 in the one, the year 5138 in the other). */
const MAX_SECONDS = 1e11;
const EARLIEST: EpochMs = Date.UTC(2000, 0, 1);
const LATEST: EpochMs = Date.UTC(2100, 0, 1);

/** @returns null for anything that is no instant of this century */
export function instantOf(value: unknown): EpochMs | null {
  const at = typeof value === 'string' ? parse(value) : typeof value === 'number' ? toMs(value) : Number.NaN;
  return at >= EARLIEST && at < LATEST ? Math.round(at) : null;
}

/** What is written cannot be younger than its file, nor than now. */
export function soundTime(at: EpochMs, now: EpochMs, mtimeMs: number): EpochMs {
  return at <= now ? at : Math.min(now, Math.floor(mtimeMs));
}

function parse(text: string): number {
  return /^\d+(?:\.\d+)?$/.test(text) ? toMs(Number(text)) : Date.parse(text);
}

function toMs(value: number): number {
  return value < MAX_SECONDS ? value * 1000 : value;
}
