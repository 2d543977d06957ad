/** Which of a plan's limits a message means: told by its words, else by its reset. */
import { MONEY_WORDS, PLAIN_WORDS, WINDOW_WORDS } from '../agents/limit-words.ts';
import type { QuotaWindow } from '../agents/profile.ts';
import type { MessageTable } from '../agents/screen-language.ts';
import { DAY, type EpochMs, HOUR, MINUTE } from '../time.ts';
import type { ResetTime } from './finding.ts';

/**
 * Which limit the words before "limit" name; null: none.
 *
 * @param opens the words open the message, so that a capital letter alone makes no name
 */
export function windowOf(words: string, reset: ResetTime | null, rest = '', opens = false): QuotaWindow | null {
  // "monthly spend limit · your session limit resets 2:40pm": the reset is the other limit's.
  const named = /your ((?:[\w-]{1,12} ){1,2})limits? (?:will )?resets?/i.exec(rest)?.[1] ?? words;
  const word = WINDOW_WORDS.find(({ regex }) => regex.test(named))?.window;
  // A name that is no plain word is a model that is not known yet.
  const hasName = leftOver(named).some((other) => /^[A-Z]|^(?!max|pro-|team|tier|plan)[a-z]{2,12}-\d/.test(other));
  if (hasName && (!opens || word !== undefined || /\d/.test(named))) return 'model';
  if (word !== undefined) return word;
  return MONEY_WORDS.test(named) && reset === null ? 'monthly' : null;
}

/** The window of a limit whose words name none. */
export function unnamedWindow(how: MessageTable['unnamedWindow'], reset: ResetTime | null, now: EpochMs): QuotaWindow {
  if (how === 'distance') return windowByDistance(reset, now);
  if (how === 'dated') return reset?.kind === 'dated' ? '7d' : 'unknown';
  return how;
}

/**
 * How far ahead a limit of this window can reset at most, in ms; null: no bound. A time beyond it was printed before
 * that time last passed: a 5h text is stale then, a 7d one wants confirmation (R33).
 */
export function resetBoundMs(window: QuotaWindow | null): number | null {
  if (window === '5h') return 5 * HOUR + 15 * MINUTE;
  return window === '7d' ? 7 * DAY + HOUR : null;
}

/** The shortest window that ends no earlier than the reset. */
function windowByDistance(reset: ResetTime | null, now: EpochMs): QuotaWindow {
  if (reset === null || reset.at <= now) return 'unknown';
  if (reset.at - now <= (resetBoundMs('5h') ?? 0)) return '5h';
  if (reset.at - now <= (resetBoundMs('7d') ?? 0)) return reset.kind === 'clock' ? 'unknown' : '7d';
  return 'monthly';
}

/** Every word says which of the plan's limits is meant; with a reset beside it, a name may stand among them. */
export function namesLimit(words: string, hasReset: boolean): boolean {
  const other = leftOver(words).filter((word) => !/^[\d.]+$/.test(word));
  if (hasReset) return other.length === 0 || (other.length <= 2 && other.every((word) => /^[A-Z]/.test(word)));
  return other.length === 0 && words.trim() !== '';
}

/** The words that name no window and are not about plans in general. */
function leftOver(words: string): string[] {
  const rest = WINDOW_WORDS.reduce((text, { regex }) => text.replace(regex, ' '), words);
  return rest.split(/\s+/).filter((word) => /\w/.test(word) && !PLAIN_WORDS.test(word.replace(/['’]s$/, '')));
}
