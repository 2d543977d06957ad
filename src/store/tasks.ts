/** The table of tasks: each move is checked and written together with the event that tells of it. */

import { StoreError } from '../core/errors.ts';
import type { NewEvent } from '../core/events.ts';
import { asObject } from '../core/json.ts';
import type { TaskDecision } from '../core/queue/decisions.ts';
import { DECISION_REASONS } from '../core/queue/decisions.ts';
import type { TaskAttempt, TaskRow, TaskStatus } from '../core/queue/task.ts';
import { mayBecome, TASK_STATUSES, UNDER_WAY, WAITING } from '../core/queue/task.ts';
import type { EpochMs } from '../core/time.ts';
import type { ProjectCounts, QueueCounts, TaskChange, TaskFilter, TaskReads, TaskStore } from '../ports/queue.ts';
import { readFrom, writeTo } from './access.ts';
import { wholeMs } from './instant.ts';
import { appendEvents } from './journal.ts';
import type { JsonColumns } from './json.ts';
import { asListOf } from './json.ts';
import type { TaskTable } from './schema.ts';
import type { Connection } from './sqlite.ts';
import { select, upsert } from './sqlite.ts';
import type { WriteQueue } from './write-queue.ts';

export class SqliteTaskReads implements TaskReads {
  readonly #db: Connection;
  readonly #json: JsonColumns;

  constructor(db: Connection, json: JsonColumns) {
    this.#db = db;
    this.#json = json;
  }

  task(id: string): Promise<TaskRow | null> {
    return readFrom(this.#db, (db) => readTask(db, id, this.#json));
  }

  taskByClaim(claimId: string): Promise<TaskRow | null> {
    return readFrom(this.#db, (db) => {
      const row = select(db, 'tasks', 'where claim_id = ?', [claimId])[0];
      return row === undefined ? null : toTask(row, this.#json);
    });
  }

  tasks(filter: TaskFilter): Promise<readonly TaskRow[]> {
    return readFrom(this.#db, (db) => readTasks(db, filter, this.#json));
  }

  counts(): Promise<QueueCounts> {
    return readFrom(this.#db, countTasks);
  }

  countsByProject(): Promise<readonly ProjectCounts[]> {
    return readFrom(this.#db, countByProject);
  }
}

export class SqliteTaskStore extends SqliteTaskReads implements TaskStore {
  readonly #db: Connection;
  readonly #json: JsonColumns;
  readonly #queue: WriteQueue;

  constructor(db: Connection, json: JsonColumns, queue: WriteQueue) {
    super(db, json);
    this.#db = db;
    this.#json = json;
    this.#queue = queue;
  }

  save(rows: readonly TaskRow[], gone: readonly string[], events: readonly NewEvent[], at: EpochMs): Promise<void> {
    return writeTo(this.#db, this.#queue, (db) => {
      const forget = db.prepare('delete from tasks where id = ?');
      for (const id of gone) forget.run(id);
      upsert(db, 'tasks', 'id', rows.map(toCells));
      appendEvents(db, events, at);
    });
  }

  move(
    id: string,
    from: readonly TaskStatus[],
    to: TaskStatus,
    change: TaskChange,
    events: readonly NewEvent[],
    at: EpochMs,
  ): Promise<TaskRow | null> {
    return writeTo(this.#db, this.#queue, (db) => {
      const row = readTask(db, id, this.#json);
      if (row === null || !from.includes(row.status)) return null;
      if (!mayBecome(row.status, to))
        throw new StoreError('task_move', `the task ${id} cannot become ${to}: it is ${row.status}`);
      const moved = { ...row, ...change, status: to, statusSince: at };
      demandFreeSession(db, moved);
      upsert(db, 'tasks', 'id', [toCells(moved)]);
      appendEvents(db, events, at);
      return moved;
    });
  }

  change(id: string, within: readonly TaskStatus[], change: TaskChange): Promise<TaskRow | null> {
    return writeTo(this.#db, this.#queue, (db) => {
      const row = readTask(db, id, this.#json);
      if (row === null || !within.includes(row.status)) return null;
      const changed = { ...row, ...change };
      demandFreeSession(db, changed);
      upsert(db, 'tasks', 'id', [toCells(changed)]);
      return changed;
    });
  }
}

/** A session has one task at most. */
function demandFreeSession(db: Connection, row: TaskRow): void {
  if (row.workSession === null || !UNDER_WAY.includes(row.status)) return;
  const other = select(
    db,
    'tasks',
    `where work_session = ? and id <> ? and status in (${UNDER_WAY.map(() => '?').join(', ')})`,
    [row.workSession, row.id, ...UNDER_WAY],
  )[0];
  if (other !== undefined)
    throw new StoreError('task_session_taken', `the session ${row.workSession} has the task ${other.id} already`);
}

function readTask(db: Connection, id: string, json: JsonColumns): TaskRow | null {
  const row = select(db, 'tasks', 'where id = ?', [id])[0];
  return row === undefined ? null : toTask(row, json);
}

function readTasks(db: Connection, filter: TaskFilter, json: JsonColumns): readonly TaskRow[] {
  const conditions: string[] = [];
  const values: (string | number)[] = [];
  if (filter.statuses !== undefined) {
    conditions.push(`status in (${filter.statuses.map(() => '?').join(', ')})`);
    values.push(...filter.statuses);
  }
  if (filter.project !== undefined) {
    conditions.push('(project = ? or substr(id, 1, length(?) + 1) = ? || ?)');
    values.push(filter.project, filter.project, filter.project, ':');
  }
  if (filter.taskId !== undefined) {
    conditions.push('task_id = ?');
    values.push(filter.taskId);
  }
  if (filter.workSession !== undefined) {
    conditions.push('work_session = ?');
    values.push(filter.workSession);
  }
  if (filter.hasClaim === true) conditions.push('claim_id is not null');
  if (filter.after !== undefined) {
    conditions.push('(status_since, id) < (?, ?)');
    values.push(filter.after.statusSince, filter.after.id);
  }
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
  const order = 'order by status_since desc, id desc limit ?';
  return select(db, 'tasks', `${where} ${order}`, [...values, filter.limit]).map((row) => toTask(row, json));
}

function countTasks(db: Connection): QueueCounts {
  const byStatus = noTasks();
  let oldestAt: EpochMs | null = null;
  const query = 'select status, count(*), min(created_at) from tasks group by status';
  for (const [status, count, createdAt] of db.prepare<[], [TaskStatus, number, number]>(query).raw().all()) {
    byStatus[status] = count;
    if (WAITING.includes(status) || status === 'retry_wait')
      oldestAt = oldestAt === null ? createdAt : Math.min(oldestAt, createdAt);
  }
  return { byStatus, oldestAt };
}

function countByProject(db: Connection): readonly ProjectCounts[] {
  const counts = new Map<string, Record<TaskStatus, number>>();
  const query = 'select project, status, count(*) from tasks group by project, status order by project';
  for (const [project, status, count] of db.prepare<[], [string, TaskStatus, number]>(query).raw().all()) {
    const byStatus = counts.get(project) ?? noTasks();
    byStatus[status] = count;
    counts.set(project, byStatus);
  }
  return [...counts].map(([project, byStatus]) => ({ project, byStatus }));
}

function noTasks(): Record<TaskStatus, number> {
  return Object.fromEntries(TASK_STATUSES.map((status) => [status, 0])) as Record<TaskStatus, number>;
}

function toCells(row: TaskRow): TaskTable {
  return {
    id: row.id,
    project: row.project,
    task_id: row.taskId,
    stem: row.stem,
    path: row.path,
    title: row.title,
    priority: row.priority,
    model: row.model,
    timeout_ms: row.timeoutMs,
    max_attempts: row.maxAttempts,
    session: row.session,
    not_before_at: wholeMs(row.notBeforeAt),
    depends_json: JSON.stringify(row.dependsOn),
    meta_json: JSON.stringify(row.meta),
    status: row.status,
    status_since: wholeMs(row.statusSince),
    attempt: row.attempt,
    requeues: row.requeues,
    claim_id: row.claimId,
    work_session: row.workSession,
    work_pane: row.workPane,
    account: row.account,
    created_at: wholeMs(row.createdAt),
    claimed_at: wholeMs(row.claimedAt),
    started_at: wholeMs(row.startedAt),
    finished_at: wholeMs(row.finishedAt),
    retry_at: wholeMs(row.retryAt),
    completion: row.completion,
    error_kind: row.errorKind,
    reason: row.reason,
    summary: row.summary,
    attempts_json: JSON.stringify(row.attempts),
    decisions_json: JSON.stringify(row.decisions),
    delivery_json: row.delivery === null ? null : JSON.stringify(row.delivery),
  };
}

function toTask(row: TaskTable, json: JsonColumns): TaskRow {
  return {
    id: row.id,
    project: row.project,
    taskId: row.task_id,
    stem: row.stem,
    path: row.path,
    title: row.title,
    priority: row.priority as TaskRow['priority'],
    model: row.model,
    timeoutMs: row.timeout_ms,
    maxAttempts: row.max_attempts,
    session: row.session,
    notBeforeAt: row.not_before_at,
    dependsOn: json.read(row.depends_json, `tasks.depends_json of ${row.id}`, asTexts, []),
    meta: json.record(row.meta_json, `tasks.meta_json of ${row.id}`),
    status: row.status as TaskStatus,
    statusSince: row.status_since,
    attempt: row.attempt,
    requeues: row.requeues,
    claimId: row.claim_id,
    workSession: row.work_session,
    workPane: row.work_pane,
    account: row.account,
    createdAt: row.created_at,
    claimedAt: row.claimed_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    retryAt: row.retry_at,
    completion: row.completion as TaskRow['completion'],
    errorKind: row.error_kind as TaskRow['errorKind'],
    reason: row.reason,
    summary: row.summary,
    attempts: json.read(row.attempts_json, `tasks.attempts_json of ${row.id}`, asAttempts, []),
    decisions: json.read(row.decisions_json, `tasks.decisions_json of ${row.id}`, asDecisions, []),
    delivery: row.delivery_json === null ? null : json.record(row.delivery_json, `tasks.delivery_json of ${row.id}`),
  };
}

function asTexts(value: unknown): readonly string[] | null {
  return asListOf(value, (element) => (typeof element === 'string' ? element : null));
}

function asAttempts(value: unknown): readonly TaskAttempt[] | null {
  return asListOf(value, (element) => {
    const record = asObject(element);
    return typeof record?.attempt === 'number' && typeof record.outcome === 'string'
      ? (record as unknown as TaskAttempt)
      : null;
  });
}

function asDecisions(value: unknown): readonly TaskDecision[] | null {
  return asListOf(value, (element) => {
    const { account, reason, at } = asObject(element) ?? {};
    const known = DECISION_REASONS.find((candidate) => candidate === reason);
    return typeof account === 'string' && known !== undefined && typeof at === 'number'
      ? { account, reason: known, at }
      : null;
  });
}
