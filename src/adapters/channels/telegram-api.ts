/** Telegram's Bot API: one call at a time, each with a deadline, every outcome a value without the token in it. */
import { createHash } from 'node:crypto';
import { Api, TelegramApiError, TimeoutError } from 'node-telegram-bot-api';
import { cutTo, oneLine } from '../../core/alerts/escape.ts';
import { redact } from '../../core/redact.ts';
import { DAY, MINUTE, SECOND } from '../../core/time.ts';
import type { ChatAnswer, ChatFailure } from '../../ports/chat.ts';
import type { Clock } from '../../ports.ts';
import { fetchWhole } from './fetch-whole.ts';

export interface TelegramAccess {
  readonly token: string;
  /** `https://api.telegram.org`, or a server of one's own that speaks the same. */
  readonly apiBase: string;
  readonly clock: Clock;
}

/** A failure, and where the chat went if that was its cause. */
export interface TelegramFailure extends ChatFailure {
  /** The description Telegram gave, in lower case; empty when it gave none. */
  readonly description: string;
  readonly movedTo: number | null;
}

export type TelegramAnswer<T> =
  | { readonly ok: true; readonly value: T }
  | (ChatAnswer<never> & { readonly ok: false; readonly failure: TelegramFailure });

export interface TelegramApi {
  /** The same for the same token; a hash of it. */
  readonly id: string;
  /** @param timeoutMs the whole call takes no longer; 10 s when absent */
  call<T>(
    ask: (api: Api, signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
    timeoutMs?: number,
  ): Promise<TelegramAnswer<T>>;
}

const CALL_MS = 10 * SECOND;
/** A wrong token does not become right by itself. */
const REFUSED_TOKEN_MS = 5 * MINUTE;

/** Asks nothing yet. */
export function createTelegramApi({ token, apiBase, clock }: TelegramAccess): TelegramApi {
  const api = new Api(token, {
    apiRoot: apiBase,
    // The library's defaults wait five minutes and send again what may have arrived.
    timeoutMs: 0,
    maxRetries: 0,
    // A redirect would carry the token, which stands in the path, to wherever it leads.
    fetch: (url, init) => fetchWhole(url, { ...init, redirect: 'error' }),
  });
  return {
    id: createHash('sha256').update(`telegram\n${token}`).digest('hex').slice(0, 16),
    async call(ask, signal, timeoutMs = CALL_MS) {
      const deadline = clock.deadline(timeoutMs, signal);
      try {
        return { ok: true, value: await ask(api, deadline.signal) };
      } catch (error) {
        return { ok: false, failure: failureOf(error, token, deadline.signal, timeoutMs) };
      } finally {
        deadline.clear();
      }
    },
  };
}

function failureOf(error: unknown, token: string, signal: AbortSignal, timeoutMs: number): TelegramFailure {
  if (error instanceof TelegramApiError) return apiFailure(error, token);
  const isLate = signal.aborted || error instanceof TimeoutError;
  const reason = isLate ? `no answer within ${Math.round(timeoutMs / SECOND)} s` : `not reachable (${codeOf(error)})`;
  return { kind: 'unreachable', reason: safe(reason, token), afterMs: null, description: '', movedTo: null };
}

function apiFailure(error: TelegramApiError, token: string): TelegramFailure {
  const code = error.errorCode;
  const said = safe(String(error.description ?? ''), token);
  const base = {
    reason: `telegram: ${said} (${code})`,
    afterMs: null,
    description: said.toLowerCase(),
    movedTo: wholeOrNull(error.migrateToChatId),
  };
  if (code === 429) {
    const seconds = wholeOrNull(error.retryAfter) ?? 1;
    return { ...base, kind: 'limited', afterMs: Math.min(Math.max(1, seconds) * SECOND, DAY) };
  }
  // Telegram answers 404 where the path, and with it the token, is not one of its own.
  if (code === 401 || code === 404) {
    return {
      ...base,
      kind: 'unauthorized',
      reason: `telegram refuses the bot token (${code})`,
      afterMs: REFUSED_TOKEN_MS,
    };
  }
  if (code === 409) return { ...base, kind: 'conflict' };
  return { ...base, kind: code >= 400 && code < 500 ? 'refused' : 'unreachable' };
}

/** The text of a network error may hold the URL, and that the token: only its code is told. */
function codeOf(error: unknown): string {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++) {
    if ('code' in cause && typeof cause.code === 'string' && /^[A-Z][A-Z0-9_]{2,40}$/.test(cause.code)) {
      if (!LIBRARY_CODES.has(cause.code)) return cause.code;
    }
  }
  return error instanceof Error ? error.name : 'unknown error';
}

const LIBRARY_CODES: ReadonlySet<string> = new Set(['EFETCH', 'ETIMEOUT', 'ETELEGRAM', 'EPARSE', 'EPARAM']);

function safe(text: string, token: string): string {
  const masked = redact(text.replaceAll(token, '[masked]').replaceAll(encodeURIComponent(token), '[masked]'));
  return cutTo(oneLine(masked.replace(/bot\d+:[\w-]+/g, 'bot[masked]')), 200);
}

function wholeOrNull(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : null;
}
