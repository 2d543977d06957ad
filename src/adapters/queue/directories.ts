/** The directories of one project's queue, held open: what is done in them cannot be led elsewhere by a link put in their way. */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../../core/error-code.ts';
import { QueueError } from '../../core/errors.ts';
import type { QueueFlaw } from '../../ports/queue.ts';

export const QUEUE_DIR = '.agent-queue';

export type QueuePart = 'inbox' | 'claimed' | 'done' | 'failed';

/** Whose directories and files are used. */
export interface Owners {
  readonly ownUid: number;
  readonly trustedUids: readonly number[];
}

/** What stands in the way of a directory's use. */
export class UnfitDirectory extends Error {
  readonly kind: QueueFlaw['kind'];

  constructor(kind: QueueFlaw['kind'], detail: string) {
    super(detail);
    this.kind = kind;
  }
}

/** A directory held open. */
export class HeldDirectory {
  readonly #handle: FileHandle;
  /** As a person would write it. */
  readonly path: string;
  readonly isWorldWritable: boolean;

  constructor(handle: FileHandle, path: string, isWorldWritable: boolean) {
    this.#handle = handle;
    this.path = path;
    this.isWorldWritable = isWorldWritable;
  }

  /** How the system finds this directory, wherever its path leads by now. */
  get self(): string {
    return `/proc/self/fd/${this.#handle.fd}`;
  }

  /** How the system finds a name in it. @param name one name, without a slash */
  at(name: string | Uint8Array): string | Buffer {
    if (typeof name === 'string') return `${this.self}/${name}`;
    return Buffer.concat([Buffer.from(`${this.self}/`), name]);
  }

  /** What was renamed in it is on the disk. */
  async sync(): Promise<void> {
    await this.#handle.sync();
  }

  async close(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
  }
}

/** The parts that were asked for; a directory that was missing has been made. */
export class QueueDirectories {
  readonly root: HeldDirectory;
  readonly #parts: ReadonlyMap<QueuePart, HeldDirectory>;

  constructor(root: HeldDirectory, parts: ReadonlyMap<QueuePart, HeldDirectory>) {
    this.root = root;
    this.#parts = parts;
  }

  part(name: QueuePart): HeldDirectory {
    const part = this.#parts.get(name);
    if (part === undefined) throw new Error(`${name} was not opened`);
    return part;
  }

  async close(): Promise<void> {
    await Promise.all([this.root, ...this.#parts.values()].map((directory) => directory.close()));
  }
}

/**
 * Opens `.agent-queue/` of a project and these parts of it, makes those that are missing.
 *
 * @throws {UnfitDirectory} one is a link, no directory, or somebody else's; @throws {NodeJS.ErrnoException}
 */
export async function openQueue(
  project: string,
  parts: readonly QueuePart[],
  owners: Owners,
): Promise<QueueDirectories> {
  const root = await openDirectory(join(project, QUEUE_DIR), join(project, QUEUE_DIR), owners);
  const opened = new Map<QueuePart, HeldDirectory>();
  try {
    for (const part of parts) opened.set(part, await openPart(root, part, owners));
    return new QueueDirectories(root, opened);
  } catch (error) {
    await new QueueDirectories(root, opened).close();
    throw error;
  }
}

/** A directory inside one that is held. @throws as `openQueue` */
export async function openBelow(parent: HeldDirectory, name: string, owners: Owners): Promise<HeldDirectory> {
  return openDirectory(String(parent.at(name)), join(parent.path, name), owners);
}

async function openPart(root: HeldDirectory, part: QueuePart, owners: Owners): Promise<HeldDirectory> {
  try {
    return await openBelow(root, part, owners);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    await mkdir(root.at(part)).catch((cause: unknown) => {
      if (errorCode(cause) !== 'EEXIST') throw cause;
    });
    return openBelow(root, part, owners);
  }
}

async function openDirectory(at: string, path: string, owners: Owners): Promise<HeldDirectory> {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  let handle: FileHandle;
  try {
    handle = await open(at, flags);
  } catch (error) {
    if (errorCode(error) === 'ELOOP') throw new UnfitDirectory('symlink', `${path} is a symbolic link`);
    // With O_DIRECTORY the system calls a link no directory as well.
    if (errorCode(error) === 'ENOTDIR')
      throw new UnfitDirectory('not_a_directory', `${path} is a symbolic link or no directory`);
    throw error;
  }
  try {
    const { uid, mode } = await handle.stat();
    if (!isTrusted(uid, owners)) {
      const detail = `${path} belongs to the user ${uid}, who is not in dispatcher.trusted_uids`;
      throw new UnfitDirectory('foreign_owner', detail);
    }
    return new HeldDirectory(handle, path, (mode & 0o002) !== 0);
  } catch (error) {
    await handle.close().catch(() => undefined);
    throw error;
  }
}

export function isTrusted(uid: number, { ownUid, trustedUids }: Owners): boolean {
  return uid === ownUid || trustedUids.includes(uid);
}

/** What the system refused, told with the next step. */
export function asQueueError(error: unknown, path: string): QueueError {
  if (error instanceof QueueError) return error;
  if (error instanceof UnfitDirectory) return new QueueError(`queue_${error.kind}`, error.message, { cause: error });
  const code = errorCode(error);
  const known = REFUSALS[code];
  if (known === undefined)
    return new QueueError('queue_failed', `${path}: ${errorCode(error, String(error))}`, { cause: error });
  const [name, says, hint] = known;
  return new QueueError(name, `${path}: ${says} (${code})`, { hint, cause: error });
}

const FULL = ['queue_full', 'the disk is full', 'free some space on it; the task stays where it is'] as const;
const DENIED = [
  'queue_denied',
  'it cannot be read or written',
  'give the directory to the user of the daemon, with the right to write',
] as const;
const REFUSALS: Readonly<Record<string, readonly [string, string, string]>> = {
  ENOSPC: FULL,
  EDQUOT: FULL,
  EACCES: DENIED,
  EPERM: DENIED,
  EROFS: DENIED,
  ENOENT: ['queue_absent', 'there is no such directory', 'make it, or change dispatcher.projects_dir'],
  EMFILE: ['queue_files', 'too many files are open', 'raise the limit of open files of the daemon: ulimit -n'],
};
