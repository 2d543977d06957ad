/** Reads a small file of the user's own: never through a symbolic link, never a pipe or device, never without a bound. */
import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';
import { errorCode } from '../../core/error-code.ts';

export type OwnFile =
  | { readonly kind: 'file'; readonly text: string; readonly stats: Stats }
  | { readonly kind: 'missing' | 'link' }
  | { readonly kind: 'foreign' | 'unreadable'; readonly stats: Stats | null };

/** @param ownUid the only owner whose file is read; @param maxBytes a larger file is `unreadable` */
export async function readOwnFile(path: string, ownUid: number, maxBytes: number): Promise<OwnFile> {
  const before = await lstat(path).catch(errorCode);
  if (typeof before === 'string') {
    return before === 'ENOENT' ? { kind: 'missing' } : { kind: 'unreadable', stats: null };
  }
  if (before.isSymbolicLink()) return { kind: 'link' };
  if (before.uid !== ownUid) return { kind: 'foreign', stats: before };
  if (!before.isFile()) return { kind: 'unreadable', stats: before };
  let file: FileHandle | null = null;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stats = await file.stat();
    if (stats.uid !== ownUid) return { kind: 'foreign', stats };
    if (!stats.isFile() || stats.size > maxBytes) return { kind: 'unreadable', stats };
    return { kind: 'file', text: await file.readFile('utf8'), stats };
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT') return { kind: 'missing' };
    return code === 'ELOOP' ? { kind: 'link' } : { kind: 'unreadable', stats: before };
  } finally {
    await file?.close();
  }
}
