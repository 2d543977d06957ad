/** Finds and names the menu or dialog that takes the place of the input box. */
import type { DialogMarks, ScreenMarks } from '../agents/screen-language.ts';
import { isBlockMark, isRule } from './composer.ts';
import type { Dialog } from './finding.ts';
import { BOX_TOP } from './frames.ts';
import { joined, type Line, placed, stripSides, withoutBorders } from './lines.ts';

/** Index of the first line of a menu or dialog that takes the composer's place, or null. */
export function findDialog(lines: readonly Line[], marks: ScreenMarks): number | null {
  let sign: number | null = null;
  let seen = 0;
  for (let at = lines.length - 1; at >= 0 && (sign !== null || seen < 25); at--) {
    const line = lines[at];
    if (line === undefined || line.text === '') continue;
    if (endsDialog(line, marks)) break;
    const above = lines.slice(Math.max(0, at - 2), at);
    if (isDialogSign(withoutBorders(line), above, marks.dialog) || isLimitMenuTitle(lines, at, marks.dialog)) sign = at;
    seen += 1;
  }
  if (sign === null) return null;
  let from = sign;
  let end = sign - 1;
  for (; end >= 0; end--) {
    const line = lines[end];
    if (line === undefined || endsDialog(line, marks) || isSolidRule(line) || BOX_TOP.test(placed(line))) break;
    if (marks.dialog.isIndented && line.indent === 0 && line.text !== '') break;
    if (line.text !== '') from = end;
  }
  const above = lines[end];
  const isBelowText = above !== undefined && above.text !== '' && !isRule(above) && from === end + 1;
  return marks.dialog.isIndented && isBelowText ? belowWrap(lines, from, sign) : from;
}

/** Indented lines right below a message are its wrapped rest; the dialog begins after a blank line. */
function belowWrap(lines: readonly Line[], from: number, sign: number): number {
  const gap = lines.slice(from, sign).findIndex((line) => line.text === '');
  if (gap === -1) return from;
  const first = lines.slice(from + gap, sign).findIndex((line) => line.text !== '');
  return first === -1 ? sign : from + gap + first;
}

const isDialogSign = (line: Line, above: readonly Line[], marks: DialogMarks) =>
  line.indent <= 6 &&
  marks.sign.test(placed(line)) &&
  !(/\besc/i.test(line.text) && [...above, line].some(({ text }) => marks.waiting.test(text)));

/** What a dialog asks, from its lines without borders. */
export function describeDialog(lines: readonly Line[], marks: DialogMarks): Dialog {
  const text = joined(lines.filter((line) => line.text !== '')).slice(0, 400);
  const whole = lines.map((line) => line.text).join(' ');
  const isMenu =
    lines.some((line) => marks.limitTitle.test(line.text)) &&
    lines.some((line) => marks.limitChoice.test(choiceOf(line, marks))) &&
    !marks.modelQuestion.test(whole);
  if (isMenu) return { kind: 'limit-menu', text };
  return { kind: marks.kinds.find(({ regex }) => regex.test(whole))?.kind ?? 'other', text };
}

/** A dashed rule frames a preview inside of a dialog. */
const isSolidRule = (line: Line) => isRule(line) && !/^[╌┄]/.test(line.text);

/** A numbered or bare list of the limit menu's own choices under its title. */
function isLimitMenuTitle(lines: readonly Line[], at: number, marks: DialogMarks): boolean {
  const text = stripSides(lines[at]?.text ?? '');
  if (!marks.limitTitle.test(text)) return false;
  return lines.slice(at + 1, at + 9).some((line) => marks.limitChoice.test(choiceOf(line, marks)));
}

/** The words of a menu's row, without cursor and number. */
export const choiceOf = (line: Line, marks: DialogMarks) => stripSides(line.text).replace(marks.choice, '');

function endsDialog(line: Line, marks: ScreenMarks): boolean {
  const text = placed(line);
  if (isBlockMark(line, marks) || marks.spinner.test(text) || marks.retrySpinner.test(text)) return true;
  return marks.dialog.prompt.test(text);
}
