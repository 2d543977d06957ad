/** The tables of notices and of the messages that wait for their channels. */
import type { Message } from '../core/alerts/message.ts';
import type { Notice, ToldSeverity } from '../core/alerts/notice.ts';
import type { Letter } from '../core/alerts/plan.ts';
import type { EpochMs } from '../core/time.ts';
import type { Gather, Outbox, OutboxItem, OutboxLine, TakeOptions } from '../ports/outbox.ts';
import { asStoreError } from './failures.ts';
import { readEventsAfter } from './journal.ts';
import type { JsonColumns } from './json.ts';
import { asMessage } from './message-column.ts';
import type { NewRow, NoticeTable, OutboxTable } from './schema.ts';
import type { Connection } from './sqlite.ts';
import { insert, select, update, upsert } from './sqlite.ts';
import type { WriteQueue } from './write-queue.ts';

/** Name of the cursor: events up to it were turned into notices. */
export const NOTIFIER_CURSOR = 'notifier';

const WEIGHT = `case severity when 'critical' then 3 when 'warning' then 2 else 1 end`;
/** A message that failed this often lets the others go first: it may be the only one the provider dislikes. */
const HARD = 5;
/** Freed at once when a channel's queue is full, so that not every event folds again. */
const SLACK = 50;

export class SqliteOutbox implements Outbox {
  readonly #db: Connection;
  readonly #json: JsonColumns;
  readonly #queue: WriteQueue;

  constructor(db: Connection, json: JsonColumns, queue: WriteQueue) {
    this.#db = db;
    this.#json = json;
    this.#queue = queue;
  }

  begin(since: EpochMs): Promise<void> {
    return this.#write((db) => {
      if (readCursor(db) !== null) return;
      const last = db.prepare<[number], number | null>('select max(id) from events where at < ?').pluck().get(since);
      writeCursor(db, last ?? 0);
    });
  }

  async forget(): Promise<void> {
    if (readCursor(this.#db) === null) return;
    await this.#write((db) => {
      db.prepare('delete from cursors where name = ?').run(NOTIFIER_CURSOR);
      db.prepare(`update outbox set state = 'given_up', finished_at = created_at where state = 'waiting'`).run();
    });
  }

  async take(options: TakeOptions): Promise<number> {
    const { limit, now, plan, maxWaiting, gather } = options;
    const cursor = readCursor(this.#db) ?? 0;
    // Mostly there is nothing, and then nothing is written.
    if (readEventsAfter(this.#db, cursor, 1, this.#json).length === 0) return 0;
    return this.#write((db) => {
      const events = readEventsAfter(db, readCursor(db) ?? 0, limit, this.#json);
      const last = events.at(-1);
      if (last === undefined) return 0;
      const { notices, letters } = plan(events, {
        notice: (key) => this.#notice(key),
        begunSince: (type, since) =>
          db
            .prepare<[string, number], number>('select count(*) from notices where type = ? and first_at >= ?')
            .pluck()
            .get(type, since) ?? 0,
      });
      const ids = new Map(notices.map((notice) => [notice.key, saveNotice(db, notice)]));
      for (const letter of letters) {
        const noticeId = ids.get(letter.notice);
        if (noticeId !== undefined) putLetter(db, noticeId, letter, now);
      }
      for (const channel of new Set(letters.map((letter) => letter.channel))) {
        const excess = countWaiting(db, channel) - maxWaiting;
        if (excess > 0) this.#foldFull(channel, excess + Math.min(SLACK, maxWaiting >> 1), now, gather);
      }
      writeCursor(db, last.id);
      return events.length;
    });
  }

  async foldHeld(channel: string, now: EpochMs, gather: Gather): Promise<number> {
    const due = `where channel = ? and state = 'waiting' and held is not null and not_before <= ? order by id`;
    if (select(this.#db, 'outbox', due, [channel, now]).length < 2) return 0;
    return this.#write((db) => {
      const rows = select(db, 'outbox', due, [channel, now]);
      if (rows.length < 2) return 0;
      this.#gatherRows(rows, null, 'held', now, gather);
      return rows.length;
    });
  }

  async next(channel: string, now: EpochMs): Promise<OutboxItem | null> {
    return this.#read((db) => {
      const [row] = select(
        db,
        'outbox',
        `where channel = ? and state = 'waiting' and not_before <= ? and not exists (
           select 1 from outbox earlier where earlier.notice_id = outbox.notice_id and earlier.channel = outbox.channel
           and earlier.state = 'waiting' and earlier.id < outbox.id)
         order by attempts >= ${HARD}, ${WEIGHT} desc, id limit 1`,
        [channel, now],
      );
      return row === undefined ? null : this.#toItem(row);
    });
  }

  trying(id: number): Promise<void> {
    return this.#write(
      (db) => void db.prepare('update outbox set attempts = attempts + 1, held = null where id = ?').run(id),
    );
  }

  finish(
    id: number,
    at: EpochMs,
    outcome: 'sent' | 'gone' | 'given_up',
    ref: string | null,
    error: string | null,
  ): Promise<void> {
    return this.#write((db) =>
      update(db, 'outbox', 'id', id, { state: outcome, finished_at: at, ref: ref === '' ? null : ref, error }),
    );
  }

  postpone(item: OutboxItem, until: EpochMs, error: string, all: boolean): Promise<void> {
    return this.#write((db) => {
      update(db, 'outbox', 'id', item.id, { not_before: Math.ceil(until), error });
      if (!all) return;
      db.prepare(`update outbox set not_before = max(not_before, ?) where channel = ? and state = 'waiting'`).run(
        Math.ceil(until),
        item.channel,
      );
    });
  }

  hold(channel: string, until: EpochMs): Promise<void> {
    return this.#write((db) => {
      db.prepare(
        `update outbox set held = 'rate', not_before = ? where channel = ? and state = 'waiting' and attempts = 0
         and severity <> 'critical' and not_before < ?`,
      ).run(until, channel, until);
    });
  }

  sentSince(channel: string, since: EpochMs) {
    return this.#oldest(`channel = ? and state = 'sent' and finished_at > ?`, 'finished_at', [channel, since]);
  }

  waiting(channel: string) {
    return this.#oldest(`channel = ? and state = 'waiting'`, 'created_at', [channel]);
  }

  toldSince(since: EpochMs, except: string): Promise<ReadonlyMap<string, number>> {
    return this.#read((db) => {
      const rows = db
        .prepare<{ since: number; except: string }, [string, number]>(
          `select channel, count(distinct notice_id) from outbox
           where id > coalesce((select id from outbox where created_at <= @since order by id desc limit 1), 0)
             and notice_id not in (
               select id from notices where key = @except or key glob 'digest:*' or key glob 'more:*')
           group by channel`,
        )
        .raw()
        .all({ since, except });
      return new Map(rows);
    });
  }

  list(limit: number): Promise<readonly OutboxLine[]> {
    return this.#read((db) => readOutboxLines(db, limit, this.#json));
  }

  prune(before: EpochMs): Promise<void> {
    return this.#write((db) => {
      db.prepare(`delete from outbox where state <> 'waiting' and finished_at < ?`).run(before);
      db.prepare(
        'delete from notices where updated_at < ? and not exists (select 1 from outbox where notice_id = notices.id)',
      ).run(before);
    });
  }

  #foldFull(channel: string, count: number, now: EpochMs, gather: Gather): void {
    const own = `more:${channel}`;
    const rows = select(
      this.#db,
      'outbox',
      `where channel = ? and state = 'waiting' and attempts = 0
         and notice_id not in (select id from notices where key = ?) order by ${WEIGHT}, id limit ?`,
      [channel, own, count],
    );
    if (rows.length === 0) return;
    const before = this.#notice(own);
    const isWaiting =
      before?.id != null &&
      select(this.#db, 'outbox', `where notice_id = ? and state = 'waiting' and attempts = 0`, [before.id]).length > 0;
    this.#gatherRows(rows, isWaiting ? before : null, 'full', now, gather);
  }

  #gatherRows(rows: readonly OutboxTable[], before: Notice | null, why: 'held' | 'full', now: EpochMs, gather: Gather) {
    const channel = rows[0]?.channel ?? '';
    const messages = rows.map((row) => this.#message(row.message_json, `outbox.message_json of ${row.id}`));
    const notice = gather(channel, before, messages, why);
    const letter: Letter = {
      notice: notice.key,
      channel,
      severity: notice.message.severity,
      mode: 'follow',
      message: notice.message,
      notBefore: now,
      held: null,
      onlyReplaces: false,
    };
    putLetter(this.#db, saveNotice(this.#db, notice), letter, now);
    const fold = this.#db.prepare(`update outbox set state = 'folded', finished_at = ? where id = ?`);
    for (const row of rows) fold.run(now, row.id);
  }

  #notice(key: string): Notice | null {
    const [row] = select(this.#db, 'notices', 'where key = ? order by id desc limit 1', [key]);
    if (row === undefined) return null;
    return {
      id: row.id,
      key: row.key,
      type: row.type,
      severity: row.severity as ToldSeverity,
      firstAt: row.first_at,
      updatedAt: row.updated_at,
      toldAt: row.told_at,
      count: row.count,
      settled: row.settled === 1,
      message: this.#message(row.message_json, `notices.message_json of ${row.id}`),
    };
  }

  #toItem(row: OutboxTable): OutboxItem {
    const [sent] = select(
      this.#db,
      'outbox',
      `where notice_id = ? and channel = ? and state = 'sent' and ref is not null order by id desc limit 1`,
      [row.notice_id, row.channel],
    );
    const message = this.#message(row.message_json, `outbox.message_json of ${row.id}`);
    return {
      id: row.id,
      key: message.key,
      channel: row.channel,
      severity: row.severity as ToldSeverity,
      mode: row.mode as OutboxItem['mode'],
      message,
      createdAt: row.created_at,
      attempts: row.attempts,
      previous: sent?.ref ?? null,
    };
  }

  #message(text: string, where: string): Message {
    return this.#json.read(text, where, asMessage, UNREADABLE);
  }

  #oldest(condition: string, column: 'finished_at' | 'created_at', values: readonly (string | number)[]) {
    return this.#read((db) => {
      const row = db
        .prepare<unknown[], { count: number; oldest: number | null }>(
          `select count(*) as count, min(${column}) as oldest from outbox where ${condition}`,
        )
        .get(...values);
      return { count: row?.count ?? 0, oldestAt: row?.oldest ?? null };
    });
  }

  async #read<T>(body: (db: Connection) => T): Promise<T> {
    try {
      return body(this.#db);
    } catch (error) {
      throw asStoreError(error, this.#db.name);
    }
  }

  async #write<T>(body: (db: Connection) => T): Promise<T> {
    try {
      return await this.#queue.run(() => this.#db.transaction(body).immediate(this.#db));
    } catch (error) {
      throw asStoreError(error, this.#db.name);
    }
  }
}

/** Newest first. */
export function readOutboxLines(db: Connection, limit: number, json: JsonColumns): readonly OutboxLine[] {
  return select(db, 'outbox', 'order by id desc limit ?', [limit]).map((row) => {
    const message = json.read(row.message_json, `outbox.message_json of ${row.id}`, asMessage, UNREADABLE);
    return {
      id: row.id,
      key: message.key,
      channel: row.channel,
      severity: row.severity,
      title: message.title,
      state: row.state as OutboxLine['state'],
      createdAt: row.created_at,
      notBefore: row.not_before,
      attempts: row.attempts,
      finishedAt: row.finished_at,
      error: row.error,
    };
  });
}

function saveNotice(db: Connection, notice: Notice): number {
  const row: NewRow<NoticeTable> = {
    key: notice.key,
    type: notice.type,
    severity: notice.severity,
    first_at: notice.firstAt,
    updated_at: notice.updatedAt,
    told_at: notice.toldAt,
    count: notice.count,
    revision: notice.message.revision,
    settled: notice.settled ? 1 : 0,
    message_json: JSON.stringify(notice.message),
  };
  if (notice.id !== null) {
    update(db, 'notices', 'id', notice.id, row);
    return notice.id;
  }
  insert(db, 'notices', row);
  return db.prepare<[], number>('select last_insert_rowid()').pluck().get() ?? 0;
}

/** A letter that nobody tried to send takes on the newer content; one that was tried keeps its own and is followed. */
function putLetter(db: Connection, noticeId: number, letter: Letter, now: EpochMs): void {
  const [untried] = select(
    db,
    'outbox',
    `where notice_id = ? and channel = ? and state = 'waiting' and attempts = 0 order by id desc limit 1`,
    [noticeId, letter.channel],
  );
  const content = { severity: letter.severity, message_json: JSON.stringify(letter.message) };
  if (untried !== undefined) {
    const isUrgent = letter.held === null && (letter.message.settled || letter.severity === 'critical');
    const keepsTime = !isUrgent && letter.held === null && untried.held === null;
    update(db, 'outbox', 'id', untried.id, {
      ...content,
      mode: untried.mode === 'follow' ? 'follow' : letter.mode,
      held: letter.held,
      not_before: Math.ceil(keepsTime ? Math.min(untried.not_before, letter.notBefore) : letter.notBefore),
    });
    return;
  }
  if (letter.onlyReplaces) return;
  insert(db, 'outbox', {
    ...content,
    notice_id: noticeId,
    channel: letter.channel,
    mode: letter.mode,
    state: 'waiting',
    held: letter.held,
    created_at: now,
    not_before: Math.ceil(letter.notBefore),
    attempts: 0,
    finished_at: null,
    ref: null,
    error: null,
  });
}

function countWaiting(db: Connection, channel: string): number {
  return (
    db
      .prepare<[string], number>(`select count(*) from outbox where channel = ? and state = 'waiting'`)
      .pluck()
      .get(channel) ?? 0
  );
}

function readCursor(db: Connection): number | null {
  return select(db, 'cursors', 'where name = ?', [NOTIFIER_CURSOR])[0]?.event_id ?? null;
}

function writeCursor(db: Connection, eventId: number): void {
  upsert(db, 'cursors', 'name', [{ name: NOTIFIER_CURSOR, event_id: eventId }]);
}

/** Stands for a message whose row was damaged: that something was to be told is told all the same. */
const UNREADABLE: Message = {
  key: 'unreadable',
  event: 'summary',
  severity: 'warning',
  revision: 1,
  since: 0,
  at: 0,
  settled: true,
  host: '',
  title: 'A stored message could not be read; see claude-failover events',
  lines: [],
  slots: [],
  quote: null,
  needs: null,
  subject: { pool: null, account: null, session: null, swap: null, alert: null },
};
