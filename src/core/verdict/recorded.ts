/** Evidence as it is written down, and the detector run again on what was written down. */
import type { AgentKind, FindingClass, QuotaWindow } from '../agents/profile.ts';
import type { JsonObject } from '../json.ts';
import { fieldsOf } from '../json.ts';
import { redact, snippet } from '../redact.ts';
import type { Reading } from '../screen/finding.ts';
import type { EpochMs } from '../time.ts';
import { toIso } from '../time.ts';
import type { Evidence } from './evidence.ts';
import { judgeClaims } from './evidence.ts';
import type { PaneFinding } from './pane-finding.ts';
import type { Claim } from './votes.ts';
import { screenClaim } from './votes.ts';

/** More than any terminal shows. */
export const MAX_SCREEN = 32_768;

/** The screen as it may be stored: masked, and of an endless one the newest part. */
export function storedScreen(text: string): string {
  return redact(text).slice(-MAX_SCREEN);
}

/** All that the verdict on one pane rests on. @param zone IANA name, in which the screen's times were read */
export function recordEvidence(finding: PaneFinding, zone: string, maxWords: number): JsonObject {
  const { evidence, reading, process, signals } = finding;
  return {
    judged_at: toIso(finding.at),
    read_at: toIso(finding.readAt),
    zone,
    agent: process.agent,
    busy: reading.busy,
    switched_at: toIso(finding.switchedAt),
    verdict: verdictOf(evidence),
    votes: evidence.votes.map((vote) => ({
      ...vote,
      at: toIso(vote.at),
      since: toIso(vote.since),
      resetAt: toIso(vote.resetAt),
      turnAt: toIso(vote.turnAt),
      text: snippet(vote.text, maxWords),
    })),
    passedOver: reading.vetoes.map((veto) => ({ ...veto, text: snippet(veto.text, maxWords) })),
    sessionId: signals?.sessionId ?? null,
    version: signals?.version ?? null,
  };
}

/** What a replay compares. */
export interface Verdict {
  readonly class: string;
  readonly window: string | null;
  readonly resetAt: string | null;
  /** Whether it needs no second poll. */
  readonly structured: boolean;
  readonly family: string;
}

export type Replay =
  | { readonly kind: 'impossible'; readonly reason: string }
  | {
      readonly kind: 'replayed';
      readonly same: boolean;
      readonly was: Verdict;
      readonly is: Verdict;
      readonly judgedAt: EpochMs;
      readonly evidence: Evidence;
      readonly reading: Reading;
    };

export interface ReplayContext {
  readonly now: EpochMs;
  readonly zone: string;
  readonly agent: AgentKind;
}

/**
 * Reads the recorded screen anew, puts it beside the recorded words of the other sources and judges as of that time.
 *
 * @param record  as `recordEvidence` made it; of any shape, as it comes from a file
 */
export function replayEvidence(
  record: JsonObject,
  screen: string | null,
  read: (screen: string, context: ReplayContext) => Reading,
): Replay {
  const was = recordedVerdict(record.verdict);
  const [judgedAt, readAt] = [instant(record.judged_at), instant(record.read_at)];
  const zone = typeof record.zone === 'string' ? record.zone : null;
  const agent = agentOf(record.agent);
  if (screen === null) return { kind: 'impossible', reason: 'no screen was recorded with it' };
  if (was === null || judgedAt === null || zone === null || agent === null)
    return { kind: 'impossible', reason: 'it was recorded before evidence was kept for a replay' };
  const reading = read(screen, { now: readAt ?? judgedAt, zone, agent });
  const recorded = Array.isArray(record.votes) ? record.votes.flatMap(claimOf) : [];
  const before = recorded.find(({ kind }) => kind === 'screen');
  const session = typeof record.sessionId === 'string' ? record.sessionId : null;
  const seen = reading.finding === null ? [] : [screenClaim(reading.finding, session, before?.at ?? judgedAt)];
  const evidence = judgeClaims([...recorded.filter(({ kind }) => kind !== 'screen'), ...seen], {
    now: judgedAt,
    busy: reading.busy,
    switchedAt: instant(record.switched_at),
    screenReason: reading.reason,
  });
  const is = verdictOf(evidence);
  const same =
    was.class === is.class &&
    was.window === is.window &&
    was.resetAt === is.resetAt &&
    was.structured === is.structured;
  return { kind: 'replayed', same, was, is, judgedAt, evidence, reading };
}

function verdictOf({ class: kind, window, resetAt, structured, family }: Evidence): Verdict {
  return { class: kind, window, resetAt: toIso(resetAt), structured, family };
}

function recordedVerdict(value: unknown): Verdict | null {
  const fields = fieldsOf(value);
  const kind = text(fields.class);
  if (kind === null) return null;
  return {
    class: kind,
    window: text(fields.window),
    resetAt: text(fields.resetAt),
    structured: fields.structured === true,
    family: text(fields.family) ?? 'none',
  };
}

const KINDS: readonly string[] = ['screen', 'row', 'prompt', 'hook', 'figure'] satisfies readonly Claim['kind'][];

function claimOf(value: unknown): Claim[] {
  const fields = fieldsOf(value);
  const at = instant(fields.at);
  const [kind, source, says] = [text(fields.kind), text(fields.source), text(fields.says)];
  if (at === null || kind === null || source === null || says === null || !KINDS.includes(kind)) return [];
  return [
    {
      kind: kind as Claim['kind'],
      source: source as Claim['source'],
      at,
      since: instant(fields.since) ?? at,
      says: says as FindingClass,
      window: text(fields.window) as QuotaWindow | null,
      resetAt: instant(fields.resetAt),
      turnAt: instant(fields.turnAt),
      session: text(fields.session),
      isGuess: fields.isGuess === true,
      rule: text(fields.rule) ?? '',
      text: text(fields.text) ?? '',
      recordId: text(fields.recordId),
    },
  ];
}

const AGENTS: Readonly<Record<AgentKind, true>> = { claude: true, codex: true, gemini: true, opencode: true };

function agentOf(value: unknown): AgentKind | null {
  return typeof value === 'string' && Object.hasOwn(AGENTS, value) ? (value as AgentKind) : null;
}

function instant(value: unknown): EpochMs | null {
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
