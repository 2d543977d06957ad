/** The tables of models' tokens: how far each file was read, and the sums of the days that are still open. */
import type { AgentKind } from '../core/agents/profile.ts';
import type { JsonObject } from '../core/json.ts';
import { asObject } from '../core/json.ts';
import type { EpochMs } from '../core/time.ts';
import type { Counted, Payer, TokenCursor } from '../core/tokens/token-file.ts';
import { NOTHING_COUNTED } from '../core/tokens/token-file.ts';
import type { DayTokens } from '../core/tokens/tokens.ts';
import type { TokenStore } from '../ports/tokens.ts';
import { readFrom, writeTo } from './access.ts';
import { wholeMs } from './instant.ts';
import type { JsonColumns } from './json.ts';
import type { ModelTokensTable, TokenFileTable } from './schema.ts';
import type { Connection } from './sqlite.ts';
import { select, upsert } from './sqlite.ts';
import type { WriteQueue } from './write-queue.ts';

/** What the column of the account holds where nothing tells who was charged. */
const NOBODY = '';

export class SqliteTokenStore implements TokenStore {
  readonly #db: Connection;
  readonly #json: JsonColumns;
  readonly #queue: WriteQueue;

  constructor(db: Connection, json: JsonColumns, queue: WriteQueue) {
    this.#db = db;
    this.#json = json;
    this.#queue = queue;
  }

  tokenCursor(key: string): Promise<TokenCursor | null> {
    return readFrom(this.#db, (db) => {
      const row = select(db, 'token_files', 'where key = ?', [key])[0];
      return row === undefined ? null : toCursor(row, this.#json);
    });
  }

  tokenCursors(sinceAt: EpochMs): Promise<readonly TokenCursor[]> {
    return readFrom(this.#db, (db) =>
      select(db, 'token_files', 'where read_at >= ? order by key', [Math.floor(sinceAt)]).map((row) =>
        toCursor(row, this.#json),
      ),
    );
  }

  addTokens(cursors: readonly TokenCursor[], added: readonly DayTokens[]): Promise<void> {
    return writeTo(this.#db, this.#queue, (db) => {
      upsert(db, 'token_files', 'key', cursors.map(toFileCells));
      const add = db.prepare(ADD);
      for (const row of added) add.run(toCells(row));
    });
  }
}

const ADD = `
  insert into model_tokens (day, account, model, input, output, cache_read, cache_write)
  select @day, @account, @model, @input, @output, @cache_read, @cache_write
  where not exists (select 1 from daily_stats where day = @day)
  on conflict (day, account, model) do update set
    input = input + excluded.input, output = output + excluded.output,
    cache_read = cache_read + excluded.cache_read, cache_write = cache_write + excluded.cache_write`;

/** @param from the first day; @param to the last */
export function readTokens(db: Connection, from: string, to: string): readonly DayTokens[] {
  return select(db, 'model_tokens', 'where day between ? and ? order by day, account, model', [from, to]).map(
    (row) => ({
      day: row.day,
      account: row.account === NOBODY ? null : row.account,
      model: row.model,
      input: row.input,
      output: row.output,
      cacheRead: row.cache_read,
      cacheWrite: row.cache_write,
    }),
  );
}

function toCells({ day, account, model, input, output, cacheRead, cacheWrite }: DayTokens): ModelTokensTable {
  return { day, account: account ?? NOBODY, model, input, output, cache_read: cacheRead, cache_write: cacheWrite };
}

function toFileCells({
  key,
  path,
  agent,
  offset,
  readAt,
  mark,
  skipping,
  payer,
  counted,
}: TokenCursor): TokenFileTable {
  const detail = { mark, skipping, payer, counted };
  return { key, path, agent, offset, read_at: wholeMs(readAt), detail_json: JSON.stringify(detail) };
}

interface Detail {
  readonly mark: string;
  readonly skipping: boolean;
  readonly payer: Payer;
  readonly counted: Counted;
}

/** Without a readable detail the offset still holds: what stands before it is not counted again. */
const UNREADABLE: Detail = {
  mark: '',
  skipping: false,
  payer: { pool: null, followsLink: false, processStartedAt: 0, launchedUnder: null },
  counted: NOTHING_COUNTED,
};

function toCursor(row: TokenFileTable, json: JsonColumns): TokenCursor {
  const detail = json.read(row.detail_json, `token_files.detail_json of ${row.key}`, asDetail, UNREADABLE);
  return {
    key: row.key,
    path: row.path,
    agent: row.agent as AgentKind,
    offset: row.offset,
    readAt: row.read_at,
    ...detail,
  };
}

function asDetail(value: unknown): Detail | null {
  const detail = asObject(value);
  const counted: JsonObject | null = asObject(detail?.counted);
  const isWhole =
    typeof detail?.mark === 'string' &&
    typeof detail.skipping === 'boolean' &&
    asObject(detail.payer) !== null &&
    Array.isArray(counted?.answers);
  return isWhole ? (detail as unknown as Detail) : null;
}
