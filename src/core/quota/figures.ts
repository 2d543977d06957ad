/** The figures that a session shows of its account's use, and whom they belong to. */
import type { QuotaWindow } from '../agents/profile.ts';
import type { Finding } from '../screen/finding.ts';
import type { Activation } from '../swap/swap.ts';
import type { EpochMs } from '../time.ts';
import { MINUTE } from '../time.ts';
import { activeAt, chargeTurn } from '../verdict/attribute.ts';
import type { SampleSource } from './sample.ts';

/** One figure as a session shows it. */
export interface SessionFigure {
  readonly window: QuotaWindow;
  /** 0 … 100, or above. */
  readonly usedPercent: number;
  readonly resetAt: EpochMs | null;
  readonly source: SampleSource;
  /** Since when the session has shown it unchanged. */
  readonly since: EpochMs;
  /** The account's home, resolved, that the session's configuration directory led to then; null or absent: not known. */
  readonly home?: string | null;
}

/** What is known of the session that shows a figure. */
export interface FigureOwner {
  /** Whether this CLI version follows the link while it runs. */
  readonly followsLink: boolean;
  readonly processStartedAt: EpochMs;
  readonly launchedUnder: string | null;
  /** When the request behind the newest answer was sent; null: no transcript tells. */
  readonly requestAt: EpochMs | null;
  /** The pool's switch history, newest first. */
  readonly activations: readonly Activation[];
}

/** Within this time after a flip a figure without a known request may still be an answer to the account before. */
const IN_FLIGHT_MS = 2 * MINUTE;

/**
 * The account whose use this is. A figure that has stood since before a flip belongs to the old account; one that appeared
 * about the time of a flip belongs to nobody unless the session's own request tells.
 *
 * @returns null when it cannot be told
 */
export function chargeFigure(figure: SessionFigure, owner: FigureOwner): string | null {
  const { followsLink, processStartedAt, launchedUnder, activations, requestAt } = owner;
  const at = (turnAt: EpochMs): string | null =>
    chargeTurn({ followsLink, turnAt, processStartedAt, firstSeenAt: turnAt, launchedUnder, activations })?.account ??
    null;
  const shown = at(figure.since);
  if (shown === null) return null;
  if (requestAt !== null && requestAt <= figure.since && requestAt >= processStartedAt)
    return at(requestAt) === shown ? shown : null;
  const flip = activeAt(activations, figure.since);
  const isFresh = flip !== undefined && flip.cause !== 'adopted' && figure.since - flip.since < IN_FLIGHT_MS;
  return followsLink && isFresh ? null : shown;
}

/** The figure that a usage warning on a screen tells; null: it names no number or no window. */
export function figureOf(warning: Finding, since: EpochMs): SessionFigure | null {
  const percent = /(\d{1,3}(?:\.\d+)?)\s?%/.exec(warning.text)?.[1];
  const { window, reset } = warning;
  if (percent === undefined || window === null || window === 'unknown') return null;
  const isUsed = /\bused\b/i.test(warning.text);
  if (!isUsed && !/\b(?:left|remaining)\b/i.test(warning.text)) return null;
  const usedPercent = isUsed ? Number(percent) : 100 - Number(percent);
  return { window, usedPercent, resetAt: reset?.at ?? null, source: 'screen', since };
}
