/** The interface through which a session says by a file that its task has ended. */
import type { SignalFile } from '../core/completion/signal.ts';

/** The files `agent-done-<session>`. Only own, regular, small ones count; no link is followed. */
export interface DoneSignals {
  /** The file that this session writes. @param session a tmux session of ours: it becomes part of a file name */
  pathOf(session: string): string;
  /** Null: there is none. Never throws. */
  read(session: string): Promise<SignalFile | null>;
  /** Removes it, whatever it is. @returns false: there was none */
  consume(session: string): Promise<boolean>;
  /** Calls at every change in their directory. Where the system does not tell, the poll is the net. */
  watch(onChange: () => void): Promise<{ close(): Promise<void> }>;
}
