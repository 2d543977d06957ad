/** The interfaces about sessions that are kept: making and ending them in tmux, and what is written down of them. */
import type { NewEvent } from '../core/events.ts';
import type { PaneIdentity } from '../core/panes.ts';
import type { Checkpoint } from '../core/sessions/checkpoint.ts';
import type { LifecycleRow } from '../core/sessions/lifecycle.ts';
import type { EpochMs } from '../core/time.ts';

export type Made =
  | { readonly kind: 'made'; readonly pane: PaneIdentity }
  /** A session of this name is there already: it is looked at, not made. */
  | { readonly kind: 'exists' }
  /** `detail` says why and what to do. */
  | {
      readonly kind: 'refused';
      readonly reason: 'no_directory' | 'no_server' | 'tmux' | 'name';
      readonly detail: string;
    };

export type Ended =
  | { readonly kind: 'ended' }
  /** It is not the session that was meant, or somebody else has a part in it: nothing was ended. */
  | { readonly kind: 'refused'; readonly reason: string };

/** What a pane shows, with what has scrolled off it. */
export interface PaneTail {
  readonly text: string;
  readonly hash: string;
  /** The working directory of the pane's program. */
  readonly cwd: string;
}

/** Makes and ends tmux sessions. Names are exact, and every value travels as a word of its own. */
export interface SessionMaker {
  /**
   * Makes a session of one window with the user's shell in `cwd`. Never in the cgroup of the daemon's own service: a tmux
   * server that must be started for it gets a scope of its own, or it is refused.
   */
  make(server: string, session: string, cwd: string, signal: AbortSignal): Promise<Made>;
  /** Ends the session of this very pane; refused when it has other panes, or its name is another one. */
  end(pane: PaneIdentity, session: string, signal: AbortSignal): Promise<Ended>;
  /** The sessions of a server; null: it did not answer. No server: none. */
  names(server: string, signal: AbortSignal): Promise<readonly string[] | null>;
  /** The last lines of a pane; null: that very pane is not there, or its server did not answer. */
  tail(pane: PaneIdentity, lines: number, signal: AbortSignal): Promise<PaneTail | null>;
}

/** Sessions that are kept, and checkpoints of their work. Each call is one transaction, its events with it. */
export interface LifecycleStore {
  /** By name. */
  lifecycles(): Promise<readonly LifecycleRow[]>;
  lifecycle(session: string): Promise<LifecycleRow | null>;
  /** Writes a new row; one that is there stays. */
  addLifecycle(row: LifecycleRow): Promise<void>;
  /**
   * Reads, changes and writes one row; nothing comes between. `change` answers null to leave it as it is.
   *
   * @returns the row as it is afterwards; null: there is none
   */
  changeLifecycle(
    session: string,
    change: (row: LifecycleRow) => { readonly row: LifecycleRow; readonly effects: readonly NewEvent[] } | null,
    at: EpochMs,
  ): Promise<LifecycleRow | null>;
  removeLifecycle(session: string): Promise<void>;
  /** Keeps the newest `keep` of its session. */
  saveCheckpoint(checkpoint: Checkpoint, keep: number): Promise<void>;
  /** Newest first. */
  checkpoints(filter: {
    readonly session?: string;
    readonly taskId?: string;
    readonly limit: number;
  }): Promise<readonly Checkpoint[]>;
  /** Those older than this, of whatever session. @returns how many were removed */
  pruneCheckpoints(keep: number, beforeAt: EpochMs): Promise<number>;
}
