/** The life of a session the daemon answers for: its states, what may follow which, and what follows from each move. */
import type { AgentKind } from '../agents/profile.ts';
import { FailoverError } from '../errors.ts';
import type { NewEvent } from '../events.ts';
import type { PaneIdentity } from '../panes.ts';
import { paneKey } from '../panes.ts';
import type { EpochMs } from '../time.ts';
import { HOUR, toIso } from '../time.ts';
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

export interface LifecycleMove {
  readonly row: LifecycleRow;
  /** For the journal, in the transaction of the row. */
  readonly effects: readonly NewEvent[];
  /** One sentence: what moved it. */
  readonly reason: string;
}

const ALL = LIFECYCLE_STATES;
const ALIVE = ['idle', 'launching', 'working', 'done', 'stalled', 'blocked', 'draining'] as const;
const AT_WORK = ['working', 'stalled', 'blocked'] as const;

/** The states in which each event may come. */
export const LEGAL: Readonly<Record<LifecycleEventKind, readonly LifecycleState[]>> = {
  found: ['missing', 'failed'],
  creating: ['missing', 'failed'],
  created: ['launching'],
  typing: ['launching', 'draining'],
  ready: ['launching'],
  launch_failed: ['launching', 'draining'],
  assigned: ['idle'],
  submitted: ['idle'],
  turn_began: ['idle', 'blocked'],
  turn_ended: AT_WORK,
  completed: [...AT_WORK, 'draining', 'idle'],
  released: [...AT_WORK, 'launching', 'draining', 'idle'],
  interrupting: [...AT_WORK, 'idle'],
  answering: ['launching', 'working', 'stalled', 'idle'],
  answered: ['launching', 'working', 'stalled', 'idle'],
  stalled: ['working'],
  moved: ['stalled'],
  blocked: ['working', 'stalled', 'idle', 'launching'],
  unblocked: ['blocked'],
  recycle: ['done', 'idle', 'working', 'stalled', 'blocked'],
  left: ['draining'],
  swap_began: ['idle', 'launching', 'working', 'stalled', 'blocked', 'done'],
  swap_ended: ['draining'],
  crashed: [...AT_WORK, 'idle'],
  gone: [...ALIVE, 'failed'],
  held: ['missing', 'failed'],
  retried: ['missing', 'failed'],
  settled: ALL,
};

/** An event came in a state in which it must not. */
export class IllegalTransition extends FailoverError {
  constructor(row: LifecycleRow, event: LifecycleEvent, why: string) {
    super('illegal_transition', `${row.session} is ${row.state}: ${event.kind} ${why}`);
  }
}

/**
 * One move. Pure.
 *
 * @throws {IllegalTransition} the event may not come now; nothing follows from it
 */
export function step(row: LifecycleRow, event: LifecycleEvent, now: EpochMs): LifecycleMove {
  if (!LEGAL[event.kind].includes(row.state)) throw new IllegalTransition(row, event, 'may not come');
  const refusal = refuse(row, event);
  if (refusal !== null) throw new IllegalTransition(row, event, refusal);
  switch (event.kind) {
    case 'found': {
      const state = { rest: 'idle', turn: 'working', dialog: 'blocked' } as const;
      const isKnown = row.state === 'failed' && row.pane !== null && paneKey(row.pane) === paneKey(event.pane);
      const taken = { pane: event.pane, isOurs: row.isOurs && isKnown, launch: null, heldUntil: null };
      const restarts = isKnown ? [...recent(row.restarts, now), now] : row.restarts;
      const cause = isKnown ? 'it can be used again' : 'it was there already';
      return move({ ...row, ...taken, restarts }, state[event.shows], cause, now);
    }
    case 'creating':
      return move(
        {
          ...row,
          pane: null,
          isOurs: true,
          launch: event.launch,
          launchedAt: now,
          heldUntil: null,
          restarts: row.launchedAt === null ? row.restarts : [...recent(row.restarts, now), now],
        },
        'launching',
        event.cause,
        now,
      );
    case 'created':
      return stay({ ...row, pane: event.pane }, 'made', [
        tell(row, 'session_created', { detail: `${row.cause}; made in ${row.project}`, kind: row.kind }),
      ]);
    case 'typing':
      return stay({ ...row, typing: event.typing }, 'a key is sent');
    case 'ready':
      return move(row, 'idle', row.launch === null ? 'its shell waits' : 'its prompt is there', now, [
        ...(row.launch === null ? [] : [tell(row, 'session_launched', { cwd: row.launch.cwd, task: row.taskId })]),
      ]);
    case 'launch_failed':
      return fail(row, 'launch_failed', event.detail, now);
    case 'assigned': {
      const given = { ...row, taskId: event.taskId };
      const cause = `task ${event.taskId}`;
      if (event.launch === null) return move(given, 'idle', cause, now);
      const planned = { ...given, launch: event.launch, launchedAt: now };
      return move(planned, event.hasAgent ? 'draining' : 'launching', cause, now);
    }
    case 'submitted':
      return move(row, 'working', `task ${row.taskId}`, now);
    case 'turn_began':
      return move(row, 'working', 'a turn is running', now);
    case 'turn_ended':
      return move(row, 'idle', 'the turn has ended', now);
    case 'completed':
      return move({ ...row, taskId: null }, 'done', event.detail, now);
    case 'released':
      return move({ ...row, taskId: null, launch: null }, 'done', event.detail, now);
    case 'interrupting':
      return stay({ ...row, typing: { what: 'escape', at: event.at, keys: 1 } }, 'its task was cancelled');
    case 'answering':
      return stay({ ...row, answering: event.answering }, 'a dialog is answered');
    case 'answered':
      return stay({ ...row, answering: null }, 'its dialog has closed', tellAnswer(row, 'and it closed'));
    case 'stalled':
      return move(row, 'stalled', event.detail, now, [tell(row, 'session_stalled', { detail: event.detail })]);
    case 'moved':
      return move(row, 'working', 'its screen moves again', now);
    case 'blocked':
      return move({ ...row, previous: row.state }, 'blocked', event.detail, now, [
        tell(row, 'session_blocked', { detail: event.detail }),
      ]);
    case 'unblocked':
      return move(row, row.previous ?? 'working', 'the dialog is gone', now);
    case 'recycle':
      return recycle(row, event.hasAgent, event.cause, now);
    case 'left': {
      if (row.taskId !== null) return move(row, 'launching', `task ${row.taskId}`, now);
      const cause = 'its agent has left';
      const fresh = { ...row, launch: null };
      return move(fresh, 'idle', cause, now, [tell(row, 'session_recycled', { detail: row.cause })]);
    }
    case 'swap_began':
      return move(
        { ...row, previous: row.state === 'blocked' ? (row.previous ?? 'working') : row.state },
        'draining',
        SWAP,
        now,
      );
    case 'swap_ended':
      if (event.recovered || row.taskId === null) return move(row, row.previous ?? 'idle', event.detail, now);
      return fail(row, 'account_swap', event.detail, now);
    case 'crashed':
      return fail(row, 'session_died', event.detail, now);
    case 'gone': {
      const without = { ...row, pane: null, isOurs: false };
      const isAtWork = AT_WORK.some((state) => state === row.state);
      if (row.taskId !== null || isAtWork) return fail(without, 'session_died', event.detail, now);
      return row.state === 'failed'
        ? stay({ ...without, cause: event.detail }, event.detail)
        : move(without, 'missing', event.detail, now);
    }
    case 'held':
      return move({ ...row, heldUntil: event.until }, 'failed', `it died ${event.restarts} times within an hour`, now, [
        tell(row, 'session_crash_loop', {
          detail: `made anew ${event.restarts} times within an hour; left alone until ${toIso(event.until)}`,
          until: toIso(event.until),
        }),
      ]);
    case 'retried':
      return stay({ ...row, heldUntil: null, restarts: [] }, 'by hand');
    case 'settled':
      return stay({ ...row, lost: null }, 'its task was taken care of');
  }
}

/** The cause of `draining` while a swap brings a session back */
const SWAP = 'a swap is bringing it back';

/** The state is `draining` because of a swap and not because its agent is to leave. */
export function isSwapping(row: LifecycleRow): boolean {
  return row.state === 'draining' && row.cause === SWAP;
}

/** The restarts that count: those of the last hour. */
export function recent(restarts: readonly EpochMs[], now: EpochMs): readonly EpochMs[] {
  return restarts.filter((at) => at > now - HOUR && at <= now);
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

/** What the state alone does not tell. */
function refuse(row: LifecycleRow, event: LifecycleEvent): string | null {
  switch (event.kind) {
    case 'assigned':
      if (row.taskId !== null) return `although it has ${row.taskId}`;
      return row.lost === null ? null : `although ${row.lost.taskId} is not taken care of`;
    case 'submitted':
      return row.taskId === null ? 'without a task' : null;
    case 'turn_began':
    case 'turn_ended':
      return row.taskId === null ? null : `although it has ${row.taskId}`;
    case 'completed':
    case 'released':
    case 'interrupting':
    case 'answering':
      return row.taskId === null ? 'without a task' : null;
    case 'answered':
      return row.answering === null ? 'although nothing was pressed' : null;
    case 'recycle':
      return row.taskId === null ? null : `although it has ${row.taskId}`;
    case 'crashed':
      return row.state === 'idle' && row.taskId === null ? 'although it rests' : null;
    case 'typing':
    case 'left':
      return isSwapping(row) ? 'while a swap brings it back' : null;
    case 'swap_ended':
      return isSwapping(row) ? null : 'without a swap';
    case 'settled':
      return row.lost?.taskId === event.taskId ? null : `of ${event.taskId}, which it did not lose`;
    default:
      return null;
  }
}

function recycle(row: LifecycleRow, hasAgent: boolean, cause: string, now: EpochMs): LifecycleMove {
  // What somebody else's session shows stays: nobody but a swap ends its agent.
  if (row.kind === 'dedicated') return move(row, 'idle', cause, now);
  if (hasAgent) return move({ ...row, launch: null }, 'draining', cause, now);
  return move({ ...row, launch: null }, 'idle', cause, now);
}

function fail(row: LifecycleRow, reason: LostTask['reason'], detail: string, now: EpochMs): LifecycleMove {
  const lost = row.taskId === null ? row.lost : { taskId: row.taskId, reason, detail, at: now };
  const failed = { ...row, taskId: null, lost, crashedAt: now };
  const data = { detail, why: reason, task: row.taskId };
  const { row: moved, ...rest } = move(failed, 'failed', detail, now, [tell(row, 'session_failed', data)]);
  // Half a command on the shell's line must be known of.
  return { ...rest, row: { ...moved, typing: row.typing } };
}

/** Enters a state, its own included, with nothing typed yet. */
function move(
  row: LifecycleRow,
  state: LifecycleState,
  cause: string,
  now: EpochMs,
  effects: readonly NewEvent[] = [],
): LifecycleMove {
  const moved: LifecycleRow = {
    ...row,
    state,
    cause,
    stateSince: now,
    previous: state === 'blocked' || (state === 'draining' && cause === SWAP) ? row.previous : null,
    typing: NOTHING_TYPED,
    answering: null,
    idleSince: state === 'idle' && row.taskId === null ? now : null,
  };
  // Its task may end, or its agent die, before a poll has seen that the dialog closed. A blocked one says it itself.
  const answer = state === 'blocked' ? [] : tellAnswer(row, `then: ${cause}`);
  return { row: moved, effects: [...answer, ...effects], reason: cause };
}

function tellAnswer(row: LifecycleRow, what: string): readonly NewEvent[] {
  if (row.answering === null) return [];
  const { name, choice, keys } = row.answering;
  return [tell(row, 'dialog_answered', { dialog: name, detail: `"${choice}" was chosen, ${what}`, keys })];
}

function stay(row: LifecycleRow, reason: string, effects: readonly NewEvent[] = []): LifecycleMove {
  return { row, effects, reason };
}

function tell(row: LifecycleRow, type: NewEvent['type'], data: NewEvent['data'] & object): NewEvent {
  return { type, pool: row.pool, session: row.session, data };
}
