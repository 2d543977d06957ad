/** The moves of which an adoption is made: each can be done, taken back, and found half-done after a kill. */
import type { AgentKind } from '../agents/profile.ts';
import type { HeldLock } from '../swap/swap.ts';
import type { EpochMs } from '../time.ts';

/** Absolute paths. No step ever replaces what stands at a path, and none copies. */
export type AdoptionStep =
  /** Mode 0700. Taken back only while it is empty. */
  | { readonly kind: 'make_directory'; readonly path: string }
  | { readonly kind: 'move'; readonly from: string; readonly to: string }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  /** A variable in the `env` block of a settings file of the CLI. */
  | { readonly kind: 'set_variable'; readonly file: string; readonly name: string; readonly value: string };

/** What is kept of an adoption: enough to finish it, to take it back after a kill, and to take it back in a year. */
export interface AdoptionRecord {
  readonly version: 1;
  readonly pool: string;
  readonly agent: AgentKind;
  /** Whose home the user's own directory became. */
  readonly account: string;
  readonly home: string;
  /** What is a link from then on. */
  readonly link: string;
  readonly startedAt: EpochMs;
  /** `adopt`: the steps are done in order; `undo`: they are taken back from the last to the first. */
  readonly direction: 'adopt' | 'undo';
  readonly steps: readonly AdoptionStep[];
  /** So many of the steps are done; the next one (adopt) or the last of them (undo) may be too, or may be taken back. */
  readonly done: number;
  readonly isComplete: boolean;
  /** The CLI's locks that are held meanwhile. */
  readonly locks: readonly HeldLock[];
  /** `<account uuid>/<organisation uuid>` of the login that was there; null: its files did not tell. */
  readonly identity: string | null;
  /** The adoption that this one only mends; it is the record again when the mending is over. */
  readonly mends?: AdoptionRecord;
}

/** What stands at a path, itself and not what a link there leads to. */
export interface Place {
  readonly path: string;
  readonly kind: 'nothing' | 'directory' | 'file' | 'link' | 'other';
  /** Text of a link. */
  readonly text: string | null;
  /** Names the file system; of nothing, that of the nearest directory above it. */
  readonly device: string;
  readonly owner: number | null;
  /** Directories above it that are not there, outermost first. */
  readonly missingParents: readonly string[];
}

/** A step for a person, as a line of a plan. */
export function describeStep(step: AdoptionStep): string {
  switch (step.kind) {
    case 'make_directory':
      return `make the directory ${step.path}`;
    case 'move':
      return `rename ${step.from} to ${step.to}`;
    case 'link':
      return `make the link ${step.path} -> ${step.target}`;
    case 'set_variable':
      return `set ${step.name}=${step.value} in the env block of ${step.file}`;
  }
}

/** The same step taken back. */
export function describeUndo(step: AdoptionStep): string {
  switch (step.kind) {
    case 'make_directory':
      return `remove the directory ${step.path} if it is empty`;
    case 'move':
      return `rename ${step.to} to ${step.from}`;
    case 'link':
      return `remove the link ${step.path}`;
    case 'set_variable':
      return `take ${step.name} out of the env block of ${step.file}`;
  }
}
