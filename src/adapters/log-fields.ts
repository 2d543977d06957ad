/** What of a log line's fields may be written: secrets are masked, errors unfolded, long texts cut. */
import { redact } from '../core/redact.ts';

/** The longest line in bytes. */
export const LONGEST_LINE_BYTES = 4096;

const MASK = '[masked]';
const SECRET_KEYS = new Set([
  'token',
  'accesstoken',
  'refreshtoken',
  'bottoken',
  'authorization',
  'apikey',
  'password',
  'secret',
]);
/** What a log may meet beyond the secrets that screens show. */
const MORE_SECRETS: readonly (readonly [RegExp, string])[] = [
  [/(?<![\w-])(Basic[ \t]{1,9})(?=[A-Za-z+/]{0,200}[\d=])[\w+/=-]{8,}/gi, `$1${MASK}`],
  [/(?<!\w)re_\w{16,}/g, MASK],
  [/(:\/\/[^\s:/@]{0,100}):[^\s/@]{1,200}@/g, `$1:${MASK}@`],
];
const DEEPEST = 6;
const MOST_ITEMS = 50;

/**
 * Fields that are safe to write and, as JSON, take at most `bytes`: texts are cut shorter until they fit; what still
 * does not fit is dropped and its names are told in `dropped`.
 */
export function printable(fields: Readonly<Record<string, unknown>>, bytes: number): Record<string, unknown> {
  for (const longestText of [1000, 300, 100]) {
    const clean = cleanObject(fields, longestText, 0, new Set());
    if (sizeOf(clean) <= bytes) return clean;
  }
  const kept: Record<string, unknown> = {};
  const dropped: string[] = [];
  for (const [key, value] of Object.entries(cleanObject(fields, 100, 0, new Set()))) {
    if (sizeOf({ ...kept, [key]: value }) <= bytes - 256) kept[key] = value;
    else dropped.push(key);
  }
  return { ...kept, dropped: cut(dropped.join(' '), 100) };
}

/** A text without anything that looks like a secret, at most `longest` characters of it. */
export function maskAndCut(text: string, longest: number): string {
  // A secret may straddle the cut, and its head alone might match no pattern: mask first.
  const masked = redact(text.slice(0, longest * 4));
  return cut(
    MORE_SECRETS.reduce((clean, [pattern, instead]) => clean.replace(pattern, instead), masked),
    longest,
  );
}

function cleanValue(value: unknown, longestText: number, depth: number, above: Set<object>): unknown {
  if (typeof value === 'string') return maskAndCut(value, longestText);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'function' || typeof value === 'symbol') return undefined;
  if (typeof value !== 'object' || value === null) return value;
  if (above.has(value)) return '[circular]';
  if (depth >= DEEPEST) return '[deeper]';
  const within = new Set(above).add(value);
  if (value instanceof Error) return cleanError(value, longestText, depth, within);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString();
  if (value instanceof Map) return cleanObject(Object.fromEntries(value), longestText, depth + 1, within);
  if (value instanceof Set) return cleanValue([...value], longestText, depth, above);
  if (!Array.isArray(value)) return cleanObject(value, longestText, depth + 1, within);
  const items = value.slice(0, MOST_ITEMS).map((item) => cleanValue(item, longestText, depth + 1, within));
  return value.length > MOST_ITEMS ? [...items, `… ${value.length - MOST_ITEMS} more`] : items;
}

function cleanObject(fields: object, longestText: number, depth: number, above: Set<object>): Record<string, unknown> {
  const clean: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    const isSecret =
      SECRET_KEYS.has(key.replaceAll(/[_-]/g, '').toLowerCase()) && value !== null && value !== undefined;
    clean[cut(key, 100)] = isSecret ? MASK : cleanValue(value, longestText, depth, above);
  }
  return clean;
}

/** Our own errors say their code and hint; only a foreign one needs its stack. */
function cleanError(error: Error, longestText: number, depth: number, above: Set<object>): Record<string, unknown> {
  const { code, hint } = error as { code?: unknown; hint?: unknown };
  return {
    type: error.name,
    message: maskAndCut(error.message, longestText),
    ...(code === undefined ? {} : { code: cleanValue(code, longestText, depth + 1, above) }),
    ...(typeof hint === 'string' ? { hint: maskAndCut(hint, longestText) } : {}),
    ...(hint === undefined && error.stack !== undefined ? { stack: maskAndCut(error.stack, longestText) } : {}),
    ...(error.cause === undefined ? {} : { cause: cleanValue(error.cause, longestText, depth + 1, above) }),
  };
}

function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest)}… (${text.length} characters)`;
}

function sizeOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
