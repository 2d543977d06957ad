/** The journal's table: facts are appended in the transaction that made them true, and never changed. */
import type { EventType, JournalEvent, NewEvent, Severity } from '../core/events.ts';
import { EVENT_SEVERITY } from '../core/events.ts';
import type { EpochMs } from '../core/time.ts';
import type { EventFilter } from '../ports.ts';
import { wholeMs } from './instant.ts';
import type { JsonColumns } from './json.ts';
import type { EventTable } from './schema.ts';
import type { Connection } from './sqlite.ts';
import { insert, select } from './sqlite.ts';

export function appendEvents(db: Connection, events: readonly NewEvent[], at: EpochMs): void {
  for (const event of events) {
    insert(db, 'events', {
      at: wholeMs(at),
      type: event.type,
      severity: event.severity ?? EVENT_SEVERITY[event.type],
      pool: event.pool ?? null,
      account: event.account ?? null,
      session: event.session ?? null,
      pane: event.pane ?? null,
      swap: event.swap ?? null,
      data_json: JSON.stringify(event.data ?? {}),
    });
  }
}

/** Newest first. */
export function readEvents(db: Connection, filter: EventFilter, json: JsonColumns): readonly JournalEvent[] {
  const conditions: string[] = [];
  const values: (string | number)[] = [];
  const demand = (condition: string, ...operands: readonly (string | number)[]) => {
    conditions.push(condition);
    values.push(...operands);
  };
  if (filter.types !== undefined) demand(`type in (${filter.types.map(() => '?').join(', ')})`, ...filter.types);
  if (filter.sinceAt !== undefined) demand('at >= ?', filter.sinceAt);
  if (filter.pool !== undefined) demand('pool = ?', filter.pool);
  if (filter.account !== undefined) demand('account = ?', filter.account);
  if (filter.swap !== undefined) demand('swap = ?', filter.swap);
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
  // As the indexes of time have them, so that the newest are read without sorting the rest.
  const order = filter.account === undefined && filter.sinceAt === undefined ? 'id desc' : 'at desc, id desc';
  return select(db, 'events', `${where} order by ${order} limit ?`, [...values, filter.limit]).map((row) =>
    toEvent(row, json),
  );
}

/** Oldest first, from the one after this id. */
export function readEventsAfter(db: Connection, id: number, limit: number, json: JsonColumns): readonly JournalEvent[] {
  return select(db, 'events', 'where id > ? order by id limit ?', [id, limit]).map((row) => toEvent(row, json));
}

export function toEvent({ data_json, ...row }: EventTable, json: JsonColumns): JournalEvent {
  return {
    ...row,
    type: row.type as EventType,
    severity: row.severity as Severity,
    data: json.record(data_json, `events.data_json of ${row.id}`),
  };
}
