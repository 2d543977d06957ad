/** Makes the directories that are the daemon's own. */
import { accessSync, constants, mkdirSync } from 'node:fs';
import { errorCode } from '../core/error-code.ts';
import { FatalError } from '../core/errors.ts';
import { shellWord } from '../core/shell.ts';

/**
 * Makes the directory with mode 0700 where it is missing.
 *
 * @param key the configuration key that names it
 * @throws {FatalError} it cannot be made or not be written
 */
export function makeOwnDirectory(path: string, key: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch (cause) {
    const code = errorCode(cause);
    throw new FatalError('own_directory', `${path} cannot be used: ${WORDS[code] ?? code}`, {
      hint: `set ${key} to a directory that you can write, or look at this one: ls -ld ${shellWord(path)}`,
      cause,
    });
  }
}

const WORDS: Readonly<Record<string, string>> = {
  EEXIST: 'it is a file, not a directory',
  ENOTDIR: 'a part of the path is a file, not a directory',
  EACCES: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left on the disk',
};
