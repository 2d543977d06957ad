/** The interfaces of the janitor: the files of the queues and of the state directory, as far as they are tidied up. */
import type { JanitorAction, QueueFile } from '../core/janitor/plan.ts';
import type { EpochMs } from '../core/time.ts';

/** `gone`: it is not there any more, or another one is: nothing was done. */
export type Tidied = 'done' | 'gone';

/** A file or directory of the state directory that is of no use any more. */
export interface StateLeftover {
  /** Absolute. */
  readonly path: string;
  readonly reason: string;
}

/** No link is followed, and nothing outside of the queue or the state directory is touched. */
export interface Housekeeping {
  /** The regular files of a queue. @throws {QueueError} it cannot be read */
  files(project: string): Promise<readonly QueueFile[]>;
  /** Does this to that very file. Nothing is ever overwritten. @throws {QueueError} */
  carryOut(project: string, action: JanitorAction): Promise<Tidied>;
  /** Signal files that nobody waited for, and copies of damaged databases beyond the newest few. Never throws. */
  leftovers(terms: {
    readonly signalDir: string;
    readonly signalTtlMs: number;
    readonly now: EpochMs;
  }): Promise<readonly StateLeftover[]>;
  /** @throws {QueueError} */
  remove(leftover: StateLeftover): Promise<Tidied>;
}

/** One thing the janitor did, or would do. */
export interface JanitorNote {
  readonly action: 'delete' | 'archive' | 'requeue' | 'forget';
  /** Null: of the state directory. */
  readonly project: string | null;
  readonly path: string;
  readonly to: string | null;
  readonly reason: string;
}
