/** What the task queue remembers between two calls: the files of the last look, and what was told already. */
import type { Config } from '../config/schema.ts';
import { QueueError } from '../core/errors.ts';
import { type TaskHeader, type TaskRow, taskKey, UNDER_WAY } from '../core/queue/task.ts';
import type { EpochMs } from '../core/time.ts';
import { toIso } from '../core/time.ts';
import type {
  ClaimRecord,
  InboxFile,
  QueueCounts,
  QueueDir,
  QueueFlaw,
  QueueProject,
  TaskFiles,
  TaskStore,
} from '../ports/queue.ts';
import type { Logger } from '../ports.ts';
import type { QueuePorts, QueueSummary } from './task-queue.ts';

export class QueueState {
  readonly dir: QueueDir;
  readonly tasks: TaskStore;
  readonly daemonId: string;
  readonly log: Logger;
  readonly newId: () => string;
  readonly isAtWork: (project: string) => boolean;
  /** By the id of the task. */
  readonly inbox = new Map<string, { readonly project: QueueProject; readonly file: InboxFile }>();
  /** What was written down of a file last, by the id of the task: the very same object until the file changes. */
  readonly written = new Map<string, TaskHeader>();
  /** By the project's path. */
  readonly ignored = new Map<string, readonly string[]>();
  projects: readonly QueueProject[] = [];
  flaws: readonly QueueFlaw[] = [];
  scannedAt: EpochMs | null = null;
  readonly #config: () => Config;
  readonly #told = new Set<string>();
  #counts: QueueCounts = NO_COUNTS;

  constructor(ports: QueuePorts) {
    this.dir = ports.queueDir;
    this.tasks = ports.tasks;
    this.daemonId = ports.daemonId;
    this.log = ports.log;
    this.newId = ports.newId;
    this.isAtWork = ports.isAtWork;
    this.#config = ports.config;
  }

  get config(): Config {
    return this.#config();
  }

  async recount(): Promise<void> {
    this.#counts = await this.tasks.counts().catch(() => this.#counts);
  }

  summary(): QueueSummary {
    const { projects, flaws, ignored, scannedAt } = this;
    return { counts: this.#counts, projects, flaws, ignored, scannedAt };
  }

  /** @returns false: this was told before, and has been so since */
  isNews(what: string): boolean {
    if (this.#told.has(what)) return false;
    this.#told.add(what);
    return true;
  }

  /** What is not so any more may be told again. */
  forgetNews(isStill: (what: string) => boolean): void {
    for (const what of this.#told) if (!isStill(what)) this.#told.delete(what);
  }

  /** The row as it is now; null: this attempt has ended, or is not the one that was meant any more. */
  async sameAttempt(meant: TaskRow): Promise<TaskRow | null> {
    const row = await this.tasks.task(meant.id);
    if (row === null || !UNDER_WAY.includes(row.status)) return null;
    return SAME_ATTEMPT.every((key) => row[key] === meant[key]) ? row : null;
  }

  /** Does what concerns one project. What the system refuses there is told once, and stands in the way of no other one. */
  async within(project: QueueProject, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof QueueError)) throw error;
      const flaw = { project: project.name, path: project.path, kind: 'unreadable', detail: error.message } as const;
      if (!this.flaws.some(({ path, detail }) => path === flaw.path && detail === flaw.detail))
        this.flaws = [...this.flaws, { ...flaw, isRefused: true }];
    }
  }

  /** Writes a line into the project's own record. Work goes on without it. */
  async note(row: TaskRow, type: string, at: EpochMs): Promise<void> {
    const { taskId, status, attempt, workSession, reason } = row;
    const event = { at: toIso(at), type, task_id: taskId, status, attempt, session: workSession, reason };
    await this.dir.note(row.project, event).catch((err: unknown) => {
      if (this.isNews(`note ${row.project}`))
        this.log.warn({ err, project: row.project }, 'events.jsonl is not written');
    });
  }
}

/** What one attempt has for itself. */
const SAME_ATTEMPT = ['claimId', 'claimedAt', 'attempt', 'requeues'] as const satisfies readonly (keyof TaskRow)[];

const NO_COUNTS: QueueCounts = {
  byStatus: {
    queued: 0,
    blocked: 0,
    claimed: 0,
    launching: 0,
    running: 0,
    retry_wait: 0,
    done: 0,
    failed: 0,
    timeout: 0,
    cancelled: 0,
  },
  oldestAt: null,
};

export function filesOf({ project, stem, taskId, claimId, claimedAt }: TaskRow): TaskFiles {
  return { project, stem, taskId, claimId, claimedAt };
}

/** The record of a claim that this daemon holds. */
export function recordOf(row: TaskRow, daemonId: string): ClaimRecord {
  return {
    taskId: row.taskId,
    claimId: row.claimId ?? '',
    daemonId,
    session: row.workSession,
    account: row.account,
    attempt: row.attempt + 1,
    claimedAt: row.claimedAt ?? 0,
  };
}

/** The row of a task that waits in the inbox and was never tried. */
export function newRow(project: QueueProject, file: InboxFile, path: string, now: EpochMs): TaskRow {
  return {
    ...file.header,
    id: taskKey(project.name, file.header.taskId),
    project: project.path,
    stem: file.stem,
    path,
    status: 'queued',
    statusSince: now,
    // As it is stored, so that a row that is read back is the same.
    createdAt: Math.round(file.mtimeMs),
    ...UNTRIED,
  };
}

/** Nobody has worked on it. */
export const UNTRIED = {
  attempt: 0,
  requeues: 0,
  claimId: null,
  workSession: null,
  workPane: null,
  account: null,
  claimedAt: null,
  startedAt: null,
  finishedAt: null,
  retryAt: null,
  completion: null,
  errorKind: null,
  reason: null,
  summary: null,
  attempts: [],
  decisions: [],
  delivery: null,
} as const satisfies Partial<TaskRow>;

/** Of the attempt that ended nothing is left but what is written down of it. */
export const NOT_AT_WORK = {
  workSession: null,
  workPane: null,
  account: null,
  startedAt: null,
  delivery: null,
  completion: null,
  summary: null,
} as const satisfies Partial<TaskRow>;
