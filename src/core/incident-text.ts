/** The whole record of an incident for a person: its story, the screen as it stood there, and what a replay made of it. */
import type { JournalEvent } from './events.ts';
import { fieldsOf } from './json.ts';
import { plain } from './plain.ts';
import { windowName } from './quota/window-name.ts';
import type { SwapFacts } from './record-view.ts';
import { snippet } from './redact.ts';
import type { EpochMs } from './time.ts';
import type { Replay, Verdict } from './verdict/recorded.ts';
import { MAX_SCREEN } from './verdict/recorded.ts';
import { wallStamp } from './wall-time.ts';
import { explainEvidence, explainSwap, fact, finish } from './why.ts';

/** A wall that no pattern explained, as the journal keeps it. */
export interface WallRecord {
  /** `wall-<number of its event>`. */
  readonly id: string;
  readonly at: EpochMs;
  readonly pane: string | null;
  readonly session: string | null;
  readonly pool: string | null;
  readonly text: string;
  readonly screen: string | null;
  readonly evidence: Readonly<Record<string, unknown>>;
}

const WALL_ID = /^wall-(\d{1,15})$/;

/** The number of the event that this id names; null: it names no wall. */
export function wallEvent(id: string): number | null {
  const number = WALL_ID.exec(id)?.[1];
  return number === undefined ? null : Number(number);
}

/** @param event of type `unknown_wall` */
export function wallRecord(event: JournalEvent): WallRecord {
  const { id, at, pane, session, pool, data } = event;
  const { text, screen, evidence } = data;
  return {
    id: `wall-${id}`,
    at,
    pane,
    session,
    pool,
    text: typeof text === 'string' ? text : '',
    screen: typeof screen === 'string' ? screen : null,
    evidence: fieldsOf(evidence),
  };
}

/** The story of a swap, then its screen. */
export function explainIncident(record: SwapFacts, now: EpochMs, zone: string): string {
  return explainSwap(record, now, zone) + screenText(record.incident?.screen ?? null);
}

export function explainWall(wall: WallRecord, zone: string): string {
  const lines = [`Unknown wall ${wall.id}`];
  lines.push(...fact('pane', `${wall.pane ?? 'not known'} (session ${wall.session ?? 'not known'})`));
  lines.push(...fact('told', wallStamp(wall.at, zone)));
  lines.push(...fact('pool', wall.pool ?? 'none: it follows no configured link'));
  lines.push(...fact('words', wall.text));
  lines.push('', 'Evidence', ...explainEvidence({ pane: wall.pane, ...wall.evidence }, zone));
  lines.push(
    '',
    `If these words are a limit, add them to quota.patterns.extra, then try: claude-failover replay ${wall.id}`,
  );
  return finish(lines) + screenText(wall.screen);
}

export function explainReplay(id: string, replay: Extract<Replay, { kind: 'replayed' }>, zone: string): string {
  const lines = [`Replay of ${plain(id)}: ${replay.same ? 'the same verdict' : 'a different verdict'}`];
  lines.push(...fact('as of', wallStamp(replay.judgedAt, zone)));
  lines.push(...fact('then', verdictWords(replay.was, zone)));
  lines.push(...fact('now', verdictWords(replay.is, zone)));
  lines.push(...fact('reading', replay.reading.reason));
  lines.push(...fact('rule', replay.evidence.reason));
  return finish(lines);
}

function verdictWords(verdict: Verdict, zone: string): string {
  if (verdict.class === 'none') return 'nothing that matters';
  const window = verdict.window === null ? '' : `, ${windowName(verdict.window)}`;
  const reset = verdict.resetAt === null ? ', no reset' : `, resets ${wallStamp(Date.parse(verdict.resetAt), zone)}`;
  const proof = verdict.structured ? 'needs no second poll' : 'on the text of the screen alone';
  return `${verdict.class} (${verdict.family})${window}${reset}, ${proof}`;
}

/** The screen line by line, each below a mark, so that nothing on it can pass for words of ours. */
function screenText(screen: string | null): string {
  if (screen === null) return '\nScreen\n  none was recorded\n';
  const lines = snippet(screen, MAX_SCREEN).trimEnd().split('\n');
  return `\nScreen (secrets masked)\n${lines.map((line) => `  | ${line}`.trimEnd()).join('\n')}\n`;
}
