/** The task queue as a whole: files and rows are kept in step here, whatever happens to a task. */
import type { Config } from '../config/schema.ts';
import type { TaskDecision } from '../core/queue/decisions.ts';
import type { AttemptError } from '../core/queue/retry.ts';
import type { TaskCompletion, TaskRefusal, TaskRow } from '../core/queue/task.ts';
import type { EpochMs } from '../core/time.ts';
import type { QueueCounts, QueueDir, QueueFlaw, QueueProject, TaskStore } from '../ports/queue.ts';
import type { Logger } from '../ports.ts';
import { claimTask, decideTask, giveBack, nextTasks } from './queue-claims.ts';
import { cancelTask, endAttempt, failAttempt, retryTask } from './queue-ends.ts';
import { repairClaims } from './queue-repair.ts';
import { scanQueues } from './queue-scan.ts';
import { QueueState } from './queue-state.ts';

export interface QueuePorts {
  readonly queueDir: QueueDir;
  readonly tasks: TaskStore;
  /** Tells this daemon's claims from those of another one with another state directory. */
  readonly daemonId: string;
  readonly newId: () => string;
  readonly config: () => Config;
  /** Whether an agent is at work in this directory, as far as is known: what is not known may be. */
  readonly isAtWork: (project: string) => boolean;
  readonly log: Logger;
}

export interface ScanOutcome {
  readonly projects: readonly QueueProject[];
  readonly flaws: readonly QueueFlaw[];
  /** When a file that is still being written may have stood still long enough: scan again then. */
  readonly settlesAt: EpochMs | null;
  /** There is more than one pass looks at: scan again soon. */
  readonly isPartial: boolean;
}

/** The session that gets a task. */
export interface GivenTo {
  readonly session: string;
  readonly account: string | null;
  /** How that account was chosen. */
  readonly decisions?: readonly TaskDecision[];
}

export type Claimed =
  /** `text` is the whole file; `row.status` is `claimed`. */
  | { readonly kind: 'claimed'; readonly row: TaskRow; readonly text: string }
  /** Somebody else has it, or it was written anew: look again. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'refused'; readonly refusal: TaskRefusal; readonly detail: string };

/** What became of a wish by hand about a task. */
export type TaskAnswer =
  | { readonly kind: 'done'; readonly row: TaskRow | null; readonly detail: string }
  /** `unknown_task`, `already_ended`, `not_ended`, `under_way`, `file_missing`, `name_taken`. */
  | { readonly kind: 'refused'; readonly reason: string; readonly detail: string };

/** What is known of the queue without asking anybody. */
export interface QueueSummary {
  readonly counts: QueueCounts;
  readonly projects: readonly QueueProject[];
  readonly flaws: readonly QueueFlaw[];
  /** Markers of another program and names with an unknown ending, by project. */
  readonly ignored: ReadonlyMap<string, readonly string[]>;
  /** Null: not looked at yet. */
  readonly scannedAt: EpochMs | null;
}

export interface AttemptEnd {
  readonly error: AttemptError;
  readonly reason: string;
  readonly completion?: TaskCompletion | null;
  readonly summary?: string | null;
  /** What was seen, for the journal. */
  readonly evidence?: readonly object[];
}

export interface TaskQueue {
  /** Looks at every inbox: new, changed and vanished tasks, dependencies, what must be refused. */
  scan(now: EpochMs): Promise<ScanOutcome>;
  /** Finishes or undoes what a killed daemon left of claims and ends. Once, before the first `scan`. */
  repair(now: EpochMs): Promise<void>;
  /** What may be given out now, the most urgent first: queued and not before its time, or due again. */
  next(now: EpochMs, limit: number): Promise<readonly TaskRow[]>;
  /** Takes a task that `next` named, for this session; the row is `claimed` and belongs to it from then on. */
  claim(row: TaskRow, given: GivenTo, now: EpochMs): Promise<Claimed>;
  /** Adds to the chain of a task that was not given out, or moved with its session. */
  decide(id: string, decisions: readonly TaskDecision[], account?: string): Promise<void>;
  /** Gives a claimed task back untouched: no attempt is used up. @returns null: it had ended already */
  giveBack(row: TaskRow, reason: string, now: EpochMs): Promise<TaskRow | null>;
  /** @returns the row as it ended; null: it had ended already, nothing was done */
  succeed(
    row: TaskRow,
    end: {
      readonly completion: TaskCompletion;
      readonly summary: string | null;
      readonly reason: string;
      readonly evidence?: readonly object[];
    },
    now: EpochMs,
  ): Promise<TaskRow | null>;
  /** An attempt ended without success: another one follows, or the task ends. @returns as `succeed` */
  failAttempt(row: TaskRow, end: AttemptEnd, now: EpochMs): Promise<TaskRow | null>;
  /** It is over, and no other attempt follows: the agent itself put the file into `failed/`. @returns as `succeed` */
  fail(
    row: TaskRow,
    end: { readonly reason: string; readonly summary: string | null; readonly evidence?: readonly object[] },
    now: EpochMs,
  ): Promise<TaskRow | null>;
  /** Ends a task by hand, whatever its state. */
  cancel(id: string, reason: string, now: EpochMs): Promise<TaskAnswer>;
  /** Begins a task anew that has ended; one that waits for its next attempt gets it now. */
  retry(id: string, now: EpochMs): Promise<TaskAnswer>;
  summary(): QueueSummary;
}

/** What one call does is not interrupted by another one. */
export function createTaskQueue(ports: QueuePorts): TaskQueue {
  const state = new QueueState(ports);
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work).finally(() => state.recount());
    last = turn.catch(() => undefined);
    return turn;
  };

  return {
    scan: (now) => inTurn(() => scanQueues(state, now)),
    repair: (now) => inTurn(() => repairClaims(state, now)),
    next: (now, limit) => nextTasks(state, now, limit),
    claim: (row, given, now) => inTurn(() => claimTask(state, row, given, now)),
    decide: (id, decisions, account) => inTurn(() => decideTask(state, id, decisions, account)),
    giveBack: (row, reason, now) => inTurn(() => giveBack(state, row, reason, now)),
    succeed: (row, end, now) =>
      inTurn(() => endAttempt(state, row, { ...end, status: 'done', outcome: 'done', errorKind: null }, now)),
    failAttempt: (row, end, now) => inTurn(() => failAttempt(state, row, end, now)),
    fail: (row, end, now) =>
      inTurn(() =>
        endAttempt(
          state,
          row,
          { ...end, status: 'failed', outcome: 'agent_error', errorKind: 'agent_error', completion: 'agent_moved' },
          now,
        ),
      ),
    cancel: (id, reason, now) => inTurn(() => cancelTask(state, id, reason, now)),
    retry: (id, now) => inTurn(() => retryTask(state, id, now)),
    summary: () => state.summary(),
  };
}
