/** Reads what `claude-failover statusline` wrote of a session: the quota figures that the provider told the CLI. */

import { realpath } from 'node:fs/promises';
import type { QuotaWindow } from '../../core/agents/profile.ts';
import { fieldsOf } from '../../core/json.ts';
import type { EpochMs } from '../../core/time.ts';
import type { QuotaFigure, QuotaFigures } from '../../core/verdict/signals.ts';
import type { Clock } from '../../ports.ts';
import { instantOf, soundTime } from './instants.ts';
import { recordPath } from './own-records.ts';
import { readSmallJson, type SmallJson } from './small-json.ts';
import { SAMPLE_MAX_BYTES } from './statusline-sample.ts';

type SkipReason =
  | (SmallJson & { kind: 'none' })['reason']
  | 'bad_sample'
  | 'other_session'
  | 'other_config_dir'
  | 'unsound_figure'
  | 'window_over';

export interface FiguresLook {
  /** Null: there are none, or they are not this process's. */
  readonly figures: QuotaFigures | null;
  readonly version: string | null;
  readonly skipped: Readonly<Partial<Record<SkipReason, number>>>;
}

export interface StatuslineReader {
  /** Never throws. @param sessionId a checked one: it becomes a file name; @param configDir of the process */
  read(sessionId: string, configDir: string): Promise<FiguresLook>;
}

const WINDOWS: Readonly<Record<string, QuotaWindow>> = { five_hour: '5h', seven_day: '7d' };
/** No window is longer than a month; an end beyond it is an error of unit. */
const MAX_AHEAD_MS = 40 * 24 * 3600 * 1000;
const MAX_PERCENT = 1000;

export function createStatuslineReader(deps: {
  readonly stateDir: string;
  readonly ownUid: number;
  readonly clock: Clock;
}): StatuslineReader {
  return {
    async read(sessionId, configDir) {
      const path = recordPath(deps.stateDir, 'quota', sessionId);
      const read = await readSmallJson(path, SAMPLE_MAX_BYTES, deps.ownUid);
      if (read.kind === 'none') return nothing(read.reason === 'missing' ? null : read.reason);
      const { value, stats } = read;
      const now = deps.clock.now();
      const at = instantOf(value.at);
      if (at === null || typeof value.config_dir !== 'string') return nothing('bad_sample');
      if (value.session !== sessionId) return nothing('other_session');
      // A session that went on under another account would bring the figures of the one before.
      if (!(await isSameDirectory(value.config_dir, configDir))) return nothing('other_config_dir');
      const sampledAt = soundTime(at, now, stats.mtimeMs);
      const common = {
        source: 'statusline' as const,
        at: sampledAt,
        since: Math.min(sampledAt, instantOf(value.since) ?? sampledAt),
        home: typeof value.home === 'string' ? value.home : null,
      };
      const figures: QuotaFigure[] = [];
      const skipped: Partial<Record<SkipReason, number>> = {};
      for (const [name, window] of Object.entries(fieldsOf(value.rate_limits))) {
        const figure = figureOf(WINDOWS[name] ?? 'model', fieldsOf(window), now);
        if (typeof figure === 'string') skipped[figure] = (skipped[figure] ?? 0) + 1;
        else {
          // Several models may have limits of their own; the fullest one counts.
          const other = figures.findIndex((known) => known.window === figure.window);
          if (other === -1) figures.push({ ...figure, ...common });
          else if (figure.usedPercent > (figures[other]?.usedPercent ?? 0)) figures[other] = { ...figure, ...common };
        }
      }
      const version = typeof value.version === 'string' ? value.version : null;
      return { figures: figures.length === 0 ? null : figures, version, skipped };
    },
  };
}

/** One window's figure, or why it is passed over. A window that has ended since says nothing of the present. */
export function figureOf(
  window: QuotaWindow,
  fields: Readonly<Record<string, unknown>>,
  now: EpochMs,
): Pick<QuotaFigure, 'window' | 'usedPercent' | 'resetAt'> | 'unsound_figure' | 'window_over' {
  const used = fields.used_percentage ?? fields.used_percent;
  if (typeof used !== 'number' || !Number.isFinite(used) || used < 0 || used > MAX_PERCENT) return 'unsound_figure';
  const resetAt = instantOf(fields.resets_at);
  if (resetAt !== null && resetAt <= now) return 'window_over';
  if (resetAt !== null && resetAt > now + MAX_AHEAD_MS) return 'unsound_figure';
  return { window, usedPercent: used, resetAt };
}

async function isSameDirectory(a: string, b: string): Promise<boolean> {
  if (a === b) return true;
  const [left, right] = await Promise.all([a, b].map((path) => realpath(path).catch(() => null)));
  return left !== null && left === right;
}

function nothing(reason: SkipReason | null): FiguresLook {
  return { figures: null, version: null, skipped: reason === null ? {} : { [reason]: 1 } };
}
