/** What was last seen of work under way, for whoever goes on with it. */
import { snippet } from '../redact.ts';
import type { EpochMs } from '../time.ts';

export interface Checkpoint {
  /** The tmux session. */
  readonly session: string;
  readonly at: EpochMs;
  readonly taskId: string | null;
  readonly cwd: string;
  /** The last lines, masked, without control characters. */
  readonly lines: string;
  /** Of what the pane showed. */
  readonly hash: string;
}

const MAX_CHARS = 64_000;
const MAX_SCREEN = 1_000_000;

/** The last `count` lines that are safe to keep: masked, without control characters, without blank lines at the end. */
export function keptLines(text: string, count: number): string {
  const lines = snippet(text.slice(-MAX_SCREEN), MAX_SCREEN).split('\n');
  return lines
    .map((line) => line.trimEnd())
    .join('\n')
    .trimEnd()
    .split('\n')
    .slice(-count)
    .join('\n')
    .slice(-MAX_CHARS);
}

/** What a session that goes on with the task is told; null: there is nothing to tell. */
export function contextOf(checkpoint: Checkpoint, count: number): string | null {
  const lines = checkpoint.lines.split('\n').filter((line) => line.trim() !== '');
  return lines.length === 0 ? null : lines.slice(-count).join('\n');
}
