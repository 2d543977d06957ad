/** The table of alerts: each change is written together with the event that tells of it. */

import type {
  Alert,
  AlertAction,
  AlertSeverity,
  AlertStatus,
  AlertStep,
  AlertType,
  Firing,
} from '../core/alerts/alert.ts';
import { ACTION_EVENT, changeByHand, fingerprintOf, stepAlert } from '../core/alerts/alert.ts';
import { alertEvent } from '../core/alerts/alert-view.ts';
import type { EventType, JournalEvent, NewEvent } from '../core/events.ts';
import type { EpochMs } from '../core/time.ts';
import type { AlertFilter, AlertReads, AlertStore } from '../ports/records.ts';
import { readFrom, writeTo } from './access.ts';
import { wholeMs } from './instant.ts';
import { appendEvents, toEvent } from './journal.ts';
import type { JsonColumns } from './json.ts';
import type { AlertTable, NewRow } from './schema.ts';
import type { Connection } from './sqlite.ts';
import { insert, select } from './sqlite.ts';
import type { WriteQueue } from './write-queue.ts';

const OPEN = `status in ('active', 'acknowledged')`;
/** More events of one type than a day of a healthy daemon has; the rules need no exact number beyond it. */
const MAX_EVENTS = 1_000;

export class SqliteAlertReads implements AlertReads {
  readonly #db: Connection;

  constructor(db: Connection) {
    this.#db = db;
  }

  list(filter: AlertFilter): Promise<readonly Alert[]> {
    return readFrom(this.#db, (db) => readAlerts(db, filter));
  }

  countOpen(): Promise<number> {
    return readFrom(this.#db, countOpen);
  }
}

export class SqliteAlertStore extends SqliteAlertReads implements AlertStore {
  readonly #db: Connection;
  readonly #json: JsonColumns;
  readonly #queue: WriteQueue;

  constructor(db: Connection, json: JsonColumns, queue: WriteQueue) {
    super(db);
    this.#db = db;
    this.#json = json;
    this.#queue = queue;
  }

  eventsSince(types: readonly EventType[], sinceAt: EpochMs): Promise<readonly JournalEvent[]> {
    return readFrom(this.#db, (db) =>
      types
        .flatMap((type) =>
          select(db, 'events', 'where type = ? and at >= ? order by at desc limit ?', [type, sinceAt, MAX_EVENTS]),
        )
        .map((row) => toEvent(row, this.#json))
        .sort((a, b) => a.id - b.id),
    );
  }

  run(firings: readonly Firing[], now: EpochMs, cooldownMs: number): Promise<readonly AlertStep[]> {
    const firing = new Map(firings.map((one) => [fingerprintOf(one), one]));
    return writeTo(this.#db, this.#queue, (db) =>
      [...new Set([...firing.keys(), ...unsettled(db)])].map((fingerprint) => {
        const latest = newest(db, fingerprint);
        const step = stepAlert(latest, firing.get(fingerprint) ?? null, now, cooldownMs);
        return step.alert === latest ? step : save(db, step, now);
      }),
    );
  }

  change(id: number, action: AlertAction, by: string, now: EpochMs): Promise<Alert | 'unknown' | 'ended'> {
    return writeTo(this.#db, this.#queue, (db) => {
      const row = select(db, 'alerts', 'where id = ?', [id])[0];
      if (row === undefined) return 'unknown';
      const changed = changeByHand(toAlert(row), action, by, now);
      if (changed === null) return 'ended';
      replace(db, changed, row.event_id);
      append(db, alertEvent(ACTION_EVENT[action], changed), now);
      return changed;
    });
  }
}

/** Newest first. */
function readAlerts(db: Connection, filter: AlertFilter): readonly Alert[] {
  const conditions: string[] = [];
  const values: string[] = [];
  for (const [column, wanted] of [
    ['type', filter.types],
    ['severity', filter.severities],
    ['status', filter.statuses],
  ] as const) {
    if (wanted === undefined) continue;
    conditions.push(`${column} in (${wanted.map(() => '?').join(', ')})`);
    values.push(...wanted);
  }
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
  return select(db, 'alerts', `${where} order by id desc limit ?`, [...values, filter.limit]).map(toAlert);
}

function countOpen(db: Connection): number {
  return db.prepare<[], number>(`select count(*) from alerts where ${OPEN}`).pluck().get() ?? 0;
}

/** Fingerprints of which a run without their condition may change something. */
function unsettled(db: Connection): readonly string[] {
  return db
    .prepare<[], string>(
      `select fingerprint from alerts where ${OPEN} union select fingerprint from alerts where status = 'dismissed' and false_runs < 2`,
    )
    .pluck()
    .all();
}

function newest(db: Connection, fingerprint: string): Alert | null {
  const row = select(db, 'alerts', 'where fingerprint = ? order by id desc limit 1', [fingerprint])[0];
  return row === undefined ? null : toAlert(row);
}

function save(db: Connection, step: AlertStep, now: EpochMs): AlertStep {
  const { alert, event } = step;
  if (alert === null) return step;
  const stored = step.isNew ? { ...alert, id: add(db, alert) } : alert;
  const eventId = event === null ? null : append(db, alertEvent(event, stored), now);
  replace(db, stored, eventId);
  return { ...step, alert: stored };
}

function add(db: Connection, alert: Alert): number {
  insert(db, 'alerts', toCells(alert));
  return db.prepare<[], number>('select last_insert_rowid()').pluck().get() ?? 0;
}

/** @param eventId null: the event that raised it stays the one before */
function replace(db: Connection, alert: Alert, eventId: number | null): void {
  const cells = { ...toCells(alert), event_id: eventId };
  const changes = Object.keys(cells).map((column) =>
    column === 'event_id' ? 'event_id = coalesce(@event_id, event_id)' : `${column} = @${column}`,
  );
  db.prepare(`update alerts set ${changes.join(', ')} where id = @id`).run({ ...cells, id: alert.id });
}

function append(db: Connection, event: NewEvent, at: EpochMs): number {
  appendEvents(db, [event], at);
  return db.prepare<[], number>('select last_insert_rowid()').pluck().get() ?? 0;
}

function toCells(alert: Alert): NewRow<AlertTable> {
  return {
    fingerprint: alert.fingerprint,
    type: alert.type,
    severity: alert.severity,
    status: alert.status,
    subject_kind: alert.subject.kind,
    subject_id: alert.subject.id,
    pool: alert.pool,
    metric: alert.metric,
    value: alert.value,
    threshold: alert.threshold,
    window_ms: alert.windowMs,
    detail: alert.detail,
    first_at: wholeMs(alert.firstAt),
    last_at: wholeMs(alert.lastAt),
    ended_at: wholeMs(alert.endedAt),
    count: alert.count,
    false_runs: alert.falseRuns,
    changed_by: alert.changedBy,
    event_id: null,
  };
}

function toAlert(row: AlertTable): Alert {
  return {
    id: row.id,
    fingerprint: row.fingerprint,
    type: row.type as AlertType,
    severity: row.severity as AlertSeverity,
    status: row.status as AlertStatus,
    subject: { kind: row.subject_kind as Alert['subject']['kind'], id: row.subject_id },
    pool: row.pool,
    metric: row.metric,
    value: row.value,
    threshold: row.threshold,
    windowMs: row.window_ms,
    detail: row.detail,
    firstAt: row.first_at,
    lastAt: row.last_at,
    endedAt: row.ended_at,
    count: row.count,
    falseRuns: row.false_runs,
    changedBy: row.changed_by,
  };
}
