/** Renames, links and directories made so that nothing is ever replaced, and on the disk when they are said to be done. */
import { lstat, mkdir, open, readdir, readlink, rename, rmdir, stat, symlink, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Place } from '../../core/adoption/step.ts';
import { errorCode } from '../../core/error-code.ts';
import { LinkError } from '../../core/errors.ts';
import type { Moves } from '../../ports/adoption.ts';

export function createMoves(): Moves {
  return { look, isEmpty, makeDirectory, removeDirectory, move, link, unlink: removeLink };
}

async function look(path: string): Promise<Place> {
  try {
    const found = await lstat(path);
    const kind = found.isDirectory()
      ? 'directory'
      : found.isSymbolicLink()
        ? 'link'
        : found.isFile()
          ? 'file'
          : 'other';
    const text = kind === 'link' ? await readlink(path) : null;
    return { path, kind, text, device: String(found.dev), owner: found.uid, missingParents: [] };
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw failure('look at', path, error);
  }
  const missingParents: string[] = [];
  for (let above = dirname(path); ; above = dirname(above)) {
    try {
      const device = String((await stat(above)).dev);
      return { path, kind: 'nothing', text: null, device, owner: null, missingParents: missingParents.reverse() };
    } catch (error) {
      if (errorCode(error) !== 'ENOENT' || above === dirname(above)) throw failure('look at', above, error);
      missingParents.push(above);
    }
  }
}

async function isEmpty(directory: string): Promise<boolean> {
  try {
    return (await readdir(directory)).length === 0;
  } catch (error) {
    throw failure('look into', directory, error);
  }
}

async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
    throw failure('make the directory', path, error);
  });
  await sync(dirname(path));
}

async function removeDirectory(path: string): Promise<boolean> {
  try {
    await rmdir(path);
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST'].includes(errorCode(error))) return false;
    throw failure('remove the directory', path, error);
  }
  await sync(dirname(path));
  return true;
}

async function move(from: string, to: string): Promise<void> {
  // rename(2) would replace a file or an empty directory without a word.
  const target = await look(to);
  if (target.kind !== 'nothing')
    throw new LinkError('in_the_way', `${to} is there already: ${from} was left in its place`);
  try {
    await rename(from, to);
  } catch (error) {
    throw failure(`rename ${from} to`, to, error);
  }
  await sync(dirname(to));
  if (dirname(from) !== dirname(to)) await sync(dirname(from));
}

async function link(path: string, target: string): Promise<void> {
  await symlink(target, path).catch((error: unknown) => {
    throw failure('make the link', path, error);
  });
  await sync(dirname(path));
}

async function removeLink(path: string, target: string): Promise<void> {
  const found = await look(path);
  if (found.kind !== 'link' || found.text !== target)
    throw new LinkError('not_our_link', `${path} is not the link to ${target} any more`);
  await unlink(path).catch((error: unknown) => {
    throw failure('remove the link', path, error);
  });
  await sync(dirname(path));
}

async function sync(path: string): Promise<void> {
  try {
    const directory = await open(path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  } catch (error) {
    throw failure('sync', path, error);
  }
}

const WORDS: Readonly<Record<string, string>> = {
  EEXIST: 'something is there already',
  EXDEV: 'it lies on another file system, and nothing here is ever copied',
  EBUSY: 'it is a mount point, or in use by the system',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left on the disk',
};

function failure(what: string, path: string, cause: unknown): LinkError {
  const code = errorCode(cause);
  return new LinkError('move_failed', `cannot ${what} ${path}: ${WORDS[code] ?? code}`, {
    hint: 'clear that, then run the same command again: it goes on where it stands',
    cause,
  });
}
