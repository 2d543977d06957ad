/** What is kept of the JSON that Claude Code hands to its status line: whose figures these are, and since when. */

import { readFileSync, realpathSync, statSync } from 'node:fs';
import { fieldsOf } from '../../core/json.ts';
import { snippet } from '../../core/redact.ts';
import type { Clock } from '../../ports.ts';
import { recordPath, replaceFile } from './own-records.ts';
import { isSessionId } from './sessions.ts';

const MAX_WINDOWS = 8;
export const SAMPLE_MAX_BYTES = 16 * 1024;

interface Window {
  readonly used_percentage: number;
  readonly resets_at: number | string | null;
}

/** `<state_dir>/quota/<session-id>.json`; `at` and `since` are epoch ms. */
export interface Sample {
  readonly session: string;
  /** As the session's own environment names it. */
  readonly config_dir: string;
  /** The directory it led to when these figures were first reported; null: it led nowhere. */
  readonly home: string | null;
  readonly transcript_path: string | null;
  /** By window, as `five_hour`; null: this version, or this login, reports none. */
  readonly rate_limits: Readonly<Record<string, Window>> | null;
  readonly model: string | null;
  readonly version: string | null;
  readonly at: number;
  /** Since when the same figures have been reported. */
  readonly since: number;
}

/** @returns null for what is no payload of a status line */
export function sampleOf(payload: unknown, configDir: string, now: number): Sample | null {
  const fields = fieldsOf(payload);
  const { session_id: session } = fields;
  if (typeof session !== 'string' || !isSessionId(session)) return null;
  const words = (value: unknown, max: number): string | null =>
    typeof value === 'string' && value !== '' ? snippet(value.slice(0, 4 * max), max).replaceAll('\n', ' ') : null;
  return {
    session,
    config_dir: configDir,
    home: realPath(configDir),
    transcript_path: words(fields.transcript_path, 1000),
    rate_limits: windowsOf(fields.rate_limits),
    model: words(fieldsOf(fields.model).display_name, 60) ?? words(fieldsOf(fields.model).id, 60),
    version: words(fields.version, 40),
    at: now,
    since: now,
  };
}

/** Replaces the session's sample. Figures that did not change keep the time and the home of their first report. @throws {Error} of the file system */
export function writeSample(stateDir: string, sample: Sample, clock: Clock): void {
  const path = recordPath(stateDir, 'quota', sample.session);
  const before = previous(path);
  const isSame =
    before !== null &&
    before.config_dir === sample.config_dir &&
    JSON.stringify(before.rate_limits) === JSON.stringify(sample.rate_limits) &&
    typeof before.since === 'number' &&
    before.since <= sample.at;
  const kept = isSame ? { ...sample, since: before.since, home: before.home } : sample;
  replaceFile(path, JSON.stringify(kept), clock);
}

/** Only numbers are taken over, so a text that a window bears by mistake is not stored. */
function windowsOf(value: unknown): Sample['rate_limits'] {
  const windows: Record<string, Window> = {};
  for (const [name, window] of Object.entries(fieldsOf(value)).slice(0, MAX_WINDOWS)) {
    const { used_percentage: used, resets_at: reset } = fieldsOf(window);
    if (!/^[a-z_]{1,40}$/.test(name) || typeof used !== 'number' || !Number.isFinite(used)) continue;
    const isInstant = typeof reset === 'number' || (typeof reset === 'string' && /^[\d:.TZ+-]{1,40}$/.test(reset));
    windows[name] = { used_percentage: used, resets_at: isInstant ? reset : null };
  }
  return Object.keys(windows).length === 0 ? null : windows;
}

function previous(path: string): (Partial<Omit<Sample, 'home' | 'since'>> & Pick<Sample, 'home' | 'since'>) | null {
  try {
    if (statSync(path).size > SAMPLE_MAX_BYTES) return null;
    const { config_dir, home, rate_limits, since } = JSON.parse(readFileSync(path, 'utf8'));
    return { config_dir, home: typeof home === 'string' ? home : null, rate_limits, since };
  } catch {
    return null;
  }
}

function realPath(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}
