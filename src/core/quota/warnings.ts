/** When a growing use is worth a word: once for each window and level, anew when the window rolls. */
import type { Severity } from '../events.ts';
import type { EpochMs } from '../time.ts';
import type { PausedWindow } from './auto-pause.ts';
import { PAUSED_WINDOWS } from './auto-pause.ts';
import type { QuotaRecord } from './record.ts';
import { settle } from './record.ts';
import { hasRolled } from './sample.ts';

/** The highest level that was told of a window, and the reset of that window. */
export interface ToldLevel {
  readonly level: number;
  readonly resetAt: EpochMs | null;
}

export interface QuotaWarning {
  readonly window: PausedWindow;
  /** The level that was crossed, a fraction. */
  readonly level: number;
  readonly used: number;
  readonly resetAt: EpochMs | null;
  readonly severity: Severity;
}

export interface WarningStep {
  /** Null: nothing new is to be told. */
  readonly warning: QuotaWarning | null;
  /** To be remembered; null: nothing was told of this window yet. */
  readonly told: ToldLevel | null;
}

/** A level below which the use falls by this much counts as left: figures of several sessions lag behind each other. */
const LEFT_BELOW = 0.05;

/**
 * Of several levels crossed at once only the highest is told. A full window is told whatever the levels are.
 *
 * @param levels  fractions, ascending
 */
export function stepWarning(
  raw: QuotaRecord,
  told: ToldLevel | null,
  levels: readonly number[],
  now: EpochMs,
): WarningStep {
  const record = settle(raw, now);
  const { used, resetAt } = record;
  const window = PAUSED_WINDOWS.find((candidate) => candidate === record.window);
  if (window === undefined || used === null) return { warning: null, told };
  const isOver = told !== null && (used < told.level - LEFT_BELOW || isNextWindow(record, told));
  const before = isOver ? null : told;
  const level = [...levels, 1].findLast((candidate) => used >= candidate - 1e-9);
  if (level === undefined || (before !== null && level <= before.level)) return { warning: null, told: before };
  return { warning: { window, level, used, resetAt, severity: severityOf(used) }, told: { level, resetAt } };
}

function isNextWindow(record: QuotaRecord, told: ToldLevel): boolean {
  return hasRolled({ window: record.window, resetAt: told.resetAt }, record.resetAt);
}

function severityOf(used: number): Severity {
  if (used >= 1) return 'critical';
  return used >= 0.9 - 1e-9 ? 'warning' : 'info';
}
