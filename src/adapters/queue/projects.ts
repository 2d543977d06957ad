/** The projects below one directory that have a queue, and what is wrong with those that are not used. */
import type { Dirent } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../../core/error-code.ts';
import type { QueueFlaw, QueueProject } from '../../ports/queue.ts';
import type { Owners } from './directories.ts';
import { openBelow, openQueue, QUEUE_DIR, UnfitDirectory } from './directories.ts';

export interface FoundProjects {
  readonly projects: readonly QueueProject[];
  readonly flaws: readonly QueueFlaw[];
}

/** An id is `<project>:<task>`, and the name is shown everywhere. */
const NAME = /^[^\p{Cc}\p{Cf}:\uFFFD]{1,200}$/u;

/** @param strict an inbox into which everybody can write is refused */
export async function findProjects(projectsDir: string, owners: Owners, strict: boolean): Promise<FoundProjects> {
  const found = new Map<string, QueueProject>();
  const flaws: QueueFlaw[] = [];
  for (const entry of await directoriesIn(projectsDir)) {
    const at = join(projectsDir, entry.name);
    const flaw = (kind: QueueFlaw['kind'], detail: string, isRefused = true) =>
      flaws.push({ project: entry.name, path: at, kind, detail, isRefused });
    try {
      if (!(await hasInbox(at))) continue;
      if (!NAME.test(entry.name)) {
        flaw('name_invalid', 'the name of a project with a queue has no colon and no control characters');
        continue;
      }
      const path = await realpath(at);
      const isOpenToAll = await checkQueue(path, owners);
      if (isOpenToAll) {
        const words = 'every user of this host can write into its queue';
        flaw('world_writable', strict ? `${words}, and dispatcher.strict is set` : words, strict);
        if (strict) continue;
      }
      // A second name of the same directory is no second project.
      if (!found.has(path)) found.set(path, { name: entry.name, path });
    } catch (error) {
      if (error instanceof UnfitDirectory) flaw(error.kind, error.message);
      else if (errorCode(error) !== 'ENOENT') flaw('unreadable', `${at}: ${errorCode(error, String(error))}`);
    }
  }
  return { projects: [...found.values()], flaws };
}

/** A directory by its name, or by a path that is that of one; null: there is none. */
export async function findDirectory(projectsDir: string, name: string): Promise<QueueProject | null> {
  const entries = await directoriesIn(projectsDir).catch(() => []);
  for (const entry of entries) {
    if (!NAME.test(entry.name)) continue;
    const path = await realpath(join(projectsDir, entry.name)).catch(() => null);
    if (path !== null && (entry.name === name || path === name) && (await stat(path)).isDirectory())
      return { name: entry.name, path };
  }
  return null;
}

/** By name; hidden ones are no projects. @throws what the system says of the directory itself */
async function directoriesIn(path: string): Promise<readonly Dirent[]> {
  const entries = await readdir(path, { withFileTypes: true });
  return entries
    .filter((entry) => !entry.name.startsWith('.') && (entry.isDirectory() || entry.isSymbolicLink()))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Without following a link of the queue itself: that one is told of. */
async function hasInbox(project: string): Promise<boolean> {
  try {
    if (!(await stat(project)).isDirectory()) return false;
    const queue = await lstat(join(project, QUEUE_DIR));
    if (!queue.isDirectory()) return queue.isSymbolicLink();
    await lstat(join(project, QUEUE_DIR, 'inbox'));
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errorCode(error))) return false;
    throw error;
  }
}

/** @returns whether everybody can write into it @throws {UnfitDirectory} */
async function checkQueue(project: string, owners: Owners): Promise<boolean> {
  const queue = await openQueue(project, [], owners);
  try {
    let isOpenToAll = queue.root.isWorldWritable;
    for (const part of ['inbox', 'claimed', 'done', 'failed', 'archive']) {
      const directory = await openBelow(queue.root, part, owners).catch((error: unknown) => {
        if (errorCode(error) === 'ENOENT' && part !== 'inbox') return null;
        throw error;
      });
      await directory?.close();
      if (directory?.isWorldWritable === true) isOpenToAll = true;
    }
    return isOpenToAll;
  } finally {
    await queue.close();
  }
}
