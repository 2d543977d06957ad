/** The choices of a dialog, read from its lowest line up: what stands above them may be anybody's text. */
import { languageOf } from '../agents/languages.ts';
import type { LanguageKind } from '../agents/screen-language.ts';
import type { Line } from './lines.ts';
import { divide } from './regions.ts';

export interface Choice {
  /** Its words, wraps joined, without cursor and number. */
  readonly text: string;
  /** Its number; null: the list has none. */
  readonly digit: number | null;
  readonly hasCursor: boolean;
}

export interface Choices {
  /** The line right above them. */
  readonly question: string;
  readonly choices: readonly Choice[];
  /** Everything the dialog shows but its cursor: tells one appearance from the next. */
  readonly shown: string;
}

const CURSOR = /^[❯>›] ?/;
const NUMBER = /^(\d)\. (\S.*)$/;
/** `Enter to confirm · Esc to cancel`. */
const HINT = /^(?:(?:enter|esc(?:ape)?|tab|(?:shift|ctrl)\+\w+) to [a-z ]{1,30}(?: · |$))+$/i;
const FRAME = /^[╭╰╮╯─━]+$/;
const MAX_CHOICES = 9;
const MAX_WRAPS = 3;
const MAX_SHOWN = 2_000;

/** @returns null: there is no dialog on the screen, or its choices cannot be told beyond doubt */
export function readChoices(screen: string, agent: LanguageKind): Choices | null {
  const { dialog } = divide(screen, languageOf(agent).marks);
  if (dialog === null) return null;
  const end = dialog.findLastIndex(({ text }) => text !== '' && !HINT.test(text) && !FRAME.test(text));
  const list = numbered(dialog, end) ?? bare(dialog, end);
  if (list === null || list.choices.filter(({ hasCursor }) => hasCursor).length !== 1) return null;
  const question = dialog.slice(0, list.from).findLast(({ text }) => text !== '')?.text ?? '';
  const shown = dialog
    .map(({ text }) => text.replace(CURSOR, ''))
    .join('\n')
    .slice(-MAX_SHOWN);
  return { question, choices: list.choices, shown };
}

interface List {
  /** Index of its first line. */
  readonly from: number;
  readonly choices: readonly Choice[];
}

/** From the last number down to 1; lines between two numbers are wrapped rests. */
function numbered(lines: readonly Line[], end: number): List | null {
  const choices: Choice[] = [];
  let rest: string[] = [];
  for (let at = end; at >= 0 && rest.length <= MAX_WRAPS; at--) {
    const text = lines[at]?.text ?? '';
    const [, digits, words] = NUMBER.exec(text.replace(CURSOR, '')) ?? [];
    if (text === '') return null;
    if (digits === undefined || words === undefined) {
      if (CURSOR.test(text)) return null;
      rest.unshift(text);
      continue;
    }
    const digit = Number(digits);
    const next = choices[0]?.digit ?? null;
    if (next !== null && digit !== next - 1) return null;
    choices.unshift({ text: [words, ...rest].join(' '), digit, hasCursor: CURSOR.test(text) });
    rest = [];
    if (digit === 1) return { from: at, choices };
  }
  return null;
}

/** Lines of one column, with a blank line above them. */
function bare(lines: readonly Line[], end: number): List | null {
  const last = lines[end];
  if (last === undefined) return null;
  const column = columnOf(last);
  const choices: Choice[] = [];
  for (let at = end; at >= 0 && choices.length <= MAX_CHOICES; at--) {
    const line = lines[at];
    if (line === undefined || line.text === '') return choices.length < 2 ? null : { from: at + 1, choices };
    if (columnOf(line) !== column) return null;
    choices.unshift({ text: line.text.replace(CURSOR, ''), digit: null, hasCursor: CURSOR.test(line.text) });
  }
  return null;
}

function columnOf({ indent, text }: Line): number {
  return indent + (CURSOR.exec(text)?.[0].length ?? 0);
}
