/** Finds the input box of a Claude Code screen. */
import * as marks from '../agents/claude-screen.ts';
import { type Line, placed, stripSides } from './lines.ts';

/** Where the input box stands: the first and last of its lines, as indexes into the lines given. */
export interface ComposerBox {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** The last input box that has nothing but a footer below it, or null. */
export function findComposer(lines: readonly Line[]): ComposerBox | null {
  return findRuledComposer(lines) ?? findBoxedComposer(lines) ?? findBareComposer(lines);
}

/** A line that a region of the screen begins or ends with. */
export const isRule = (line: Line | undefined) => line !== undefined && line.indent <= 1 && marks.RULE.test(line.text);

/** The mark of a message: what stands below it is no footer. */
export const isBlockMark = (line: Line) => {
  const text = placed(line);
  return marks.BULLET.test(text) || marks.ROW.test(text);
};

/** `❯ text` between two rules; the last such pair with nothing but a footer below. */
function findRuledComposer(lines: readonly Line[]): ComposerBox | null {
  for (let to = lines.length - 1; to > 0; to--) {
    const line = lines[to];
    if (line === undefined || line.text === '') continue;
    if (!isRule(line)) {
      if (isBlockMark(line)) return null;
      continue;
    }
    for (let from = to - 1; from >= 0 && to - from <= 60; from--) {
      if (!isRule(lines[from])) continue;
      const inside = lines.slice(from + 1, to);
      if (inside.length === 0) break;
      const first = inside[0];
      if (first === undefined || !isComposerPrompt(first)) return null;
      return { from, to, text: composerText(inside) };
    }
  }
  return null;
}

/** `│ > text │` in a box of its own. */
function findBoxedComposer(lines: readonly Line[]): ComposerBox | null {
  for (let to = lines.length - 1; to > 0; to--) {
    const line = lines[to];
    if (line === undefined) continue;
    if (isBlockMark(line)) return null;
    if (!marks.BOX_BOTTOM.test(placed(line))) continue;
    for (let from = to - 1; from >= 0 && to - from <= 60; from--) {
      const top = lines[from];
      if (top === undefined || !marks.BOX_TOP.test(placed(top))) continue;
      const inside = lines.slice(from + 1, to).map((inner) => ({ ...inner, text: stripSides(inner.text), indent: 0 }));
      const first = inside[0];
      if (first === undefined || !isComposerPrompt(first)) return null;
      return { from, to, text: composerText(inside) };
    }
    return null;
  }
  return null;
}

/** A last line that is an empty prompt or shows a placeholder, as in an excerpt without rules. */
function findBareComposer(lines: readonly Line[]): ComposerBox | null {
  let seen = 0;
  for (let at = lines.length - 1; at >= 0 && seen < 6; at--) {
    const line = lines[at];
    if (line === undefined || line.text === '') continue;
    if (line.indent <= 3 && /^[❯>›]/.test(line.text)) {
      const text = line.text.slice(1).trim();
      return text === '' || marks.PLACEHOLDER.test(text) ? { from: at, to: at, text: '' } : null;
    }
    if (!marks.FOOTER_LINE.test(placed(line))) return null;
    seen += 1;
  }
  return null;
}

const isComposerPrompt = (line: Line) =>
  line.indent <= 2 && /^[❯>›!#&](?:\s|$)/.test(line.text) && !/^[❯>›] ?\d{1,2}[.)] \S/.test(line.text);

function composerText(inside: readonly Line[]): string {
  const text = inside
    .map((line) => line.text)
    .join('\n')
    .replace(/^[❯>›]\s?/, '')
    .trim();
  return marks.PLACEHOLDER.test(text) ? '' : text;
}
