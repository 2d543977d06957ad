/** Notices a wall whose words no pattern knows: an agent that stands still behind an error or a limit nobody can name. */
import { snippet } from '../redact.ts';
import type { EpochMs } from '../time.ts';
import { MINUTE } from '../time.ts';
import type { PaneFinding } from './pane-finding.ts';

/** A wall that is being looked at. Plain data. */
export interface WallMemory {
  /** The wording and the row it stands in: work that goes on changes it. */
  readonly key: string;
  readonly since: EpochMs;
  readonly sightings: number;
  readonly isTold: boolean;
}

export interface Wall {
  /** As it stood there, masked; at most 400 characters. */
  readonly text: string;
  /** The same without numbers and times, so that tomorrow's wall with the same words is recognised. */
  readonly wording: string;
  readonly key: string;
}

/** Seen so often, and over so long, a wall is worth a person's look. */
const SIGHTINGS = 3;
const STANDS_MS = 5 * MINUTE;

/** @param wall what stands there now, null: nothing unexplained. @returns `raise`: say it now; at most once for each wall */
export function stepWall(
  before: WallMemory | null,
  wall: Wall | null,
  at: EpochMs,
): { readonly memory: WallMemory | null; readonly raise: boolean } {
  if (wall === null) return { memory: null, raise: false };
  // A clock that was set back would hold the wall for as long as that.
  const same = before?.key === wall.key && before.since <= at ? before : null;
  const since = same?.since ?? at;
  const sightings = (same?.sightings ?? 0) + 1;
  const raise = same?.isTold !== true && sightings >= SIGHTINGS && at - since >= STANDS_MS;
  return { memory: { key: wall.key, since, sightings, isTold: raise || same?.isTold === true }, raise };
}

/** The wall on this pane that no verdict explains; null: there is none, or work goes on. */
export function unexplainedWall(finding: PaneFinding): Wall | null {
  const { decision, reading, evidence, view } = finding;
  if (decision.kind !== 'clear' || reading.busy || reading.dialog !== null || reading.composer === null) return null;
  const row = evidence.votes.find(({ kind }) => kind === 'row') ?? null;
  const turn = evidence.votes.find(({ kind, weight }) => kind === 'prompt' && weight === 'vetoes');
  if (turn !== undefined) return null;
  if (row !== null) {
    // Only what the CLI itself wrote as an error; the model may speak of limits as it likes.
    const isWall = row.says === 'error' || (row.says === 'throttle' && SPEAKS_OF_LIMIT.test(row.text));
    return isWall ? wallOf(row.text, row.recordId ?? '') : null;
  }
  const hook = evidence.votes.find((vote) => vote.kind === 'hook' && vote.note === '');
  if (hook?.says === 'quota' || hook?.says === 'error') return wallOf(hook.text || hook.rule, hook.recordId ?? '');
  if (hook?.says === 'answer') return null;
  const veto = reading.vetoes.findLast(({ family }) => family === 'unknown-wording');
  const text = veto?.text ?? lastWords(view.screen?.text ?? '');
  return text !== null && SPEAKS_OF_LIMIT.test(text) ? wallOf(text, '') : null;
}

const SPEAKS_OF_LIMIT = /\blimit(?:s|ed)?\b|\bquota\b|\busage\b/i;
const MAX_TEXT = 400;
const MAX_WORDING = 200;
/** Longer than any notice of a CLI: it is somebody's prose. */
const MAX_NOTICE = 240;
const MAX_LINES = 200;

function wallOf(words: string, place: string): Wall {
  // Masked before anything is changed in it: half a secret is not recognised as one.
  const text = snippet(words, MAX_TEXT);
  const wording = text.toLowerCase().replace(/\d+/g, '#').replace(/\s+/g, ' ').trim().slice(0, MAX_WORDING);
  return { text, wording, key: `${place}|${wording}` };
}

/** The paragraph right above the input line; null: there is none, or it is too long for a notice. */
function lastWords(screen: string): string | null {
  const lines = screen
    .split('\n')
    .slice(-MAX_LINES)
    .map((line) => line.replace(/[│┃|]/g, ' ').trim());
  const input = lines.findLastIndex((line) => /^[❯›>](?: |$)/.test(line));
  const above = lines.slice(0, Math.max(0, input));
  const last = above.findLastIndex((line) => /[\p{L}\p{N}]/u.test(line));
  if (last === -1) return null;
  const first = above.slice(0, last).findLastIndex((line) => !/[\p{L}\p{N}]/u.test(line)) + 1;
  const text = above.slice(first, last + 1).join(' ');
  return text.length <= MAX_NOTICE ? text : null;
}
