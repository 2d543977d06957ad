/** Quiet hours: when messages of little weight are kept back. */
import type { EpochMs } from '../time.ts';
import { MINUTE } from '../time.ts';
import { wallStamp } from '../wall-time.ts';

export interface QuietHours {
  readonly enabled: boolean;
  /** `HH:MM` on the wall clock of `zone`. When `from` is later than `to` they span midnight; equal: none. */
  readonly from: string;
  readonly to: string;
  /** IANA name. */
  readonly zone: string;
}

/** @returns when the quiet hours around `at` end; null: it is not quiet. A shift of the clock in between moves it by as much. */
export function quietUntil(hours: QuietHours, at: EpochMs): EpochMs | null {
  const from = minutesOf(hours.from);
  const to = minutesOf(hours.to);
  if (!hours.enabled || from === null || to === null || from === to) return null;
  const [, hour = 0, minute = 0, second = 0] = /(\d+):(\d+):(\d+)$/.exec(wallStamp(at, hours.zone))?.map(Number) ?? [];
  const now = hour * 60 + minute;
  const isQuiet = from < to ? now >= from && now < to : now >= from || now < to;
  if (!isQuiet) return null;
  const leftMinutes = (to - now + 24 * 60) % (24 * 60);
  return at + leftMinutes * MINUTE - second * 1000 - (at % 1000);
}

/** Minutes since midnight of `HH:MM`, or null. */
export function minutesOf(time: string): number | null {
  const match = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(time);
  return match === null ? null : Number(match[1]) * 60 + Number(match[2]);
}
