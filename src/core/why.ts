/** Explains to a person why a swap happened or what is thought of a pane: every word from the record, nothing guessed. */

import type { JournalEvent } from './events.ts';
import { say } from './phrase.ts';
import { plain, text } from './plain.ts';
import { windowName } from './quota/window-name.ts';
import type { PaneFacts, SwapFacts } from './record-view.ts';
import { describeEvent } from './status.ts';
import type { Entry, EvidenceStory } from './swap-story.ts';
import { evidenceStory, putAside, recoveryWords, swapStory, voteEntry } from './swap-story.ts';
import type { EpochMs } from './time.ts';
import { formatDuration } from './time.ts';
import { wallStamp, wallTimeAhead } from './wall-time.ts';
import { wrapped } from './wrapped.ts';

const WIDTH = 96;
const MAX_EVENTS = 10;

/** @param zone IANA name in which times are written */
export function explainSwap(record: SwapFacts, now: EpochMs, zone = 'UTC'): string {
  const story = swapStory(record, now);
  const said = ({ words }: Entry): string => say(words, now, zone);
  const lines = [`Swap ${record.swap.id}`, `  ${story.headline}`, ''];
  for (const entry of story.facts) lines.push(...fact(entry.name, said(entry)));

  lines.push('', 'Evidence');
  if (story.noEvidence !== null) lines.push(`  ${story.noEvidence}`);
  for (const item of story.evidence) lines.push(...evidenceLines(item, zone));

  lines.push('', 'Decision');
  if (story.decision === null) lines.push('  not recorded');
  else {
    const { chosen, passedOver } = story.decision;
    lines.push(...hanging(`  ${chosen.name}: `, said(chosen)));
    if (passedOver.length === 0) lines.push('  there was no other candidate');
    for (const entry of passedOver) lines.push(...hanging(`  passed over ${entry.name}: `, said(entry)));
  }

  lines.push('', 'Steps');
  if (story.steps.length === 0) lines.push('  none recorded');
  for (const { afterMs, step, took, detail } of story.steps) {
    const words = [took === '' ? '' : `took ${took}`, detail].filter((part) => part !== '').join(', ');
    lines.push(...hanging(`${seconds(afterMs)}  ${plain(step).padEnd(13)} `, words));
  }

  lines.push('', 'Panes');
  if (story.noPanes !== null) lines.push(`  ${story.noPanes}`);
  for (const entry of story.panes) lines.push(...hanging(`  ${plain(entry.name).padEnd(16)} `, said(entry)));
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
  for (const veto of reading.vetoes) lines.push(...told(putAside({ ...veto }), zone));

  lines.push('', 'Evidence');
  if (evidence.votes.length === 0) lines.push('  no source says anything of a limit');
  for (const vote of evidence.votes) lines.push(...told(voteEntry({ ...vote }), zone));
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
    for (const row of recoveries) lines.push(...hanging(`  swap ${row.swapId} `, recoveryWords(row, now)));
  }
  if (events.length > 0) {
    lines.push('', 'Lately');
    for (const event of events.slice(0, MAX_EVENTS)) lines.push(...explainEvent(event, zone));
  }
  return finish(lines);
}

const DECISION_WORDS = {
  clear: 'no limit',
  other: 'no limit, but another wall',
  suspected: 'a limit is suspected',
  confirmed: 'a limit is confirmed',
  stale: 'an old limit that no longer counts',
} as const;

/** What one pane's verdict rests on, from a record of any shape. */
export function explainEvidence(item: Readonly<Record<string, unknown>>, zone: string): string[] {
  return evidenceLines(evidenceStory(item), zone);
}

function evidenceLines({ pane, votes }: EvidenceStory, zone: string): string[] {
  // No instant in them is told by its distance from now.
  const lines = hanging(`  ${pane.name}: `, say(pane.words, 0, zone));
  return [...lines, ...votes.flatMap((entry) => told(entry, zone))];
}

function told({ name, words }: Entry, zone: string): string[] {
  return fact(name, say(words, 0, zone));
}

function explainEvent(event: JournalEvent, zone: string): string[] {
  return hanging(`  ${wallStamp(event.at, zone)}  ${event.type.padEnd(18)} `, text(describeEvent(event)));
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
  return `+${(ms / 1000).toFixed(1)} s`.padStart(10);
}

/** The page as text. */
export function finish(lines: readonly string[]): string {
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}
