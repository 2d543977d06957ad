/** Goes down the blocks of a screen once and keeps the message that decides. */
import { languageOf } from '../agents/languages.ts';
import type { FindingClass } from '../agents/profile.ts';
import type { MessageTable, ScreenMarks } from '../agents/screen-language.ts';
import { choiceOf } from './dialog.ts';
import type { Dialog, Finding, Veto } from './finding.ts';
import { resetBoundMs } from './limit-window.ts';
import { joined, type Line, tight } from './lines.ts';
import {
  isServerError,
  type Match,
  type MatchContext,
  matchMessage,
  matchQuoted,
  mayBegin,
  type Place,
  windowFor,
  zoneIn,
} from './messages.ts';
import type { Block } from './regions.ts';
import { parseReset } from './reset-time.ts';

const MAX_TEXT = 400;
const MAX_VETOES = 20;
/** No message wraps over more lines than this. */
const MAX_MESSAGE_LINES = 8;

/** Goes down a screen once; `current` is the message that decides so far. */
export class Reader {
  readonly warnings: Finding[] = [];
  readonly vetoes: Veto[] = [];
  /** A spinner stands below everything read so far. */
  isBusy = false;
  private readonly width: number;
  private readonly isQuiet: boolean;
  private readonly marks: ScreenMarks;
  private readonly table: MessageTable;
  private context: MatchContext;
  private current: Finding | null = null;
  /** `current` is a wait of the CLI: a counter that runs beside it is no progress. */
  private isWaiting = false;
  /** A prompt of the user stands below `current`. */
  private isPrompted = false;
  /** Why the last message that would have decided does not. */
  private whyOver: string | null = null;

  /** @param isQuiet no word on the whole screen can belong to a message: none is looked for */
  constructor(width: number, context: MatchContext, isQuiet = false) {
    this.width = width;
    this.isQuiet = isQuiet;
    ({ marks: this.marks, messages: this.table } = languageOf(context.agent));
    this.context = context;
  }

  block(block: Block): void {
    switch (block.kind) {
      case 'prompt':
        this.isPrompted = true;
        this.putAside(block, 'it stands in a prompt of the user');
        break;
      case 'tool':
        this.isBusy = false;
        this.progress('a tool call follows it');
        this.putAside(block, 'it stands in the head of a tool call');
        break;
      case 'output':
        if (!this.takeToolThrottle(block)) this.putAside(block, 'it stands in the output of a tool');
        break;
      case 'shell':
      case 'quoted':
        this.putAside(block, 'it is quoted');
        break;
      case 'spinner':
        this.isBusy = true;
        this.message(block.lines, 'row');
        break;
      case 'end':
        this.isBusy = false;
        if (this.isToolThrottled()) this.progress('the turn ended');
        break;
      case 'bullet':
        this.bullet(block);
        break;
      case 'result':
        this.result(block);
        break;
      case 'plain':
        this.plain(block.lines);
    }
  }

  /** A notice of the CLI, a report of its background work, or else the model's prose. */
  private bullet(block: Block): void {
    const text = joined(block.lines);
    this.isBusy = false;
    if (!block.hasGap && !this.marks.isBulletProse && !this.marks.isProseIndented) {
      if (this.message(block.lines, 'bullet')) return;
      const relayed = this.table.relayed.exec(text);
      const rest = text.slice(relayed?.[0].length ?? 0);
      if (relayed !== null && this.take(rest, matchMessage(rest, 'bullet', this.context), block.lines)) return;
    }
    if (this.table.backgroundEvent.test(text)) return;
    // The model goes on after a throttled tool, and the tool is throttled still.
    if (!this.isToolThrottled()) this.progress('the model went on after it');
    this.putAside(block, 'it stands in the prose of the model');
  }

  private result(block: Block): void {
    if (this.message(block.lines, 'row')) {
      this.isBusy = false;
      return;
    }
    const text = joined(block.lines);
    if (this.takeToolThrottle(block)) return;
    this.serverError(text);
    if (/\blimits?\b/i.test(text) && !/^(?:tip|done|interrupted|\d)/i.test(text)) {
      this.veto('unknown-wording', text, 'it speaks of a limit in words that no pattern knows');
    }
  }

  /** Lines without a mark: each may begin a message, which goes on at most to where the next one begins. */
  private plain(lines: readonly Line[]): void {
    if (this.isQuiet) return;
    const margin = lines[0]?.indent ?? 0;
    // Below a line at the margin, an indented line only continues it.
    const canBegin = (line: Line) => line.indent <= margin || this.marks.notice.test(line.text);
    const begins = lines.map((line) => canBegin(line) && mayBegin(line.text, this.context));
    for (let from = 0; from < lines.length; ) {
      const group = lines.slice(from, from + MAX_MESSAGE_LINES);
      const next = group.findIndex(
        (line, i) => i > 0 && begins[from + i] === true && matchMessage(line.text, 'plain', this.context) !== null,
      );
      const message = next === -1 ? group : group.slice(0, next);
      const first = message[0];
      const isTaken = first !== undefined && canBegin(first) && this.message(message, 'plain', true);
      if (!isTaken && first !== undefined) this.serverError(first.text);
      from += isTaken ? message.length : 1;
    }
    const right = lines.findIndex((line) => / {3,}/.test(line.text));
    if (right !== -1) this.footerHints(lines.slice(right));
  }

  footerNotice(lines: readonly Line[]): void {
    if (this.marks.footerNotice.test(joined(lines))) this.message(lines, 'row');
  }

  /** The right-hand side of the footer: figures and the login. A status line of the user's own decides nothing. */
  footerHints(footer: readonly Line[]): void {
    if (this.isQuiet) return;
    const cells = footer.flatMap((line) => line.text.split(/ {3,}/).map((text) => ({ ...line, text })));
    for (const [i, cell] of cells.entries()) {
      const whole = joined(cells.slice(i, i + 3));
      const match = matchMessage(cell.text, 'plain', this.context) ?? matchMessage(whole, 'plain', this.context);
      if (match?.pattern.class === 'warning') this.take(whole, match, [cell]);
      else if (match?.pattern.class === 'auth' && this.current === null) this.take(cell.text, match, [cell]);
    }
  }

  dialog(lines: readonly Line[], dialog: Dialog): void {
    if (this.marks.dialog.saysLimit && (dialog.kind === 'limit-menu' || dialog.kind === 'other')) {
      this.plain(lines.filter((line) => line.text !== '').map((line) => ({ ...line, indent: 0 })));
    } else if (dialog.kind === 'limit-menu') {
      this.plain(lines.filter((line) => line.indent <= 2 && choiceOf(line, this.marks.dialog) === line.text));
      const rows = [joined(lines), tight(lines, this.width)];
      const waiting = rows
        .map((row) => this.marks.dialog.limitWait.exec(row)?.[1])
        .find((words) => words !== undefined);
      const reset = waiting === undefined ? null : parseReset(waiting, this.context);
      const pattern = { id: LIMIT_MENU, class: 'quota' as const };
      this.take(dialog.text, { pattern, window: windowFor(reset, this.context), reset }, lines);
    } else if (dialog.kind === 'login') {
      this.take(dialog.text, { pattern: { id: 'login-dialog', class: 'auth' }, window: null, reset: null }, lines);
    } else if (dialog.kind === 'other' && !lines.some((line) => this.marks.dialog.modelQuestion.test(line.text))) {
      // Text at the margin above the choices was printed before the dialog opened.
      const own = lines.findIndex((line) => line.indent > 0);
      this.plain(own === -1 ? [] : lines.slice(0, own));
    }
  }

  decide(busy: boolean): { readonly finding: Finding | null; readonly reason: string } {
    const found = this.current;
    if (found === null) return { finding: null, reason: this.whyNone() };
    const named = `${found.family}: ${quote(found.text)}`;
    if (found.class !== 'quota') {
      if (busy && this.isPrompted) return { finding: null, reason: `a newer turn is running after ${named}` };
      return { finding: found, reason: `${found.class} message in message position, ${named}` };
    }
    const objection = this.objection(found, busy);
    if (objection !== null) {
      this.veto(found.family, found.text, objection);
      return { finding: null, reason: `no hit although ${named} stands there: ${objection}` };
    }
    const until = found.reset === null ? 'without a reset time' : `reset read from "${found.reset.raw}"`;
    return { finding: found, reason: `limit message in message position, ${until}, ${named}` };
  }

  private objection(found: Finding, busy: boolean): string | null {
    if (busy && !this.isWaiting) return 'a turn is running at or below it';
    if (found.reset === null) return null;
    const aheadMs = found.reset.at - this.context.now;
    if (aheadMs <= 0) return 'its reset has passed';
    if (found.window === '5h' && aheadMs > (resetBoundMs('5h') ?? 0)) {
      return 'its reset lies further ahead than the window is long, so it was printed before that time last passed';
    }
    return null;
  }

  private whyNone(): string {
    if (this.whyOver !== null) return `no message that matters: ${this.whyOver}`;
    const veto = this.vetoes.at(-1);
    if (veto !== undefined) return `no message that matters: ${quote(veto.text)} was put aside, ${veto.reason}`;
    return this.warnings.length > 0 ? 'only a usage warning' : 'no message that matters';
  }

  /** Whether the lines (with `mayEndEarly`, the first of them) are a message of the CLI; takes it if so. */
  private message(lines: readonly Line[], place: Place, mayEndEarly = false): boolean {
    if (this.isQuiet) return false;
    let best: { readonly text: string; readonly match: Match } | null = null;
    const texts = [joined(lines), tight(lines, this.width)];
    if (mayEndEarly && !texts.some((text) => mayBegin(text, this.context))) return false;
    for (let length = mayEndEarly ? Math.min(lines.length, MAX_MESSAGE_LINES) : lines.length; length > 0; length--) {
      const part = lines.slice(0, length);
      const spaced = joined(part);
      const unspaced = tight(part, this.width);
      for (const text of spaced === unspaced ? [spaced] : [spaced, unspaced]) {
        const match = matchMessage(text, place, this.context);
        // The longer words of a time are the ones that no line break cut short.
        if (match !== null && (best === null || resetLength(match) > resetLength(best.match))) best = { text, match };
      }
      if (!mayEndEarly || (best !== null && best.match.reset !== null)) break;
    }
    return best !== null && this.take(best.text, best.match, lines);
  }

  private take(text: string, match: Match | null, lines: readonly Line[]): boolean {
    if (match === null) return false;
    const { pattern } = match;
    if (pattern.class === 'resumed') {
      this.progress(`the CLI says ${quote(text)}`);
      return true;
    }
    const found: Finding = {
      class: pattern.class,
      family: pattern.id,
      window: match.window,
      text: text.slice(0, MAX_TEXT),
      reset: match.reset,
      line: lines[0]?.at ?? 0,
      selfContinues: pattern.selfContinues === true || /continuing automatically/i.test(text),
    };
    if (pattern.class === 'warning') {
      if (pattern.endsLimit === true) this.progress(`the CLI says ${quote(text)}`);
      if (!this.warnings.some((warning) => warning.text === found.text)) this.warnings.push(found);
    } else if (pattern.class === 'quota') {
      this.takeLimit(found);
      this.isWaiting = pattern.isWaiting === true;
    } else {
      this.replace(found, pattern.class);
    }
    return true;
  }

  private takeLimit(found: Finding): void {
    if (isServerError(found.text, this.context)) {
      this.veto(found.family, found.text, 'a server error stands in the same message');
      return;
    }
    // The CLI leaves the zone away below the composer: it is the one of the banner on the same screen.
    this.context = { ...this.context, zone: zoneIn(found.text) ?? this.context.zone };
    this.current = this.current?.class === 'quota' ? merged(this.current, found) : found;
    this.isPrompted = false;
  }

  private replace(found: Finding, by: FindingClass): void {
    if (this.current?.class === 'quota') {
      this.veto(this.current.family, this.current.text, `a newer message stands below it (${by})`);
    }
    this.current = found;
    this.isPrompted = false;
  }

  /** A server error below a limit says that the limit was not the account's (R8). */
  private serverError(text: string): void {
    if (this.current?.class !== 'quota' || !isServerError(text, this.context)) return;
    this.progress('a server error stands below it');
  }

  private isToolThrottled(): boolean {
    return this.current !== null && this.current.family === this.table.toolThrottle?.id;
  }

  private takeToolThrottle(block: Block): boolean {
    const pattern = this.table.toolThrottle;
    if (pattern === null) return false;
    const texts = [joined(block.lines), tight(block.lines, this.width)];
    const text = texts.find((candidate) => pattern.regex.test(candidate));
    return text !== undefined && this.take(text, { pattern, window: null, reset: null }, block.lines);
  }

  /** Work went on: whatever stood above is over. */
  private progress(reason: string): void {
    if (this.current === null) return;
    this.whyOver = `${quote(this.current.text)} is over, ${reason}`;
    this.veto(this.current.family, this.current.text, reason);
    this.current = null;
  }

  /** Notes what would have matched, had it stood in message position. */
  private putAside(block: Block, reason: string): void {
    if (this.isQuiet) return;
    for (const line of block.lines) {
      if (this.vetoes.length >= MAX_VETOES) return;
      const match = matchQuoted(line.text, this.context);
      if (match !== null) this.veto(match.pattern.id, line.text, reason);
    }
  }

  private veto(family: string, text: string, reason: string): void {
    if (this.vetoes.length < MAX_VETOES) this.vetoes.push({ family, text: text.slice(0, MAX_TEXT), reason });
  }
}

const LIMIT_MENU = 'limit-menu';

/** The newer message decides; a menu, notice or footer that only restates the limit keeps the banner's fuller words. */
function merged(older: Finding, newer: Finding): Finding {
  const isStopped = newer.family === 'continue-stopped';
  const selfContinues = !isStopped && (older.selfContinues || newer.selfContinues);
  const restates =
    isStopped || newer.selfContinues || newer.family === LIMIT_MENU || /^\W*usage limit reached\b/i.test(newer.text);
  if (!restates) return newer;
  if (newer.reset === null || newer.reset.at === older.reset?.at) return { ...older, selfContinues };
  // A later time of the same limit; the words that say which limit it is stand in the banner only.
  return { ...newer, window: older.window ?? newer.window, selfContinues };
}

const resetLength = (match: Match) => match.reset?.raw.length ?? 0;

const quote = (text: string) => `"${text.length > 120 ? `${text.slice(0, 119)}…` : text}"`;
