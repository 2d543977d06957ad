/** What is tidied up in the files of one queue: what is left over, what is old, and nothing that anybody still needs. */
import type { EpochMs } from '../time.ts';
import { toIso } from '../time.ts';

export type JanitorPlace = 'inbox' | 'claimed' | 'done' | 'failed' | 'archive';

/** A regular file of a queue. Anything else is never touched. */
export interface QueueFile {
  readonly place: JanitorPlace;
  /** In `archive`: its directory, such as `2026-01`; null elsewhere. */
  readonly month: string | null;
  readonly name: string;
  /** `device:inode`: what is acted upon is what was looked at. */
  readonly inode: string;
  readonly mtimeMs: number;
  /** When it was last moved, renamed or changed. */
  readonly ctimeMs: number;
}

export interface JanitorTerms {
  readonly doneArchiveAfterMs: number;
  readonly failedKeepMs: number;
  readonly archiveDeleteAfterMs: number;
  readonly tmpTtlMs: number;
}

export interface JanitorAction {
  readonly kind: 'delete' | 'archive';
  readonly file: QueueFile;
  /** Where it goes to; null: it is deleted. */
  readonly month: string | null;
  readonly reason: string;
}

/** In the order of the files. Done once, it is empty the second time. */
export function planQueue(files: readonly QueueFile[], terms: JanitorTerms, now: EpochMs): readonly JanitorAction[] {
  const names = new Map<string, QueueFile>();
  for (const file of files) names.set(keyOf(file, file.name), file);
  return files.flatMap((file) => actionFor(file, names, terms, now) ?? []);
}

function actionFor(
  file: QueueFile,
  names: ReadonlyMap<string, QueueFile>,
  terms: JanitorTerms,
  now: EpochMs,
): JanitorAction | null {
  // A time in the future says nothing about an age.
  const ageMs = now - Math.max(file.mtimeMs, file.ctimeMs);
  const drop = (reason: string): JanitorAction => ({ kind: 'delete', file, month: null, reason });
  if (file.place === 'archive')
    return ageMs >= terms.archiveDeleteAfterMs ? drop('it lay in the archive long enough') : null;
  if (file.name.startsWith('.tmp-')) return ageMs >= terms.tmpTtlMs ? drop('it was never finished') : null;
  const task = taskOf(file);
  const isOrphan = task !== null && !names.has(keyOf(file, task));
  if (isOrphan) return ageMs >= terms.tmpTtlMs ? drop('its task is gone') : null;
  if (file.place !== 'done' && file.place !== 'failed') return null;

  const result = names.get(keyOf(file, `${stemOf(file.name)}.result.json`));
  const isPart = file.name.endsWith('.md') || task !== null;
  if (!isPart) return null;
  // A task and its result go together, by when it ended.
  const endedAt = result?.mtimeMs ?? file.ctimeMs;
  const keepMs = file.place === 'done' ? terms.doneArchiveAfterMs : terms.failedKeepMs;
  if (now - endedAt < keepMs) return null;
  const month = toIso(endedAt)?.slice(0, 7) ?? null;
  if (month === null || !/^\d{4}-\d{2}$/.test(month)) return null;
  return {
    kind: 'archive',
    file,
    month,
    reason: `it ended ${file.place === 'done' ? 'well' : 'badly'} long enough ago`,
  };
}

/** The name of the task that a file belongs to; null: it is none that belongs to a task. */
function taskOf({ place, name }: QueueFile): string | null {
  if (place === 'inbox' && name.endsWith('.md.blocked')) return name.slice(0, -'.blocked'.length);
  if (place === 'claimed' && name.endsWith('.json')) return `${name.slice(0, -'.json'.length)}.md`;
  if ((place === 'done' || place === 'failed') && name.endsWith('.result.json'))
    return `${name.slice(0, -'.result.json'.length)}.md`;
  return null;
}

function stemOf(name: string): string {
  return name.replace(/\.(?:md|result\.json)$/, '');
}

function keyOf({ place, month }: QueueFile, name: string): string {
  return `${place}/${month ?? ''}/${name}`;
}
