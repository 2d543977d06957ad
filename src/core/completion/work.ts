/** A task under way as it is judged: what is known of it, what is seen of it, what is remembered, and what comes of it. */
import type { TaskCompletion } from '../queue/task.ts';
import type { Reading } from '../screen/finding.ts';
import type { RecoveryRow } from '../swap/swap.ts';
import type { EpochMs } from '../time.ts';
import type { SessionSignals } from '../verdict/signals.ts';
import type { SignalFile, SignalledTask } from './signal.ts';

export interface WorkingTask extends SignalledTask {
  readonly timeoutMs: number;
  /** The agent that was given the task. */
  readonly agent: AgentId;
}

export interface AgentId {
  readonly pid: number;
  readonly startTicks: string;
}

/** What is remembered of a task under way between two looks, and survives a restart. */
export interface Watch {
  /** Looks in a row that found it idle. */
  readonly idlePolls: number;
  readonly polledAt: EpochMs | null;
  /** What its screen showed, without what moves by itself; and since when. */
  readonly stillKey: string | null;
  readonly stillSince: EpochMs;
  /** Since when it stands at a limit or is on its way to another account; null: it does not. */
  readonly heldSince: EpochMs | null;
  /** Time it stood so before: it does not count for the time-out. */
  readonly heldMs: number;
  /** The agent that works on it now, when a swap started it anew. */
  readonly agent: AgentId | null;
}

export interface WorkFacts {
  readonly signal: SignalFile | null;
  /** Where the task's file was found when it is not where the claim put it. */
  readonly moved: 'done' | 'failed' | null;
  /** The session's pane; null: it is known to be gone. `unseen`: its server did not answer, nothing is known. */
  readonly pane: PaneFacts | 'unseen' | null;
  /** What the swaps did with this pane since the task was typed; newest first. */
  readonly recoveries: readonly RecoveryRow[];
  /** When the agent last gave a sign of life in `status.json`; null: never. */
  readonly heartbeatAt: EpochMs | null;
}

export interface PaneFacts {
  /** The agent in the pane; null: none runs. */
  readonly agent: AgentId | null;
  readonly reading: Reading | null;
  readonly signals: SessionSignals | null;
  /** A limit is confirmed or suspected there; `model`: one that no swap helps. */
  readonly limit: 'account' | 'model' | null;
  readonly screenText: string;
}

export interface JudgePolicy {
  /** Between two looks that count. */
  readonly intervalMs: number;
  readonly idlePolls: number;
  readonly minRuntimeMs: number;
  readonly stallAfterMs: number;
  readonly stallKillAfterMs: number;
}

/** One thing that was seen, for the record. */
export interface Seen {
  readonly source: 'signal' | 'file' | 'hook' | 'transcript' | 'screen' | 'clock' | 'process' | 'swap';
  readonly at: EpochMs | null;
  readonly detail: string;
}

export type Judgement =
  | {
      readonly kind: 'working';
      readonly condition: 'working' | 'held' | 'blocked' | 'stalled';
      readonly detail: string | null;
      readonly watch: Watch;
    }
  | {
      readonly kind: 'done';
      readonly completion: TaskCompletion;
      readonly summary: string | null;
      readonly seen: readonly Seen[];
    }
  | {
      readonly kind: 'failed';
      readonly error: 'agent_error' | 'timeout' | 'session_died';
      readonly completion: TaskCompletion | null;
      readonly reason: string;
      readonly seen: readonly Seen[];
    }
  /** Put back without using up an attempt: the session was stopped for a swap and did not come back. */
  | { readonly kind: 'requeue'; readonly reason: string; readonly seen: readonly Seen[] };

/** Nothing was looked at yet. */
export function newWatch(now: EpochMs): Watch {
  return { idlePolls: 0, polledAt: null, stillKey: null, stillSince: now, heldSince: null, heldMs: 0, agent: null };
}

/** It goes on, in this condition. */
export function working(
  watch: Watch,
  condition: 'working' | 'held' | 'blocked' | 'stalled',
  detail: string | null,
): Judgement {
  return { kind: 'working', condition, detail, watch };
}
