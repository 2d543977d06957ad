/** What a CLI's own files say of a session: its registry entry and the tail of its transcript. */
import type { FindingClass, QuotaWindow } from '../agents/profile.ts';
import type { EpochMs } from '../time.ts';

/** The CLI's live registry entry of one process (`sessions/<pid>.json` of Claude Code 2.1). */
export interface SessionEntry {
  readonly pid: number;
  readonly sessionId: string;
  readonly cwd: string;
  readonly version: string | null;
  readonly status: 'idle' | 'busy' | 'waiting' | 'shell' | 'unknown';
  readonly updatedAt: EpochMs | null;
}

/** The latest row of the main chain that the assistant, or the CLI in its name, wrote. */
export interface AssistantRow {
  readonly id: string;
  readonly at: EpochMs;
  /** `answer`: a normal one; `rejected`: the quota refused it; else the class of the error row. */
  readonly kind: 'answer' | 'rejected' | Exclude<FindingClass, 'quota' | 'warning'> | 'error';
  /** At most 400 characters. */
  readonly text: string;
  readonly window: QuotaWindow | null;
  readonly resetAt: EpochMs | null;
}

export interface PromptRow {
  readonly id: string;
  readonly at: EpochMs;
  readonly text: string;
  /** Written by the CLI itself, not typed. */
  readonly isMeta: boolean;
}

/** The tail of one transcript. Order is by timestamp; sidechain rows are left out. */
export interface TranscriptTail {
  readonly path: string;
  readonly sessionId: string;
  readonly lastAssistant: AssistantRow | null;
  /**
   * When the request behind `lastAssistant` was sent: the newest user row, results of tools included, at or before it. Null:
   * none stands in the tail.
   */
  readonly requestAt: EpochMs | null;
  /** The prompts of the tail, oldest first, at most 20. */
  readonly prompts: readonly PromptRow[];
  /** The CLI version that wrote the newest row. */
  readonly version: string | null;
}

/** What could be learned of the session behind a pane. */
export interface SessionSignals {
  readonly entry: SessionEntry | null;
  /** The session id, from the entry or from the process's own argv. */
  readonly sessionId: string | null;
  readonly version: string | null;
  /** The transcript is only the newest of its directory: another agent there may be the one that writes it. */
  readonly isGuess: boolean;
  /** Null when there is none, or it cannot be read: then the screen alone decides. */
  readonly transcript: TranscriptTail | null;
}
