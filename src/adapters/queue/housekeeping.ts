/** Tidies up the files of a queue through directories that are held open, and the leftovers of the state directory. */
import type { BigIntStats } from 'node:fs';
import { link, lstat, mkdir, readdir, rm, unlink } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { errorCode } from '../../core/error-code.ts';
import type { JanitorPlace, QueueFile } from '../../core/janitor/plan.ts';
import type { Housekeeping, StateLeftover, Tidied } from '../../ports/janitor.ts';
import type { HeldDirectory, Owners } from './directories.ts';
import { asQueueError, openBelow, openQueue, QUEUE_DIR } from './directories.ts';
import { inodeOf } from './files.ts';

export interface HousekeepingParts {
  readonly owners: () => Owners;
  readonly stateDir: string;
}

const PLACES = ['inbox', 'claimed', 'done', 'failed'] as const;
const MONTH = /^\d{4}-\d{2}$/;
/** `store/quarantine.ts` names them so; nothing else below `quarantine/` is ours to remove. */
const DAMAGED = /^\d{4}-\d{2}-\d{2}T[\d.-]+Z-corrupt(?:-\d+)?$/;
const DAMAGED_KEPT = 5;
const SIGNAL = /^agent-done-[A-Za-z0-9_-]{1,64}$/;
/** Names that are tried in the archive for a task whose name is taken there. */
const MOST_NAMES = 100;

export function createHousekeeping({ owners, stateDir }: HousekeepingParts): Housekeeping {
  /** @throws {QueueError} */
  async function within<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw asQueueError(error, path);
    }
  }

  return {
    files: (project) =>
      within(join(project, QUEUE_DIR), async () => {
        // Looking makes no directory.
        const queue = await openQueue(project, [], owners());
        try {
          const found: QueueFile[] = [];
          for (const place of PLACES) {
            const directory = await openIfThere(queue.root, place, owners());
            if (directory === null) continue;
            found.push(...(await filesIn(directory, place, null).finally(() => directory.close())));
          }
          const archive = await openIfThere(queue.root, 'archive', owners());
          if (archive === null) return found;
          try {
            for (const month of (await readdir(archive.self)).filter((name) => MONTH.test(name)).sort()) {
              const directory = await openIfThere(archive, month, owners());
              if (directory === null) continue;
              found.push(...(await filesIn(directory, 'archive', month).finally(() => directory.close())));
            }
          } finally {
            await archive.close();
          }
          return found;
        } finally {
          await queue.close();
        }
      }),

    carryOut: (project, action) =>
      within(join(project, QUEUE_DIR), async () => {
        const { file } = action;
        const part = file.place === 'archive' ? [] : [file.place];
        const queue = await openQueue(project, part, owners());
        const opened: HeldDirectory[] = [];
        const below = async (parent: HeldDirectory, name: string): Promise<HeldDirectory> => {
          const directory = await openBelow(parent, name, owners());
          opened.push(directory);
          return directory;
        };
        try {
          const source =
            file.place === 'archive'
              ? await below(await below(queue.root, 'archive'), file.month ?? '')
              : queue.part(file.place);
          if (!(await isSame(source, file))) return 'gone';
          if (action.kind === 'delete' || action.month === null) return await removeFile(source, file.name);
          await makeIfMissing(queue.root, 'archive');
          const archive = await below(queue.root, 'archive');
          await makeIfMissing(archive, action.month);
          return await moveFile(source, await below(archive, action.month), file.name);
        } finally {
          await Promise.all(opened.map((directory) => directory.close()));
          await queue.close();
        }
      }),

    async leftovers({ signalDir, signalTtlMs, now }) {
      const signals = isInside(signalDir, stateDir) ? await entriesOf(signalDir) : [];
      const old = signals.filter(
        ({ name, stats }) => SIGNAL.test(name) && stats.isFile() && ageMs(stats, now) >= signalTtlMs,
      );
      const quarantine = join(stateDir, 'quarantine');
      const damaged = (await entriesOf(quarantine)).filter(
        ({ name, stats }) => DAMAGED.test(name) && stats.isDirectory(),
      );
      return [
        ...old.map(({ name }) => ({ path: join(signalDir, name), reason: 'nobody waited for this signal' })),
        ...damaged
          .map(({ name }) => name)
          .sort()
          .slice(0, Math.max(0, damaged.length - DAMAGED_KEPT))
          .map((name) => ({ path: join(quarantine, name), reason: `only the ${DAMAGED_KEPT} newest are kept` })),
      ];
    },

    remove: (leftover: StateLeftover) =>
      within(leftover.path, async () => {
        if (!isInside(leftover.path, stateDir)) return 'gone';
        const stats = await lstat(leftover.path, { bigint: true }).catch(() => null);
        if (stats === null) return 'gone';
        await rm(leftover.path, { recursive: stats.isDirectory(), force: true });
        return 'done';
      }),
  };
}

/** Links, directories and whatever else lies there are left out. */
async function filesIn(
  directory: HeldDirectory,
  place: JanitorPlace,
  month: string | null,
): Promise<readonly QueueFile[]> {
  const files: QueueFile[] = [];
  for (const name of (await readdir(directory.self)).sort()) {
    // A name that is no text cannot be named again.
    if (name.includes('\uFFFD')) continue;
    const stats = await lstat(directory.at(name), { bigint: true }).catch(() => null);
    if (stats === null || !stats.isFile()) continue;
    const { mtimeNs, ctimeNs } = stats;
    const times = { mtimeMs: Number(mtimeNs) / 1e6, ctimeMs: Number(ctimeNs) / 1e6 };
    files.push({ place, month, name, inode: inodeOf(stats), ...times });
  }
  return files;
}

async function isSame(directory: HeldDirectory, { name, inode, mtimeMs }: QueueFile): Promise<boolean> {
  if (name.includes('/')) return false;
  const stats = await lstat(directory.at(name), { bigint: true }).catch(() => null);
  return stats?.isFile() === true && inodeOf(stats) === inode && Number(stats.mtimeNs) / 1e6 === mtimeMs;
}

async function removeFile(directory: HeldDirectory, name: string): Promise<Tidied> {
  try {
    await unlink(directory.at(name));
    return 'done';
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 'gone';
    throw error;
  }
}

/** By a second name and the removal of the first: a rename would replace what has the name there. */
async function moveFile(source: HeldDirectory, target: HeldDirectory, name: string): Promise<Tidied> {
  for (let count = 1; count <= MOST_NAMES; count++) {
    try {
      await link(source.at(name), target.at(count === 1 ? name : numbered(name, count)));
    } catch (error) {
      if (errorCode(error) === 'EEXIST') continue;
      if (errorCode(error) === 'ENOENT') return 'gone';
      throw error;
    }
    await target.sync();
    return removeFile(source, name);
  }
  return 'gone';
}

/** @example numbered('a.result.json', 2) // 'a.2.result.json' */
function numbered(name: string, count: number): string {
  const [ending = ''] = /(?:\.md|\.result\.json)$/.exec(name) ?? [];
  return `${name.slice(0, name.length - ending.length)}.${count}${ending}`;
}

async function makeIfMissing(parent: HeldDirectory, name: string): Promise<void> {
  await mkdir(parent.at(name)).catch((error: unknown) => {
    if (errorCode(error) !== 'EEXIST') throw error;
  });
}

async function openIfThere(parent: HeldDirectory, name: string, owners: Owners): Promise<HeldDirectory | null> {
  try {
    return await openBelow(parent, name, owners);
  } catch {
    return null;
  }
}

async function entriesOf(path: string): Promise<readonly { readonly name: string; readonly stats: BigIntStats }[]> {
  try {
    if (!(await lstat(path)).isDirectory()) return [];
    const names = await readdir(path);
    const entries = await Promise.all(
      names.map(async (name) => ({ name, stats: await lstat(join(path, name), { bigint: true }).catch(() => null) })),
    );
    return entries.flatMap(({ name, stats }) => (stats === null ? [] : [{ name, stats }]));
  } catch {
    return [];
  }
}

function ageMs({ mtimeNs, ctimeNs }: BigIntStats, now: number): number {
  return now - Number(mtimeNs > ctimeNs ? mtimeNs : ctimeNs) / 1e6;
}

/** Below it, not it itself. */
function isInside(path: string, directory: string): boolean {
  const way = relative(directory, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`);
}
