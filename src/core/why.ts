/** Explains to a person why a swap happened or what is thought of a pane: every word from the record, nothing guessed. */

import type { JournalEvent } from './events.ts';
import type { PaneFacts, SwapFacts } from './record-view.ts';
import { MAX_WORDS } from './record-view.ts';
import { snippet } from './redact.ts';
import { describeEvent } from './status.ts';
import type { RecoveryRow, SwapRow } from './swap/swap.ts';
import type { EpochMs } from './time.ts';
import { formatDuration } from './time.ts';
import { wallStamp, wallTimeAhead } from './wall-time.ts';
import { wrapped } from './wrapped.ts';

const WIDTH = 96;
const MAX_EVENTS = 10;
/** Of a whole entry, and of each text from outside in it. */
const MAX_LINE = 1_000;

/** @param zone IANA name in which times are written */
export function explainSwap(record: SwapFacts, now: EpochMs, zone = 'UTC'): string {
  const { swap, incident, recoveries } = record;
  const lines = [`Swap ${swap.id}`, `  ${headline(swap, now)}`, ''];
  const started = wallStamp(swap.startedAt, zone);
  lines.push(...fact('asked for', `${wallStamp(swap.requestedAt, zone)} by ${askedBy(swap)}`));
  lines.push(...fact('reason', swap.reason));
  if (swap.resetAt !== null) lines.push(...fact('limit resets', wallTimeAhead(swap.resetAt, now, zone)));
  lines.push(...fact('started', swap.flippedAt === null ? `${started}, the link was not moved` : started));
  if (swap.flippedAt !== null) {
    const after = formatDuration(swap.flippedAt - swap.startedAt);
    lines.push(...fact('link moved', `${wallStamp(swap.flippedAt, zone)} (after ${after}) to ${swap.to}`));
  }
  if (swap.error !== null) lines.push(...fact('error', swap.error));

  lines.push('', 'Evidence');
  if (incident === null) lines.push('  the record of this swap has no evidence');
  else if (incident.evidence.length === 0)
    lines.push(swap.trigger === 'manual' ? '  none: it was asked for by hand' : '  none: no limit asked for it');
  else for (const item of incident.evidence) lines.push(...explainEvidence(item, zone));

  lines.push('', 'Decision');
  if (incident === null) lines.push('  not recorded');
  else lines.push(...explainDecision(incident.decision, zone));

  lines.push('', 'Steps');
  const steps = incident?.steps ?? [];
  if (steps.length === 0) lines.push('  none recorded');
  for (const step of steps) {
    const took = step.durationMs === null ? '' : `took ${formatDuration(step.durationMs)}`;
    const words = [took, detailOf(step.detail)].filter((part) => part !== '').join(', ');
    lines.push(...hanging(`${seconds(step.at - swap.startedAt)}  ${plain(step.step).padEnd(13)} `, words));
  }

  lines.push('', 'Panes');
  if (recoveries.length === 0)
    lines.push(swap.flippedAt === null ? '  none was touched' : '  none had to be brought back');
  for (const row of recoveries) lines.push(...hanging(`  ${plain(row.label).padEnd(16)} `, explainRecovery(row, now)));
  return finish(lines);
}

/** @param zone IANA name in which times are written */
export function explainPane(record: PaneFacts, now: EpochMs, zone = 'UTC'): string {
  const { finding, recoveries, events } = record;
  const { view, process, reading, evidence, decision, signals } = finding;
  const version = signals?.version ?? null;
  const lines = [`Pane ${plain(view.label)} (${view.identity.paneId}, session ${plain(view.sessionName)})`];
  lines.push(...hanging('  ', `${DECISION_WORDS[decision.kind]}: ${decision.reason}`), '');
  lines.push(
    ...fact('looked at', `${wallStamp(finding.at, zone)} (${formatDuration(Math.max(0, now - finding.at))} ago)`),
  );
  lines.push(
    ...fact('agent', `${process.agent}${version === null ? ', version unknown' : ` ${version}`}, pid ${process.pid}`),
  );
  lines.push(...fact('pool', finding.pool ?? 'none: it follows no configured link'));
  lines.push(...fact('started under', finding.launchedUnder ?? 'not known'));
  if (finding.notSwitchable !== null) lines.push(...fact('cannot move', finding.notSwitchable.reason));
  if (finding.charge !== null) lines.push(...fact('charged to', `${finding.charge.account}: ${finding.charge.reason}`));
  if (finding.consumedBy !== null) lines.push(...fact('used up by', `swap ${finding.consumedBy}`));

  lines.push('', 'Screen');
  lines.push(...fact('turn', reading.busy ? 'running' : 'not running'));
  if (reading.dialog !== null) lines.push(...fact('dialog', reading.dialog.kind));
  lines.push(...fact('reading', reading.reason));
  for (const veto of reading.vetoes)
    lines.push(...fact('put aside', `${text(veto.family)}: "${text(veto.text)}" - ${text(veto.reason)}`));

  lines.push('', 'Evidence');
  if (evidence.votes.length === 0) lines.push('  no source says anything of a limit');
  for (const vote of evidence.votes) {
    lines.push(...explainVote({ ...vote, at: vote.at }, zone));
  }
  const skipped = Object.entries(signals?.skipped ?? {}).map(([reason, count]) => `${plain(reason)} (${count})`);
  if (skipped.length > 0) lines.push(...fact('not read', skipped.join(', ')));
  if (evidence.conflict !== null)
    lines.push(...fact('contradicted', 'the sources contradict each other, so nothing is done'));
  // Where the screen alone was heard, its reading has said it.
  if (evidence.reason !== reading.reason) lines.push(...fact('rule', `${evidence.reason} (${evidence.family})`));
  if (evidence.window !== null) lines.push(...fact('window', windowName(evidence.window)));
  if (evidence.resetAt !== null) lines.push(...fact('resets', wallTimeAhead(evidence.resetAt, now, zone)));

  if (recoveries.length > 0) {
    lines.push('', 'Brought back');
    for (const row of recoveries) lines.push(...hanging(`  swap ${row.swapId} `, explainRecovery(row, now)));
  }
  if (events.length > 0) {
    lines.push('', 'Lately');
    for (const event of events.slice(0, MAX_EVENTS)) lines.push(...explainEvent(event, zone));
  }
  return finish(lines);
}

/** A window for a person. */
export function windowName(window: string): string {
  return { '5h': '5-hour', '7d': 'weekly' }[window] ?? plain(window);
}

const DECISION_WORDS = {
  clear: 'no limit',
  other: 'no limit, but another wall',
  suspected: 'a limit is suspected',
  confirmed: 'a limit is confirmed',
  stale: 'an old limit that no longer counts',
} as const;

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

function askedBy(swap: SwapRow): string {
  if (swap.trigger === 'manual') return 'hand';
  if (swap.trigger === 'reset') return "the reset of the active account's own limit";
  if (swap.trigger === 'threshold') return `the threshold of ${swap.from}: ${swap.reason}`;
  if (swap.trigger === 'down') return `the refused login of ${swap.from}: ${swap.reason}`;
  if (swap.trigger === 'known_limit') return `a limit of ${swap.from} that no pane shows: ${swap.reason}`;
  if (swap.trigger === 'return') return `the way home to ${swap.to}`;
  return `the limit that pane ${swap.triggerPane ?? '(unknown)'} met`;
}

/** What one pane's verdict rests on, from a record of any shape. */
export function explainEvidence(item: Readonly<Record<string, unknown>>, zone: string): string[] {
  const charged = text(item.charged) === '' ? '' : ` (${text(item.charged)})`;
  const account = text(item.account) === '' ? 'charged to nobody' : `charged to ${text(item.account)}${charged}`;
  const lines = hanging(`  ${text(item.pane) || 'a pane'}: `, account);
  for (const vote of list(item.votes)) lines.push(...explainVote(vote, zone));
  for (const veto of list(item.passedOver)) {
    lines.push(...fact('put aside', `${text(veto.family)}: "${text(veto.text)}" - ${text(veto.reason)}`));
  }
  const window = text(item.window) === '' ? '' : `, ${windowName(text(item.window))} limit`;
  if (text(item.pattern) === '') return lines;
  lines.push(...fact('rule', `${text(item.pattern)}${window}: ${text(item.decision)}, ${text(item.reason)}`));
  return lines;
}

function explainVote(vote: Readonly<Record<string, unknown>>, zone: string): string[] {
  const at = typeof vote.at === 'number' ? vote.at : typeof vote.at === 'string' ? Date.parse(vote.at) : Number.NaN;
  const when = Number.isNaN(at) ? '' : ` at ${wallStamp(at, zone)}`;
  const account = text(vote.account) === '' ? '' : ` under ${text(vote.account)}`;
  const said = text(vote.text) === '' ? '' : `: "${text(vote.text)}"`;
  const note = text(vote.note) === '' ? '' : ` - ${text(vote.note)}`;
  const words = `${text(vote.weight)}: ${text(vote.says)} (${text(vote.rule)})${when}${account}${said}${note}`;
  return fact(text(vote.source), words);
}

function explainDecision(decision: Readonly<Record<string, unknown>>, zone: string): string[] {
  const lines = hanging(`  ${text(decision.to) || 'nobody'}: `, text(decision.why) || 'no reason recorded');
  const passedOver = list(decision.passedOver);
  if (passedOver.length === 0) return [...lines, '  there was no other candidate'];
  for (const candidate of passedOver) {
    const reasons = list(candidate.reasons).map((reason) => {
      const until = typeof reason.until === 'number' ? `, until ${wallStamp(reason.until, zone)}` : '';
      return `${text(reason.detail) || text(reason.code)}${until}`;
    });
    lines.push(...hanging(`  passed over ${text(candidate.account)}: `, reasons.join('; ') || 'no reason recorded'));
  }
  return lines;
}

function explainRecovery(row: RecoveryRow, now: EpochMs): string {
  const after = formatDuration((row.finishedAt ?? now) - row.startedAt);
  const why = row.reason === null ? '' : `: ${row.reason}`;
  if (row.state === 'recovered') return `recovered by ${RECOVERED_BY[row.recoveredBy ?? 'self']} after ${after}${why}`;
  if (row.state === 'handed_over') return `left to you after ${after}${why}`;
  if (row.state === 'gone') return `gone after ${after}${why}`;
  return `${row.state} since ${after}${why}`;
}

const RECOVERED_BY = { hot: 'a prompt (hot)', restart: 'a restart', self: 'itself' } as const;

function explainEvent(event: JournalEvent, zone: string): string[] {
  return hanging(`  ${wallStamp(event.at, zone)}  ${event.type.padEnd(18)} `, text(describeEvent(event)));
}

function detailOf(detail: Readonly<Record<string, unknown>>): string {
  const simple = Object.entries(detail).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value));
  return simple.map(([key, value]) => `${inWords(key)} ${text(value)}`).join(', ');
}

/** @example inWords('handedOver') // 'handed over' */
function inWords(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** A name and its words, wrapped. */
export function fact(name: string, words: string): string[] {
  return hanging(`    ${plain(name).padEnd(13)} `, words);
}

/** Wraps words at the page's width, each further line below the first word. */
function hanging(head: string, words: string): string[] {
  const start = plain(head, true);
  return wrapped(start, plain(words), WIDTH, ' '.repeat(Math.min(start.length, 44)));
}

function seconds(ms: number): string {
  return `+${(Math.max(0, ms) / 1000).toFixed(1)} s`.padStart(10);
}

/** One line of safe text: what came from a screen or a file must not move the cursor. */
export function plain(words: string, keepBlanks = false): string {
  const safe = snippet(words, MAX_LINE).replace(/\n/g, ' ');
  return keepBlanks ? safe : safe.replace(/ {2,}/g, ' ').trim();
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? plain(snippet(String(value), MAX_WORDS))
    : '';
}

function list(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'object' && item !== null) : [];
}

/** The page as text. */
export function finish(lines: readonly string[]): string {
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}
