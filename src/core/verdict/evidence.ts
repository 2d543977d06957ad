/** Gathers what the screen and the CLI's own files say of one pane into one body of evidence. */
import type { FindingClass, QuotaWindow } from '../agents/profile.ts';
import type { Finding, Reading } from '../screen/finding.ts';
import type { EpochMs } from '../time.ts';
import { MINUTE } from '../time.ts';
import type { PromptRow, SessionSignals, TranscriptTail } from './signals.ts';

/** `decisive` settles it alone; `supports` counts; `vetoes` overrules text; `informs` is kept for the record. */
export type VoteWeight = 'decisive' | 'supports' | 'vetoes' | 'informs';

/** One source's word, with what it rests on. */
export interface Vote {
  readonly source: 'screen' | 'transcript';
  readonly at: EpochMs;
  readonly says: FindingClass | 'answer' | 'error' | 'nothing';
  readonly weight: VoteWeight;
  /** Pattern id, or the kind of the row. */
  readonly rule: string;
  readonly text: string;
  /** Row id, where there is one. */
  readonly recordId: string | null;
}

/** What the pane says now. */
export interface Evidence {
  readonly class: FindingClass | 'none';
  readonly window: QuotaWindow | null;
  readonly resetAt: EpochMs | null;
  /** Id of the pattern or row kind that decided. */
  readonly family: string;
  readonly text: string;
  /** A structured row says so: no second poll is needed. */
  readonly structured: boolean;
  /** Id of the transcript row that says so, else null. */
  readonly turnId: string | null;
  /** When the request was sent that met the limit, if a transcript tells: its turn may have begun under another account. */
  readonly turnAt: EpochMs | null;
  /** When the row was written that says so, else null. */
  readonly rowAt: EpochMs | null;
  readonly votes: readonly Vote[];
  readonly reason: string;
}

/** How long a typed prompt may stand unanswered before it no longer counts as a running turn. */
const UNANSWERED_MS = 2 * MINUTE;

/**
 * The transcript outranks the screen: a rejection row decides alone, any other latest row overrules a text-only limit, and
 * without a readable transcript the screen decides alone, by polls.
 */
export function gatherEvidence(
  reading: Reading,
  signals: SessionSignals | null,
  screenAt: EpochMs,
  now: EpochMs,
): Evidence {
  const screen = reading.finding;
  const votes: Vote[] = screen === null ? [] : [screenVote(screen, screenAt)];
  const transcript = signals?.transcript ?? null;
  const row = transcript?.lastAssistant ?? null;
  if (row === null || transcript === null) return fromScreen(reading, votes);

  const running = runningTurn(transcript, row.at, reading, now);
  const weight =
    row.kind === 'rejected' && running === null ? 'decisive' : screen?.class === 'quota' ? 'vetoes' : 'informs';
  const says = row.kind === 'rejected' ? 'quota' : row.kind;
  votes.push({ source: 'transcript', at: row.at, says, weight, rule: row.kind, text: row.text, recordId: row.id });

  if (running !== null) return nothing(votes, running);
  if (row.kind === 'rejected') {
    const sameLimit = screen?.class === 'quota' ? screen : null;
    return {
      class: 'quota',
      window: row.window ?? sameLimit?.window ?? 'unknown',
      resetAt: row.resetAt ?? sameLimit?.reset?.at ?? null,
      family: sameLimit?.family ?? 'transcript-rejection',
      text: row.text,
      structured: true,
      turnId: row.id,
      turnAt: requestAt(transcript, row.at),
      rowAt: row.at,
      votes,
      reason: 'the transcript holds a rejection by quota as its latest row',
    };
  }
  if (screen?.class === 'quota') {
    return nothing(
      votes,
      `the transcript's latest row is ${row.kind === 'answer' ? 'a normal answer' : `of class ${row.kind}`}, not a rejection`,
    );
  }
  const plain = fromScreen(reading, votes);
  return row.kind === plain.class ? { ...plain, turnAt: requestAt(transcript, row.at) } : plain;
}

function fromScreen(reading: Reading, votes: readonly Vote[]): Evidence {
  const finding = reading.finding;
  if (finding === null) return nothing(votes, reading.reason);
  return {
    class: finding.class,
    window: finding.window,
    resetAt: finding.reset?.at ?? null,
    family: finding.family,
    text: finding.text,
    structured: false,
    turnId: null,
    turnAt: null,
    rowAt: null,
    votes,
    reason: reading.reason,
  };
}

function screenVote(finding: Finding, at: EpochMs): Vote {
  return {
    source: 'screen',
    at,
    says: finding.class,
    weight: 'supports',
    rule: finding.family,
    text: finding.text,
    recordId: null,
  };
}

function nothing(votes: readonly Vote[], reason: string): Evidence {
  return {
    class: 'none',
    window: null,
    resetAt: null,
    family: 'none',
    text: '',
    structured: false,
    turnId: null,
    turnAt: null,
    rowAt: null,
    votes,
    reason,
  };
}

/** Why the latest row does not describe the present: a turn that began after it is still running. */
function runningTurn(transcript: TranscriptTail, rowAt: EpochMs, reading: Reading, now: EpochMs): string | null {
  if (reading.busy) return 'a turn is running';
  const newest = transcript.prompts.findLast(startsTurn);
  // The rejected prompt's own row can be written after the rejection, but carries an earlier time.
  if (newest === undefined || newest.at <= rowAt || reading.finding !== null) return null;
  return Math.abs(now - newest.at) < UNANSWERED_MS ? 'a newer prompt awaits its answer' : null;
}

/** Commands that the CLI carries out itself, such as its limit menu, are written as prompts too, but nothing answers them. */
export function startsTurn(prompt: PromptRow): boolean {
  return !/^\s*[</]/.test(prompt.text);
}

/** A hot CLI follows the link at each request, so the request tells the account, not the prompt that began the turn. */
function requestAt(transcript: TranscriptTail, rowAt: EpochMs): EpochMs {
  return transcript.requestAt ?? transcript.prompts.findLast((candidate) => candidate.at <= rowAt)?.at ?? rowAt;
}
