/** Types of values that many keys of the configuration file share. */
import { z } from 'zod';
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

export function whole(least: number, most: number) {
  return z.int().min(least).max(most);
}
