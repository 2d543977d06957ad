/** One file of a queue, looked at before it is believed: a regular one, ours, with one name, and not too large. */
import type { BigIntStats } from 'node:fs';
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { lstat, open } from 'node:fs/promises';
import { errorCode } from '../../core/error-code.ts';
import type { TaskRefusal } from '../../core/queue/task.ts';
import type { HeldDirectory, Owners } from './directories.ts';
import { isTrusted } from './directories.ts';

export interface FileTerms {
  readonly owners: Owners;
  readonly maxBytes: number;
}

export type Looked =
  | { readonly kind: 'fit'; readonly stats: BigIntStats }
  | { readonly kind: 'linked'; readonly stats: BigIntStats }
  | {
      readonly kind: 'unfit';
      readonly stats: BigIntStats | null;
      readonly refusal: TaskRefusal;
      readonly detail: string;
    }
  | { readonly kind: 'gone' };

export type Opened =
  | { readonly kind: 'open'; readonly handle: FileHandle; readonly stats: BigIntStats }
  | Exclude<Looked, { readonly kind: 'fit' }>;

/** Judges a name without opening it. `linked`: it has a second name, which may be on its way out. */
export async function look(directory: HeldDirectory, name: string | Uint8Array, terms: FileTerms): Promise<Looked> {
  try {
    return judge(await lstat(directory.at(name), { bigint: true }), terms);
  } catch (error) {
    return failed(error);
  }
}

/** Opens it for reading: never through a link, never waiting for a writer. The caller closes the handle. */
export async function openFile(directory: HeldDirectory, name: string | Uint8Array, terms: FileTerms): Promise<Opened> {
  const before = await look(directory, name, terms);
  if (before.kind !== 'fit') return before;
  let handle: FileHandle | null = null;
  try {
    handle = await open(directory.at(name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const judged = judge(await handle.stat({ bigint: true }), terms);
    if (judged.kind === 'fit') return { kind: 'open', handle, stats: judged.stats };
    await handle.close();
    return judged;
  } catch (error) {
    await handle?.close().catch(() => undefined);
    const why = failed(error);
    return why.kind === 'unfit' ? { ...why, stats: before.stats } : why;
  }
}

/** At most this many bytes from its beginning, as text; bytes that are none become U+FFFD. */
export async function readText(handle: FileHandle, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  while (size < maxBytes) {
    const chunk = Buffer.alloc(Math.min(65_536, maxBytes - size));
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, size);
    if (bytesRead === 0) break;
    size += bytesRead;
    chunks.push(chunk.subarray(0, bytesRead));
  }
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(chunks));
}

export function inodeOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

/** Differs whenever the file may hold something else. */
export function versionOf(stats: BigIntStats): string {
  return `${inodeOf(stats)}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
}

function judge(stats: BigIntStats, { owners, maxBytes }: FileTerms): Looked {
  const unfit = (refusal: TaskRefusal, detail: string): Looked => ({ kind: 'unfit', stats, refusal, detail });
  if (stats.isSymbolicLink()) return unfit('symlink', 'it is a symbolic link; put the file itself there');
  if (!stats.isFile()) return unfit('not_a_file', `it is ${kindOf(stats)}, not a file`);
  if (!isTrusted(Number(stats.uid), owners))
    return unfit('foreign_owner', `it belongs to the user ${stats.uid}, who is not in dispatcher.trusted_uids`);
  if (stats.size > maxBytes)
    return unfit('too_large', `it has ${stats.size} bytes; dispatcher.max_task_bytes allows ${maxBytes}`);
  return { kind: stats.nlink > 1n ? 'linked' : 'fit', stats };
}

function kindOf(stats: BigIntStats): string {
  if (stats.isDirectory()) return 'a directory';
  if (stats.isFIFO()) return 'a named pipe';
  return stats.isSocket() ? 'a socket' : 'a device';
}

function failed(error: unknown): Exclude<Looked, { readonly kind: 'fit' }> {
  const code = errorCode(error);
  if (code === 'ENOENT') return { kind: 'gone' };
  if (code === 'ELOOP')
    return {
      kind: 'unfit',
      stats: null,
      refusal: 'symlink',
      detail: 'it is a symbolic link; put the file itself there',
    };
  if (code === 'EACCES' || code === 'EPERM')
    return { kind: 'unfit', stats: null, refusal: 'unreadable', detail: 'the daemon has no right to read it' };
  throw error;
}
