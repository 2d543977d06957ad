/** The last day of an account: when it was the active one of its pool, and when it met a limit. */
import type { Span } from './alerts/stats.ts';
import { activeSpans } from './alerts/stats.ts';
import type { JournalEvent } from './events.ts';
import type { Activation } from './swap/swap.ts';
import type { EpochMs } from './time.ts';
import { DAY } from './time.ts';

export interface DayStrip {
  /** Oldest first; within the last 24 hours. */
  readonly active: readonly Span[];
  /** Oldest first. */
  readonly limitsAt: readonly EpochMs[];
}

/**
 * @param activations newest first, as the store gives them
 * @param hits  events of type `quota_hit`
 * @returns by account; one of which nothing is known has none
 */
export function dayStrips(
  activations: readonly Activation[],
  hits: readonly JournalEvent[],
  now: EpochMs,
): ReadonlyMap<string, DayStrip> {
  const from = now - DAY;
  const active = activeSpans([...activations].reverse(), from, now);
  const met = hits.filter(({ at }) => at >= from && at <= now);
  const names = new Set([...active.keys(), ...met.flatMap(({ account }) => account ?? [])]);
  return new Map(
    [...names].map((name) => {
      const limitsAt = met.filter(({ account }) => account === name).map(({ at }) => at);
      return [name, { active: active.get(name) ?? [], limitsAt: limitsAt.sort((a, b) => a - b) }];
    }),
  );
}
