/** What is kept of a payload that Claude Code hands to its hooks: bounded, masked, and nothing that was typed. */
import { snippet } from '../../core/redact.ts';
import type { Clock } from '../../ports.ts';
import { appendLine, recordPath } from './own-records.ts';
import { isSessionId } from './sessions.ts';

const MAX_DETAILS = 200;
const MAX_MESSAGE = 400;
const MAX_PATH = 1000;
/** More of a text than this is not even masked. */
const MAX_LOOKED_AT = 4000;

/** One line of `<state_dir>/hooks/<session-id>.jsonl`, in the words of the payload; `at` is epoch ms. */
export interface HookLine {
  readonly event: string;
  readonly session_id: string;
  readonly cwd: string | null;
  readonly transcript_path: string | null;
  readonly error: string | null;
  readonly error_details: string | null;
  readonly last_assistant_message: string | null;
  readonly at: number;
}

/** @returns null for what is no payload of a hook: then there is nothing to keep */
export function hookLine(payload: unknown, now: number): HookLine | null {
  if (typeof payload !== 'object' || payload === null) return null;
  const fields: Readonly<Record<string, unknown>> = { ...payload };
  const { session_id, hook_event_name: event } = fields;
  if (typeof session_id !== 'string' || !isSessionId(session_id)) return null;
  if (typeof event !== 'string' || !/^[A-Za-z]{1,40}$/.test(event)) return null;
  const words = (value: unknown, max: number): string | null =>
    typeof value === 'string' && value !== '' ? snippet(value.slice(0, MAX_LOOKED_AT), max) : null;
  return {
    event,
    session_id,
    cwd: words(fields.cwd, MAX_PATH),
    transcript_path: words(fields.transcript_path, MAX_PATH),
    error: words(fields.error, MAX_DETAILS),
    error_details: words(fields.error_details, MAX_DETAILS),
    last_assistant_message: words(fields.last_assistant_message, MAX_MESSAGE),
    at: now,
  };
}

/** @throws {Error} of the file system */
export function writeHookLine(stateDir: string, line: HookLine, clock: Clock): void {
  appendLine(recordPath(stateDir, 'hooks', line.session_id), JSON.stringify(line), clock);
}
