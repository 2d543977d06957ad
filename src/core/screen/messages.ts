/** Matches one message of the CLI against the table: its class, which limit it names, and when that resets. */
import * as table from '../agents/claude-messages.ts';
import { NOTICE_MARK } from '../agents/claude-screen.ts';
import type { FindingClass, QuotaWindow } from '../agents/profile.ts';
import type { EpochMs } from '../time.ts';
import type { ResetTime } from './finding.ts';
import { isZone, parseReset } from './reset-time.ts';

/** A pattern of the user's configuration: searched anywhere in a message that stands in message position. */
export interface ExtraPattern {
  readonly id: string;
  readonly regex?: RegExp;
  readonly substring?: string;
  readonly window?: QuotaWindow;
}

export interface ExtraPatterns {
  /** More limits. */
  readonly extra?: readonly ExtraPattern[];
  /** Messages that are no finding, whatever else matches. */
  readonly ignore?: readonly ExtraPattern[];
  /** More signs of a server error (R8). */
  readonly serverErrorExtra?: readonly ExtraPattern[];
}

export interface MatchContext {
  readonly now: EpochMs;
  /** IANA zone of the pane's machine. */
  readonly zone: string;
  readonly patterns?: ExtraPatterns;
}

/** Where a message stands: in a `●` block the model writes too, in a `⎿` row of the turn only the CLI does. */
export type Place = 'bullet' | 'plain' | 'row';

export interface Match {
  readonly pattern: Pick<table.MessagePattern, 'id' | 'class' | 'selfContinues'>;
  readonly window: QuotaWindow | null;
  readonly reset: ResetTime | null;
}

/** The first pattern that the message begins with, or null. `text` has its wraps joined and blanks folded. */
export function matchMessage(text: string, place: Place, context: MatchContext): Match | null {
  const extra = context.patterns?.extra ?? [];
  if (extra.length === 0 && !table.PREFILTER.test(text)) return null;
  const message = text.replace(NOTICE_MARK, '');
  if (context.patterns?.ignore?.some((pattern) => holds(pattern, message)) === true) return null;
  // A limit that a step of the CLI passes on would otherwise read as that step's failure.
  const prefix = place === 'bullet' ? null : table.ERROR_PREFIX.exec(message);
  const passedOn = prefix === null ? null : matchTable(message.slice(prefix[0].length), place, context, 'quota');
  return passedOn ?? matchTable(message, place, context) ?? matchExtra(message, extra, context);
}

/** Whether a message may begin so, whatever follows. */
export function mayBegin(text: string, context: MatchContext): boolean {
  if ((context.patterns?.extra ?? []).length > 0) return true;
  if (!table.PREFILTER.test(text)) return false;
  const message = text.replace(NOTICE_MARK, '');
  return table.MESSAGES.some(({ regex }) => regex.test(message));
}

/** Matches text that stands in someone else's words: only limits, to say what was put aside. */
export function matchQuoted(text: string, context: MatchContext): Match | null {
  return table.PREFILTER.test(text) ? matchTable(text.replace(/^⎿\s*/, ''), 'plain', context, 'quota') : null;
}

function matchTable(text: string, place: Place, context: MatchContext, only?: FindingClass): Match | null {
  for (const pattern of table.MESSAGES) {
    if (only !== undefined && pattern.class !== only) continue;
    const found = pattern.regex.exec(text);
    if (found === null) continue;
    const rest = text.slice(found[0].length);
    if (needsTail(pattern, place) && !TAILS[place].test(rest)) continue;
    const words = found.slice(1).filter(Boolean).join(' ');
    const isTimed = pattern.class === 'quota' || pattern.class === 'warning';
    const reset = isTimed ? resetIn(pattern.id === 'epoch' ? text : rest, context) : null;
    if (place === 'bullet' && reset !== null && !table.AFTER_TIME.test(after(rest, reset.raw))) continue;
    if (pattern.knownWords === true && !namesLimit(words, reset !== null)) continue;
    const opens = pattern.knownWords === true;
    return {
      pattern,
      window: pattern.window === 'stated' ? windowOf(words, reset, rest, opens) : pattern.window,
      reset,
    };
  }
  return null;
}

/** In a `●` block a failure must be the whole message: the model reports failures too. */
const needsTail = (pattern: table.MessagePattern, place: Place) =>
  pattern.checkTail === true || (place === 'bullet' && pattern.class !== 'resumed' && !pattern.id.startsWith('api-'));

const TAILS = { bullet: table.BULLET_TAIL, plain: table.STRICT_TAIL, row: table.LENIENT_TAIL };

const after = (text: string, words: string) => text.slice(text.indexOf(words) + words.length);

const resetIn = (text: string, context: MatchContext) => (/\d/.test(text) ? parseReset(text, context) : null);

function matchExtra(text: string, extra: readonly ExtraPattern[], context: MatchContext): Match | null {
  const pattern = extra.find((candidate) => holds(candidate, text));
  if (pattern === undefined) return null;
  const reset = resetIn(text, context);
  return { pattern: { id: pattern.id, class: 'quota' }, window: pattern.window ?? windowOf('', reset), reset };
}

function holds({ substring, regex }: ExtraPattern, text: string): boolean {
  if (substring !== undefined && text.toLowerCase().includes(substring.toLowerCase())) return true;
  // `search` has no memory, whatever flags the expression carries.
  return regex !== undefined && text.search(regex) !== -1;
}

/** Whether a message shows that the server failed, so that no limit in it or above it counts. */
export function isServerError(text: string, patterns: ExtraPatterns | undefined): boolean {
  return table.SERVER_ERROR.test(text) || (patterns?.serverErrorExtra ?? []).some((pattern) => holds(pattern, text));
}

/** The zone that a message names, if it exists. */
export function zoneIn(text: string): string | null {
  const zone = /\((UTC|[A-Za-z]{2,20}\/[\w+/-]{1,40})\)/.exec(text)?.[1];
  return zone !== undefined && isZone(zone) ? zone : null;
}

/**
 * Which limit the words before "limit" name; the kind of reset says it where they do not.
 *
 * @param opens the words open the message, so that a capital letter alone makes no name
 */
export function windowOf(words: string, reset: ResetTime | null, rest = '', opens = false): QuotaWindow {
  // "monthly spend limit · your session limit resets 2:40pm": the reset is the other limit's.
  const named = /your ((?:[\w-]{1,12} ){1,2})limits? (?:will )?resets?/i.exec(rest)?.[1] ?? words;
  const word = table.WINDOW_WORDS.find(({ regex }) => regex.test(named))?.window;
  // A name that is no plain word is a model that is not known yet.
  const hasName = leftOver(named).some((other) => /^[A-Z]/.test(other));
  if (hasName && (!opens || word !== undefined || /\d/.test(named))) return 'model';
  if (word !== undefined) return word;
  if (table.MONEY_WORDS.test(named) && reset === null) return 'monthly';
  return reset?.kind === 'dated' ? '7d' : 'unknown';
}

/** Every word says which of the plan's limits is meant; with a reset beside it, a name may stand among them. */
function namesLimit(words: string, hasReset: boolean): boolean {
  const other = leftOver(words).filter((word) => !/^[\d.]+$/.test(word));
  if (hasReset) return other.length === 0 || (other.length <= 2 && other.every((word) => /^[A-Z]/.test(word)));
  return other.length === 0 && words.trim() !== '';
}

/** The words that name no window and are not about plans in general. */
function leftOver(words: string): string[] {
  const rest = table.WINDOW_WORDS.reduce((text, { regex }) => text.replace(regex, ' '), words);
  return rest.split(/\s+/).filter((word) => /\w/.test(word) && !table.PLAIN_WORDS.test(word.replace(/['’]s$/, '')));
}
