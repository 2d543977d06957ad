/** Whether a session may be given a task now, and if not, what is in the way. */
import { personIn } from '../person.ts';
import type { EpochMs } from '../time.ts';

/** A session that the daemon answers for, as far as it bears on giving it work. */
export interface Candidate {
  /** The tmux session. */
  readonly session: string;
  readonly kind: 'dedicated' | 'autonomous';
  /** A dedicated session that takes tasks which name it. */
  readonly acceptsTasks: boolean;
  readonly state: string;
  /** When this state began. */
  readonly stateSince: EpochMs;
  /** The task it works on; null: none. */
  readonly taskId: string | null;
  /** A task that still holds a lease on it. */
  readonly isLeased: boolean;
  /** What the last poll saw in its pane; null: the session is not there. */
  readonly pane: {
    /** No agent runs in it, so that the next one starts on the active account. */
    readonly isFresh: boolean;
    /** The agent's next request goes to the active account. */
    readonly isOnActiveAccount: boolean;
    readonly isBusy: boolean;
    readonly hasDialog: boolean;
    /** What stands in the input box; null: none is on the screen. */
    readonly composer: string | null;
    readonly inMode: boolean;
    readonly clientActivityAt: EpochMs | null;
  } | null;
}

export type NotFree =
  | 'observed'
  | 'not_alive'
  | 'not_idle'
  | 'has_task'
  | 'leased'
  | 'dialog'
  | 'busy'
  | 'busy_input'
  | 'person'
  | 'other_account'
  | 'cooling';

/** @returns null: it is free */
export function notFree(candidate: Candidate, now: EpochMs, cooldownMs: number): NotFree | null {
  const { pane } = candidate;
  if (candidate.kind === 'dedicated' && !candidate.acceptsTasks) return 'observed';
  if (pane === null) return 'not_alive';
  if (candidate.state !== 'idle') return 'not_idle';
  if (candidate.taskId !== null) return 'has_task';
  if (candidate.isLeased) return 'leased';
  if (pane.hasDialog) return 'dialog';
  if (pane.isBusy) return 'busy';
  if (personIn(pane, now) !== null) return 'person';
  if (!pane.isFresh && pane.composer !== '') return 'busy_input';
  if (!pane.isFresh && !pane.isOnActiveAccount) return 'other_account';
  if (Math.abs(now - candidate.stateSince) < cooldownMs) return 'cooling';
  return null;
}
