/** Claims: a task is somebody's from the one rename out of the inbox on; a record beside it says whose. */
import { constants } from 'node:fs';
import { lstat, open, readdir, rename, rm } from 'node:fs/promises';
import { errorCode } from '../../core/error-code.ts';
import { parseObject } from '../../core/json.ts';
import type { EpochMs } from '../../core/time.ts';
import { toIso } from '../../core/time.ts';
import type { ClaimAttempt, ClaimFile, ClaimRecord, InboxFile, QueueProject, TaskFiles } from '../../ports/queue.ts';
import type { HeldDirectory, QueueDirectories } from './directories.ts';
import type { FileTerms } from './files.ts';
import { inodeOf, look, openFile, readText, versionOf } from './files.ts';
import type { ReadYaml } from './read-task.ts';
import { readTask } from './read-task.ts';

const CLAIMED_NAME = /^(.+)__([A-Za-z0-9-]{1,64})\.(md|json)$/s;
const MAX_RECORD_BYTES = 16_384;
/** A task that is still being written while it is taken is read again so often. */
const MAX_READS = 3;

/** Needs `inbox` and `claimed`. */
export async function claimTask(
  queue: QueueDirectories,
  project: QueueProject,
  file: Pick<InboxFile, 'stem' | 'inode'>,
  record: ClaimRecord,
  terms: FileTerms,
  readYaml: ReadYaml,
): Promise<ClaimAttempt> {
  const [inbox, claimed] = [queue.part('inbox'), queue.part('claimed')];
  const { stem } = file;
  const opened = await openFile(inbox, `${stem}.md`, terms);
  if (opened.kind === 'gone') return { kind: 'gone' };
  // What is wrong with it is told by the next look.
  if (opened.kind !== 'open') return { kind: 'changed' };
  try {
    if (inodeOf(opened.stats) !== file.inode) return { kind: 'changed' };
    const name = `${stem}__${record.claimId}`;
    await writeNew(claimed, `${name}.json`, recordText(record));
    try {
      await rename(inbox.at(`${stem}.md`), claimed.at(`${name}.md`));
    } catch (error) {
      await rm(claimed.at(`${name}.json`), { force: true });
      if (errorCode(error) === 'ENOENT') return { kind: 'gone' };
      throw error;
    }
    await Promise.all([claimed.sync(), inbox.sync()]);
    await rm(inbox.at(`${stem}.md.blocked`), { force: true });

    const taken = await look(claimed, `${name}.md`, terms);
    if (taken.kind === 'gone') return { kind: 'gone' };
    if (taken.kind === 'unfit') return { kind: 'refused', refusal: taken.refusal, detail: taken.detail };
    if (taken.kind === 'linked' || inodeOf(taken.stats) !== file.inode)
      return { kind: 'refused', refusal: 'replaced', detail: 'it was replaced by another file while it was taken' };
    const text = await readSteady(opened.handle, terms.maxBytes);
    if (text === null)
      return {
        kind: 'refused',
        refusal: 'too_large',
        detail: 'it grew beyond dispatcher.max_task_bytes while it was taken',
      };
    const read = readTask(text, { stem, project: project.name }, readYaml);
    if (read.kind === 'unfit') return { kind: 'refused', refusal: read.refusal, detail: read.detail };
    return { kind: 'claimed', path: pathIn(claimed, `${name}.md`), text, header: read.header };
  } finally {
    await opened.handle.close();
  }
}

/** The whole text, read while nobody wrote; null: it is longer than that. */
async function readSteady(handle: Parameters<typeof readText>[0], maxBytes: number): Promise<string | null> {
  for (let read = 1; ; read++) {
    const before = await handle.stat({ bigint: true });
    if (before.size > maxBytes) return null;
    const text = await readText(handle, maxBytes);
    if (read >= MAX_READS || versionOf(await handle.stat({ bigint: true })) === versionOf(before)) return text;
  }
}

/** Needs `claimed`. */
export async function listClaims(queue: QueueDirectories, terms: FileTerms): Promise<readonly ClaimFile[]> {
  const claimed = queue.part('claimed');
  const found = new Map<string, { stem: string; claimId: string; task: boolean; record: boolean }>();
  for (const name of await readdir(claimed.self)) {
    const [, stem, claimId, ending] = CLAIMED_NAME.exec(name) ?? [];
    if (stem === undefined || claimId === undefined || name.startsWith('.')) continue;
    const one = found.get(claimId) ?? { stem, claimId, task: false, record: false };
    found.set(claimId, ending === 'md' ? { ...one, stem, task: true } : { ...one, record: true });
  }
  const claims: ClaimFile[] = [];
  for (const { stem, claimId, task, record } of found.values()) {
    const name = `${stem}__${claimId}`;
    const stats = task ? await lstat(claimed.at(`${name}.md`), { bigint: true }).catch(() => null) : null;
    const told = record ? await readRecord(claimed, `${name}.json`, terms) : null;
    const heartbeatAt = told?.at ?? (stats === null ? null : Number(stats.ctimeNs) / 1e6);
    // Gone since its name was read.
    if (heartbeatAt === null) continue;
    claims.push({
      stem,
      claimId,
      path: pathIn(claimed, `${name}.md`),
      inode: stats === null ? null : inodeOf(stats),
      record: told?.record ?? null,
      heartbeatAt,
    });
  }
  return claims;
}

/** Replaces the record of a claim; needs `claimed`. */
export async function saveRecord(queue: QueueDirectories, stem: string, record: ClaimRecord): Promise<void> {
  const claimed = queue.part('claimed');
  const draft = `.tmp-${record.claimId}.json`;
  await rm(claimed.at(draft), { force: true });
  await writeNew(claimed, draft, recordText(record));
  await rename(claimed.at(draft), claimed.at(`${stem}__${record.claimId}.json`));
}

/**
 * Moves the task back; needs `inbox` and `claimed`. The name was seen to be free a moment before: a producer that puts a
 * task of this very name there between the two would have replaced it all the same.
 */
export async function releaseClaim(queue: QueueDirectories, { stem, claimId }: TaskFiles): Promise<string | null> {
  if (claimId === null) return null;
  const [inbox, claimed] = [queue.part('inbox'), queue.part('claimed')];
  if (await exists(inbox, `${stem}.md`)) return null;
  try {
    await rename(claimed.at(`${stem}__${claimId}.md`), inbox.at(`${stem}.md`));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
  await Promise.all([inbox.sync(), claimed.sync()]);
  await dropRecord(queue, { stem, claimId });
  return pathIn(inbox, `${stem}.md`);
}

export async function dropRecord(
  queue: QueueDirectories,
  { stem, claimId }: Pick<TaskFiles, 'stem' | 'claimId'>,
): Promise<void> {
  await rm(queue.part('claimed').at(`${stem}__${claimId}.json`), { force: true });
}

export async function exists(directory: HeldDirectory, name: string): Promise<boolean> {
  try {
    await lstat(directory.at(name));
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** A new file, on the disk before this returns. @throws EEXIST */
export async function writeNew(directory: HeldDirectory, name: string, text: string): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const handle = await open(directory.at(name), flags, 0o644);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } catch (error) {
    await rm(directory.at(name), { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

export function pathIn(directory: HeldDirectory, name: string): string {
  return `${directory.path}/${name}`;
}

function recordText(record: ClaimRecord): string {
  return `${JSON.stringify({
    task_id: record.taskId,
    claim_id: record.claimId,
    daemon_id: record.daemonId,
    session: record.session,
    account: record.account,
    attempt: record.attempt,
    claimed_at: toIso(record.claimedAt),
  })}\n`;
}

async function readRecord(
  claimed: HeldDirectory,
  name: string,
  terms: FileTerms,
): Promise<{ readonly record: ClaimRecord | null; readonly at: EpochMs } | null> {
  const opened = await openFile(claimed, name, { ...terms, maxBytes: MAX_RECORD_BYTES });
  if (opened.kind !== 'open') return null;
  try {
    const text = await readText(opened.handle, MAX_RECORD_BYTES);
    return { record: toRecord(text), at: Number(opened.stats.mtimeNs) / 1e6 };
  } finally {
    await opened.handle.close();
  }
}

function toRecord(text: string): ClaimRecord | null {
  const {
    task_id: taskId,
    claim_id: claimId,
    daemon_id: daemonId,
    session,
    account,
    attempt,
    claimed_at,
  } = parseObject(text) ?? {};
  const claimedAt = typeof claimed_at === 'string' ? Date.parse(claimed_at) : Number.NaN;
  if (typeof taskId !== 'string' || typeof claimId !== 'string' || typeof daemonId !== 'string') return null;
  return {
    taskId,
    claimId,
    daemonId,
    session: typeof session === 'string' ? session : null,
    account: typeof account === 'string' ? account : null,
    attempt: typeof attempt === 'number' ? attempt : 0,
    claimedAt: Number.isNaN(claimedAt) ? 0 : claimedAt,
  };
}
