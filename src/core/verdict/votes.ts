/** What each source says of one pane, as claims that nobody has weighed yet, and as votes once somebody has. */
import type { FindingClass, QuotaWindow } from '../agents/profile.ts';
import { compareVersions } from '../agents/profile.ts';
import { detect } from '../screen/detect.ts';
import type { Finding, Reading } from '../screen/finding.ts';
import type { EpochMs } from '../time.ts';
import { unansweredPrompt } from './prompts.ts';
import type { HookRecord, QuotaFigure, SessionSignals, TranscriptTail } from './signals.ts';

/** `decisive` settles it alone; `supports` counts; `vetoes` overrules text; `informs` is kept for the record. */
export type VoteWeight = 'decisive' | 'supports' | 'vetoes' | 'informs';

export type VoteSource = 'screen' | 'transcript' | 'rollout' | 'hook' | 'statusline';

/** One source's word, with what it rests on. */
export interface Claim {
  /** `row`: the newest row of the assistant. `prompt`: a newer prompt. `figure`: how much of a window is used. */
  readonly kind: 'screen' | 'row' | 'prompt' | 'hook' | 'figure';
  readonly source: VoteSource;
  readonly at: EpochMs;
  /** Since when it is so; `at` unless the source says more. */
  readonly since: EpochMs;
  /** `turn`: a turn began. `nothing`: it says nothing for a limit. */
  readonly says: FindingClass | 'answer' | 'error' | 'turn' | 'nothing';
  readonly window: QuotaWindow | null;
  readonly resetAt: EpochMs | null;
  /** When the request was sent of which it speaks, if the source tells. */
  readonly turnAt: EpochMs | null;
  /** The CLI's session id. */
  readonly session: string | null;
  /** It may belong to another agent in the same directory: then it counts only where the screen says the same. */
  readonly isGuess: boolean;
  /** Pattern id, or the kind of the row. */
  readonly rule: string;
  readonly text: string;
  /** Id of the row or record, where there is one. */
  readonly recordId: string | null;
}

/** A claim, weighed. */
export interface Vote extends Claim {
  readonly weight: VoteWeight;
  /** Why it weighs that; empty where the weight says it all. */
  readonly note: string;
  /** The account under which its turn ran; null: not charged, or not known. */
  readonly account: string | null;
}

/** Everything that screen, files and records say of the pane. @param screenAt when the screen was captured */
export function collectClaims(
  reading: Reading,
  signals: SessionSignals | null,
  screenAt: EpochMs,
  now: EpochMs,
): readonly Claim[] {
  const session = signals?.sessionId ?? null;
  const claims: Claim[] = reading.finding === null ? [] : [screenClaim(reading.finding, session, screenAt)];
  if (signals === null) return claims;
  if (signals.transcript !== null) claims.push(...tailClaims(signals.transcript, 'transcript', signals.isGuess));
  if (signals.rollout != null) claims.push(...tailClaims(signals.rollout, 'rollout', signals.isGuess));
  if (signals.hook != null) claims.push({ ...hookClaim(signals.hook, signals.version, now), isGuess: signals.isGuess });
  for (const figure of signals.figures ?? [])
    claims.push({ ...figureClaim(figure, session), isGuess: signals.isGuess });
  return claims;
}

/** What a screen says, as a claim. */
export function screenClaim(finding: Finding, session: string | null, at: EpochMs): Claim {
  const { window, reset, family, text } = finding;
  const resetAt = reset?.at ?? null;
  return {
    ...BLANK,
    kind: 'screen',
    source: 'screen',
    at,
    since: at,
    says: finding.class,
    window,
    resetAt,
    session,
    rule: family,
    text,
  };
}

const BLANK = { window: null, resetAt: null, turnAt: null, session: null, isGuess: false, recordId: null } as const;

function tailClaims(tail: TranscriptTail, source: 'transcript' | 'rollout', isGuess: boolean): readonly Claim[] {
  const row = tail.lastAssistant;
  const common = { ...BLANK, source, session: tail.sessionId, isGuess };
  const unanswered = unansweredPrompt(tail);
  const claims: Claim[] = [];
  if (row !== null) {
    const says = row.kind === 'rejected' ? 'quota' : row.kind;
    const { window, resetAt, text } = row;
    const turnAt = requestAt(tail, row.at);
    const stands = { at: row.at, since: row.at, rule: row.kind, text, recordId: row.id };
    claims.push({ ...common, ...stands, kind: 'row', says, window, resetAt, turnAt });
  }
  if (unanswered !== null) {
    const { at, text, id } = unanswered;
    claims.push({
      ...common,
      kind: 'prompt',
      at,
      since: at,
      says: 'turn',
      turnAt: at,
      rule: 'prompt',
      text,
      recordId: id,
    });
  }
  return claims;
}

/** A hot CLI follows the link at each request, so the request tells the account, not the prompt that began the turn. */
function requestAt(tail: TranscriptTail, rowAt: EpochMs): EpochMs {
  return tail.requestAt ?? tail.prompts.findLast((candidate) => candidate.at <= rowAt)?.at ?? rowAt;
}

/** From this version on Claude Code fires StopFailure instead of Stop when a turn fails. */
const STOP_MEANS_WELL_SINCE = '2.1.78';

function hookClaim(hook: HookRecord, version: string | null, now: EpochMs): Claim {
  const { at, text, details, id, sessionId: session } = hook;
  const common = { ...BLANK, kind: 'hook', source: 'hook', at, since: at, session, recordId: id } as const;
  const words = text ?? details ?? '';
  if (hook.event === 'UserPromptSubmit') return { ...common, says: 'turn', turnAt: at, rule: hook.event, text: words };
  if (hook.event === 'Stop') {
    const isSure = version !== null && compareVersions(version, STOP_MEANS_WELL_SINCE) >= 0;
    return { ...common, says: isSure ? 'answer' : 'nothing', rule: hook.event, text: words };
  }
  const says = classOfFailure(hook.error ?? 'unknown', words, now);
  return { ...common, says, rule: `${hook.event} ${hook.error ?? 'unknown'}`, text: words };
}

/** The documented values of StopFailure's `error` whose class they name by themselves. */
const FAILURES: Readonly<Record<string, Claim['says']>> = {
  authentication_failed: 'auth',
  oauth_org_not_allowed: 'auth',
  account_on_hold: 'auth',
  verification_required: 'auth',
  cloud_credential_error: 'auth',
  billing_error: 'billing',
  overloaded: 'throttle',
  server_error: 'throttle',
};

/** `rate_limit` is sent for a transient 429 too: the words tell them apart where they can. */
function classOfFailure(error: string, words: string, now: EpochMs): Claim['says'] {
  if (error !== 'rate_limit') return (Object.hasOwn(FAILURES, error) ? FAILURES[error] : undefined) ?? 'error';
  const found = detect(`  ⎿  ${words.replace(/\s+/g, ' ')}\n`, { agent: 'claude', now, zone: 'UTC' }).class;
  return found === 'none' || found === 'warning' ? 'quota' : found;
}

function figureClaim(figure: QuotaFigure, session: string | null): Claim {
  const { at, since, window, resetAt, source, usedPercent } = figure;
  const says = usedPercent >= 100 ? 'quota' : 'nothing';
  const text = `${Math.round(usedPercent * 10) / 10} % of the ${window} window is used`;
  return { ...BLANK, kind: 'figure', source, at, since, says, window, resetAt, session, rule: 'figure', text };
}
