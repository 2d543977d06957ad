/** The task queue as a whole: files and rows are kept in step here, whatever happens to a task. */
import type { Config } from '../config/schema.ts';
import type { AttemptError } from '../core/queue/retry.ts';
import type { TaskCompletion, TaskRefusal, TaskRow } from '../core/queue/task.ts';
import type { EpochMs } from '../core/time.ts';
import type { QueueDir, QueueFlaw, TaskStore } from '../ports/queue.ts';
import type { Logger } from '../ports.ts';

export interface QueuePorts {
  readonly queueDir: QueueDir;
  readonly tasks: TaskStore;
  /** Tells this daemon's claims from those of another one with another state directory. */
  readonly daemonId: string;
  readonly newId: () => string;
  readonly config: () => Config;
  readonly log: Logger;
}

export interface ScanOutcome {
  readonly flaws: readonly QueueFlaw[];
  /** When a file that is still being written will have stood still long enough: scan again then. */
  readonly settlesAt: EpochMs | null;
  /** There is more than one pass looks at: scan again soon. */
  readonly isPartial: boolean;
}

export type Claimed =
  /** `text` is the whole file; `row.status` is `claimed`. */
  | { readonly kind: 'claimed'; readonly row: TaskRow; readonly text: string }
  /** Somebody else has it, or it was written anew: look again. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'refused'; readonly refusal: TaskRefusal; readonly detail: string };

export interface TaskQueue {
  /** Looks at every inbox: new, changed and vanished tasks, dependencies, what must be refused. */
  scan(now: EpochMs): Promise<ScanOutcome>;
  /** Finishes or undoes what a killed daemon left of claims and ends. Once, before the first `claim`. */
  repair(now: EpochMs): Promise<void>;
  /** What may be given out now, the most urgent first: queued and not before its time, or due again. */
  next(now: EpochMs, limit: number): Promise<readonly TaskRow[]>;
  /** Takes a task that `next` named, for this session; the row is `claimed` and belongs to it from then on. */
  claim(
    row: TaskRow,
    given: { readonly session: string; readonly account: string | null },
    now: EpochMs,
  ): Promise<Claimed>;
  /** Gives a claimed task back untouched: no attempt is used up. */
  giveBack(row: TaskRow, reason: string, now: EpochMs): Promise<void>;
  /** @returns the row as it ended; null: it had ended already, nothing was done */
  succeed(
    row: TaskRow,
    end: { readonly completion: TaskCompletion; readonly summary: string | null; readonly reason: string },
    now: EpochMs,
  ): Promise<TaskRow | null>;
  /** An attempt ended without success: another one follows, or the task ends. @returns as `succeed` */
  failAttempt(
    row: TaskRow,
    end: {
      readonly error: AttemptError;
      readonly reason: string;
      readonly completion?: TaskCompletion;
      readonly summary?: string | null;
    },
    now: EpochMs,
  ): Promise<TaskRow | null>;
  /** The agent itself put the file into `failed/`: no other attempt follows. @returns as `succeed` */
  fail(
    row: TaskRow,
    end: { readonly reason: string; readonly summary: string | null },
    now: EpochMs,
  ): Promise<TaskRow | null>;
}
