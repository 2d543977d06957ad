/** What the rows of a conversation's log add up to: its latest answer or error, its prompts, its version. */
import type { EpochMs } from '../../core/time.ts';
import { MINUTE } from '../../core/time.ts';
import type { AssistantRow, PromptRow, TranscriptTail } from '../../core/verdict/signals.ts';
import { soundTime } from './instants.ts';

/** One row as far as it says how a turn went. */
export type TurnRow =
  | { readonly kind: 'assistant'; readonly row: AssistantRow; readonly version: string | null }
  | { readonly kind: 'prompt'; readonly row: PromptRow; readonly version: string | null }
  | { readonly kind: 'tool-result' | 'other'; readonly at: EpochMs; readonly version: string | null };

const MAX_PROMPTS = 20;
/** Instants of user rows that are kept, to find the last one before a rejection. */
const MAX_USER_ROWS = 50;

export interface Turns {
  lastAssistant: AssistantRow | null;
  prompts: readonly PromptRow[];
  /** Of prompts and of results of tools, oldest first. */
  userRowsAt: readonly EpochMs[];
  version: string | null;
  versionAt: EpochMs;
}

export function noTurns(): Turns {
  return { lastAssistant: null, prompts: [], userRowsAt: [], version: null, versionAt: 0 };
}

/** Takes in one row; order is by time and not by place. @param mtimeMs of the file the row stands in */
export function takeTurn(turns: Turns, found: TurnRow, now: EpochMs, mtimeMs: number): void {
  // A row from the future would stay the latest for good.
  const soundAt = soundTime('row' in found ? found.row.at : found.at, now, mtimeMs);
  if (found.version !== null && soundAt >= turns.versionAt) {
    turns.version = found.version;
    turns.versionAt = soundAt;
  }
  const lastAt = turns.lastAssistant?.at ?? 0;
  // Once the clock was set back, what is written after a row of the future is still newer than it.
  if (found.kind === 'assistant' && (soundAt >= lastAt || lastAt > now + MINUTE)) {
    turns.lastAssistant = { ...found.row, at: soundAt };
  }
  if (found.kind === 'prompt' || found.kind === 'tool-result') {
    turns.userRowsAt = [...turns.userRowsAt, soundAt].sort((a, b) => a - b).slice(-MAX_USER_ROWS);
  }
  if (found.kind === 'prompt') {
    const others = turns.prompts.filter((prompt) => prompt.id !== found.row.id);
    turns.prompts = [...others, { ...found.row, at: soundAt }].sort((a, b) => a.at - b.at).slice(-MAX_PROMPTS);
  }
}

export function tailOf(turns: Turns, path: string, sessionId: string): TranscriptTail {
  const { lastAssistant, prompts, userRowsAt, version } = turns;
  const requestAt = userRowsAt.findLast((at) => at <= (lastAssistant?.at ?? 0)) ?? null;
  return { path, sessionId, lastAssistant, requestAt, prompts, version };
}
