/** One row of a Codex rollout, as far as it says how a turn went or how much is used. Row shapes: versions 0.14 to 0.169. */

import type { QuotaWindow } from '../../core/agents/profile.ts';
import { fieldsOf } from '../../core/json.ts';
import { type EpochMs, SECOND } from '../../core/time.ts';
import type { AssistantRow } from '../../core/verdict/signals.ts';
import { instantOf } from './instants.ts';
import type { ClassifyText } from './transcript-rows.ts';
import type { TurnRow } from './turns.ts';

/** One window of a `token_count` row, as it was written. */
export interface RolloutFigure {
  readonly window: QuotaWindow;
  readonly at: EpochMs;
  readonly used_percent: unknown;
  readonly resets_at: unknown;
}

export type RolloutRow =
  | { readonly kind: 'turn'; readonly turn: TurnRow }
  | { readonly kind: 'figures'; readonly at: EpochMs; readonly figures: readonly RolloutFigure[] };

type Fields = Readonly<Record<string, unknown>>;

const MAX_TEXT = 400;

/** @returns null for rows that say nothing of either, or bear no time */
export function readRolloutRow(value: unknown, classifyText: ClassifyText): RolloutRow | null {
  const row = fieldsOf(value);
  const at = instantOf(row.timestamp);
  if (at === null) return null;
  const payload = fieldsOf(row.payload);
  if (row.type === 'session_meta') return turn({ kind: 'other', at, version: textOf(payload.cli_version) });
  if (row.type === 'response_item') return responseItem(payload, at);
  if (row.type !== 'event_msg') return null;
  switch (payload.type) {
    case 'user_message':
      return prompt(payload, at, textOf(payload.message) ?? '');
    case 'agent_message':
      return answer(payload, at, textOf(payload.message) ?? '');
    case 'item_completed':
      return item(payload, at);
    case 'task_complete':
    case 'turn_complete': {
      if (payload.error == null) return answer(payload, at, textOf(payload.last_agent_message) ?? '');
      return failure(fieldsOf(payload.error), idOf(payload, at), at, classifyText);
    }
    case 'error':
      return failure(payload, idOf(payload, at), at, classifyText);
    case 'token_count':
      return { kind: 'figures', at, figures: figuresOf(payload.rate_limits, at) };
    default:
      return null;
  }
}

function turn(found: TurnRow): RolloutRow {
  return { kind: 'turn', turn: found };
}

function prompt(payload: Fields, at: EpochMs, text: string): RolloutRow {
  const row = { id: idOf(payload, at), at, text: text.slice(0, MAX_TEXT), isMeta: false };
  return turn({ kind: 'prompt', row, version: null });
}

function answer(payload: Fields, at: EpochMs, text: string): RolloutRow {
  const plain = { id: idOf(payload, at), at, text: text.slice(0, MAX_TEXT), window: null, resetAt: null };
  return turn({ kind: 'assistant', row: { ...plain, kind: 'answer' }, version: null });
}

/** Versions from 0.153 on write messages as items of a turn. */
function item(payload: Fields, at: EpochMs): RolloutRow | null {
  const { type, content } = fieldsOf(payload.item);
  if (type === 'UserMessage') return prompt(payload, at, contentText(content));
  return type === 'AgentMessage' ? answer(payload, at, contentText(content)) : null;
}

/** What is sent to the model and what it returns; user messages are among it that nobody typed, so they only tell the time. */
function responseItem(payload: Fields, at: EpochMs): RolloutRow | null {
  if (payload.type === 'message' && payload.role === 'assistant')
    return answer(payload, at, contentText(payload.content));
  const isSent = payload.type === 'message' ? payload.role === 'user' : /_output$/.test(textOf(payload.type) ?? '');
  return isSent ? turn({ kind: 'tool-result', at, version: null }) : null;
}

function failure(error: Fields, id: string, at: EpochMs, classifyText: ClassifyText): RolloutRow {
  const text = (textOf(error.message) ?? '').slice(0, MAX_TEXT);
  const plain = { id, at, text, window: null, resetAt: null, kind: 'error' as AssistantRow['kind'] };
  return turn({ kind: 'assistant', row: { ...plain, ...failureOf(error, text, at, classifyText) }, version: null });
}

/** `usage_limit_exceeded` also stands for a plan without Codex and for spent credits: the words must be those of a quota. */
function failureOf(error: Fields, text: string, at: EpochMs, classifyText: ClassifyText): Partial<AssistantRow> {
  const info = error.codex_error_info;
  const [name, detail] = typeof info === 'string' ? [info, {}] : (Object.entries(fieldsOf(info))[0] ?? ['', {}]);
  if (name === 'usage_limit_exceeded') {
    const found = classifyText(text, at);
    if (found?.class === 'billing') return { kind: 'billing' };
    if (found?.class !== 'quota') return {};
    return { kind: 'rejected', window: found.window === 'unknown' ? null : found.window, resetAt: found.resetAt };
  }
  const status = fieldsOf(detail).http_status_code;
  if (name === 'unauthorized' || status === 401 || status === 403) return { kind: 'auth' };
  const isThrottle = name === 'rate_limit_exceeded' || name === 'server_overloaded' || status === 429;
  return isThrottle ? { kind: 'throttle' } : {};
}

/** The main limit; those with an id of their own are limits of a model. Which slot is which window differs by plan. */
function figuresOf(value: unknown, at: EpochMs): readonly RolloutFigure[] {
  const limits = fieldsOf(value);
  const isMain = limits.limit_id === undefined || limits.limit_id === null || limits.limit_id === 'codex';
  return [limits.primary, limits.secondary].flatMap((slot) => {
    const { window_minutes: minutes, used_percent, resets_at, resets_in_seconds: inSeconds } = fieldsOf(slot);
    if (typeof minutes !== 'number') return [];
    const relative = typeof inSeconds === 'number' ? at + inSeconds * SECOND : null;
    return [{ window: isMain ? windowOf(minutes) : 'model', at, used_percent, resets_at: resets_at ?? relative }];
  });
}

const DAY_MINUTES = 24 * 60;

function windowOf(minutes: number): QuotaWindow {
  const near = (length: number): boolean => Math.abs(minutes - length) <= length / 10;
  if (near(5 * 60)) return '5h';
  if (near(7 * DAY_MINUTES)) return '7d';
  if (near(DAY_MINUTES)) return 'daily';
  return near(30 * DAY_MINUTES) ? 'monthly' : 'unknown';
}

function idOf(payload: Fields, at: EpochMs): string {
  return `${textOf(payload.turn_id) ?? 'rollout'}:${textOf(payload.type) ?? 'row'}@${at}`;
}

function contentText(content: unknown): string {
  if (!Array.isArray(content)) return '';
  return content
    .map((block) => textOf(fieldsOf(block).text))
    .filter((text) => text !== null)
    .join('\n');
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
