/** The last 24 hours of an account as a strip: when it was the active one, and where it met a limit. */
import type { DayStrip } from '../../core/day-strip.ts';
import { DAY, formatDuration } from '../../core/time.ts';
import { wallTime } from '../../core/wall-time.ts';
import type { Markup, Moment } from './markup.ts';
import { markup } from './markup.ts';

/** A quarter of an hour each. */
const COLUMNS = 96;
const HEIGHT = 9;
/** Instants that are named in words. */
const MAX_NAMED = 3;

/** @param strip absent: it was not the active one */
export function dayStrip(strip: DayStrip | undefined, moment: Moment): Markup {
  if (strip === undefined) return markup`<svg class="day"></svg>`;
  const from = moment.now - DAY;
  const columnOf = (at: number): number =>
    Math.min(COLUMNS - 1, Math.max(0, Math.floor(((at - from) / DAY) * COLUMNS)));
  const active = new Set(strip.active.flatMap(([start, end]) => range(columnOf(start), columnOf(end - 1))));
  const limits = new Set(strip.limitsAt.map(columnOf));
  return markup`<svg class="day" viewBox="0 0 ${COLUMNS} ${HEIGHT}" preserveAspectRatio="none" role="img">
    <title>${inWords(strip, moment)}</title>
    <path d="${runs(active, HEIGHT / 3)}"/><path class="hit" d="${runs(limits, 0)}"/></svg>`;
}

function inWords({ active, limitsAt }: DayStrip, { now, zone }: Moment): string {
  const activeMs = active.reduce((sum, [start, end]) => sum + end - start, 0);
  const times = [...new Set(limitsAt.map((at) => wallTime(at, now, zone)))];
  const others = times.length > MAX_NAMED ? ` and ${times.length - MAX_NAMED} times more` : '';
  const was = active.length === 0 ? 'not active in' : `active ${formatDuration(activeMs)} of`;
  const met = times.length === 0 ? '' : `; limit met ${times.slice(-MAX_NAMED).join(', ')}${others}`;
  return `${was} the last 24 h${met}`;
}

function range(first: number, last: number): readonly number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
}

/** Neighbouring columns become one box, from this height down. */
function runs(columns: ReadonlySet<number>, top: number): string {
  const starts = range(0, COLUMNS - 1).filter((column) => columns.has(column) && !columns.has(column - 1));
  return starts
    .map((start) => {
      const width = range(start, COLUMNS).findIndex((column) => !columns.has(column));
      return `M${start} ${top}h${width}V${HEIGHT}h-${width}z`;
    })
    .join('');
}
