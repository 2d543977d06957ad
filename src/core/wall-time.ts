/** Instants as a person reads them off the clock on the wall of one time zone. */
import type { EpochMs } from './time.ts';
import { DAY, formatDuration } from './time.ts';

/**
 * @param zone IANA name; an unknown one counts as UTC
 * @example wallTime(Date.UTC(2026, 0, 5, 14, 5), now, 'UTC') // '14:05' on that day, '2026-01-05 14:05' on another
 */
export function wallTime(at: EpochMs, now: EpochMs, zone: string): string {
  const there = parts(at, zone);
  const here = parts(now, zone);
  const time = `${there.hour}:${there.minute}`;
  if (there.day === here.day) return time;
  return Math.abs(at - now) < 6 * DAY ? `${there.weekday} ${time}` : `${there.day} ${time}`;
}

/** Day and time to the second: `2026-01-05 14:05:07`. */
export function wallStamp(at: EpochMs, zone: string): string {
  const { day, hour, minute, second } = parts(at, zone);
  return `${day} ${hour}:${minute}:${second}`;
}

/** `14:05 (in 1 h 12 m)`. */
export function wallTimeAhead(at: EpochMs, now: EpochMs, zone: string): string {
  const distance = at >= now ? `in ${formatDuration(at - now)}` : `${formatDuration(now - at)} ago`;
  return `${wallTime(at, now, zone)} (${distance})`;
}

interface Parts {
  readonly day: string;
  readonly weekday: string;
  readonly hour: string;
  readonly minute: string;
  readonly second: string;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function parts(at: EpochMs, zone: string): Parts {
  const found = new Map(
    formatFor(zone)
      .formatToParts(at)
      .map((part) => [part.type, part.value]),
  );
  const read = (type: Intl.DateTimeFormatPartTypes): string => found.get(type) ?? '';
  return {
    day: `${read('year')}-${read('month')}-${read('day')}`,
    weekday: read('weekday'),
    hour: read('hour'),
    minute: read('minute'),
    second: read('second'),
  };
}

function formatFor(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  let format: Intl.DateTimeFormat;
  try {
    format = build(zone);
  } catch {
    format = build('UTC');
  }
  formats.set(zone, format);
  return format;
}

function build(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hourCycle: 'h23',
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
}
