/** Types of values that many keys of the configuration file share. */
import { z } from 'zod';
import { parseSize } from '../core/size.ts';
import { DURATION, parseDuration } from '../core/time.ts';

/** A duration as text. `least` and `most` are inclusive; the longest stays below what a timer can hold (24.8 days). */
export function duration(least: string, most = '7d') {
  const [leastMs, mostMs] = [parseDuration(least) ?? 0, parseDuration(most) ?? 0];
  return z
    .string()
    .regex(DURATION, 'expected a duration with its unit: ms, s, m, h or d')
    .refine((text) => {
      const ms = parseDuration(text);
      return ms === null || (ms >= leastMs && ms <= mostMs);
    }, `must be from ${least} to ${most}`);
}

/** The milliseconds of a duration; the schema has made sure of its form. */
export function ms(text: string): number {
  return parseDuration(text) ?? 0;
}

/** `tmux` would rewrite `.` and `:` in a session name; pools follow the same rule because they appear in key paths. */
export const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

export const path = () => z.string().min(1).max(4096);

export function whole(least: number, most: number) {
  return z.int().min(least).max(most);
}

/** A size as text, as `parseSize` reads it. */
export function size(least: string) {
  return z
    .string()
    .regex(/^\s*\d+(\.\d+)?\s*(KiB|MiB|GiB)\s*$/, 'expected a size with its unit: KiB, MiB or GiB')
    .refine((text) => (parseSize(text) ?? 0) >= (parseSize(least) ?? 0), `must be at least ${least}`);
}
