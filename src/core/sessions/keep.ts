/** What is to be done about one session that is kept, by what was last seen of it. */
import type { PaneIdentity } from '../panes.ts';
import { paneKey } from '../panes.ts';
import type { EpochMs } from '../time.ts';
import { SECOND } from '../time.ts';
import type { LifecycleEvent, LifecycleRow } from './lifecycle.ts';
import { isSwapping } from './lifecycle.ts';
import { mayRestart } from './restarts.ts';

/** What was seen of a session. */
export interface SessionSight {
  /** When its tmux server was last asked. */
  readonly seenAt: EpochMs;
  /** Its panes; the one it was last known to live in first. Empty: tmux does not have the session. */
  readonly panes: readonly PaneSight[];
  /** What the swaps do with its pane. */
  readonly recovery: 'open' | 'recovered' | 'failed' | null;
}

export interface PaneSight {
  readonly pane: PaneIdentity;
  /** Its program has ended, and tmux keeps the pane. */
  readonly dead: boolean;
  /** `none`: no agent. `quiet`: an agent whose screen says neither. */
  readonly agent: 'none' | 'rest' | 'turn' | 'dialog' | 'quiet';
  /** No agent, and its shell waits; null: nobody asked. */
  readonly shellInFront: boolean | null;
}

export interface KeepPolicy {
  readonly recreate: boolean;
  readonly maxRestartsPerHour: number;
  /** It should be there: configured, and for an autonomous one, needed. */
  readonly isWanted: boolean;
  /** Whether anything may be made, typed or ended now. */
  readonly mayAct: boolean;
}

export type KeepAction =
  | { readonly kind: 'none' }
  | { readonly kind: 'move'; readonly event: LifecycleEvent }
  /** Make it in tmux. */
  | { readonly kind: 'make'; readonly cause: string }
  /** It was to be made, and nobody knows whether it was. */
  | { readonly kind: 'make_again' }
  /** End the session: its pane is of no use any more. */
  | { readonly kind: 'end'; readonly why: string }
  /** Look at its pane and press the next key. */
  | { readonly kind: 'type' };

const NONE: KeepAction = { kind: 'none' };
/** A sweep that began this long before a session was made cannot have seen it. */
const BLIND_MS = 2 * SECOND;

/** The first thing that is to be done. Pure; asked again at the next look. */
export function keepSession(row: LifecycleRow, sight: SessionSight, policy: KeepPolicy, now: EpochMs): KeepAction {
  const isThere = sight.panes.length > 0;
  const own = row.pane === null ? undefined : sight.panes.find(({ pane }) => isSamePane(pane, row.pane));
  if (row.state === 'missing' || row.state === 'failed') return absent(row, sight, policy, now);
  if (row.state === 'launching' && row.pane === null) {
    // The daemon ended between the plan and what it knows of its outcome.
    if (isThere) return created(sight);
    return isAfter(sight, row, now) && policy.mayAct ? { kind: 'make_again' } : NONE;
  }
  if (own === undefined || own.dead) {
    if (own === undefined && !isAfter(sight, row, now)) return NONE;
    const detail = isThere ? 'its pane has gone' : 'tmux does not have it any more';
    return { kind: 'move', event: { kind: 'gone', detail } };
  }
  if (sight.recovery === 'open')
    return isSwapping(row) || row.state === 'draining' || !isStoppable(row)
      ? NONE
      : { kind: 'move', event: { kind: 'swap_began' } };
  if (isSwapping(row)) {
    const recovered = sight.recovery === 'recovered' || (sight.recovery === null && own.agent !== 'none');
    const detail = recovered ? 'a swap brought it back' : 'a swap could not bring it back';
    return { kind: 'move', event: { kind: 'swap_ended', recovered, detail } };
  }
  switch (row.state) {
    case 'launching':
    case 'draining':
      return policy.mayAct ? { kind: 'type' } : NONE;
    case 'done':
      return { kind: 'move', event: { kind: 'recycle', hasAgent: own.agent !== 'none', cause: row.cause } };
    default:
      return row.taskId === null ? mirror(row, own) : withTask(row, own);
  }
}

/** It is not in tmux, or of no use there. */
function absent(row: LifecycleRow, sight: SessionSight, policy: KeepPolicy, now: EpochMs): KeepAction {
  const [first] = sight.panes;
  const usable = sight.panes.find(({ dead }) => !dead);
  const wasUsed = row.state === 'failed' && row.kind === 'autonomous' && usable !== undefined;
  const isWorn = wasUsed && isSamePane(usable.pane, row.pane);
  if (usable !== undefined && !isWorn) return found(usable);
  if (!policy.mayAct || !policy.isWanted) return NONE;
  if (!policy.recreate && row.launchedAt !== null) return NONE;
  const restart = mayRestart(row, now, policy.maxRestartsPerHour);
  if (restart.kind === 'wait' || restart.kind === 'held') return NONE;
  if (restart.kind === 'hold')
    return { kind: 'move', event: { kind: 'held', until: restart.until, restarts: restart.restarts } };
  if (usable !== undefined && isClean(row, usable)) return found(usable);
  if (first !== undefined) return row.kind === 'autonomous' ? { kind: 'end', why: row.cause } : NONE;
  return { kind: 'make', cause: row.launchedAt === null ? 'it was not there' : row.cause };
}

/** Its shell waits, with nothing of ours on its line. */
function isClean(row: LifecycleRow, sight: PaneSight): boolean {
  const isHalfTyped = row.typing.what === 'command' && row.typing.keys === 0;
  return sight.agent === 'none' && sight.shellInFront === true && !isHalfTyped;
}

/** A session without a task does what it does; the row only says so. */
function mirror(row: LifecycleRow, { agent }: PaneSight): KeepAction {
  const event = mirrored(row, agent);
  return event === null ? NONE : { kind: 'move', event };
}

function mirrored(row: LifecycleRow, agent: PaneSight['agent']): LifecycleEvent | null {
  if (row.state === 'blocked' && agent !== 'dialog') return { kind: 'unblocked' };
  if (agent === 'dialog' && row.state !== 'blocked') return { kind: 'blocked', detail: 'a dialog waits for a person' };
  if (agent === 'turn' && row.state === 'idle') return { kind: 'turn_began' };
  if (row.state !== 'idle' && row.state !== 'blocked' && (agent === 'rest' || agent === 'none'))
    return { kind: 'turn_ended' };
  return null;
}

/** Whether its task is done is judged elsewhere; that its agent has ended is certain once its shell waits again. */
function withTask(row: LifecycleRow, { agent, shellInFront }: PaneSight): KeepAction {
  if (row.state === 'blocked' && row.previous === 'launching' && agent !== 'dialog')
    return { kind: 'move', event: { kind: 'unblocked' } };
  if (agent !== 'none' || shellInFront !== true) return NONE;
  return { kind: 'move', event: { kind: 'crashed', detail: 'its agent has ended, and its shell waits' } };
}

function found({ pane, agent }: PaneSight): KeepAction {
  const shows = agent === 'turn' ? 'turn' : agent === 'dialog' ? 'dialog' : 'rest';
  return { kind: 'move', event: { kind: 'found', pane, shows } };
}

function created({ panes: [first] }: SessionSight): KeepAction {
  return first === undefined ? NONE : { kind: 'move', event: { kind: 'created', pane: first.pane } };
}

/** The sweep is one that would have seen what the row tells of. */
function isAfter(sight: SessionSight, row: LifecycleRow, now: EpochMs): boolean {
  return sight.seenAt > Math.min(row.stateSince, now) + BLIND_MS;
}

/** `swap_began` may come in this state. */
function isStoppable(row: LifecycleRow): boolean {
  return row.state !== 'draining' && row.state !== 'failed' && row.state !== 'missing';
}

function isSamePane(a: PaneIdentity, b: PaneIdentity | null): boolean {
  return b !== null && paneKey(a) === paneKey(b);
}
