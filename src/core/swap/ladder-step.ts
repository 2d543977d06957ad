/** One step of the recovery ladder: what is looked at, what may be done, and what stands in the way. */
import type { AgentProfile } from '../agents/profile.ts';
import type { AgentProcess } from '../panes.ts';
import { personIn } from '../person.ts';
import type { Reading } from '../screen/finding.ts';
import type { EpochMs } from '../time.ts';
import { SECOND } from '../time.ts';
import type { TranscriptTail } from '../verdict/signals.ts';
import type { RecoveryRow, RecoveryState } from './swap.ts';

/** What a fresh look at the pane shows. */
export interface LadderView {
  /** That very pane still exists. */
  readonly present: boolean;
  /** The agent in the pane now; null: none. */
  readonly agent: AgentProcess | null;
  /** No agent runs, and the pane's own interactive shell waits for a command. */
  readonly shellInFront: boolean;
  /** The screen as text; null: not captured. */
  readonly screenText: string | null;
  /** The screen, read; null when no agent runs or it could not be captured. */
  readonly reading: Reading | null;
  readonly screenChangedAt: EpochMs | null;
  readonly inMode: boolean;
  readonly clientActivityAt: EpochMs | null;
  /** Null: no readable transcript. */
  readonly transcript: TranscriptTail | null;
  /** The transcript may be that of another agent: what is absent from it proves nothing. */
  readonly isGuess: boolean;
  readonly cwd: string;
}

export interface LadderPolicy {
  readonly verifyTimeoutMs: number;
  readonly exitGraceMs: number;
  /** Between pasted text and its lone Enter. */
  readonly submitDelayMs: number;
  /** The whole recovery must have ended by then. */
  readonly deadlineAt: EpochMs;
  readonly profile: AgentProfile;
  /** Whether the link has moved: an agent that is ended first is started again only when that is settled. */
  readonly flip: 'pending' | 'done' | 'failed';
}

export type LadderAction =
  | { readonly kind: 'none' }
  | { readonly kind: 'press'; readonly key: 'Enter' | 'Escape' | 'C-c' }
  | { readonly kind: 'paste'; readonly text: string };

/** The row is saved before the action is carried out, so that a kill in between is seen afterwards. */
export interface LadderStep {
  readonly row: RecoveryRow;
  readonly action: LadderAction;
}

export const NONE: LadderAction = { kind: 'none' };
/** Pasted text that has not reached the composer by then was not delivered. */
export const PASTE_LOST_MS = 3 * SECOND;
export const NOT_SWAPPED = 'the swap did not go through';
export const MAX_ENTERS = 3;
/** Enter under a text that still stands in the input line: a kill may have kept back each one that was written down. */
export const MAX_SUBMITS = 6;
export const MAX_PROMPTS = 2;
export const ENTER_AGAIN_MS = 2 * SECOND;

export function paste(row: RecoveryRow, state: RecoveryState, text: string, now: EpochMs): LadderStep {
  const isPrompt = state === 'prompted' || state === 'reprompted';
  return {
    row: {
      ...row,
      state,
      stateSince: now,
      enters: 0,
      promptedAt: isPrompt ? now : row.promptedAt,
      prompts: isPrompt ? row.prompts + 1 : row.prompts,
    },
    action: { kind: 'paste', text },
  };
}

export function pressEnter(row: RecoveryRow, now: EpochMs): LadderStep {
  return { row: { ...row, enters: row.enters + 1, stateSince: now }, action: { kind: 'press', key: 'Enter' } };
}

export function recovered(row: RecoveryRow, by: 'hot' | 'restart' | 'self', reason: string, now: EpochMs): LadderStep {
  return {
    row: { ...row, state: 'recovered', stateSince: now, finishedAt: now, recoveredBy: by, reason },
    action: NONE,
  };
}

export function end(row: RecoveryRow, state: 'handed_over' | 'gone', reason: string, now: EpochMs): LadderStep {
  return { row: { ...row, state, stateSince: now, finishedAt: now, reason }, action: NONE };
}

export function stay(row: RecoveryRow): LadderStep {
  return { row, action: NONE };
}

/** Waits for what stands in the way, then leaves the pane to its person. */
export function wait(row: RecoveryRow, obstacle: string, now: EpochMs, policy: LadderPolicy): LadderStep {
  if (now - row.stateSince < policy.verifyTimeoutMs) return stay(row);
  return end(row, 'handed_over', obstacle, now);
}

/** Other words than ours stand in the input line: somebody's when a client pressed a key, or when they still stand there after a while. */
export function leaveToPerson(row: RecoveryRow, view: LadderView, now: EpochMs, afterMs: number): LadderStep {
  if (!hasPersonTyped(row, view) && now - row.stateSince < afterMs) return stay(row);
  return end(row, 'handed_over', 'somebody else is typing in its input line', now);
}

/** Why no text may be typed into the agent just now. */
export function obstacleTo(view: LadderView, now: EpochMs): string | null {
  const person = personIn(view, now);
  if (person !== null) return person;
  if (view.reading?.busy === true) return 'a turn is running';
  if (view.reading?.composer == null) return 'its input line is not on the screen';
  return view.reading.composer.text === '' ? null : 'its input line is not empty';
}

/** A client pressed a key after our last one; tmux tells the second only. */
export function hasPersonTyped(row: RecoveryRow, view: LadderView): boolean {
  return view.clientActivityAt !== null && view.clientActivityAt + SECOND > row.stateSince;
}

export function isSameAgent(row: RecoveryRow, view: LadderView): boolean {
  return (
    view.agent !== null &&
    row.launch !== null &&
    view.agent.pid === row.launch.pid &&
    view.agent.startTicks === row.launch.startTicks
  );
}
