/** What a CLI's own files and our own records say of a session: registry entry, transcript or rollout, hooks, figures. */
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

/** How a session's turn stands, as the CLI told its hooks. */
export interface HookRecord {
  /** `StopFailure@<epoch ms>`: names the record in evidence. */
  readonly id: string;
  /**
   * `StopFailure`: the turn ended with an error, a throttle as well as a limit. `Stop`: it ended well, or, before Claude Code
   * 2.1.78, in any way. `UserPromptSubmit`: a prompt was sent and nothing has ended it yet.
   */
  readonly event: 'StopFailure' | 'Stop' | 'UserPromptSubmit';
  /** When the hook ran, by this machine's clock. */
  readonly at: EpochMs;
  readonly sessionId: string;
  /** `error` of StopFailure, such as `rate_limit`, `server_error`, `authentication_failed`; null for the others. */
  readonly error: string | null;
  /** At most 200 characters, masked. */
  readonly details: string | null;
  /** The last message of the assistant, or of the CLI in its name; at most 400 characters, masked. */
  readonly text: string | null;
}

/** How much of one window is used, as the CLI itself was told by its provider. */
export interface QuotaFigure {
  readonly window: QuotaWindow;
  /** 0 … 100, or above. */
  readonly usedPercent: number;
  readonly resetAt: EpochMs | null;
  readonly source: 'statusline' | 'rollout';
  /** When it was last reported. */
  readonly at: EpochMs;
  /** Since when it has been reported unchanged: what is older than a flip belongs to the account before. */
  readonly since: EpochMs;
  /** The account's home, resolved, that the session's configuration directory led to at `since`; null or absent: not known. */
  readonly home?: string | null;
}

/** At most one for each window, newest sample only. */
export type QuotaFigures = readonly QuotaFigure[];

/** What could be learned of the session behind a pane. */
export interface SessionSignals {
  readonly entry: SessionEntry | null;
  /** The session id, from the entry or from the process's own argv. */
  readonly sessionId: string | null;
  readonly version: string | null;
  /** Its files say that nothing was said yet: there is no session to go on with. */
  readonly isEmpty?: boolean;
  /** The transcript is only the newest of its directory: another agent there may be the one that writes it. */
  readonly isGuess: boolean;
  /** Null when there is none, or it cannot be read: then the screen alone decides. */
  readonly transcript: TranscriptTail | null;
  /** The newest record of a turn's begin or end that `claude-failover hook` wrote for this session. */
  readonly hook?: HookRecord | null;
  readonly figures?: QuotaFigures | null;
  /** The tail of a Codex rollout, in the terms of a transcript: `rejected` is a turn that ended with `usage_limit_exceeded`. */
  readonly rollout?: TranscriptTail | null;
  /** What was passed over and how often, as `transcript: bad_json`; such things never hide what else there is. */
  readonly skipped?: Readonly<Record<string, number>>;
}
