/** Lays out rollouts as Codex writes them, for one made-up process. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const THREAD = '01a0d3c3-3008-75c2-87a6-2c5c75f0e50e';
export const OTHER_THREAD = '01a0d3c4-4008-75c2-87a6-2c5c75f0e50f';

type Fields = Readonly<Record<string, unknown>>;

/** One row, with its newline. `second` is the second of 09:35 at which it was written. */
export function rolloutRow(type: string, second: number, payload: Fields): string {
  const timestamp = new Date(Date.parse('2026-11-20T09:35:00Z') + second * 1000).toISOString();
  return `${JSON.stringify({ timestamp, type, payload })}\n`;
}

export function event(second: number, payload: Fields): string {
  return rolloutRow('event_msg', second, payload);
}

export function meta(cwd: string, more: Fields = {}): string {
  const instructions = { text: `${'be helpful, '.repeat(10)}"cwd":"/not/this"` };
  return rolloutRow('session_meta', 0, {
    id: THREAD,
    timestamp: '2026-11-20T09:35:00.000Z',
    cwd,
    originator: 'codex-tui',
    cli_version: '0.169.0',
    source: 'cli',
    base_instructions: instructions,
    ...more,
  });
}

export function prompt(second: number, message: string): string {
  return event(second, { type: 'user_message', message });
}

export function answer(second: number, message: string): string {
  return (
    event(second, { type: 'agent_message', message }) +
    event(second, { type: 'task_complete', turn_id: 't', last_agent_message: message, error: null })
  );
}

export function failed(second: number, message: string, info: unknown): string {
  const error = { message, codex_error_info: info };
  return event(second, { type: 'task_complete', turn_id: 't', last_agent_message: null, error });
}

/** Windows as `[minutes, percent, resets_at]`. */
export function tokenCount(
  second: number,
  primary: readonly unknown[] | null,
  secondary: readonly unknown[] | null,
  more: Fields = {},
): string {
  const slot = (window: readonly unknown[] | null) =>
    window === null ? null : { window_minutes: window[0], used_percent: window[1], resets_at: window[2] };
  const rate_limits = { limit_id: 'codex', primary: slot(primary), secondary: slot(secondary), credits: null, ...more };
  return event(second, { type: 'token_count', info: null, rate_limits });
}

export function writeRollout(configDir: string, text: string, thread = THREAD, day = '2026/11/20'): string {
  const path = join(configDir, 'sessions', day, `rollout-${day.replaceAll('/', '-')}T09-35-00-${thread}.jsonl`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}
