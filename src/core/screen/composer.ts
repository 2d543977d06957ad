/** Finds the input box of a screen. */
import type { ScreenMarks } from '../agents/screen-language.ts';
import { BOX_BOTTOM, BOX_TOP, RULE } from './frames.ts';
import { type Line, placed, stripSides } from './lines.ts';

/** Where the input box stands: the first and last of its lines, as indexes into the lines given. */
export interface ComposerBox {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** The last input box that has nothing but a footer below it, or null. */
export function findComposer(lines: readonly Line[], marks: ScreenMarks): ComposerBox | null {
  return (
    findRuledComposer(lines, marks) ??
    findBoxedComposer(lines, marks) ??
    findBarredComposer(lines, marks) ??
    (marks.composer.isFrameless ? findFramelessComposer(lines, marks) : findBareComposer(lines, marks))
  );
}

/** A line that a region of the screen begins or ends with. */
export const isRule = (line: Line | undefined) => line !== undefined && line.indent <= 1 && RULE.test(line.text);

/** The mark of a message: what stands below it is no footer. */
export const isBlockMark = (line: Line, marks: ScreenMarks) => {
  const text = placed(line);
  return marks.bullet.test(text) || marks.row.test(text) || marks.own.test(text);
};

/** `❯ text` between two rules; the last such pair with nothing but a footer below. */
function findRuledComposer(lines: readonly Line[], marks: ScreenMarks): ComposerBox | null {
  for (let to = lines.length - 1; to > 0; to--) {
    const line = lines[to];
    if (line === undefined || line.text === '') continue;
    if (!isRule(line)) {
      if (isBlockMark(line, marks)) return null;
      continue;
    }
    for (let from = to - 1; from >= 0 && to - from <= 60; from--) {
      if (!isRule(lines[from])) continue;
      const inside = lines.slice(from + 1, to);
      if (inside.length === 0) break;
      const first = inside[0];
      if (first === undefined || !isComposerPrompt(first, marks)) return null;
      return { from, to, text: composerText(inside, marks) };
    }
  }
  return null;
}

/** `│ > text │` in a box of its own. */
function findBoxedComposer(lines: readonly Line[], marks: ScreenMarks): ComposerBox | null {
  for (let to = lines.length - 1; to > 0; to--) {
    const line = lines[to];
    if (line === undefined) continue;
    if (isBlockMark(line, marks)) return null;
    if (!BOX_BOTTOM.test(placed(line))) continue;
    for (let from = to - 1; from >= 0 && to - from <= 60; from--) {
      const top = lines[from];
      if (top === undefined || !BOX_TOP.test(placed(top))) continue;
      const inside = lines.slice(from + 1, to).map((inner) => ({ ...inner, text: stripSides(inner.text), indent: 0 }));
      const first = inside[0];
      if (first === undefined || !isComposerPrompt(first, marks)) return null;
      return { from, to, text: composerText(inside, marks) };
    }
    return null;
  }
  return null;
}

/** A bar at the left, with a corner at its end; its last line names the model. */
function findBarredComposer(lines: readonly Line[], marks: ScreenMarks): ComposerBox | null {
  const to = lines.findLastIndex((line) => marks.composer.barEnd.test(placed(line)));
  if (to === -1) return null;
  let from = to;
  while (from > 0 && marks.bar.test(placed(lines[from - 1] as Line))) from -= 1;
  const inside = lines.slice(from, to).map((line) => ({ ...line, text: line.text.slice(1).trim(), indent: 0 }));
  const filled = inside.filter((line) => line.text !== '');
  return { from, to, text: composerText(filled.slice(0, -1), marks) };
}

/** A last line that is an empty prompt or shows a placeholder, as in an excerpt without rules. */
function findBareComposer(lines: readonly Line[], marks: ScreenMarks): ComposerBox | null {
  let seen = 0;
  for (let at = lines.length - 1; at >= 0 && seen < 6; at--) {
    const line = lines[at];
    if (line === undefined || line.text === '') continue;
    if (line.indent <= 3 && /^[❯>›]/.test(line.text)) {
      const text = line.text.slice(1).trim();
      return text === '' || marks.composer.placeholder.test(text) ? { from: at, to: at, text: '' } : null;
    }
    if (!marks.composer.footer.test(placed(line))) return null;
    seen += 1;
  }
  return null;
}

/** The last prompt with nothing but its own lines and a footer below, where the CLI draws no frame around it. */
function findFramelessComposer(lines: readonly Line[], marks: ScreenMarks): ComposerBox | null {
  const bottom = lines.findLastIndex((line) => line.text !== '');
  for (let at = bottom; at >= 0 && bottom - at <= 40; at--) {
    const line = lines[at];
    if (line === undefined || line.text === '') continue;
    if (isComposerPrompt(line, marks)) {
      const rest = lines.slice(at, bottom + 1);
      const gap = rest.findIndex((inner) => inner.text === '' || isRule(inner));
      const inside = gap === -1 ? rest.slice(0, 1) : rest.slice(0, gap);
      return { from: at, to: at + inside.length - 1, text: composerText(inside, marks) };
    }
    const text = placed(line);
    if (isBlockMark(line, marks) || marks.spinner.test(text) || marks.prompt.test(text)) return null;
    if (line.indent === 0 && !isRule(line) && !marks.composer.footer.test(text)) return null;
  }
  return null;
}

const isComposerPrompt = (line: Line, { composer }: ScreenMarks) =>
  line.indent <= 2 && composer.prompt.test(line.text) && !/^\S ?\d{1,2}[.)] \S/.test(line.text);

function composerText(inside: readonly Line[], { composer }: ScreenMarks): string {
  const text = inside
    .map((line) => line.text)
    .join('\n')
    .replace(/^[❯>›▌*!]\s{0,3}/, '')
    .trim();
  return composer.placeholder.test(text) ? '' : text;
}
