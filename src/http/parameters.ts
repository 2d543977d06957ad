/** What a request may ask: query parameters and JSON bodies, read strictly. */
import type { Context } from 'hono';
import type { EventType } from '../core/events.ts';
import { EVENT_SEVERITY } from '../core/events.ts';
import { PAUSE_TIMES, parsePauseTime } from '../core/pause.ts';
import type { EpochMs } from '../core/time.ts';
import { parseDuration } from '../core/time.ts';
import type { ManualSwap } from '../ports/daemon.ts';
import type { EventFilter } from '../ports.ts';

/** The request cannot be taken as it is. */
export class BadRequest extends Error {
  readonly code: string;
  readonly status: 400 | 413;

  constructor(message: string, code = 'bad_parameter', status: 400 | 413 = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;
const MAX_BODY_BYTES = 64 * 1024;

/** `?limit=`, 1 to 1000. @throws {BadRequest} */
export function readLimit(context: Context): number {
  const text = context.req.query('limit');
  if (text === undefined) return DEFAULT_LIMIT;
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > MAX_LIMIT) throw new BadRequest(`limit must be a number from 1 to ${MAX_LIMIT}`);
  return limit;
}

/** `?type=a,b&since=<ISO 8601, epoch ms or a duration>&account=&limit=`. @throws {BadRequest} */
export function readEventFilter(context: Context, now: EpochMs): EventFilter {
  const types = (context.req.queries('type') ?? []).flatMap((text) => text.split(','));
  for (const type of types) if (!isEventType(type)) throw new BadRequest('type is no known type of event');
  const since = context.req.query('since');
  const account = context.req.query('account');
  return {
    limit: readLimit(context),
    ...(account === undefined ? {} : { account }),
    ...(types.length > 0 ? { types: types.filter(isEventType) } : {}),
    ...(since === undefined ? {} : { sinceAt: readSince(since, now) }),
  };
}

/** Parameters that the route does not know are mistakes. @throws {BadRequest} */
export function refuseUnknownQuery(context: Context, known: readonly string[]): void {
  for (const name of Object.keys(context.req.query())) {
    if (!known.includes(name))
      throw new BadRequest(
        known.length === 0 ? 'this route takes no parameter' : `known parameters: ${known.join(', ')}`,
      );
  }
}

/** @throws {BadRequest} */
export async function readManualSwap(context: Context): Promise<ManualSwap> {
  const body = await readBody(context, ['pool', 'to', 'reason', 'force', 'dry_run']);
  return {
    pool: readText(body, 'pool', 64),
    to: readText(body, 'to', 64),
    reason: readText(body, 'reason', 200) ?? 'asked for by hand',
    force: readFlag(body, 'force'),
    dryRun: readFlag(body, 'dry_run'),
  };
}

/** The body as an object with none but these keys; empty when there is no body. @throws {BadRequest} */
export async function readBody(context: Context, keys: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const text = await readShortText(context.req.raw.body);
  if (text.trim() === '') return {};
  if (!/^application\/json\b/i.test(context.req.header('content-type') ?? '')) {
    throw new BadRequest('the body must be JSON, with content-type: application/json', 'not_json');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new BadRequest('the body is no valid JSON', 'not_json');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new BadRequest('the body must be an object', 'not_json');
  for (const key of Object.keys(value)) {
    if (!keys.includes(key))
      throw new BadRequest(keys.length === 0 ? 'this route takes no body' : `known keys: ${keys.join(', ')}`);
  }
  return { ...value };
}

/** Counts what arrives: a length may be stated wrongly or not at all. */
async function readShortText(stream: ReadableStream<Uint8Array> | null): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream ?? []) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES)
      throw new BadRequest(`a body has at most ${MAX_BODY_BYTES} bytes`, 'body_too_large', 413);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** One line of text without control characters; null: not given. @throws {BadRequest} */
export function readText(body: Readonly<Record<string, unknown>>, key: string, maxChars: number): string | null {
  const value = body[key] ?? null;
  if (value === null) return null;
  if (typeof value !== 'string' || value === '' || value.length > maxChars || /[\x00-\x1f\x7f-\x9f]/.test(value)) {
    throw new BadRequest(`${key} must be one line of 1 to ${maxChars} characters`);
  }
  return value;
}

/** How long a pause lasts, in milliseconds; null: until somebody ends it. */
export function readPauseTime(body: Readonly<Record<string, unknown>>): number | null {
  const text = readText(body, 'for', 20);
  const ms = text === null ? null : parsePauseTime(text);
  if (text !== null && ms === null) throw new BadRequest(`for must be ${PAUSE_TIMES}`);
  return ms;
}

function readFlag(body: Readonly<Record<string, unknown>>, key: string): boolean {
  const value = body[key] ?? false;
  if (typeof value !== 'boolean') throw new BadRequest(`${key} must be true or false`);
  return value;
}

function readSince(text: string, now: EpochMs): EpochMs {
  const durationMs = parseDuration(text);
  if (durationMs !== null) return now - durationMs;
  const at = /^\d{10,14}$/.test(text) ? Number(text) : /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) throw new BadRequest('since must be a time (ISO 8601 or epoch ms) or a duration such as 2h');
  return at;
}

function isEventType(text: string): text is EventType {
  return Object.hasOwn(EVENT_SEVERITY, text);
}
