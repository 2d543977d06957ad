/** Divides a screen into message blocks, composer, dialog and footer by the CLI's own marks. */
import type { BlockKind, ScreenMarks } from '../agents/screen-language.ts';
import { findComposer, isRule } from './composer.ts';
import { findDialog } from './dialog.ts';
import { BOX_BOTTOM, BOX_TOP, FENCE, SHELL_PROMPT } from './frames.ts';
import { isWrapped, type Line, placed, stripSides, toLines, withoutBorders } from './lines.ts';

export interface Block {
  kind: BlockKind;
  readonly lines: Line[];
  /** A blank line stands above it. */
  readonly isApart: boolean;
  /** A blank line stands between two of its lines. */
  hasGap: boolean;
}

export interface Regions {
  /** As the welcome line names it. */
  readonly version: string | null;
  readonly blocks: readonly Block[];
  readonly composer: { readonly text: string; readonly line: number } | null;
  /** Lines of a menu or dialog at the bottom, borders taken off. */
  readonly dialog: readonly Line[] | null;
  readonly footer: readonly Line[];
  /** Columns at which the pane wraps, at least 40. */
  readonly width: number;
}

/** Never throws. Only the last 400 lines and the first 2,000 characters of each are looked at. */
export function divide(screen: string, marks: ScreenMarks): Regions {
  const lines = toLines(screen);
  const start = sessionStart(lines, marks);
  const version = marks.version.exec(lines[start - 1]?.text ?? '')?.[1] ?? null;
  const body = lines.slice(start);
  const box = findComposer(body, marks);
  const edge = body[box?.to ?? -1];
  // The composer's rule spans the pane; without one, the widest line comes nearest.
  const width =
    edge !== undefined && isRule(edge)
      ? Math.max(edge.width, 40)
      : lines.reduce((widest, line) => Math.max(widest, line.width), 40);
  if (box !== null) {
    return {
      version,
      blocks: toBlocks(body.slice(0, box.from), marks, width, true),
      composer: { text: box.text, line: body[box.from]?.at ?? 0 },
      dialog: null,
      footer: body.slice(box.to + 1),
      width,
    };
  }
  const dialogFrom = findDialog(body, marks);
  return {
    version,
    blocks: toBlocks(body.slice(0, dialogFrom ?? body.length), marks, width, false),
    composer: null,
    dialog: dialogFrom === null ? null : body.slice(dialogFrom).map(withoutBorders),
    footer: [],
    width,
  };
}

/** Index after the welcome line of the newest session: what stands above belongs to the shell. */
function sessionStart(lines: readonly Line[], marks: ScreenMarks): number {
  for (let i = lines.length - 1; i >= 0; i--) {
    const line = lines[i];
    if (line === undefined || line.indent > 3 || !line.text.includes(marks.product)) continue;
    const isCard = lines.slice(i + 1, i + 25).some((below) => marks.notWelcome.test(below.text));
    if (marks.welcome.test(placed(line)) && !isCard) return i + 1;
  }
  return 0;
}

interface Builder {
  readonly marks: ScreenMarks;
  readonly width: number;
  readonly isWholeScreen: boolean;
  readonly blocks: Block[];
  current: Block | null;
  /** The block that a `⎿` row would belong to, and how many it has. */
  header: Block | null;
  rows: number;
  gap: boolean;
  fenced: boolean;
  /** Fence lines still to come: one that nothing closes is no fence. */
  fences: number;
  /** The line above has a bar at its left. */
  barred: boolean;
  readonly hasBars: boolean;
}

function toBlocks(lines: readonly Line[], marks: ScreenMarks, width: number, isWholeScreen: boolean): Block[] {
  const state: Builder = {
    marks,
    width,
    isWholeScreen,
    blocks: [],
    current: null,
    header: null,
    rows: 0,
    gap: false,
    fenced: false,
    fences: lines.filter((line) => FENCE.test(placed(line))).length,
    barred: false,
    hasBars: lines.some((line) => marks.bar.test(placed(line))),
  };
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    if (line === undefined) continue;
    if (line.text === '') {
      state.gap = true;
      state.barred = false;
      continue;
    }
    if (line.indent <= 2 && BOX_TOP.test(placed(line)) && !(line.indent > 0 && state.current !== null)) {
      i = takeBox(state, lines, i);
      continue;
    }
    if (!takeBar(state, line) && !takeFence(state, line)) takeLine(state, line, lines[i - 1]);
    state.gap = false;
  }
  // Where the CLI speaks under a mark of its own, nobody mistakes a row for it.
  if (!marks.isBulletProse) markQuotedRows(state.blocks, marks, width);
  return state.blocks;
}

function open(state: Builder, kind: BlockKind, line: Line): Block {
  const block: Block = { kind, lines: [line], isApart: state.gap, hasGap: false };
  state.blocks.push(block);
  state.current = block;
  return block;
}

function openHeader(state: Builder, kind: BlockKind, line: Line): void {
  state.header = open(state, kind, line);
  state.rows = 0;
}

function extend(state: Builder, block: Block, line: Line): void {
  if (state.gap) block.hasGap = true;
  block.lines.push(line);
}

/** Text between two fences at the margin is quoted. */
function takeFence(state: Builder, line: Line): boolean {
  if (FENCE.test(placed(line))) {
    state.fences -= 1;
    if (state.fenced) {
      state.fenced = false;
      state.current = null;
      return true;
    }
    state.fenced = state.fences > 0 && (state.current === null || line.indent === 0);
    if (state.fenced) open(state, 'quoted', line);
    return state.fenced;
  }
  if (state.fenced && state.current !== null) extend(state, state.current, line);
  return state.fenced;
}

/** A bar at the left joins the lines of a prompt or of a notice. */
function takeBar(state: Builder, line: Line): boolean {
  const bar = state.marks.bar.exec(placed(line))?.[0];
  const wasBarred = state.barred;
  state.barred = bar !== undefined;
  if (bar === undefined) return false;
  const text = stripSides(placed(line).slice(bar.length).trim());
  if (text === '') state.current = null;
  else if (wasBarred && state.current !== null) extend(state, state.current, { ...line, text });
  else
    openHeader(state, state.isWholeScreen && state.blocks.length === 0 ? 'output' : 'plain', {
      ...line,
      text,
      indent: 0,
    });
  return true;
}

function takeLine(state: Builder, line: Line, previous: Line | undefined): void {
  const { current, marks } = state;
  const kind = headerKind(line, current, marks);
  if (isRule(line)) {
    state.current = null;
    state.header = null;
  } else if (kind !== null) {
    openHeader(state, kind, kind === 'end' ? line : kind === 'spinner' ? withoutSign(line) : withoutMark(line));
  } else if (marks.row.test(placed(line))) {
    takeRow(state, withoutMark(line));
  } else if (line.indent === 0) {
    takeMargin(state, line, previous);
  } else {
    takeIndented(state, line, isWrapped(previous, line, state.width));
  }
}

const withoutMark = (line: Line): Line => ({ ...line, text: line.text.replace(/^.\uFE0F?/u, '').trim() });

/** A moving sign may be several characters wide. */
const withoutSign = (line: Line): Line => ({ ...line, text: line.text.replace(/^(?:[■⬝▣⬥]+|\S+)\s*/, '') });

/** The kind of block that a line begins by its mark, or null. */
function headerKind(line: Line, current: Block | null, marks: ScreenMarks): BlockKind | null {
  const text = placed(line);
  if (marks.retrySpinner.test(text) || marks.spinner.test(text)) return 'spinner';
  if (marks.bullet.test(text)) return marks.toolCall.test(withoutMark(line).text) ? 'tool' : 'bullet';
  if (marks.shellMode.test(text)) return 'shell';
  if (marks.own.test(text)) return 'result';
  if (marks.prompt.test(text) || (/^[❯>›] /.test(line.text) && line.indent <= 3 && isOwn(current))) return 'prompt';
  return marks.turnEnd.test(text) ? 'end' : null;
}

/** An indented line without a mark goes on with what stands above it. */
function takeIndented(state: Builder, line: Line, wrapped: boolean): void {
  const { marks } = state;
  const isOver = marks.promptEndsAtGap && state.gap && state.current?.kind === 'prompt';
  const current = isOver ? null : state.current;
  if (marks.isProseIndented && state.hasBars) {
    if (current?.kind === 'bullet') extend(state, current, line);
    else openHeader(state, 'bullet', line);
    return;
  }
  // A notice may be indented where nothing encloses it.
  const isNotice = marks.notice.test(line.text) && isOwn(current);
  const isLoose = current === null || current.kind === 'end' || current.kind === 'spinner';
  const isList = state.gap && current?.kind === 'bullet' && marks.taskLine.test(line.text);
  if (current !== null && !isNotice && !isList && (!isLoose || wrapped)) {
    extend(state, current, line);
    return;
  }
  // Below a spinner or the end of a turn stand lists; at the top of a whole screen, the rest of what scrolled away.
  const isMidway = line.indent >= 4 || current !== null || (state.isWholeScreen && state.blocks.length === 0);
  open(state, isMidway && !isNotice ? 'output' : 'plain', line);
}

const isOwn = (block: Block | null) => block === null || ['plain', 'result', 'end', 'spinner'].includes(block.kind);

/** A `⎿` row: the output of the call above it, or the word of the turn itself. */
function takeRow(state: Builder, line: Line): void {
  state.rows += 1;
  const kind = state.header?.kind;
  // A call has one row of output, right below it; a row after that is the turn's own.
  const isOutput = kind === 'shell' || (kind === 'tool' && state.rows === 1 && !state.gap);
  open(state, isOutput ? 'output' : 'result', line);
}

/** A line at the margin without a mark: the wrapped rest of the line above, or a message of its own. */
function takeMargin(state: Builder, line: Line, previous: Line | undefined): void {
  const { current, marks } = state;
  const isNotice = marks.notice.test(line.text);
  const runsOn = current?.kind === 'plain' || (marks.ownRunsOn && current?.kind === 'result');
  const isRest = !state.gap && !isNotice && (isWrapped(previous, line, state.width) || runsOn);
  if (SHELL_PROMPT.test(line.text)) openHeader(state, 'quoted', line);
  else if (current !== null && (isRest || current.kind === 'quoted')) extend(state, current, line);
  else openHeader(state, 'plain', line);
}

/** A box: the CLI's own words, unless its first line tells that it holds another's. Returns the index of its last line. */
function takeBox(state: Builder, lines: readonly Line[], top: number): number {
  const bottom = top + 1 + lines.slice(top + 1, top + 61).findIndex((line) => BOX_BOTTOM.test(placed(line)));
  if (bottom === top) return top;
  const inside = lines.slice(top + 1, bottom).map((line) => ({ ...line, indent: 0, text: stripSides(line.text) }));
  const first = inside.find((line) => line.text !== '')?.text ?? '';
  const kind = state.marks.boxes.find((box) => box.first.test(first))?.kind ?? 'plain';
  state.gap = false;
  state.current = null;
  for (const line of inside) {
    if (line.text === '') state.current = null;
    else if (state.current === null) open(state, kind, line);
    else (state.current as Block).lines.push(line);
  }
  state.current = null;
  state.header = null;
  return bottom;
}

/** A row that a person or the model pasted into their own text is no row: prose leads to it, or goes on after it. */
function markQuotedRows(blocks: readonly Block[], marks: ScreenMarks, width: number): void {
  let isProse = false;
  let last = '';
  for (const block of blocks) {
    if (block.kind === 'result' && isProse) {
      const goesOn = block.lines.some(
        (line, i) =>
          i > 0 &&
          line.indent >= 1 &&
          line.indent <= 3 &&
          !marks.taskLine.test(line.text) &&
          !isWrapped(block.lines[i - 1], line, width),
      );
      if (goesOn || (block.isApart && /[:：]$/.test(last))) block.kind = 'quoted';
    } else if (block.kind !== 'result' && block.kind !== 'quoted') {
      isProse = block.kind === 'prompt' || block.kind === 'bullet';
    }
    last = block.lines.at(-1)?.text ?? '';
  }
}
