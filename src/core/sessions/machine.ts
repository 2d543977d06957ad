/** The state machine of a kept session: what may follow which state, and what follows from each move. */
import { FailoverError } from '../errors.ts';
import type { NewEvent } from '../events.ts';
import { paneKey } from '../panes.ts';
import type { EpochMs } from '../time.ts';
import { toIso } from '../time.ts';
import { NOTHING_TYPED } from './launch.ts';
import type { LifecycleEvent, LifecycleEventKind, LifecycleRow, LifecycleState, LostTask } from './lifecycle.ts';
import { isSwapping, LIFECYCLE_STATES, SWAP_CAUSE } from './lifecycle.ts';
import { recent } from './restarts.ts';

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
        SWAP_CAUSE,
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
    previous: state === 'blocked' || (state === 'draining' && cause === SWAP_CAUSE) ? row.previous : null,
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
