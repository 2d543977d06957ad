/** Matches one message of a CLI against its table: its class, which limit it names, and when that resets. */
import { languageOf } from '../agents/languages.ts';
import { AFTER_TIME, BULLET_TAIL, LENIENT_TAIL, SERVER_ERROR, STRICT_TAIL } from '../agents/limit-words.ts';
import type { FindingClass, QuotaWindow } from '../agents/profile.ts';
import type { LanguageKind, MessagePattern } from '../agents/screen-language.ts';
import { type EpochMs, MINUTE } from '../time.ts';
import type { ResetTime } from './finding.ts';
import { namesLimit, unnamedWindow, windowOf } from './limit-window.ts';
import { isZone, parseReset } from './reset-time.ts';
import { holds, type UserPattern, type UserPatterns, userFamily } from './user-patterns.ts';

export interface MatchContext {
  readonly now: EpochMs;
  /** IANA zone of the pane's machine. */
  readonly zone: string;
  /** Whose screen it is; default: Claude Code. */
  readonly agent?: LanguageKind;
  /** The user's own patterns, checked when the configuration was loaded. They are looked up in `matchMessage`. */
  readonly extra?: UserPatterns;
}

/** Where a message stands: in a `●` block the model writes too, in a `⎿` row of the turn only the CLI does. */
export type Place = 'bullet' | 'plain' | 'row';

export interface Match {
  readonly pattern: Pick<MessagePattern, 'id' | 'class' | 'selfContinues' | 'isWaiting' | 'endsLimit'>;
  readonly window: QuotaWindow | null;
  readonly reset: ResetTime | null;
}

/** The first pattern that the message begins with, or null. `text` has its wraps joined and blanks folded. */
export function matchMessage(text: string, place: Place, context: MatchContext): Match | null {
  const { marks, messages } = languageOf(context.agent);
  const { extra } = context;
  const user = extra === undefined ? undefined : find(extra.patterns, text, context);
  if (user === undefined && !messages.prefilter.test(text)) return null;
  if (extra !== undefined && find(extra.ignore, text, context) !== undefined) return null;
  const message = text.replace(marks.notice, '');
  // A limit that a step of the CLI passes on would otherwise read as that step's failure.
  const prefix = place === 'bullet' ? null : messages.errorPrefix.exec(message);
  const inner = prefix === null ? null : message.slice(prefix[0].length);
  const passedOn = inner === null ? null : matchTable(inner, place, context, 'quota');
  const found = passedOn ?? matchTable(message, place, context);
  if (found !== null) return found;
  return (
    (inner === null ? null : matchTable(inner, place, context)) ??
    (user === undefined ? null : ofUser(user, message, context))
  );
}

/** Whether a message may begin so, whatever follows. */
export function mayBegin(text: string, context: MatchContext): boolean {
  if ((context.extra?.patterns ?? []).length > 0) return true;
  const { marks, messages } = languageOf(context.agent);
  if (!messages.prefilter.test(text)) return false;
  const message = text.replace(marks.notice, '').replace(messages.errorPrefix, '');
  return messages.patterns.some(({ regex }) => regex.test(message) || regex.test(text));
}

/** Matches text that stands in someone else's words: only limits, to say what was put aside. */
export function matchQuoted(text: string, context: MatchContext): Match | null {
  if (!languageOf(context.agent).messages.prefilter.test(text)) return null;
  return matchTable(text.replace(/^[⎿└]\s*/, ''), 'plain', context, 'quota');
}

function matchTable(text: string, place: Place, context: MatchContext, only?: FindingClass): Match | null {
  for (const pattern of languageOf(context.agent).messages.patterns) {
    if (only !== undefined && pattern.class !== only) continue;
    const found = pattern.regex.exec(text);
    if (found === null) continue;
    const rest = text.slice(found[0].length);
    if (needsTail(pattern, place) && !TAILS[place].test(rest)) continue;
    const words = found.slice(1).filter(Boolean).join(' ');
    const isTimed = pattern.class === 'quota' || pattern.class === 'warning';
    const reset = isTimed ? resetIn(pattern.resetInside === true ? text : rest, context) : null;
    if (place === 'bullet' && reset !== null && !AFTER_TIME.test(after(rest, reset.raw))) continue;
    if (pattern.knownWords === true && !namesLimit(words, reset !== null)) continue;
    if (isPassing(pattern, reset, context))
      return { pattern: { ...pattern, class: 'throttle' }, window: null, reset: null };
    const opens = pattern.knownWords === true;
    const named = pattern.window === 'stated' ? windowOf(words, reset, rest, opens) : pattern.window;
    const window = named === null && pattern.class === 'quota' ? windowFor(reset, context) : named;
    return { pattern, window, reset };
  }
  return null;
}

/** So short a wait is no limit of an account. */
const isPassing = ({ transientBelowMs }: MessagePattern, reset: ResetTime | null, { now }: MatchContext) =>
  transientBelowMs !== undefined && reset?.kind === 'relative' && reset.at - now < transientBelowMs;

/** The window of a limit that names none. */
export function windowFor(reset: ResetTime | null, { agent, now }: MatchContext): QuotaWindow {
  return unnamedWindow(languageOf(agent).messages.unnamedWindow, reset, now);
}

/** In a `●` block a failure must be the whole message: the model reports failures too. */
const needsTail = (pattern: MessagePattern, place: Place) =>
  pattern.checkTail === true || (place === 'bullet' && pattern.class !== 'resumed' && pattern.isMachineText !== true);

const TAILS = { bullet: BULLET_TAIL, plain: STRICT_TAIL, row: LENIENT_TAIL };

const after = (text: string, words: string) => text.slice(text.indexOf(words) + words.length);

/** Below this a counter tells when the CLI tries again, not when the limit resets. */
const SHORTEST_RESET_MS = 5 * MINUTE;
const RETRY_COUNTER = /[[(]?\bretrying in [\d\w ]{1,30}/i;

function resetIn(text: string, context: MatchContext): ResetTime | null {
  if (!/\d/.test(text)) return null;
  const counter = RETRY_COUNTER.exec(text);
  if (counter === null) return parseReset(text, context);
  const stated = parseReset(text.replace(counter[0], ' '), context);
  const counted = parseReset(counter[0], context);
  return stated ?? (counted !== null && counted.at - context.now >= SHORTEST_RESET_MS ? counted : null);
}

function find(patterns: readonly UserPattern[], text: string, { agent }: MatchContext): UserPattern | undefined {
  return patterns.find((pattern) => holds(pattern, text, agent ?? 'claude'));
}

function ofUser(pattern: UserPattern, text: string, context: MatchContext): Match {
  const kind = pattern.class ?? 'quota';
  const reset = kind === 'quota' || kind === 'warning' ? resetIn(text, context) : null;
  const window = kind === 'quota' ? (pattern.window ?? windowFor(reset, context)) : null;
  return { pattern: { id: userFamily(pattern), class: kind }, window, reset };
}

/** Whether a message shows that the server failed, so that no limit in it or above it counts. */
export function isServerError(text: string, context: MatchContext): boolean {
  return SERVER_ERROR.test(text) || find(context.extra?.serverErrors ?? [], text, context) !== undefined;
}

/** The zone that a message names, if it exists. */
export function zoneIn(text: string): string | null {
  const zone = /\((UTC|[A-Za-z]{2,20}\/[\w+/-]{1,40})\)/.exec(text)?.[1];
  return zone !== undefined && isZone(zone) ? zone : null;
}
