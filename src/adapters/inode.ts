/** Which file or directory stands at a path: its name may have been given to another one since. */
import { type BigIntStats, lstatSync } from 'node:fs';

/**
 * Device, inode and birth of what stands at a path; null: nothing. The birth is part of it because a file system hands a
 * freed inode number to the next directory made.
 */
export function inodeAt(path: string): string | null {
  try {
    return inodeOf(lstatSync(path, { bigint: true }));
  } catch {
    return null;
  }
}

export function inodeOf(found: BigIntStats): string {
  return `${found.dev}:${found.ino}:${found.birthtimeNs}`;
}
