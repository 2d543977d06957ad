/** Where a task goes when it ends: its result is written first and holds the name, then the file follows. */

import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { link, lstat, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { errorCode } from '../../core/error-code.ts';
import { parseObject } from '../../core/json.ts';
import type { TaskResult } from '../../core/queue/result.ts';
import { stemProblem } from '../../core/queue/task-file.ts';
import type { RefusedFile, TaskFiles, TaskPlace } from '../../ports/queue.ts';
import { dropRecord, exists, pathIn, writeNew } from './claims.ts';
import type { HeldDirectory, Owners, QueueDirectories, QueuePart } from './directories.ts';
import { openBelow } from './directories.ts';
import type { FileTerms } from './files.ts';
import { inodeOf, openFile, readText } from './files.ts';

type End = 'done' | 'failed';

const MAX_RESULT_BYTES = 1024 * 1024;

/** Needs every part. */
export async function finishTask(
  queue: QueueDirectories,
  files: TaskFiles,
  into: End,
  result: TaskResult,
  owners: Owners,
): Promise<string | null> {
  const place = await locateTask(queue, files);
  const target = queue.part(into);
  // A file of this name in the inbox is another task, once this one was claimed.
  if (place.kind === 'missing' || (place.kind === 'inbox' && files.claimId !== null)) {
    // Killed between the move and the removal of the record.
    await dropRecord(queue, files);
    return finishedAs(target, namesFor(files.taskId, result.claim_id), result, owners);
  }
  const source = queue.part(place.kind);
  const name = basename(place.path);
  const path = await moveEnded(source, name, target, files.taskId, result, owners);
  if (path !== null) await dropRecord(queue, files);
  return path;
}

/** Needs `inbox` and `failed`. */
export async function refuseFile(
  queue: QueueDirectories,
  file: RefusedFile,
  result: TaskResult,
  owners: Owners,
): Promise<string | null> {
  const inbox = queue.part('inbox');
  const stats = await lstat(inbox.at(file.name), { bigint: true }).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  });
  if (stats === null || (file.inode !== '' && inodeOf(stats) !== file.inode)) return null;
  return moveEnded(inbox, file.name, queue.part('failed'), safeStem(file.name), result, owners);
}

/** Where the file of a claimed task is. Needs every part. */
export async function locateTask(queue: QueueDirectories, files: TaskFiles): Promise<TaskPlace> {
  const { stem, taskId, claimId, claimedAt } = files;
  const claimedName = `${stem}__${claimId}.md`;
  if (claimId !== null && (await exists(queue.part('claimed'), claimedName)))
    return { kind: 'claimed', path: pathIn(queue.part('claimed'), claimedName) };
  for (const kind of ['done', 'failed'] as const) {
    const directory = queue.part(kind);
    for (const name of new Set([claimedName, `${taskId}.md`, `${stem}.md`])) {
      const stats = await lstat(directory.at(name), { bigint: true }).catch(noEntry);
      if (stats?.isFile() === true && (name === claimedName || isSince(stats, claimedAt)))
        return { kind, path: pathIn(directory, name) };
    }
  }
  const inbox = queue.part('inbox');
  return (await exists(inbox, `${stem}.md`))
    ? { kind: 'inbox', path: pathIn(inbox, `${stem}.md`) }
    : { kind: 'missing' };
}

/** Brings a file back; needs `inbox`, `done` and `failed`. */
export async function reopenTask(queue: QueueDirectories, stem: string, path: string): Promise<string | null> {
  const part = basename(dirname(path));
  if (part !== 'done' && part !== 'failed') return null;
  const [source, inbox] = [queue.part(part), queue.part('inbox')];
  const name = basename(path);
  if (await exists(inbox, `${stem}.md`)) return null;
  try {
    await rename(source.at(name), inbox.at(`${stem}.md`));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
  await Promise.all([inbox.sync(), source.sync()]);
  await rm(source.at(resultName(name)), { force: true });
  return pathIn(inbox, `${stem}.md`);
}

/** Those of which there is a `done/<taskId>.md`, or one in the archive. Needs `done`. */
export async function doneTasks(
  queue: QueueDirectories,
  taskIds: readonly string[],
  owners: Owners,
): Promise<ReadonlySet<string>> {
  const done = new Set<string>();
  const lookIn = async (directory: HeldDirectory): Promise<void> => {
    for (const id of taskIds) if (!done.has(id) && (await isFile(directory, `${id}.md`))) done.add(id);
  };
  await lookIn(queue.part('done'));
  const archive =
    done.size === taskIds.length ? null : await openBelow(queue.root, 'archive', owners).catch(() => null);
  if (archive === null) return done;
  try {
    for (const month of await readdir(archive.self)) {
      if (!/^\d{4}-\d{2}$/.test(month)) continue;
      const directory = await openBelow(archive, month, owners).catch(() => null);
      if (directory === null) continue;
      await lookIn(directory).finally(() => directory.close());
    }
    return done;
  } finally {
    await archive.close();
  }
}

/** @returns null: the file is not there any more */
async function moveEnded(
  source: HeldDirectory,
  name: string | Uint8Array,
  target: HeldDirectory,
  base: string,
  result: TaskResult,
  owners: Owners,
): Promise<string | null> {
  const isThere = source === target && typeof name === 'string';
  if (isThere && name === `${base}.md`) {
    await writeResult(target, base, result, owners);
    return pathIn(target, name);
  }
  for (const candidate of namesFor(base, result.claim_id)) {
    if (await exists(target, `${candidate}.md`)) continue;
    if (!(await writeResult(target, candidate, result, owners))) continue;
    try {
      await rename(source.at(name), target.at(`${candidate}.md`));
    } catch (error) {
      await rm(target.at(`${candidate}.result.json`), { force: true });
      if (errorCode(error) === 'ENOENT') return null;
      throw error;
    }
    await Promise.all([target.sync(), source.sync()]);
    return pathIn(target, `${candidate}.md`);
  }
  throw new Error(`no name is free for ${base} in ${target.path}`);
}

/** The plain name, unless an earlier task of this name is there. */
function namesFor(base: string, claimId: string | null): readonly string[] {
  return claimId === null ? [base] : [base, `${base}__${claimId}`];
}

/** Where a task lies that was brought there before. */
async function finishedAs(
  target: HeldDirectory,
  names: readonly string[],
  result: TaskResult,
  owners: Owners,
): Promise<string | null> {
  for (const name of names) {
    if ((await claimOf(target, name, owners)) === result.claim_id && (await exists(target, `${name}.md`)))
      return pathIn(target, `${name}.md`);
  }
  return null;
}

/** Writes the result whole or not at all. @returns false: the name is another task's */
async function writeResult(target: HeldDirectory, name: string, result: TaskResult, owners: Owners): Promise<boolean> {
  const draft = `.tmp-${result.claim_id ?? 'result'}-${createHash('sha256').update(name).digest('hex').slice(0, 8)}.json`;
  await rm(target.at(draft), { force: true });
  await writeNew(target, draft, `${JSON.stringify(result, null, 2)}\n`);
  try {
    await link(target.at(draft), target.at(`${name}.result.json`));
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return (await claimOf(target, name, owners)) === result.claim_id;
    throw error;
  } finally {
    await rm(target.at(draft), { force: true });
  }
}

/** The claim that a result names; undefined: there is none, or it is no result of ours. */
async function claimOf(target: HeldDirectory, name: string, owners: Owners): Promise<string | null | undefined> {
  const terms: FileTerms = { owners, maxBytes: MAX_RESULT_BYTES };
  const opened = await openFile(target, `${name}.result.json`, terms);
  if (opened.kind !== 'open') return undefined;
  try {
    const { claim_id: claimId } = parseObject(await readText(opened.handle, MAX_RESULT_BYTES)) ?? {};
    return typeof claimId === 'string' ? claimId : undefined;
  } finally {
    await opened.handle.close();
  }
}

/** A name that no terminal and no shell stumbles over. */
function safeStem(name: Uint8Array): string {
  const text = Buffer.from(name).toString('utf8').slice(0, -3);
  return stemProblem(text) === null ? text : `refused-${createHash('sha256').update(name).digest('hex').slice(0, 12)}`;
}

function resultName(name: string): string {
  return name.replace(/\.md$/, '.result.json');
}

/** It came there after the claim: a rename sets the time of its last change. */
function isSince(stats: BigIntStats, claimedAt: number | null): boolean {
  return claimedAt !== null && Number(stats.ctimeNs) / 1e6 >= claimedAt;
}

async function isFile(directory: HeldDirectory, name: string): Promise<boolean> {
  return (await lstat(directory.at(name)).catch(noEntry))?.isFile() === true;
}

function noEntry(error: unknown): null {
  if (errorCode(error) === 'ENOENT') return null;
  throw error;
}

/** Every part that an end may touch. */
export const ALL_PARTS: readonly QueuePart[] = ['inbox', 'claimed', 'done', 'failed'];
