/** The record of a swap or a pane as the API gives it out: no screen unless asked for, no command line, no typed text. */
import type { JournalEvent } from './events.ts';
import type { PassedOver } from './quota/selection.ts';
import { snippet } from './redact.ts';
import type { Incident, RecoveryRow, SwapRow } from './swap/swap.ts';
import { toIso } from './time.ts';
import type { PaneFinding } from './verdict/pane-finding.ts';

/** Everything the store holds of one swap. */
export interface SwapFacts {
  readonly swap: SwapRow;
  readonly incident: Incident | null;
  readonly recoveries: readonly RecoveryRow[];
  readonly events: readonly JournalEvent[];
}

/** What is known of one pane. */
export interface PaneFacts {
  readonly finding: PaneFinding;
  readonly events: readonly JournalEvent[];
  readonly recoveries: readonly RecoveryRow[];
}

export interface ViewOptions {
  /** Whether the masked screen goes with it. */
  readonly screen: boolean;
}

/** Text of a pane in a list. */
export const MAX_WORDS = 400;
/** A whole screen: more than any terminal shows. */
const MAX_SCREEN = 32_768;

export function swapRecordView(record: SwapFacts, options: ViewOptions): Readonly<Record<string, unknown>> {
  const { incident } = record;
  return {
    kind: 'swap',
    swap: swapView(record.swap),
    incident:
      incident === null
        ? null
        : {
            id: incident.id,
            at: toIso(incident.at),
            evidence: incident.evidence.map(shortened),
            decision: shortened(incident.decision),
            steps: incident.steps.map((step) => ({
              at: toIso(step.at),
              step: step.step,
              duration_ms: step.durationMs,
              detail: shortened(step.detail),
            })),
            result: incident.result === null ? null : shortened(incident.result),
            ...(options.screen ? { screen: screenOf(incident.screen) } : {}),
          },
    panes: record.recoveries.map(recoveryView),
    events: record.events.map(eventView),
  };
}

export function paneRecordView(record: PaneFacts, options: ViewOptions): Readonly<Record<string, unknown>> {
  const { finding } = record;
  const { view, reading, evidence, decision } = finding;
  return {
    kind: 'pane',
    pane: view.label,
    pane_id: view.identity.paneId,
    server: view.identity.server,
    session: view.sessionName,
    at: toIso(finding.at),
    agent: finding.process.agent,
    version: finding.signals?.version ?? null,
    session_id: finding.signals?.sessionId ?? null,
    skipped: finding.signals?.skipped ?? {},
    pool: finding.pool,
    read_at: toIso(finding.readAt),
    not_switchable: finding.notSwitchable?.reason ?? null,
    launched_under: finding.launchedUnder,
    reading: {
      busy: reading.busy,
      dialog: reading.dialog?.kind ?? null,
      class: reading.finding?.class ?? null,
      pattern: reading.finding?.family ?? null,
      window: reading.finding?.window ?? null,
      text: reading.finding === null ? null : snippet(reading.finding.text, MAX_WORDS),
      reset_at: toIso(reading.finding?.reset?.at ?? null),
      reset_text: reading.finding?.reset == null ? null : snippet(reading.finding.reset.raw, MAX_WORDS),
      reason: snippet(reading.reason, MAX_WORDS),
      put_aside: reading.vetoes.map((veto) => ({
        pattern: veto.family,
        text: snippet(veto.text, MAX_WORDS),
        reason: veto.reason,
      })),
    },
    evidence: {
      class: evidence.class,
      window: evidence.window,
      reset_at: toIso(evidence.resetAt),
      pattern: evidence.family,
      structured: evidence.structured,
      conflict: evidence.conflict,
      reason: snippet(evidence.reason, MAX_WORDS),
      votes: evidence.votes.map((vote) => ({
        source: vote.source,
        at: toIso(vote.at),
        account: vote.account,
        session_id: vote.session,
        says: vote.says,
        weight: vote.weight,
        note: vote.note,
        rule: vote.rule,
        text: snippet(vote.text, MAX_WORDS),
        record_id: vote.recordId,
      })),
    },
    decision: { kind: decision.kind, reason: snippet(decision.reason, MAX_WORDS) },
    charge: finding.charge,
    consumed_by: finding.consumedBy,
    panes: record.recoveries.map(recoveryView),
    events: record.events.map(eventView),
    ...(options.screen ? { screen: screenOf(view.screen?.text ?? null) } : {}),
  };
}

export interface SwapView {
  readonly id: string;
  readonly pool: string;
  readonly from: string;
  readonly to: string;
  readonly trigger: string;
  readonly trigger_pane: string | null;
  readonly reason: string;
  readonly reset_at: string | null;
  readonly phase: string;
  readonly requested_at: string | null;
  readonly started_at: string | null;
  readonly flipped_at: string | null;
  readonly finished_at: string | null;
  readonly error: string | null;
}

export function swapView(swap: SwapRow): SwapView {
  return {
    id: swap.id,
    pool: swap.pool,
    from: swap.from,
    to: swap.to,
    trigger: swap.trigger,
    trigger_pane: swap.triggerPane,
    reason: snippet(swap.reason, MAX_WORDS),
    reset_at: toIso(swap.resetAt),
    phase: swap.phase,
    requested_at: toIso(swap.requestedAt),
    started_at: toIso(swap.startedAt),
    flipped_at: toIso(swap.flippedAt),
    finished_at: toIso(swap.finishedAt),
    error: swap.error === null ? null : snippet(swap.error, MAX_WORDS),
  };
}

export interface EventView {
  readonly id: number;
  readonly at: string | null;
  readonly type: string;
  readonly severity: string;
  readonly pool: string | null;
  readonly account: string | null;
  readonly session: string | null;
  readonly pane: string | null;
  readonly swap: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

export function eventView(event: JournalEvent): EventView {
  const { id, type, severity, pool, account, session, pane, swap } = event;
  // A screen and its evidence are shown by `incidents show`, not in a list.
  const { screen: _screen, evidence: _evidence, ...data } = event.data;
  return { id, at: toIso(event.at), type, severity, pool, account, session, pane, swap, data: shortened(data) };
}

export interface PassedOverView {
  readonly account: string;
  readonly reasons: readonly { readonly code: string; readonly detail: string; readonly until: string | null }[];
}

export function passedOverView(passedOver: readonly PassedOver[]): readonly PassedOverView[] {
  return passedOver.map(({ account, reasons }) => ({
    account,
    reasons: reasons.map(({ code, detail, until }) => ({ code, detail, until: toIso(until) })),
  }));
}

export interface RecoveryView {
  readonly pane: string;
  readonly swap: string;
  readonly state: string;
  readonly recovered_by: string | null;
  readonly reason: string | null;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly after_ms: number | null;
}

function recoveryView(row: RecoveryRow): RecoveryView {
  return {
    pane: row.label,
    swap: row.swapId,
    state: row.state,
    recovered_by: row.recoveredBy,
    reason: row.reason === null ? null : snippet(row.reason, MAX_WORDS),
    started_at: toIso(row.startedAt),
    finished_at: toIso(row.finishedAt),
    after_ms: row.finishedAt === null ? null : row.finishedAt - row.startedAt,
  };
}

function screenOf(text: string | null): string | null {
  return text === null ? null : snippet(text, MAX_SCREEN);
}

/** Free-form facts with every text cut to a line's length and masked. */
export function shortened(facts: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(facts).map(([key, value]) => [key, short(value, 0)]));
}

/** Our own facts are never nested deeper. */
const MAX_DEPTH = 8;

function short(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return snippet(value, MAX_WORDS);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return null;
  if (Array.isArray(value)) return value.map((part) => short(part, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, short(part, depth + 1)]));
}
