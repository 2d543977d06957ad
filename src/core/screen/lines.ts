/** The lines of a screen, cleaned of control characters and odd blanks, and how wrapped ones are joined again. */
import { BOX_SIDES } from './frames.ts';

export interface Line {
  /** Index on the screen, from 0. */
  readonly at: number;
  readonly indent: number;
  /** Trimmed, white space folded. */
  readonly text: string;
  /** Columns the line takes, before trimming at the left. */
  readonly width: number;
}

const MAX_CHARACTERS = 400_000;
const MAX_LINES = 400;
const MAX_LINE_LENGTH = 2_000;
const ESCAPES =
  /\x1b(?:\[[0-9;:?<=>]{0,40}[ -/]{0,4}[@-~]|\][^\x07\x1b]{0,400}(?:\x07|\x1b\\)|[PX^_][^\x1b]{0,400}\x1b\\|[ -/]{0,4}[0-~])/g;
const INVISIBLE = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]/g;

/** Never throws. Only the last 400 lines and the first 2,000 characters of each are looked at. */
export function toLines(screen: string): Line[] {
  const dropped = Math.max(0, screen.length - MAX_CHARACTERS);
  const all = screen.slice(dropped).split('\n');
  const first = Math.max(0, all.length - MAX_LINES);
  const before = first + (dropped === 0 ? 0 : countNewlines(screen, dropped));
  return all.slice(first).map((raw, index) => toLine(raw, before + index));
}

function countNewlines(text: string, end: number): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at !== -1 && at < end; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}

/** Control characters, odd blanks and what takes no column. Most lines have none of them. */
const UNCLEAN = /[\x00-\x1f\x7f-\xa0\xad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff]/;

function toLine(raw: string, at: number): Line {
  const part = raw.length > MAX_LINE_LENGTH ? raw.slice(0, MAX_LINE_LENGTH) : raw;
  const clean = (UNCLEAN.test(part) ? cleaned(part) : part).trimEnd();
  const text = clean.trimStart();
  return { at, indent: clean.length - text.length, text, width: clean.length };
}

function cleaned(text: string): string {
  return text
    .replace(/\t/g, '    ')
    .replace(ESCAPES, '')
    .replace(INVISIBLE, '')
    .replace(/\p{Zs}/gu, ' ');
}

/** The line as it stood, for marks whose column matters. */
export const placed = (line: Line) => (line.indent > 8 ? `         ${line.text}` : ' '.repeat(line.indent) + line.text);

/** Takes a box's border off both ends. */
export const withoutBorders = (line: Line): Line => {
  const text = stripSides(line.text);
  return text === line.text ? line : { ...line, text, indent: Math.min(line.indent + 2, 4) };
};

/** Takes a box's border off both ends of a trimmed line. */
export function stripSides(text: string): string {
  const from = text !== '' && BOX_SIDES.includes(text.charAt(0)) ? 1 : 0;
  const to = text.length > from && BOX_SIDES.includes(text.charAt(text.length - 1)) ? -1 : undefined;
  return from === 0 && to === undefined ? text : text.slice(from, to).trim();
}

/** Whether a line's first word did not fit on the line before it, in a pane of this width. */
export function isWrapped(previous: Line | undefined, line: Line, width: number): boolean {
  const firstWord = line.text.split(' ', 1)[0] ?? '';
  return previous !== undefined && previous.width + 1 + firstWord.length > width;
}

const MAX_JOINED_LINES = 24;
const MAX_JOINED_LENGTH = 1_000;

/** The text of the lines, wraps undone. */
export function joined(lines: readonly Line[]): string {
  const text = lines.slice(0, MAX_JOINED_LINES).map((line) => line.text);
  return text.join(' ').replace(/ {2,}/g, ' ').slice(0, MAX_JOINED_LENGTH);
}

/** The same where the pane cut lines at its width: full lines are joined without a blank. */
export function tight(lines: readonly Line[], width: number): string {
  let text = '';
  const part = lines.slice(0, MAX_JOINED_LINES);
  for (const [i, line] of part.entries()) {
    // A single blank at the left is what the cut left of the text; more of them are layout.
    const isCut = line.width >= width && part[i + 1]?.indent !== 1;
    text += line.text + (isCut ? '' : ' ');
  }
  return text.replace(/ {2,}/g, ' ').trim().slice(0, MAX_JOINED_LENGTH);
}
