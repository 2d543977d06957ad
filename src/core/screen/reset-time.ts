/** Reads the words in which a CLI states when a limit resets, and resolves them to an instant. */
import { Temporal } from 'temporal-polyfill';
import { DAY, type EpochMs, HOUR, MINUTE, SECOND } from '../time.ts';
import type { ResetTime } from './finding.ts';

export interface ResetContext {
  readonly now: EpochMs;
  /** IANA zone of the machine that printed the text: used when the text names none, or none that exists. */
  readonly zone: string;
}

/**
 * The last reset that a text states, or null when it states none that can be read.
 *
 * A time of day means its next occurrence strictly after `now`; a date without a year means the year in which it lies
 * nearest to `now` (so a date just passed stays in the past); a day without a time begins at midnight. In a clock
 * change the later instant is taken. Never throws.
 *
 * @param text a whole message, or only the words of the time
 * @example parseReset("You've hit your limit · resets 3pm (UTC)", { now, zone: 'Europe/Paris' })
 */
export function parseReset(text: string, context: ResetContext): ResetTime | null {
  const folded = text.slice(0, 600).replace(/\s+/g, ' ').trim();
  const epoch = EPOCH.exec(folded);
  if (epoch?.[1] !== undefined) {
    return { at: Number(epoch[1]) * (epoch[1].length === 13 ? 1 : SECOND), raw: epoch[1], kind: 'epoch' };
  }
  try {
    for (const candidate of statedTimes(folded)) {
      const found = readTime(candidate, { now: context.now, zone: knownZone(context.zone) ?? 'UTC' });
      if (found !== null) return found;
    }
  } catch {
    // An impossible date (Feb 30) or an instant outside of the calendar's range is no reset.
  }
  return null;
}

const EPOCH = /(?:\||"resets_?at": ?)\s?(\d{13}|\d{10})(?!\d)/i;
const INTRODUCTION =
  /\b(?:resets?|resetting|reset (?:time|date)|try again|retry|retrying|regain access|continu(?:e|es|ing)(?: automatically)?|available(?: again)?|back|refreshes|renews|until|wait|reinicia(?:-se|rá)?|restablece|restablecerá|renova|réinitialise|réinitialisation|zurückgesetzt|wird)\b:?/giu;

/** What stands after each word that introduces a time, the last one first; the whole text when there is no such word. */
function* statedTimes(text: string): Generator<string> {
  const starts = [...text.matchAll(INTRODUCTION)].map((match) => match.index + match[0].length);
  for (const start of starts.reverse()) yield text.slice(start, start + 120);
  if (starts.length === 0) yield text.slice(0, 120);
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const LEAD = '^[\\s·∙•|,:-]{0,9}(?:(?:at|on|by|after|around|is|again|a las|às|à|um|am|le|el|em)\\s+){0,3}';
const LEADING = new RegExp(LEAD, 'i');
const MONTH =
  '(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\\.?';
const WEEKDAY =
  '(mon(?:day)?|tue(?:s|sday)?|wed(?:nesday)?|thu(?:r|rs|rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)\\.?';
const GAP = '(?:\\s?,\\s?|\\s+)(?:(?:at|on|by|à|às|a las|um)\\s+)?';
// A bare number is no time of day: it needs minutes or a half of the day.
const CLOCK =
  '(?=\\d{1,2}(?:[:.]\\d{2}|\\s?[ap]\\.?\\s?m))(\\d{1,2})(?:[:.](\\d{2})(?!\\.\\d))?(?::\\d{2})?(?:\\s?([ap])\\.?\\s?m\\b\\.?)?';
const rule = (body: string) => new RegExp(LEAD + body, 'i');

const DURATION =
  /^[\s:]*(?:(?:in|after)\s+)?(?:about\s+|~\s?)?((?:\d{1,6}(?:\.\d{1,3})?\s?(?:weeks?|w|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)(?![a-z])[\s,]{0,2}(?:and\s+)?){1,5}|an? (?:hour|minute|day|week)\b)/i;
const DURATION_PART = /(\d{1,6}(?:\.\d{1,3})?|\ban?\b)\s?(w|d|h|m|s)/gi;
const ISO = rule(
  '(\\d{4})-(\\d{2})-(\\d{2})(?:(?:T|\\s+at\\s+|\\s*,?\\s+)(\\d{1,2}):(\\d{2})(?::\\d{2}(?:\\.\\d{1,9})?)?)?\\s?(Z\\b|[+-]\\d{2}:?\\d{2}\\b)?',
);
const MONTH_DAY = rule(
  `(?:${WEEKDAY}${GAP})?${MONTH}\\s?(\\d{1,2})(?:st|nd|rd|th)?\\b(?:,?\\s(\\d{4})\\b)?(?:${GAP}${CLOCK})?`,
);
const DAY_MONTH = rule(
  `(?:${WEEKDAY}${GAP})?(\\d{1,2})(?:st|nd|rd|th)?\\s(?:of\\s|de\\s)?${MONTH}(?:,?\\s(?:de\\s)?(\\d{4})\\b)?(?:${GAP}${CLOCK})?`,
);
const CLOCK_THEN_DATE = rule(
  `${CLOCK}${GAP}(?:${WEEKDAY}${GAP})?${MONTH}\\s?(\\d{1,2})(?:st|nd|rd|th)?\\b(?:,?\\s(\\d{4})\\b)?`,
);
const WEEKDAY_CLOCK = rule(`(?:next\\s)?${WEEKDAY}(?:${GAP}${CLOCK})?(?![\\w])`);
const CLOCK_THEN_WEEKDAY = rule(`${CLOCK}${GAP}${WEEKDAY}(?![\\w])`);
/** Day before month, the month in one of the languages below, with or without a weekday: `qua., 25 de nov., 6:00`. */
const LOCAL_DATE = new RegExp(
  `${LEAD}(?:\\p{L}{2,12}\\.?,?\\s)?(\\d{1,2})\\.?\\s(?:de\\s)?(\\p{L}{3,10})\\.?(?:,?\\s(?:de\\s)?(\\d{4})\\b)?(?:(?:\\s?,\\s?|\\s)(?:(?:a las|às|à|um|kl)\\s)?${CLOCK})?`,
  'iu',
);
/** `24.11.2026, 11:52`; slashes only where the first number can be no month. */
const NUMERIC_DATE = rule(`(\\d{1,2})[./](\\d{1,2})[./](\\d{4})(?:${GAP}${CLOCK})?`);
const NEAR_DAY = rule(`(today|tonight|tomorrow)(?:${GAP}${CLOCK})?`);
const CLOCK_THEN_NEAR_DAY = rule(`${CLOCK}${GAP}(today|tonight|tomorrow)\\b`);
const CLOCK_ONLY = rule(CLOCK);
const ZONE_IN_PARENTHESES = /^\s?\(\s?([A-Za-z0-9_+\-/: ]{1,50}?)\s?\)/;
const ZONE_BARE =
  /^\s((?:UTC|GMT)[+-]\d{1,2}(?::\d{2})?|UTC|GMT|[PMCE][SD]T|AK[SD]T|HST|[CEW]ES?T|BST|IST|JST|KST|MSK|SGT|HKT|WIB|PKT|A[CE][SD]T|AWST|NZ[SD]T)(?!\w)/;

function readTime(text: string, { now, zone }: ResetContext): ResetTime | null {
  const lasting = DURATION.exec(text);
  if (lasting?.[1] !== undefined) {
    return { at: now + durationMs(lasting[1]), raw: lasting[0].trim(), kind: 'relative' };
  }
  const resolve = (match: RegExpExecArray, kind: 'clock' | 'dated', at: (zone: string) => EpochMs | null) => {
    const stated = statedZone(text.slice(match[0].length));
    const instant = at(stated.zone ?? zone);
    return instant === null ? null : { at: instant, raw: (match[0] + stated.raw).replace(LEADING, '').trim(), kind };
  };
  const date = (match: RegExpExecArray, parts: DateParts) =>
    resolve(match, 'dated', (where) => dateInstant(parts, where, now));

  let m = ISO.exec(text);
  if (m !== null) {
    const [, year, month, day, hour, minute, offset] = m;
    const time = { hour: Number(hour ?? 0), minute: Number(minute ?? 0) };
    const iso = { year: Number(year), month: Number(month), day: Number(day), time };
    return resolve(m, 'dated', (where) => dateInstant(iso, offset === undefined ? where : offsetZone(offset), now));
  }
  m = MONTH_DAY.exec(text);
  if (m !== null) {
    const parts = { month: monthNumber(m[2]), day: Number(m[3]), year: number(m[4]), time: clock(m[5], m[6], m[7]) };
    return date(m, parts);
  }
  m = CLOCK_THEN_DATE.exec(text);
  if (m !== null) {
    return date(m, {
      month: monthNumber(m[5]),
      day: Number(m[6]),
      year: number(m[7]),
      time: clock(m[1], m[2], m[3]),
    });
  }
  m = DAY_MONTH.exec(text);
  if (m !== null) {
    const parts = { day: Number(m[2]), month: monthNumber(m[3]), year: number(m[4]), time: clock(m[5], m[6], m[7]) };
    return date(m, parts);
  }
  m = NUMERIC_DATE.exec(text);
  if (m !== null && (m[0].includes('.') || Number(m[1]) > 12)) {
    const time = clock(m[4], m[5], m[6]);
    return date(m, { day: Number(m[1]), month: Number(m[2]), year: number(m[3]), time });
  }
  m = LOCAL_DATE.exec(text);
  if (m !== null && localMonth(m[2]) > 0) {
    const time = clock(m[4], m[5], m[6]);
    return date(m, { day: Number(m[1]), month: localMonth(m[2]), year: number(m[3]), time });
  }
  m = WEEKDAY_CLOCK.exec(text);
  if (m !== null) {
    const [, weekday, hour, minute, half] = m;
    return resolve(m, 'dated', (where) => weekdayInstant(weekday, clock(hour, minute, half), where, now));
  }
  m = CLOCK_THEN_WEEKDAY.exec(text);
  if (m !== null) {
    const [, hour, minute, half, weekday] = m;
    return resolve(m, 'dated', (where) => weekdayInstant(weekday, clock(hour, minute, half), where, now));
  }
  m = NEAR_DAY.exec(text);
  if (m !== null) {
    const [, day, hour, minute, half] = m;
    return resolve(m, 'dated', (where) => nearDayInstant(day, clock(hour, minute, half), where, now));
  }
  m = CLOCK_THEN_NEAR_DAY.exec(text);
  if (m !== null) {
    const [, hour, minute, half, day] = m;
    return resolve(m, 'dated', (where) => nearDayInstant(day, clock(hour, minute, half), where, now));
  }
  m = CLOCK_ONLY.exec(text);
  if (m === null) return null;
  const time = clock(m[1], m[2], m[3]);
  return time === null ? null : resolve(m, 'clock', (where) => clockInstant(time, where, now));
}

interface TimeOfDay {
  readonly hour: number;
  readonly minute: number;
}

interface DateParts {
  readonly month: number;
  readonly day: number;
  readonly year?: number | undefined;
  readonly time: TimeOfDay | null;
}

const MIDNIGHT: TimeOfDay = { hour: 0, minute: 0 };
const number = (digits: string | undefined) => (digits === undefined ? undefined : Number(digits));
const monthNumber = (name: string | undefined) => MONTHS.indexOf((name ?? '').slice(0, 3).toLowerCase()) + 1;

/** How the months begin in Portuguese, Spanish, French, German and Italian. */
const LOCAL_MONTHS = [
  /^(?:jan|ene|gen)/i,
  /^(?:fe[bv]|fév)/i,
  /^m(?:ar|är)/i,
  /^a[bpv]r/i,
  /^(?:ma[iy]|mag)/i,
  /^(?:jun|juin|giu)/i,
  /^(?:jul|juil|lug)/i,
  /^(?:ago|aug|aoû)/i,
  /^se[pt]/i,
  /^(?:o[cku]t|ott)/i,
  /^nov/i,
  /^d[eéi][czs]|^dic/i,
];

/** 0: no month begins so. */
const localMonth = (name = '') => LOCAL_MONTHS.findIndex((start) => start.test(name)) + 1;

/** Null when the digits are no time of day. */
function clock(hour: string | undefined, minute: string | undefined, half: string | undefined): TimeOfDay | null {
  if (hour === undefined) return null;
  const h = Number(hour);
  const m = Number(minute ?? 0);
  if (m > 59) return null;
  if (half === undefined) return h > 24 ? null : { hour: h % 24, minute: m };
  // "19:00 PM" occurs where two formats met; the 24-hour reading is the only one it has.
  if (h > 12) return h > 23 ? null : { hour: h, minute: m };
  return { hour: (h % 12) + (half.toLowerCase() === 'p' ? 12 : 0), minute: m };
}

function durationMs(text: string): number {
  const unitMs: Record<string, number> = { w: 7 * DAY, d: DAY, h: HOUR, m: MINUTE, s: SECOND };
  let total = 0;
  for (const [, amount, unit] of text.matchAll(DURATION_PART)) {
    total += (/^a/i.test(amount ?? '') ? 1 : Number(amount)) * (unitMs[(unit ?? 's').toLowerCase()] ?? 0);
  }
  return Math.round(total);
}

function instantOf(date: Temporal.PlainDate, time: TimeOfDay, zone: string): EpochMs {
  const wall = date.toPlainDateTime(time);
  return wall.toZonedDateTime(zone, { disambiguation: 'later' }).epochMilliseconds;
}

const today = (zone: string, now: EpochMs) =>
  Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(zone).toPlainDate();

function clockInstant(time: TimeOfDay, zone: string, now: EpochMs): EpochMs {
  const date = today(zone, now);
  const at = instantOf(date, time, zone);
  return at > now ? at : instantOf(date.add({ days: 1 }), time, zone);
}

function nearDayInstant(day: string | undefined, time: TimeOfDay | null, zone: string, now: EpochMs): EpochMs {
  const days = day?.toLowerCase() === 'tomorrow' ? 1 : 0;
  return instantOf(today(zone, now).add({ days }), time ?? MIDNIGHT, zone);
}

function weekdayInstant(name: string | undefined, time: TimeOfDay | null, zone: string, now: EpochMs): EpochMs {
  const wanted = WEEKDAYS.indexOf((name ?? '').slice(0, 3).toLowerCase()) + 1;
  const date = today(zone, now);
  const days = (wanted - date.dayOfWeek + 7) % 7;
  const at = instantOf(date.add({ days }), time ?? MIDNIGHT, zone);
  return at > now ? at : instantOf(date.add({ days: days + 7 }), time ?? MIDNIGHT, zone);
}

function dateInstant({ year, month, day, time }: DateParts, zone: string, now: EpochMs): EpochMs | null {
  const thisYear = today(zone, now).year;
  const years = year === undefined ? [thisYear - 1, thisYear, thisYear + 1] : [year];
  let best: EpochMs | null = null;
  for (const candidate of years) {
    // Feb 29 exists in some of the years only.
    if (day < 1 || day > Temporal.PlainYearMonth.from({ year: candidate, month }).daysInMonth) continue;
    const at = instantOf(Temporal.PlainDate.from({ year: candidate, month, day }), time ?? MIDNIGHT, zone);
    if (best === null || Math.abs(at - now) < Math.abs(best - now)) best = at;
  }
  return best;
}

/** Abbreviations that name one zone well enough; everything else must be IANA or an offset. */
const ABBREVIATIONS: Readonly<Record<string, string>> = {
  utc: 'UTC',
  gmt: 'UTC',
  pst: '-08:00',
  pdt: '-07:00',
  mst: '-07:00',
  mdt: '-06:00',
  cst: '-06:00',
  cdt: '-05:00',
  est: '-05:00',
  edt: '-04:00',
  bst: '+01:00',
  cet: '+01:00',
  cest: '+02:00',
  ist: '+05:30',
  jst: '+09:00',
  kst: '+09:00',
  akst: '-09:00',
  akdt: '-08:00',
  hst: '-10:00',
  wet: '+00:00',
  west: '+01:00',
  eet: '+02:00',
  eest: '+03:00',
  msk: '+03:00',
  pkt: '+05:00',
  wib: '+07:00',
  sgt: '+08:00',
  hkt: '+08:00',
  awst: '+08:00',
  acst: '+09:30',
  acdt: '+10:30',
  aest: '+10:00',
  aedt: '+11:00',
  nzst: '+12:00',
  nzdt: '+13:00',
};

/** The zone right after a time, with the words it was read from; `zone` is null when none is named or none exists. */
function statedZone(rest: string): { readonly zone: string | null; readonly raw: string } {
  const inParentheses = ZONE_IN_PARENTHESES.exec(rest);
  const match = inParentheses ?? ZONE_BARE.exec(rest);
  if (match?.[1] === undefined) return { zone: null, raw: '' };
  // A wrapped pane leaves blanks inside a name: "(America/ Los_Angeles)".
  return { zone: knownZone(match[1].replace(/\s+/g, '')), raw: match[0] };
}

/** Whether a zone of this name exists (IANA, an offset, or a common abbreviation). */
export const isZone = (name: string) => knownZone(name) !== null;

const zoneCache = new Map<string, string | null>();

function knownZone(name: string): string | null {
  const cached = zoneCache.get(name);
  if (cached !== undefined) return cached;
  const zone = lookUpZone(name);
  if (zoneCache.size >= 200) zoneCache.clear();
  zoneCache.set(name, zone);
  return zone;
}

function lookUpZone(name: string): string | null {
  const abbreviation = ABBREVIATIONS[name.toLowerCase()];
  if (abbreviation !== undefined) return abbreviation;
  // Outside of Etc/, a sign means what it says: UTC+2 is two hours ahead.
  const offset = /^(?:UTC|GMT)?([+-]\d{1,2}(?::?\d{2})?)$/i.exec(name);
  try {
    if (offset?.[1] !== undefined) return offsetZone(offset[1]);
    return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name).timeZoneId;
  } catch {
    return null;
  }
}

function offsetZone(offset: string): string {
  if (/^z$/i.test(offset)) return 'UTC';
  const [, sign, hours, minutes] = /^([+-])(\d{1,2}):?(\d{2})?$/.exec(offset) ?? [];
  return `${sign}${(hours ?? '0').padStart(2, '0')}:${minutes ?? '00'}`;
}
