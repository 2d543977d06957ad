/** One row of a Claude Code transcript, as far as it says how a turn went. Row shapes: versions 1.0.128 to 2.1.328. */

import type { FindingClass, QuotaWindow } from '../../core/agents/profile.ts';
import { fieldsOf } from '../../core/json.ts';
import type { EpochMs } from '../../core/time.ts';
import type { AssistantRow } from '../../core/verdict/signals.ts';
import { instantOf } from './instants.ts';
import type { TurnRow } from './turns.ts';

/** What the pure detector says of the text of an error row written at `at`; null: nothing it knows. */
export type ClassifyText = (
  text: string,
  at: EpochMs,
) => { readonly class: FindingClass; readonly window: QuotaWindow | null; readonly resetAt: EpochMs | null } | null;

type Fields = Readonly<Record<string, unknown>>;

const MAX_TEXT = 400;

/** @returns null for rows of the sidechains, without a timestamp, or that are no objects with a type */
export function readRow(value: unknown, classifyText: ClassifyText): TurnRow | null {
  const row = fieldsOf(value);
  const at = instantOf(row.timestamp);
  if (typeof row.type !== 'string' || at === null || row.isSidechain === true) return null;
  const version = textOf(row.version);
  const id = textOf(row.uuid) ?? `${row.type}@${at}`;
  const content = fieldsOf(row.message).content;
  if (row.type === 'assistant')
    return { kind: 'assistant', row: assistantRow(row, id, at, content, classifyText), version };
  if (row.type === 'user' && !isToolResult(content)) {
    const text = messageText(content);
    return { kind: 'prompt', row: { id, at, text, isMeta: isMeta(row, text) }, version };
  }
  return { kind: row.type === 'user' ? 'tool-result' : 'other', at, version };
}

function assistantRow(
  row: Fields,
  id: string,
  at: EpochMs,
  content: unknown,
  classifyText: ClassifyText,
): AssistantRow {
  const text = messageText(content);
  const plain = { id, at, text, window: null, resetAt: null };
  if (row.isApiErrorMessage !== true) return { ...plain, kind: 'answer' };
  if (row.apiErrorIsTransient === true) return { ...plain, kind: 'throttle' };

  const limits = fieldsOf(row.quotaLimits ?? fieldsOf(row.apiErrorParams).rate_limit_info);
  if (limits.status === 'rejected') {
    return {
      ...plain,
      kind: 'rejected',
      window: windowOf(limits.rateLimitType) ?? statedWindow(classifyText(text, at)),
      resetAt: instantOf(limits.resetsAt),
    };
  }
  const named = kindOfError(row);
  if (named !== null) return { ...plain, kind: named };

  // Versions that do not write the fields above: the text of the error row decides.
  const found = limits.status === undefined ? classifyText(text, at) : null;
  if (found?.class === 'quota')
    return { ...plain, kind: 'rejected', window: statedWindow(found), resetAt: found.resetAt };
  if (found !== null && found.class !== 'warning') return { ...plain, kind: found.class };
  return { ...plain, kind: row.error === 'rate_limit' ? 'throttle' : 'error' };
}

const AUTH_ERRORS: readonly unknown[] = [
  'authentication_failed',
  'oauth_org_not_allowed',
  'account_on_hold',
  'verification_required',
  'cloud_credential_error',
];

/** The class of an error whose fields leave no room for a quota; null: they do not tell. */
function kindOfError(row: Fields): 'auth' | 'billing' | 'throttle' | 'error' | null {
  const { error, apiErrorStatus: status } = row;
  if (AUTH_ERRORS.includes(error) || status === 401 || status === 403) return 'auth';
  if (error === 'billing_error' || row.apiError === 'model_requires_usage_credits') return 'billing';
  if (error === 'overloaded' || status === 529) return 'throttle';
  // A server may quote the words of a limit in a failure of its own.
  if (error !== undefined && error !== 'rate_limit') return 'error';
  return typeof status === 'number' && status !== 429 ? 'error' : null;
}

const WINDOWS: Readonly<Record<string, QuotaWindow>> = {
  five_hour: '5h',
  seven_day: '7d',
  seven_day_overage_included: '7d',
  overage: 'monthly',
};

/** Null for a type that no version known here writes; every other week is that of a model: `seven_day_opus`. */
function windowOf(type: unknown): QuotaWindow | null {
  if (typeof type !== 'string') return null;
  return WINDOWS[type] ?? (/^seven_day_[a-z]+$/.test(type) ? 'model' : null);
}

/** Null where the words leave it open, so that the screen may tell. */
function statedWindow(found: ReturnType<ClassifyText>): QuotaWindow | null {
  return found?.class !== 'quota' || found.window === 'unknown' ? null : found.window;
}

/** Who gave a prompt, as `origin.kind` names it in 2.1.3xx; all other kinds are the CLI's own doing. */
const PEOPLE: readonly unknown[] = [undefined, 'human', 'person', 'composer', 'remote', 'voice-call'];

function isMeta(row: Fields, text: string): boolean {
  if (row.isMeta === true || row.isCompactSummary === true) return true;
  return !PEOPLE.includes(fieldsOf(row.origin).kind) || text.startsWith('[Request interrupted by user');
}

function isToolResult(content: unknown): boolean {
  return Array.isArray(content) && content.some((block) => fieldsOf(block).type === 'tool_result');
}

function messageText(content: unknown): string {
  if (typeof content === 'string') return content.slice(0, MAX_TEXT);
  if (!Array.isArray(content)) return '';
  const texts = content.map((block) => textOf(fieldsOf(block).text)).filter((text) => text !== null);
  return texts.join('\n').slice(0, MAX_TEXT);
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
