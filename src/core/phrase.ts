/** Sentences with instants in them: who shows one writes them as text, or as what a browser understands. */
import type { EpochMs } from './time.ts';
import { wallStamp, wallTime, wallTimeAhead } from './wall-time.ts';

/** `time`: `14:05`. `stamp`: day and time to the second. `ahead`: `14:05 (in 1 h 12 m)`. */
export interface Instant {
  readonly at: EpochMs;
  readonly as: 'time' | 'stamp' | 'ahead';
}

export type Phrase = readonly (string | Instant)[];

/** @param zone IANA name in which instants are written */
export function say(phrase: Phrase, now: EpochMs, zone: string): string {
  return phrase.map((part) => (typeof part === 'string' ? part : sayInstant(part, now, zone))).join('');
}

export function sayInstant({ at, as }: Instant, now: EpochMs, zone: string): string {
  if (as === 'stamp') return wallStamp(at, zone);
  return as === 'time' ? wallTime(at, now, zone) : wallTimeAhead(at, now, zone);
}

/** @example joined([['a'], ['b', 'c']], '; ') // ['a', '; ', 'b', 'c'] */
export function joined(phrases: readonly Phrase[], separator: string): Phrase {
  return phrases.flatMap((phrase, i) => (i === 0 ? phrase : [separator, ...phrase]));
}
