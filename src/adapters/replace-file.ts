/** Replaces a user's file in one step, unless it was changed since it was read. */
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs';

/**
 * @param before what was there when it was read; null: nothing
 * @param mode absent: that of the old file, else only its owner may read it
 * @throws {Error} it was changed since, or a system error; the old file stays
 */
export function replaceFile(path: string, text: string, before: Stats | null, mode?: number): void {
  const temporary = `${path}.claude-failover.${process.pid}.tmp`;
  try {
    const file = openSync(temporary, 'wx', 0o600);
    try {
      writeSync(file, text);
      const wanted = mode ?? (before === null ? null : before.mode & 0o777);
      if (wanted !== null) fchmodSync(file, wanted);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    const now = statSync(path, { throwIfNoEntry: false });
    if (now?.ino !== before?.ino || now?.mtimeMs !== before?.mtimeMs || now?.size !== before?.size)
      throw new Error('it was changed meanwhile by another program');
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
