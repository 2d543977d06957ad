/** The story of a swap in its parts, every word from the record: `why`, `incidents show` and the page of a swap lay it out. */
import type { Phrase } from './phrase.ts';
import { joined } from './phrase.ts';
import { plain, text } from './plain.ts';
import { windowName } from './quota/window-name.ts';
import type { SwapFacts } from './record-view.ts';
import type { RecoveryRow, SwapRow } from './swap/swap.ts';
import type { EpochMs } from './time.ts';
import { formatDuration, isInstant } from './time.ts';

/** A name and what is said of it. */
export interface Entry {
  readonly name: string;
  readonly words: Phrase;
}

/** What one pane's verdict rests on. */
export interface EvidenceStory {
  /** The pane, and who is charged. */
  readonly pane: Entry;
  /** Each source by name, what was put aside, and the rule that decided. */
  readonly votes: readonly Entry[];
}

export interface StepStory {
  /** After the start of the swap. */
  readonly afterMs: number;
  readonly step: string;
  /** Empty: not known. */
  readonly took: string;
  readonly detail: string;
}

export interface SwapStory {
  readonly headline: string;
  readonly facts: readonly Entry[];
  readonly evidence: readonly EvidenceStory[];
  /** Why there is none; null: there is. */
  readonly noEvidence: string | null;
  /** Null: not recorded. */
  readonly decision: { readonly chosen: Entry; readonly passedOver: readonly Entry[] } | null;
  readonly steps: readonly StepStory[];
  readonly panes: readonly Entry[];
  /** Why there is none; null: there is. */
  readonly noPanes: string | null;
}

export function swapStory({ swap, incident, recoveries }: SwapFacts, now: EpochMs): SwapStory {
  const isMoved = swap.flippedAt !== null;
  return {
    headline: headline(swap, now),
    facts: facts(swap),
    evidence: (incident?.evidence ?? []).map(evidenceStory),
    noEvidence: noEvidence(swap, incident),
    decision: incident === null ? null : decisionStory(incident.decision),
    steps: (incident?.steps ?? []).map((step) => ({
      afterMs: Math.max(0, step.at - swap.startedAt),
      step: step.step,
      took: step.durationMs === null ? '' : formatDuration(step.durationMs),
      detail: detailOf(step.detail),
    })),
    panes: recoveries.map((row) => ({ name: row.label, words: [recoveryWords(row, now)] })),
    noPanes: recoveries.length > 0 ? null : isMoved ? 'none had to be brought back' : 'none was touched',
  };
}

/** From a record of any shape. */
export function evidenceStory(item: Readonly<Record<string, unknown>>): EvidenceStory {
  const charged = text(item.charged) === '' ? '' : ` (${text(item.charged)})`;
  const account = text(item.account) === '' ? 'charged to nobody' : `charged to ${text(item.account)}${charged}`;
  const window = text(item.window) === '' ? '' : `, ${windowName(text(item.window))} limit`;
  const rule = `${text(item.pattern)}${window}: ${text(item.decision)}, ${text(item.reason)}`;
  return {
    pane: { name: text(item.pane) || 'a pane', words: [account] },
    votes: [
      ...list(item.votes).map(voteEntry),
      ...list(item.passedOver).map(putAside),
      ...(text(item.pattern) === '' ? [] : [{ name: 'rule', words: [rule] }]),
    ],
  };
}

export function voteEntry(vote: Readonly<Record<string, unknown>>): Entry {
  const at = typeof vote.at === 'number' ? vote.at : typeof vote.at === 'string' ? Date.parse(vote.at) : Number.NaN;
  const account = text(vote.account) === '' ? '' : ` under ${text(vote.account)}`;
  const said = text(vote.text) === '' ? '' : `: "${text(vote.text)}"`;
  const note = text(vote.note) === '' ? '' : ` - ${text(vote.note)}`;
  const says = `${text(vote.weight)}: ${text(vote.says)} (${text(vote.rule)})`;
  const when: Phrase = isInstant(at) ? [' at ', { at, as: 'stamp' }] : [];
  return { name: text(vote.source), words: [says, ...when, `${account}${said}${note}`] };
}

export function putAside(veto: Readonly<Record<string, unknown>>): Entry {
  return { name: 'put aside', words: [`${text(veto.family)}: "${text(veto.text)}" - ${text(veto.reason)}`] };
}

export function recoveryWords(row: RecoveryRow, now: EpochMs): string {
  const after = formatDuration((row.finishedAt ?? now) - row.startedAt);
  const why = row.reason === null ? '' : `: ${row.reason}`;
  if (row.state === 'recovered') return `recovered by ${RECOVERED_BY[row.recoveredBy ?? 'self']} after ${after}${why}`;
  if (row.state === 'handed_over') return `left to you after ${after}${why}`;
  if (row.state === 'gone') return `gone after ${after}${why}`;
  return `${row.state} since ${after}${why}`;
}

const RECOVERED_BY = { hot: 'a prompt (hot)', restart: 'a restart', self: 'itself' } as const;

function headline(swap: SwapRow, now: EpochMs): string {
  const what =
    swap.trigger === 'reset'
      ? `pool ${swap.pool}: resume on ${swap.to}`
      : `pool ${swap.pool}: ${swap.from} -> ${swap.to}`;
  const tookMs = (swap.finishedAt ?? now) - swap.startedAt;
  const how =
    swap.finishedAt === null
      ? `${swap.phase} since ${formatDuration(tookMs)}`
      : `${swap.phase} in ${formatDuration(tookMs)}`;
  return plain(`${what}, ${how}`);
}

function facts(swap: SwapRow): readonly Entry[] {
  const { resetAt, startedAt, flippedAt, error } = swap;
  const after = flippedAt === null ? '' : ` (after ${formatDuration(flippedAt - startedAt)}) to ${swap.to}`;
  return [
    { name: 'asked for', words: [{ at: swap.requestedAt, as: 'stamp' }, ` by ${askedBy(swap)}`] },
    { name: 'reason', words: [swap.reason] },
    ...(resetAt === null ? [] : [{ name: 'limit resets', words: [{ at: resetAt, as: 'ahead' } as const] }]),
    {
      name: 'started',
      words: [{ at: startedAt, as: 'stamp' }, ...(flippedAt === null ? [', the link was not moved'] : [])],
    },
    ...(flippedAt === null ? [] : [{ name: 'link moved', words: [{ at: flippedAt, as: 'stamp' } as const, after] }]),
    ...(error === null ? [] : [{ name: 'error', words: [error] }]),
  ];
}

function noEvidence(swap: SwapRow, incident: SwapFacts['incident']): string | null {
  if (incident === null) return 'the record of this swap has no evidence';
  if (incident.evidence.length > 0) return null;
  return swap.trigger === 'manual' ? 'none: it was asked for by hand' : 'none: no limit asked for it';
}

function askedBy(swap: SwapRow): string {
  if (swap.trigger === 'manual') return 'hand';
  if (swap.trigger === 'reset') return "the reset of the active account's own limit";
  if (swap.trigger === 'threshold') return `the threshold of ${swap.from}: ${swap.reason}`;
  if (swap.trigger === 'down') return `the refused login of ${swap.from}: ${swap.reason}`;
  if (swap.trigger === 'known_limit') return `a limit of ${swap.from} that no pane shows: ${swap.reason}`;
  if (swap.trigger === 'return') return `the way home to ${swap.to}`;
  return `the limit that pane ${swap.triggerPane ?? '(unknown)'} met`;
}

function decisionStory(decision: Readonly<Record<string, unknown>>): NonNullable<SwapStory['decision']> {
  return {
    chosen: { name: text(decision.to) || 'nobody', words: [text(decision.why) || 'no reason recorded'] },
    passedOver: list(decision.passedOver).map((candidate) => {
      const reasons = list(candidate.reasons).map((reason): Phrase => {
        const { until } = reason;
        const end: Phrase =
          typeof until === 'number' && isInstant(until) ? [', until ', { at: until, as: 'stamp' }] : [];
        return [text(reason.detail) || text(reason.code), ...end];
      });
      return {
        name: text(candidate.account),
        words: reasons.length === 0 ? ['no reason recorded'] : joined(reasons, '; '),
      };
    }),
  };
}

function detailOf(detail: Readonly<Record<string, unknown>>): string {
  const simple = Object.entries(detail).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value));
  return simple.map(([key, value]) => `${inWords(key)} ${text(value)}`).join(', ');
}

/** @example inWords('handedOver') // 'handed over' */
function inWords(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function list(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'object' && item !== null) : [];
}
