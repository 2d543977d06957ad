/** One body of evidence of one pane: what screen, files and records say together, and every vote for and against it. */
import type { FindingClass, QuotaWindow } from '../agents/profile.ts';
import type { Reading } from '../screen/finding.ts';
import type { EpochMs } from '../time.ts';
import type { Circumstances } from './fusion.ts';
import { fuse } from './fusion.ts';
import type { SessionSignals } from './signals.ts';
import type { Claim, Vote } from './votes.ts';
import { collectClaims } from './votes.ts';

/** What the pane says now. */
export interface Evidence {
  readonly class: FindingClass | 'none';
  readonly window: QuotaWindow | null;
  readonly resetAt: EpochMs | null;
  /** Id of the pattern or row kind that decided. */
  readonly family: string;
  readonly text: string;
  /** It does not rest on the text of a screen alone: no second poll is needed. */
  readonly structured: boolean;
  /** It rests on two sources that agree, and on no row that would decide alone. */
  readonly agreed: boolean;
  /** Id of the transcript row that says so, else null. */
  readonly turnId: string | null;
  /** When the request was sent that met the limit, if a transcript tells: its turn may have begun under another account. */
  readonly turnAt: EpochMs | null;
  /** When its turn ended, if a hook told. */
  readonly turnEndedAt: EpochMs | null;
  /** When the row was written that says so, else null. */
  readonly rowAt: EpochMs | null;
  readonly votes: readonly Vote[];
  /** What contradicts the screen, where nothing settles it: then nothing is done. */
  readonly conflict: string | null;
  readonly reason: string;
}

/**
 * @param screenAt    when the screen was captured
 * @param switchedAt  when the pool's link was last moved; null: not known to have been
 */
export function gatherEvidence(
  reading: Reading,
  signals: SessionSignals | null,
  screenAt: EpochMs,
  now: EpochMs,
  switchedAt: EpochMs | null = null,
): Evidence {
  const around = { now, busy: reading.busy, switchedAt, screenReason: reading.reason };
  return judgeClaims(collectClaims(reading, signals, screenAt, now), around);
}

/** The same for claims that were written down. */
export function judgeClaims(claims: readonly Claim[], around: Circumstances): Evidence {
  const { base, screen: shown, row, second, conflict, turnEndedAt, votes, reason } = fuse(claims, around);
  const common = { votes, conflict, turnEndedAt, reason };
  if (base === null) return { ...NOTHING, ...common };
  const screen = shown?.says === base.says ? shown : null;
  const isLimit = base.says === 'quota';
  const isRow = isLimit && row !== null;
  return {
    class: base.says as FindingClass,
    window:
      stated(base.window) ?? stated(screen?.window) ?? stated(second?.window) ?? (isLimit ? 'unknown' : base.window),
    resetAt: base.resetAt ?? screen?.resetAt ?? second?.resetAt ?? null,
    family: screen?.rule ?? (isRow ? `${row.source}-rejection` : 'hook-and-figures'),
    text: base.text,
    structured: isRow || second !== null,
    agreed: second !== null,
    turnId: isRow ? row.recordId : null,
    turnAt: row?.turnAt ?? null,
    rowAt: isRow ? row.at : null,
    ...common,
  };
}

/** A window that is named; a reset is taken only along with what it belongs to. */
function stated(window: QuotaWindow | null | undefined): QuotaWindow | null {
  return window == null || window === 'unknown' ? null : window;
}

const NOTHING = {
  class: 'none',
  window: null,
  resetAt: null,
  family: 'none',
  text: '',
  structured: false,
  agreed: false,
  turnId: null,
  turnAt: null,
  rowAt: null,
} as const;
