/** The per-pane confirmation machine: from what a pane says at one poll to a verdict that may move an account. */
import type { QuotaWindow } from '../agents/profile.ts';
import type { EpochMs } from '../time.ts';
import { DAY, HOUR, MINUTE } from '../time.ts';
import type { Evidence } from './evidence.ts';

export interface ConfirmPolicy {
  readonly confirmPolls: number;
  readonly confirmMinAgeMs: number;
  /** A silence longer than this breaks "consecutive". */
  readonly maxGapMs: number;
  /** A limit without a stated reset is believed for this long. */
  readonly unknownResetLockMs: number;
}

/** What is remembered of one pane between two polls. Plain data. */
export interface PaneMemory {
  /** A limit without a stated reset, seen but not yet confirmed. */
  readonly suspected: { readonly family: string; readonly since: EpochMs; readonly polls: number } | null;
  /** The limit text on the screen now: it anchors "stale" and tells a repaint from a new hit. */
  readonly banner: {
    readonly key: string;
    /** The key is that of a transcript row. */
    readonly isRow: boolean;
    readonly since: EpochMs;
    readonly turnAt: EpochMs | null;
    readonly turnSeen: boolean;
    /** As resolved at first sight: read again later, `3pm` would mean tomorrow. */
    readonly resetAt: EpochMs | null;
  } | null;
  readonly lastObservedAt: EpochMs | null;
  /** First poll of the running turn. */
  readonly busySince: EpochMs | null;
  /** Last poll without a limit text. */
  readonly lastClearAt: EpochMs | null;
  /** A wall of another class, and since when it stands there. */
  readonly other: {
    readonly class: OtherClass;
    readonly since: EpochMs;
    readonly polls: number;
    readonly turnAt: EpochMs | null;
  } | null;
}

/** The classes that never swap. */
export type OtherClass = 'throttle' | 'auth' | 'billing' | 'warning';

export const FRESH_PANE: PaneMemory = {
  suspected: null,
  banner: null,
  lastObservedAt: null,
  busySince: null,
  lastClearAt: null,
  other: null,
};

export interface Observation {
  readonly paneKey: string;
  readonly evidence: Evidence;
  readonly busy: boolean;
  readonly at: EpochMs;
}

export interface Hit {
  readonly family: string;
  readonly window: QuotaWindow;
  readonly resetAt: EpochMs | null;
  readonly text: string;
  /** Pane and transcript row; without one pane, family and text (the reset's words are in it). A repaint has the same one. */
  readonly fingerprint: string;
  readonly turnId: string | null;
  /** When its request was sent, as well as can be known: from the transcript, else from what the polls saw. Null: at first sight. */
  readonly turnAt: EpochMs | null;
  /** `turnAt` was seen: in the transcript, or because a poll saw the turn run. Else it is only the last poll without the text. */
  readonly turnSeen: boolean;
  readonly firstSeenAt: EpochMs;
  /** When it stops counting: its reset, else the end of the time for which a limit without one is believed. */
  readonly endsAt: EpochMs;
  /** It does not rest on the text of a screen alone. */
  readonly structured: boolean;
}

export type PaneDecision =
  | { readonly kind: 'clear'; readonly reason: string; readonly wasSuspected: boolean; readonly wasBanner: boolean }
  /** `lasting`: seen on as many polls, and for as long, as a limit without a reset would need. */
  | {
      readonly kind: 'other';
      readonly class: OtherClass;
      readonly lasting: boolean;
      /** As of a hit. */
      readonly turnAt: EpochMs | null;
      readonly reason: string;
    }
  | {
      readonly kind: 'suspected';
      readonly polls: number;
      readonly sinceMs: number;
      readonly hit: Hit;
      readonly reason: string;
    }
  | {
      readonly kind: 'confirmed';
      readonly how: 'structured' | 'agreed' | 'instant' | 'polls';
      readonly hit: Hit;
      readonly reason: string;
    }
  | { readonly kind: 'stale'; readonly hit: Hit; readonly reason: string };

export interface PaneStep {
  readonly memory: PaneMemory;
  readonly decision: PaneDecision;
}

/** Moves one pane one observed poll forward. A poll that did not observe the pane must not be fed in. */
export function stepPane(before: PaneMemory, seen: Observation, policy: ConfirmPolicy): PaneStep {
  const { evidence, at } = seen;
  const broken = before.lastObservedAt !== null && Math.abs(at - before.lastObservedAt) > policy.maxGapMs;
  const memory: PaneMemory = {
    ...before,
    suspected: broken ? null : before.suspected,
    lastObservedAt: at,
    busySince: seen.busy ? (before.busySince ?? at) : before.busySince,
  };

  if (evidence.class !== 'quota') {
    const next = {
      ...memory,
      suspected: null,
      banner: null,
      lastClearAt: at,
      busySince: seen.busy ? memory.busySince : null,
    };
    if (evidence.class !== 'none') {
      const running = !broken && before.other?.class === evidence.class ? before.other : null;
      const turnAt = evidence.turnAt ?? (running === null ? watchedTurnStart(memory, at) : running.turnAt);
      const other = { class: evidence.class, since: running?.since ?? at, polls: (running?.polls ?? 0) + 1, turnAt };
      const lasting = other.polls >= policy.confirmPolls && at - other.since >= policy.confirmMinAgeMs;
      return {
        memory: { ...next, other },
        decision: { kind: 'other', class: evidence.class, lasting, turnAt, reason: evidence.reason },
      };
    }
    return {
      memory: { ...next, other: null },
      decision: {
        kind: 'clear',
        reason: evidence.reason,
        wasSuspected: before.suspected !== null,
        wasBanner: before.banner !== null,
      },
    };
  }

  const key = fingerprint(seen, memory.banner);
  const sameBanner = memory.banner?.key === key ? memory.banner : null;
  const since = past(sameBanner?.since, at) ?? at;
  const turnAt = evidence.turnAt ?? sameBanner?.turnAt ?? watchedTurnStart(memory, at) ?? evidence.turnEndedAt;
  const turnSeen = evidence.turnAt !== null || (sameBanner?.turnSeen ?? memory.busySince !== null);
  const resetAt = sameBanner?.resetAt ?? evidence.resetAt;
  const hit: Hit = {
    family: evidence.family,
    window: evidence.window ?? 'unknown',
    resetAt,
    text: evidence.text,
    fingerprint: key,
    turnId: evidence.turnId,
    turnAt,
    turnSeen,
    firstSeenAt: since,
    endsAt: resetAt ?? (past(evidence.rowAt, at) ?? since) + policy.unknownResetLockMs,
    structured: evidence.structured,
  };
  const isRow = evidence.turnId !== null || sameBanner?.isRow === true;
  const banner = { key, isRow, since, turnAt, turnSeen, resetAt };
  const withBanner: PaneMemory = { ...memory, other: null, banner, busySince: null };

  const stale = staleReason(hit, at);
  if (stale !== null)
    return { memory: { ...withBanner, suspected: null }, decision: { kind: 'stale', hit, reason: stale } };

  if (hit.structured) {
    return {
      memory: { ...withBanner, suspected: null },
      decision: { kind: 'confirmed', how: evidence.agreed ? 'agreed' : 'structured', hit, reason: evidence.reason },
    };
  }
  if (hit.resetAt !== null && !needsProof(hit)) {
    const reason = 'the limit states a reset that lies ahead';
    return { memory: { ...withBanner, suspected: null }, decision: { kind: 'confirmed', how: 'instant', hit, reason } };
  }
  return confirmByPolls(withBanner, hit, at, policy);
}

function confirmByPolls(memory: PaneMemory, hit: Hit, at: EpochMs, policy: ConfirmPolicy): PaneStep {
  const running = memory.suspected?.family === hit.family ? memory.suspected : null;
  const suspected = { family: hit.family, since: running?.since ?? at, polls: (running?.polls ?? 0) + 1 };
  const next = { ...memory, suspected };
  const sinceMs = at - suspected.since;
  if (suspected.polls >= policy.confirmPolls && sinceMs >= policy.confirmMinAgeMs) {
    const reason = `seen on ${suspected.polls} consecutive polls over ${Math.round(sinceMs / 1000)} s`;
    return { memory: next, decision: { kind: 'confirmed', how: 'polls', hit, reason } };
  }
  const reason = `no usable reset time: poll ${suspected.polls} of ${policy.confirmPolls}, ${Math.round(sinceMs / 1000)} s of ${Math.round(policy.confirmMinAgeMs / 1000)} s`;
  return { memory: next, decision: { kind: 'suspected', polls: suspected.polls, sinceMs, hit, reason } };
}

const SESSION_BOUND_MS = 5 * HOUR + 15 * MINUTE;
const WEEKLY_BOUND_MS = 7 * DAY + HOUR;

/** Why a limit text no longer counts; null while it does. */
function staleReason(hit: Hit, at: EpochMs): string | null {
  if (hit.endsAt <= at) {
    if (hit.resetAt === null) return 'it states no reset and has stood there for too long to be believed';
    return hit.firstSeenAt < hit.resetAt ? 'its reset has passed while it stood there' : 'its reset lies in the past';
  }
  if (hit.window === '5h' && hit.turnId === null && hit.endsAt - hit.firstSeenAt > SESSION_BOUND_MS) {
    return 'a 5-hour limit cannot reset that late: it was printed before its reset';
  }
  return null;
}

function needsProof(hit: Hit): boolean {
  return hit.window === '7d' && hit.endsAt - hit.firstSeenAt > WEEKLY_BOUND_MS;
}

/**
 * Without a transcript: the running turn was first seen busy then; a rejection that came between two polls began after the
 * last poll without it. Null when the text was there at first sight.
 */
function watchedTurnStart(memory: PaneMemory, at: EpochMs): EpochMs | null {
  const startedAt = memory.busySince ?? memory.lastClearAt;
  return startedAt === null ? null : Math.min(startedAt, at);
}

/** Null for an instant that lies ahead: the clock was set back since, and it would hold for as long as that. */
function past(instant: EpochMs | null | undefined, at: EpochMs): EpochMs | null {
  return instant == null || instant > at + MINUTE ? null : instant;
}

/** Which hit this is. While its transcript cannot be read, the text that still stands there is the row's own. */
function fingerprint(seen: Observation, banner: PaneMemory['banner']): string {
  const { turnId, family, text } = seen.evidence;
  if (turnId !== null) return `${seen.paneKey}|${turnId}`;
  if (banner?.isRow === true) return banner.key;
  return `${seen.paneKey}|${family}|${text.toLowerCase()}`;
}
