/** The part of the running daemon that its doors ask about kept sessions, and what they may wish of the janitor. */
import type { LifecycleRow } from '../core/sessions/lifecycle.ts';
import type { JanitorNote } from './janitor.ts';

/** What became of the wish to have a session made anew. */
export type RestartAnswer =
  | { readonly kind: 'accepted'; readonly detail: string }
  /** `unknown_session`, `dedicated`, `held_back`. */
  | { readonly kind: 'refused'; readonly reason: string; readonly detail: string };

export interface KeepingApi {
  /** By name. */
  sessions(): Promise<readonly LifecycleRow[]>;
  /** Gives an autonomous session a new shell; a task that it has is given to the next free one. */
  restart(session: string): Promise<RestartAnswer>;
  /** One round of the janitor. @param dryRun only say what would be done */
  tidyUp(dryRun: boolean): Promise<readonly JanitorNote[]>;
}
