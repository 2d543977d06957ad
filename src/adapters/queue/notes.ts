/** The small files of a queue: why a task is blocked, what happened to tasks, and what an agent says of itself. */
import { constants, type Stats } from 'node:fs';
import { lutimes, open, rename, rm } from 'node:fs/promises';
import { errorCode } from '../../core/error-code.ts';
import { parseObject } from '../../core/json.ts';
import type { EpochMs } from '../../core/time.ts';
import type { AgentHeartbeat } from '../../ports/queue.ts';
import { exists, writeNew } from './claims.ts';
import type { HeldDirectory, QueueDirectories } from './directories.ts';
import type { FileTerms } from './files.ts';
import { openFile, readText, versionOf } from './files.ts';

const EVENTS = 'events.jsonl';
const OLDER_EVENTS = 'events.1.jsonl';
/** Then a new file begins, and the older one is kept beside it. */
const MAX_EVENT_BYTES = 5 * 1024 * 1024;
const STATUS = 'status.json';
const MAX_STATUS_BYTES = 65_536;

/** Keeps the time of a marker that is there. */
export async function markBlocked(inbox: HeldDirectory, stem: string, why: string, at: EpochMs): Promise<void> {
  const name = `${stem}.md.blocked`;
  try {
    await writeNew(inbox, name, `${why}\n`);
    await lutimes(inbox.at(name), at / 1000, at / 1000);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
}

export async function unmarkBlocked(inbox: HeldDirectory, stem: string): Promise<void> {
  await rm(inbox.at(`${stem}.md.blocked`), { force: true });
}

/** Appends one line; a file that is none of ours is left alone. */
export async function appendEvent(
  { root }: QueueDirectories,
  event: Readonly<Record<string, unknown>>,
  ownUid: number,
): Promise<void> {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  const handle = await open(root.at(EVENTS), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o644);
  let stats: Stats;
  try {
    stats = await handle.stat();
    if (!stats.isFile() || stats.nlink !== 1 || stats.uid !== ownUid) return;
    await handle.appendFile(`${JSON.stringify(event)}\n`);
  } finally {
    await handle.close();
  }
  if (stats.size > MAX_EVENT_BYTES) await rename(root.at(EVENTS), root.at(OLDER_EVENTS));
}

export type StatusFile =
  | { readonly kind: 'read'; readonly version: string; readonly heartbeat: AgentHeartbeat }
  | { readonly kind: 'unreadable'; readonly version: string; readonly why: string }
  | { readonly kind: 'none' };

/** @param known the version that was read last: then nothing is read again */
export async function readStatus(
  { root }: QueueDirectories,
  terms: FileTerms,
  known: string | null,
): Promise<StatusFile | 'same'> {
  if (!(await exists(root, STATUS))) return { kind: 'none' };
  const opened = await openFile(root, STATUS, { ...terms, maxBytes: MAX_STATUS_BYTES });
  if (opened.kind === 'gone') return { kind: 'none' };
  if (opened.kind !== 'open') {
    const version = opened.stats === null ? '' : versionOf(opened.stats);
    if (version === known) return 'same';
    return { kind: 'unreadable', version, why: opened.kind === 'unfit' ? opened.detail : 'it has another name' };
  }
  try {
    const version = versionOf(opened.stats);
    if (version === known) return 'same';
    const heartbeat = toHeartbeat(await readText(opened.handle, MAX_STATUS_BYTES));
    return heartbeat === null
      ? { kind: 'unreadable', version, why: 'it is no JSON object with a heartbeat_at' }
      : { kind: 'read', version, heartbeat };
  } finally {
    await opened.handle.close();
  }
}

function toHeartbeat(text: string): AgentHeartbeat | null {
  const { session, state, task_id, heartbeat_at } = parseObject(text) ?? {};
  const at = instantOf(heartbeat_at);
  return at === null ? null : { session: short(session), state: short(state), taskId: short(task_id), at };
}

/** ISO 8601, or seconds or milliseconds since 1970. */
function instantOf(value: unknown): number | null {
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value < 1e11 ? value * 1000 : value;
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}

function short(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value.slice(0, 200) : null;
}
