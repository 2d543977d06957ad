/** What a screen says, once read: the shapes that the detector hands to everyone behind it. */
import type { FindingClass, QuotaWindow } from '../agents/profile.ts';
import type { EpochMs } from '../time.ts';

/** A stated reset, resolved to an instant. */
export interface ResetTime {
  readonly at: EpochMs;
  /** The words it was read from, for example `3:45pm (Asia/Jakarta)`. */
  readonly raw: string;
  /** `clock`: time of day only; `dated`: names a day; `relative`: a duration; `epoch`: machine-written. */
  readonly kind: 'clock' | 'dated' | 'relative' | 'epoch';
}

/** A message of the CLI itself, in message position. */
export interface Finding {
  readonly class: FindingClass;
  /** Id of the pattern that matched. */
  readonly family: string;
  /** Set for `quota` and for warnings that name one, else null. */
  readonly window: QuotaWindow | null;
  /** The matched message: wraps joined, white space folded, at most 400 characters. */
  readonly text: string;
  readonly reset: ResetTime | null;
  /** Index of the first screen line of the message, from 0. */
  readonly line: number;
  /** The CLI says that it will go on by itself on the same account. */
  readonly selfContinues: boolean;
}

export type DialogKind = 'limit-menu' | 'permission' | 'trust' | 'login' | 'foreign-session' | 'other';

export interface Dialog {
  readonly kind: DialogKind;
  /** The dialog's own text, folded, at most 400 characters. */
  readonly text: string;
}

/** A match that was looked at and put aside, and why. */
export interface Veto {
  readonly family: string;
  readonly text: string;
  readonly reason: string;
}

/** One screen, read. */
export interface Reading {
  /** A turn is running: a live spinner or elapsed counter stands on the screen. */
  readonly busy: boolean;
  /** As the welcome line of the newest session on the screen tells it, for example `2.1.328`; null: none is in sight. */
  readonly version: string | null;
  /** The input box; null when the screen shows none (a dialog, a shell, an unknown layout). `text` without the prompt mark and placeholder. */
  readonly composer: { readonly text: string } | null;
  readonly dialog: Dialog | null;
  /** The one message that decides, the newest of its kind; null: nothing that matters. */
  readonly finding: Finding | null;
  /** Usage warnings, beside the finding. */
  readonly warnings: readonly Finding[];
  readonly vetoes: readonly Veto[];
  /** One sentence: why this finding, or why none. */
  readonly reason: string;
}
