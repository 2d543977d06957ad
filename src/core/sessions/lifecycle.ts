/** The life of a session the daemon answers for: its states, its row, and what may happen to it. */
import type { AgentKind } from '../agents/profile.ts';
import type { PaneIdentity } from '../panes.ts';
import type { EpochMs } from '../time.ts';
import type { Answering } from './answer.ts';
import type { Typing } from './launch.ts';
import { NOTHING_TYPED } from './launch.ts';

/**
 * - `missing`: tmux does not have it. `launching`: it is being made, or its agent is being started.
 * - `idle`: it rests: at its agent's prompt, or (autonomous) at its shell. With a task: it is ready to be typed into.
 * - `working`, `stalled`, `blocked` (a dialog waits for a person): a turn or a task is under way.
 * - `done`: its task has ended. `draining`: its agent is asked to leave, or a swap is bringing it back.
 * - `failed`: it died or did not come up; it is made anew, after a while.
 */
export const LIFECYCLE_STATES = [
  'idle',
  'launching',
  'working',
  'done',
  'stalled',
  'blocked',
  'failed',
  'draining',
  'missing',
] as const;

export type LifecycleState = (typeof LIFECYCLE_STATES)[number];

/** How the agent is started in the session's shell. */
export interface LaunchPlan {
  /** Quoted word by word when it is typed. */
  readonly argv: readonly string[];
  readonly cwd: string;
  /** What the CLI's variable for its configuration directory is set to; null: it uses the link by itself. */
  readonly configDir: string | null;
}

/** A task whose session ended under it. */
export interface LostTask {
  readonly taskId: string;
  readonly reason: 'session_died' | 'account_swap' | 'launch_failed';
  readonly detail: string;
  readonly at: EpochMs;
}

export interface LifecycleRow {
  /** The tmux session's name, which is its key. */
  readonly session: string;
  /** The tmux socket, as `tmux.sockets` names it. */
  readonly server: string;
  /** `dedicated`: a person's, only observed. `autonomous`: named by `sessions.autonomous`, and given tasks. */
  readonly kind: 'dedicated' | 'autonomous';
  readonly pool: string;
  readonly agent: AgentKind;
  /** Where its shell begins. */
  readonly project: string;
  readonly state: LifecycleState;
  /** Why it is in this state, for a person. */
  readonly cause: string;
  readonly stateSince: EpochMs;
  /** In `blocked`, and in `draining` for a swap: the state before. */
  readonly previous: LifecycleState | null;
  /** The pane it lives in; null: not known, or there is none. */
  readonly pane: PaneIdentity | null;
  /** The daemon made this very session. */
  readonly isOurs: boolean;
  /** `<project>:<task id>` of the task it was given; null: none. */
  readonly taskId: string | null;
  /** What became of the task it had, until whoever hands out tasks has taken note of it. */
  readonly lost: LostTask | null;
  /** What is to run in it; null: its shell alone. */
  readonly launch: LaunchPlan | null;
  /** How far the command that starts or ends the agent has been typed. Written before each key. */
  readonly typing: Typing;
  /** What was pressed in the dialog that stands there; null: nothing. */
  readonly answering: Answering | null;
  readonly launchedAt: EpochMs | null;
  /** Since when it rests without a task; null: it does not. */
  readonly idleSince: EpochMs | null;
  readonly crashedAt: EpochMs | null;
  /** When it was made anew within the last hour. */
  readonly restarts: readonly EpochMs[];
  /** It died too often: it is left alone until then. */
  readonly heldUntil: EpochMs | null;
}

export type LifecycleEvent =
  /** It is in tmux already: taken over as it is. */
  | { readonly kind: 'found'; readonly pane: PaneIdentity; readonly shows: 'rest' | 'turn' | 'dialog' }
  /** It is about to be made, and `launch` to be started in it. */
  | { readonly kind: 'creating'; readonly launch: LaunchPlan | null; readonly cause: string }
  | { readonly kind: 'created'; readonly pane: PaneIdentity }
  /** A key is about to be sent. */
  | { readonly kind: 'typing'; readonly typing: Typing }
  /** It stands at its prompt, or at its shell where no agent was wanted. */
  | { readonly kind: 'ready' }
  /** It did not come up, or its agent does not end. */
  | { readonly kind: 'launch_failed'; readonly detail: string }
  /** It gets a task. `launch`: the agent to be started for it, null: the one that is there. */
  | {
      readonly kind: 'assigned';
      readonly taskId: string;
      readonly launch: LaunchPlan | null;
      /** An agent runs in it, and must end before another is started. */
      readonly hasAgent: boolean;
    }
  /** The task's text has arrived. */
  | { readonly kind: 'submitted' }
  /** The person's own turn in an observed session. */
  | { readonly kind: 'turn_began' }
  | { readonly kind: 'turn_ended' }
  | { readonly kind: 'completed'; readonly detail: string }
  /** The task is taken from it: cancelled, timed out, not delivered. */
  | { readonly kind: 'released'; readonly detail: string }
  /** Its task was cancelled: Escape is about to be pressed. */
  | { readonly kind: 'interrupting'; readonly at: EpochMs }
  /** A key is about to be pressed in its dialog. */
  | { readonly kind: 'answering'; readonly answering: Answering }
  /** The dialog that was answered has closed. */
  | { readonly kind: 'answered' }
  | { readonly kind: 'stalled'; readonly detail: string }
  | { readonly kind: 'moved' }
  | { readonly kind: 'blocked'; readonly detail: string }
  | { readonly kind: 'unblocked' }
  /** What it did is over: the agent is asked to leave (autonomous), or it simply rests. */
  | { readonly kind: 'recycle'; readonly hasAgent: boolean; readonly cause: string }
  /** The agent has left; its shell waits. */
  | { readonly kind: 'left' }
  | { readonly kind: 'swap_began' }
  | { readonly kind: 'swap_ended'; readonly recovered: boolean; readonly detail: string }
  /** Its agent ended under its work although the session lives. */
  | { readonly kind: 'crashed'; readonly detail: string }
  /** tmux does not have it any more. */
  | { readonly kind: 'gone'; readonly detail: string }
  | { readonly kind: 'held'; readonly until: EpochMs; readonly restarts: number }
  /** A person wants it made anew now, however often it died. */
  | { readonly kind: 'retried' }
  /** The task it lost was taken care of. */
  | { readonly kind: 'settled'; readonly taskId: string };

export type LifecycleEventKind = LifecycleEvent['kind'];

/** The cause of `draining` while a swap brings a session back. */
export const SWAP_CAUSE = 'a swap is bringing it back';

/** The state is `draining` because of a swap and not because its agent is to leave. */
export function isSwapping(row: LifecycleRow): boolean {
  return row.state === 'draining' && row.cause === SWAP_CAUSE;
}

/** A session that nobody has looked for yet. */
export function newLifecycle(
  what: Pick<LifecycleRow, 'session' | 'server' | 'kind' | 'pool' | 'agent' | 'project'>,
  now: EpochMs,
): LifecycleRow {
  return {
    ...what,
    state: 'missing',
    cause: 'not looked for yet',
    stateSince: now,
    previous: null,
    pane: null,
    isOurs: false,
    taskId: null,
    lost: null,
    launch: null,
    typing: NOTHING_TYPED,
    answering: null,
    launchedAt: null,
    idleSince: null,
    crashedAt: null,
    restarts: [],
    heldUntil: null,
  };
}
