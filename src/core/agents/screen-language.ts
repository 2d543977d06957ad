/** What the reader must know of an agent's screen: the marks that divide it and the messages it prints, as data. */
import type { DialogKind } from '../screen/finding.ts';
import type { AgentKind, FindingClass, QuotaWindow } from './profile.ts';

/** `other`: an agent without a profile. Its screen can be read for a person, and never leads to a swap. */
export type LanguageKind = AgentKind | 'other';

export interface ScreenLanguage {
  readonly kind: LanguageKind;
  /** Marks or words of this agent's screens alone: tells it apart where nobody says which agent it is. */
  readonly signature: RegExp;
  readonly marks: ScreenMarks;
  readonly messages: MessageTable;
}

// -- Messages ---------------------------------------------------------------------------------------------------------

/** `resumed`: the CLI says that work goes on or that the account changed; it ends whatever stood above it. */
export type MessageClass = FindingClass | 'resumed';

/** A message of the CLI. Tried in the order of the table against the start of a message, wraps joined. */
export interface MessagePattern {
  readonly id: string;
  readonly class: MessageClass;
  /** `stated`: read from the words of the message (the regex captures them). */
  readonly window: QuotaWindow | 'stated' | null;
  /** Anchored, bounded, without nested quantifiers over the same characters. */
  readonly regex: RegExp;
  /** What follows the match must look like the rest of a message, not of a sentence. */
  readonly checkTail?: true;
  /** Without a reset time, every word before "limit" must be one that names a plan's limit. */
  readonly knownWords?: true;
  /** No model writes these words: they need no tail in a block where the model writes as well. */
  readonly isMachineText?: true;
  /** The time stands inside of the match and not behind it. */
  readonly resetInside?: true;
  /** A reset nearer than this is no limit of an account: the CLI waits for it and goes on. In ms. */
  readonly transientBelowMs?: number;
  readonly selfContinues?: true;
  /** Of a warning: the session goes on, so that no limit above it counts. */
  readonly endsLimit?: true;
  /** The CLI shows it while it waits: a counter that runs beside it is no progress. */
  readonly isWaiting?: true;
  readonly example: string;
}

export interface MessageTable {
  /** Every message holds one of these words (no blanks in them), so that most text is passed over at once. */
  readonly prefilter: RegExp;
  readonly patterns: readonly MessagePattern[];
  /** The one output of a tool that speaks of throttling in the CLI's own words; null: there is none. */
  readonly toolThrottle: MessagePattern | null;
  /** What the CLI's background work reports without asking the model: neither progress nor prose. */
  readonly backgroundEvent: RegExp;
  /** Before the message of a helper of the session that was stopped by the same limit. */
  readonly relayed: RegExp;
  /** A step of the CLI itself that passes an error on. */
  readonly errorPrefix: RegExp;
  /** The window of a limit whose words name none; `dated`: weekly with a date; `distance`: by how far away the reset is. */
  readonly unnamedWindow: QuotaWindow | 'dated' | 'distance';
}

// -- Marks ------------------------------------------------------------------------------------------------------------

/**
 * Whose words a block of the screen holds. `result`: the turn's or the CLI's own; `output`: what a tool or a shell
 * printed; `shell`: a command that the user ran from the composer; `bullet`: a marked block that is no tool call (the
 * model's prose, or a notice of the CLI); `plain`: lines without a mark; `quoted`: inside of someone else's words.
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

/** Tested against a line as it stood, at most 9 blanks kept at its left, unless another thing is said. */
export interface ScreenMarks {
  /** The line with which a session begins, and a piece of it that is cheap to look for. What stands above is the shell's. */
  readonly welcome: RegExp;
  readonly product: string;
  /** A card that looks like a welcome holds one of these lines. */
  readonly notWelcome: RegExp;
  /** Captures the version off the welcome line. */
  readonly version: RegExp;
  /** The mark of a message of the model, of a tool call or of a notice. */
  readonly bullet: RegExp;
  /** Tested against the text behind the mark: it is a tool call. */
  readonly toolCall: RegExp;
  /** The mark of a row below a block. */
  readonly row: RegExp;
  /** The mark of what only the CLI itself says. */
  readonly own: RegExp;
  /** Such a message goes on to the next blank line, also at the margin. */
  readonly ownRunsOn: boolean;
  /** Behind that mark only the model writes, never the CLI itself. */
  readonly isBulletProse: boolean;
  /** Indented text without a mark is the model's own. */
  readonly isProseIndented: boolean;
  /** A bar at the left of what the user or the CLI says. Taken off the line. */
  readonly bar: RegExp;
  readonly prompt: RegExp;
  /** A blank line ends what the user said; else indented text below it is still the user's. */
  readonly promptEndsAtGap: boolean;
  /** A shell command that the user ran from the composer; its output is not the CLI's word. */
  readonly shellMode: RegExp;
  /** Tested against the trimmed text: a sign before the words of a notice. */
  readonly notice: RegExp;
  readonly spinner: RegExp;
  /** A spinner whose words are a message. */
  readonly retrySpinner: RegExp;
  readonly turnEnd: RegExp;
  /** Tested against the trimmed text: a list or hint below a message that does not belong to it. */
  readonly taskLine: RegExp;
  /** Below the composer: a turn is running. */
  readonly interruptHint: RegExp;
  /** What the CLI's own notices below the composer say; a status line of the user's own looks much the same. */
  readonly footerNotice: RegExp;
  /** Begins a line that a notice below the composer goes on with. */
  readonly footerNoticeRest: RegExp;
  /** Whose words a box holds, by its first line; a box that none of these knows is the CLI's own. */
  readonly boxes: readonly { readonly first: RegExp; readonly kind: BlockKind }[];
  readonly composer: ComposerMarks;
  readonly dialog: DialogMarks;
}

export interface ComposerMarks {
  /** Tested against the trimmed text of its first line. */
  readonly prompt: RegExp;
  /** Text that the empty composer shows; exactly these words of a person cannot be told from it. */
  readonly placeholder: RegExp;
  /** What may stand below it. */
  readonly footer: RegExp;
  /** Without a frame around it, it may hold any text; else only none or a placeholder makes it known. */
  readonly isFrameless: boolean;
  /** The corner below its bar, where a bar at its left is all its frame. */
  readonly barEnd: RegExp;
}

export interface DialogMarks {
  /** A choice under the cursor, or a line that tells the keys. */
  readonly sign: RegExp;
  /** Tested against the trimmed text: it ends what belongs to a dialog. */
  readonly prompt: RegExp;
  /** All its lines but the one under the cursor are indented: text at the margin was printed before it opened. */
  readonly isIndented: boolean;
  /** The CLI waits by itself: a key is named, but nothing is asked. */
  readonly waiting: RegExp;
  /** Cursor and number before a choice's words. */
  readonly choice: RegExp;
  readonly limitTitle: RegExp;
  readonly limitChoice: RegExp;
  /** The menu's own row names the time of the reset, which it captures. */
  readonly limitWait: RegExp;
  /** Whether the limit's words stand inside of the menu, instead of above it. */
  readonly saysLimit: boolean;
  /** The keys of a question that the model asked; its choices are the model's words. */
  readonly modelQuestion: RegExp;
  /** Told by the words of the whole dialog, the first that fits. */
  readonly kinds: readonly { readonly kind: DialogKind; readonly regex: RegExp }[];
}

/** Matches nothing: for a mark that an agent does not have. */
export const NEVER = /(?!)/;
