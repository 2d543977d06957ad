/** The interfaces of the task queue: the files of a project's `.agent-queue/`, and what this daemon wrote down of its tasks. */
import type { NewEvent } from '../core/events.ts';
import type { TaskResult } from '../core/queue/result.ts';
import type { TaskHeader, TaskRefusal, TaskRow, TaskStatus } from '../core/queue/task.ts';
import type { EpochMs } from '../core/time.ts';

/** A directory below `dispatcher.projects_dir` that has an `.agent-queue/`. */
export interface QueueProject {
  /** The directory's name. */
  readonly name: string;
  /** Absolute, without links. */
  readonly path: string;
}

/** A queue that is not used, or is used with a warning; told once. */
export interface QueueFlaw {
  readonly project: string;
  readonly path: string;
  readonly kind: 'symlink' | 'not_a_directory' | 'foreign_owner' | 'world_writable' | 'name_invalid' | 'unreadable';
  readonly detail: string;
  /** false: only a warning. */
  readonly isRefused: boolean;
}

/** What a look at the inbox takes a file for. */
export interface InboxFile {
  /** The name without `.md`. */
  readonly stem: string;
  /** `device:inode` of what was looked at. */
  readonly inode: string;
  readonly mtimeMs: number;
  readonly bytes: number;
  readonly header: TaskHeader;
  /** Since when its `.blocked` marker is there; null: there is none. */
  readonly blockedSinceAt: EpochMs | null;
}

/** A file that is not taken as a task. */
export interface RefusedFile {
  /** As the directory has it: a name need not be text. */
  readonly name: Uint8Array;
  /** For a person: control characters and broken text are escaped. */
  readonly shownName: string;
  /** `device:inode` of what was looked at. */
  readonly inode: string;
  readonly refusal: TaskRefusal;
  /** What is wrong and how to mend it; for `malformed` with line:column. */
  readonly detail: string;
}

export interface InboxScan {
  readonly files: readonly InboxFile[];
  readonly refused: readonly RefusedFile[];
  /** Names of those that are still being written. */
  readonly unsettled: readonly string[];
  /** When the first of these may have stood still for a second; null: none is. */
  readonly settlesAt: EpochMs | null;
  /** More files than are looked at in one pass: the next pass comes to them. */
  readonly isPartial: boolean;
  /** Markers of another program and names with an unknown ending: left as they are. */
  readonly ignored: readonly string[];
  /** `<task>.md.dispatched` of the Go predecessor, oldest first. */
  readonly dispatched: readonly { readonly stem: string; readonly mtimeMs: number }[];
  /** Names of tasks of which only the `.blocked` marker is left. */
  readonly strayMarkers: readonly string[];
}

/** What `claimed/<task>__<claim-id>.json` says. */
export interface ClaimRecord {
  readonly taskId: string;
  readonly claimId: string;
  readonly daemonId: string;
  readonly session: string | null;
  readonly account: string | null;
  readonly attempt: number;
  readonly claimedAt: EpochMs;
}

/** A file in `claimed/`. */
export interface ClaimFile {
  readonly stem: string;
  readonly claimId: string;
  readonly path: string;
  /** `device:inode` of the task's text; null: only its record is there. */
  readonly inode: string | null;
  /** null: there is no readable record beside it. */
  readonly record: ClaimRecord | null;
  /** Of the record, or of the task where there is none: when the claim last gave a sign of life. */
  readonly heartbeatAt: EpochMs;
}

export type ClaimAttempt =
  /** `text`: the whole task file. */
  | { readonly kind: 'claimed'; readonly path: string; readonly text: string; readonly header: TaskHeader }
  /** Somebody else has it. */
  | { readonly kind: 'gone' }
  /** It was written anew since the look at it: look again. */
  | { readonly kind: 'changed' }
  /** It lies in `claimed/` all the same: `finish` brings it to `failed/`. */
  | { readonly kind: 'refused'; readonly refusal: TaskRefusal; readonly detail: string };

export type TaskText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'gone' }
  | { readonly kind: 'refused'; readonly refusal: TaskRefusal; readonly detail: string };

/** Where the file of a claimed task is now; not in `claimed`: somebody else, mostly the agent itself, put it there. */
export type TaskPlace =
  | { readonly kind: 'claimed'; readonly path: string }
  | { readonly kind: 'done' | 'failed' | 'inbox'; readonly path: string }
  | { readonly kind: 'missing' };

/** Names a task's files: `stem` and the claim under which they lie. */
export interface TaskFiles {
  readonly project: string;
  readonly stem: string;
  readonly taskId: string;
  readonly claimId: string | null;
  /** A file of the same name that was put elsewhere before is another one. */
  readonly claimedAt: EpochMs | null;
}

/** What an agent says of itself in `status.json`. */
export interface AgentHeartbeat {
  readonly session: string | null;
  readonly taskId: string | null;
  readonly state: string | null;
  readonly at: EpochMs;
}

/**
 * The files of the queues. No link is followed, nothing outside `.agent-queue/` is read or written, and no file is ever
 * overwritten. Expected outcomes are values; everything else throws a `QueueError` (a full disk, a missing right).
 */
export interface QueueDir {
  /** By name. */
  projects(): Promise<{ readonly projects: readonly QueueProject[]; readonly flaws: readonly QueueFlaw[] }>;
  /** A directory in `dispatcher.projects_dir` as a project, whether or not it has a queue yet; null: there is none. */
  found(name: string): Promise<QueueProject | null>;
  /** Looks at the inbox; changes nothing. Files that were seen before and have not changed are not read again. */
  scan(project: QueueProject, now: EpochMs): Promise<InboxScan>;
  /** Takes a file: its record is written, then it is moved by one rename, then checked and read. */
  claim(project: QueueProject, file: Pick<InboxFile, 'stem' | 'inode'>, record: ClaimRecord): Promise<ClaimAttempt>;
  /** Everything in `claimed/`, whoever holds it. */
  claims(project: string): Promise<readonly ClaimFile[]>;
  /** Removes the record of a claim whose task is not there. */
  dropClaim(files: TaskFiles): Promise<void>;
  /** Reads a claimed task again. */
  read(files: TaskFiles): Promise<TaskText>;
  /** Writes the record of a claim anew: a sign of life, or what it was given to. */
  saveClaim(project: string, stem: string, record: ClaimRecord): Promise<void>;
  locate(files: TaskFiles): Promise<TaskPlace>;
  /** Puts a claimed task back into the inbox. @returns where it is; null: its file is not in `claimed/` */
  release(files: TaskFiles): Promise<string | null>;
  /**
   * Moves a claimed or waiting task into `done/` or `failed/`, its result beside it; one that is there already only gets
   * its result. Doing it twice is doing it once. @returns where it is; null: its file is nowhere
   */
  finish(files: TaskFiles, into: 'done' | 'failed', result: TaskResult): Promise<string | null>;
  /** Moves a file of the inbox that is no task into `failed/`. @returns where it is; null: it is gone */
  refuse(project: string, file: RefusedFile, result: TaskResult): Promise<string | null>;
  /** Brings a task back from `failed/` or `done/` into the inbox. @returns where it is; null: its file is not there */
  reopen(project: string, stem: string, path: string): Promise<string | null>;
  /** Writes a new task. @returns where it is; null: a task of this name waits there already */
  add(project: string, stem: string, text: string): Promise<string | null>;
  /** Those of which there is a `done/<taskId>.md`, also when it was archived. */
  doneAmong(project: string, taskIds: readonly string[]): Promise<ReadonlySet<string>>;
  /** Puts the marker of a blocked task beside it, with this time; one that is there keeps its own. */
  markBlocked(project: string, stem: string, why: string, at: EpochMs): Promise<void>;
  unmarkBlocked(project: string, stem: string): Promise<void>;
  /** Requeues `<task>.md.dispatched` of the Go predecessor. @returns false: it is gone, or a task of this name waits already */
  adoptDispatched(project: string, stem: string): Promise<boolean>;
  /** One line in `events.jsonl`. */
  note(project: string, event: Readonly<Record<string, unknown>>): Promise<void>;
  /** null: there is none, or it is not understood (told once per change). */
  heartbeat(project: string): Promise<AgentHeartbeat | null>;
}

/** Calls when something may have changed in an inbox. The full scan is the net. */
export interface QueueWatch {
  /** Watches these inboxes from now on and no others, and whether a project comes or goes. */
  follow(projectsDir: string | null, projects: readonly QueueProject[]): void;
  close(): Promise<void>;
}

export interface TaskFilter {
  readonly statuses?: readonly TaskStatus[];
  /** Name or absolute path of the project directory. */
  readonly project?: string;
  readonly taskId?: string;
  readonly workSession?: string;
  /** Only those with a claim: of the ended ones, those whose file is still to be moved. */
  readonly hasClaim?: boolean;
  /** Only rows behind this one. */
  readonly after?: { readonly statusSince: EpochMs; readonly id: string };
  readonly limit: number;
}

export interface QueueCounts {
  readonly byStatus: Readonly<Record<TaskStatus, number>>;
  /** When the oldest task that waits was written; null: none waits. */
  readonly oldestAt: EpochMs | null;
}

/** The tasks of one queue. */
export interface ProjectCounts {
  /** Absolute path of the project directory. */
  readonly project: string;
  readonly byStatus: QueueCounts['byStatus'];
}

export interface TaskReads {
  task(id: string): Promise<TaskRow | null>;
  taskByClaim(claimId: string): Promise<TaskRow | null>;
  /** Those whose state is newest first. */
  tasks(filter: TaskFilter): Promise<readonly TaskRow[]>;
  counts(): Promise<QueueCounts>;
  /** By the path of the project; those without a task are absent. */
  countsByProject(): Promise<readonly ProjectCounts[]>;
}

/** The part of a row that may change after it was written. */
export type TaskChange = Partial<Omit<TaskRow, 'id' | 'project' | 'taskId' | 'status' | 'statusSince'>>;

/** What this daemon wrote down of its tasks. Each call is one transaction, its events with it. */
export interface TaskStore extends TaskReads {
  /** Forgets the rows with the ids in `gone`, then writes whole rows, new or not. */
  save(rows: readonly TaskRow[], gone: readonly string[], events: readonly NewEvent[], at: EpochMs): Promise<void>;
  /**
   * Moves a task from one of the states `from` to `to`. Of several that want it one does it.
   *
   * @returns the row as it is now; null: there is no such task, or it is in another state
   * @throws {StoreError} `task_move`: no such move is legal; `task_session_taken`: that session has a task already
   */
  move(
    id: string,
    from: readonly TaskStatus[],
    to: TaskStatus,
    change: TaskChange,
    events: readonly NewEvent[],
    at: EpochMs,
  ): Promise<TaskRow | null>;
  /** Changes a row without moving it. @returns null: it is in none of these states */
  change(id: string, within: readonly TaskStatus[], change: TaskChange): Promise<TaskRow | null>;
}
