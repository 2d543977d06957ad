/** The tables of sessions that are kept, and of checkpoints of their work. */

import { AUTO_ANSWERS } from '../core/agents/dialog-answers.ts';
import type { AgentKind } from '../core/agents/profile.ts';
import type { NewEvent } from '../core/events.ts';
import { asObject } from '../core/json.ts';
import type { Answering } from '../core/sessions/answer.ts';
import { ANSWER_KEYS } from '../core/sessions/answer.ts';
import type { Checkpoint } from '../core/sessions/checkpoint.ts';
import type { Typing } from '../core/sessions/launch.ts';
import { NOTHING_TYPED } from '../core/sessions/launch.ts';
import type { LaunchPlan, LifecycleRow, LifecycleState, LostTask } from '../core/sessions/lifecycle.ts';
import type { EpochMs } from '../core/time.ts';
import type { LifecycleStore } from '../ports/lifecycle.ts';
import { readFrom, removeFrom, writeTo } from './access.ts';
import { insertCheckpoint, pruneCheckpoints, readCheckpoints } from './checkpoints.ts';
import { wholeMs } from './instant.ts';
import { appendEvents } from './journal.ts';
import type { JsonColumns } from './json.ts';
import { asListOf } from './json.ts';
import type { LifecycleTable } from './schema.ts';
import type { Connection } from './sqlite.ts';
import { select, upsert } from './sqlite.ts';
import type { WriteQueue } from './write-queue.ts';

export class SqliteLifecycleStore implements LifecycleStore {
  readonly #db: Connection;
  readonly #json: JsonColumns;
  readonly #queue: WriteQueue;

  constructor(db: Connection, json: JsonColumns, queue: WriteQueue) {
    this.#db = db;
    this.#json = json;
    this.#queue = queue;
  }

  lifecycles(): Promise<readonly LifecycleRow[]> {
    return readFrom(this.#db, (db) => readLifecycles(db, this.#json));
  }

  lifecycle(session: string): Promise<LifecycleRow | null> {
    return readFrom(this.#db, (db) => readLifecycle(db, session, this.#json));
  }

  addLifecycle(row: LifecycleRow): Promise<void> {
    return writeTo(this.#db, this.#queue, (db) => {
      if (readLifecycle(db, row.session, this.#json) === null) upsert(db, 'lifecycles', 'session_name', [toCells(row)]);
    });
  }

  changeLifecycle(
    session: string,
    change: (row: LifecycleRow) => { readonly row: LifecycleRow; readonly effects: readonly NewEvent[] } | null,
    at: EpochMs,
  ): Promise<LifecycleRow | null> {
    return writeTo(this.#db, this.#queue, (db) => {
      const before = readLifecycle(db, session, this.#json);
      const changed = before === null ? null : change(before);
      if (changed === null) return before;
      upsert(db, 'lifecycles', 'session_name', [toCells(changed.row)]);
      appendEvents(db, changed.effects, at);
      return changed.row;
    });
  }

  removeLifecycle(session: string): Promise<void> {
    return writeTo(this.#db, this.#queue, (db) => {
      db.prepare('delete from lifecycles where session_name = ?').run(session);
    });
  }

  saveCheckpoint(checkpoint: Checkpoint, keep: number): Promise<void> {
    return writeTo(this.#db, this.#queue, (db) => insertCheckpoint(db, checkpoint, keep));
  }

  checkpoints(filter: { readonly session?: string; readonly taskId?: string; readonly limit: number }) {
    return readFrom(this.#db, (db) => readCheckpoints(db, filter));
  }

  pruneCheckpoints(keep: number, beforeAt: EpochMs): Promise<number> {
    return removeFrom(this.#db, this.#queue, (db) => pruneCheckpoints(db, keep, beforeAt));
  }
}

/** By name. */
export function readLifecycles(db: Connection, json: JsonColumns): readonly LifecycleRow[] {
  return select(db, 'lifecycles', 'order by session_name').map((row) => toLifecycle(row, json));
}

function readLifecycle(db: Connection, session: string, json: JsonColumns): LifecycleRow | null {
  const row = select(db, 'lifecycles', 'where session_name = ?', [session])[0];
  return row === undefined ? null : toLifecycle(row, json);
}

/** What no query asks for. */
interface Detail {
  readonly lost: LostTask | null;
  readonly launch: LaunchPlan | null;
  readonly typing: Typing;
  readonly answering: Answering | null;
  readonly crashedAt: EpochMs | null;
}

function toCells(row: LifecycleRow): LifecycleTable {
  const { lost, launch, typing, answering, crashedAt } = row;
  const detail: Detail = { lost, launch, typing, answering, crashedAt };
  return {
    session_name: row.session,
    server: row.server,
    kind: row.kind,
    pool: row.pool,
    agent: row.agent,
    project: row.project,
    state: row.state,
    cause: row.cause,
    state_since: wholeMs(row.stateSince),
    previous_state: row.previous,
    created_by_us: row.isOurs ? 1 : 0,
    server_pid: row.pane?.serverPid ?? null,
    server_started_at_s: row.pane?.serverStartedAtS ?? null,
    pane_id: row.pane?.paneId ?? null,
    pane_pid: row.pane?.panePid ?? null,
    task_id: row.taskId,
    launched_at: wholeMs(row.launchedAt),
    idle_since: wholeMs(row.idleSince),
    restarts_json: JSON.stringify(row.restarts),
    held_until: wholeMs(row.heldUntil),
    detail_json: JSON.stringify(detail),
  };
}

function toLifecycle(row: LifecycleTable, json: JsonColumns): LifecycleRow {
  const place = `lifecycles.detail_json of ${row.session_name}`;
  const detail = json.read<Detail>(row.detail_json, place, asDetail, NO_DETAIL);
  const {
    server,
    server_pid: serverPid,
    server_started_at_s: serverStartedAtS,
    pane_id: paneId,
    pane_pid: panePid,
  } = row;
  const isPlaced = serverPid !== null && serverStartedAtS !== null && paneId !== null && panePid !== null;
  return {
    session: row.session_name,
    server,
    kind: row.kind as LifecycleRow['kind'],
    pool: row.pool,
    agent: row.agent as AgentKind,
    project: row.project,
    state: row.state as LifecycleState,
    cause: row.cause,
    stateSince: row.state_since,
    previous: row.previous_state as LifecycleState | null,
    pane: isPlaced ? { server, serverPid, serverStartedAtS, paneId, panePid } : null,
    isOurs: row.created_by_us === 1,
    taskId: row.task_id,
    launchedAt: row.launched_at,
    idleSince: row.idle_since,
    restarts: json.read<readonly number[]>(
      row.restarts_json,
      `lifecycles.restarts_json of ${row.session_name}`,
      asInstants,
      [],
    ),
    heldUntil: row.held_until,
    ...detail,
  };
}

const NO_DETAIL: Detail = { lost: null, launch: null, typing: NOTHING_TYPED, answering: null, crashedAt: null };

function asInstants(value: unknown): readonly number[] | null {
  return asListOf(value, (at) => (typeof at === 'number' ? at : null));
}

function asDetail(value: unknown): Detail | null {
  const detail = asObject(value);
  if (detail === null) return null;
  const { crashedAt } = detail;
  return {
    lost: asLost(detail.lost),
    launch: asLaunch(detail.launch),
    typing: asTyping(detail.typing),
    answering: asAnswering(detail.answering),
    crashedAt: typeof crashedAt === 'number' ? crashedAt : null,
  };
}

function asLost(value: unknown): LostTask | null {
  const { taskId, reason, detail, at } = asObject(value) ?? {};
  if (typeof taskId !== 'string' || typeof detail !== 'string' || typeof at !== 'number') return null;
  const known = LOST.find((candidate) => candidate === reason) ?? 'session_died';
  return { taskId, reason: known, detail, at };
}

const LOST = ['session_died', 'account_swap', 'launch_failed'] as const;

/** A plan that is not whole is no plan: half of a command must never be typed. */
function asLaunch(value: unknown): LaunchPlan | null {
  const { argv, cwd, configDir } = asObject(value) ?? {};
  const words = asListOf(argv, (word) => (typeof word === 'string' ? word : null));
  if (words === null || typeof cwd !== 'string') return null;
  if (configDir !== null && typeof configDir !== 'string') return null;
  return { argv: words, cwd, configDir };
}

function asTyping(value: unknown): Typing {
  const { what, at, keys } = asObject(value) ?? {};
  const known = TYPED.find((candidate) => candidate === what);
  if (known === undefined || typeof at !== 'number' || typeof keys !== 'number') return NOTHING_TYPED;
  return { what: known, at, keys };
}

/** Rows of an earlier version have none. */
function asAnswering(value: unknown): Answering | null {
  const { name, choice, shown, keys, at } = asObject(value) ?? {};
  const known = AUTO_ANSWERS.find((candidate) => candidate === name);
  const pressed = asListOf(keys, (key) => ANSWER_KEYS.find((candidate) => candidate === key) ?? null);
  if (known === undefined || pressed === null || typeof choice !== 'string') return null;
  return typeof shown === 'string' && typeof at === 'number' ? { name: known, choice, shown, keys: pressed, at } : null;
}

const TYPED = ['nothing', 'command', 'exit', 'interrupt', 'escape'] as const;
