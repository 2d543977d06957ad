/** Divides a Claude Code screen into message blocks, composer, dialog and footer by the CLI's own marks. */
import * as marks from '../agents/claude-screen.ts';
import { findComposer, isRule } from './composer.ts';
import { findDialog } from './dialog.ts';
import { isWrapped, type Line, placed, stripSides, toLines, withoutBorders } from './lines.ts';

/**
 * Whose words a block holds. `result`: a `⎿` row of the turn itself; `output`: what a tool or a shell printed;
 * `shell`: a command that the user ran from the composer;
 * `bullet`: a `●` block that is no tool call (the model's prose, or a notice of the CLI); `plain`: lines without a mark,
 * `quoted`: lines that stand inside of someone else's words.
 */
export type BlockKind =
  | 'prompt'
  | 'bullet'
  | 'tool'
  | 'shell'
  | 'output'
  | 'result'
  | 'plain'
  | 'quoted'
  | 'spinner'
  | 'end';

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

/** Never throws. Only the last 1,500 lines and the first 2,000 characters of each are looked at. */
export function divide(screen: string): Regions {
  const lines = toLines(screen);
  const start = sessionStart(lines);
  const version = /Claude Code v(\d[\w.-]*)/.exec(lines[start - 1]?.text ?? '')?.[1] ?? null;
  const body = lines.slice(start);
  const box = findComposer(body);
  const edge = body[box?.to ?? -1];
  // The composer's rule spans the pane; without one, the widest line comes nearest.
  const width =
    edge !== undefined && isRule(edge)
      ? Math.max(edge.width, 40)
      : lines.reduce((widest, line) => Math.max(widest, line.width), 40);
  if (box !== null) {
    return {
      version,
      blocks: toBlocks(body.slice(0, box.from), width, true),
      composer: { text: box.text, line: body[box.from]?.at ?? 0 },
      dialog: null,
      footer: body.slice(box.to + 1),
      width,
    };
  }
  const dialogFrom = findDialog(body);
  return {
    version,
    blocks: toBlocks(body.slice(0, dialogFrom ?? body.length), width, false),
    composer: null,
    dialog: dialogFrom === null ? null : body.slice(dialogFrom).map(withoutBorders),
    footer: [],
    width,
  };
}

/** Index after the welcome line of the newest session: what stands above belongs to the shell. */
function sessionStart(lines: readonly Line[]): number {
  for (let i = lines.length - 1; i >= 0; i--) {
    const line = lines[i];
    if (
      line !== undefined &&
      line.indent <= 3 &&
      line.text.includes('Claude Code') &&
      marks.WELCOME.test(placed(line))
    ) {
      return i + 1;
    }
  }
  return 0;
}

interface Builder {
  readonly blocks: Block[];
  current: Block | null;
  /** The block that a `⎿` row would belong to, and how many it has. */
  header: Block | null;
  rows: number;
  gap: boolean;
  fenced: boolean;
  /** Fence lines still to come: one that nothing closes is no fence. */
  fences: number;
}

function toBlocks(lines: readonly Line[], width: number, isWholeScreen: boolean): Block[] {
  const state: Builder = { blocks: [], current: null, header: null, rows: 0, gap: false, fenced: false, fences: 0 };
  state.fences = lines.filter((line) => marks.FENCE.test(placed(line))).length;
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    if (line === undefined) continue;
    if (line.text === '') {
      state.gap = true;
      continue;
    }
    if (line.indent <= 2 && marks.BOX_TOP.test(placed(line)) && !(line.indent > 0 && state.current !== null)) {
      i = takeBox(state, lines, i);
      continue;
    }
    if (!takeFence(state, line)) takeLine(state, line, lines[i - 1], width, isWholeScreen);
    state.gap = false;
  }
  markQuotedRows(state.blocks, width);
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
  if (marks.FENCE.test(placed(line))) {
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

function takeLine(state: Builder, line: Line, previous: Line | undefined, width: number, isWholeScreen: boolean): void {
  const { current } = state;
  const kind = headerKind(line, current);
  if (isRule(line)) {
    state.current = null;
    state.header = null;
  } else if (kind !== null) {
    openHeader(state, kind, kind === 'end' ? line : { ...line, text: line.text.slice(1).trim() });
  } else if (marks.ROW.test(placed(line))) {
    takeRow(state, { ...line, text: line.text.slice(1).trim() });
  } else if (line.indent === 0) {
    takeMargin(state, line, previous, width);
  } else {
    takeIndented(state, line, isWrapped(previous, line, width), isWholeScreen);
  }
}

/** The kind of block that a line begins by its mark, or null. */
function headerKind(line: Line, current: Block | null): BlockKind | null {
  const text = placed(line);
  if (marks.BULLET.test(text)) return marks.TOOL_CALL.test(line.text.slice(1).trim()) ? 'tool' : 'bullet';
  if (marks.SHELL_MODE.test(text)) return 'shell';
  if (marks.PROMPT.test(text) || (/^[❯>›] /.test(line.text) && line.indent <= 3 && isOwn(current))) return 'prompt';
  if (marks.RETRY_SPINNER.test(text) || marks.SPINNER.test(text)) return 'spinner';
  return marks.TURN_END.test(text) && line.indent === 0 ? 'end' : null;
}

/** An indented line without a mark goes on with what stands above it. */
function takeIndented(state: Builder, line: Line, wrapped: boolean, isWholeScreen: boolean): void {
  const { current } = state;
  // A notice may be indented where nothing encloses it.
  const isNotice = marks.NOTICE_MARK.test(line.text) && isOwn(current);
  const isLoose = current === null || current.kind === 'end' || current.kind === 'spinner';
  const isList = state.gap && current?.kind === 'bullet' && marks.TASK_LINE.test(line.text);
  if (current !== null && !isNotice && !isList && (!isLoose || wrapped)) {
    extend(state, current, line);
    return;
  }
  // Below a spinner or the end of a turn stand lists; at the top of a whole screen, the rest of what scrolled away.
  const isMidway = line.indent >= 4 || current !== null || (isWholeScreen && state.blocks.length === 0);
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
function takeMargin(state: Builder, line: Line, previous: Line | undefined, width: number): void {
  const { current } = state;
  const isNotice = marks.NOTICE_MARK.test(line.text);
  const isRest = !state.gap && !isNotice && (isWrapped(previous, line, width) || current?.kind === 'plain');
  if (marks.SHELL_PROMPT.test(line.text)) openHeader(state, 'quoted', line);
  else if (current !== null && (isRest || current.kind === 'quoted')) extend(state, current, line);
  else openHeader(state, 'plain', line);
}

/** A box of the CLI: its text is a message of its own. Returns the index of its last line. */
function takeBox(state: Builder, lines: readonly Line[], top: number): number {
  const bottom = top + 1 + lines.slice(top + 1, top + 61).findIndex((line) => marks.BOX_BOTTOM.test(placed(line)));
  if (bottom === top) return top;
  const inside = lines.slice(top + 1, bottom).map((line) => ({ ...line, indent: 0, text: stripSides(line.text) }));
  state.gap = false;
  state.current = null;
  for (const line of inside) {
    if (line.text === '') state.current = null;
    else if (state.current === null) open(state, 'plain', line);
    else (state.current as Block).lines.push(line);
  }
  state.current = null;
  state.header = null;
  return bottom;
}

/** A row that a person or the model pasted into their own text is no row: prose leads to it, or goes on after it. */
function markQuotedRows(blocks: readonly Block[], width: number): void {
  let isProse = false;
  let last = '';
  for (const block of blocks) {
    if (block.kind === 'result' && isProse) {
      const goesOn = block.lines.some(
        (line, i) =>
          i > 0 &&
          line.indent >= 1 &&
          line.indent <= 3 &&
          !marks.TASK_LINE.test(line.text) &&
          !isWrapped(block.lines[i - 1], line, width),
      );
      if (goesOn || (block.isApart && /[:：]$/.test(last))) block.kind = 'quoted';
    } else if (block.kind !== 'result' && block.kind !== 'quoted') {
      isProse = block.kind === 'prompt' || block.kind === 'bullet';
    }
    last = block.lines.at(-1)?.text ?? '';
  }
}
