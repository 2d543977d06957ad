/** Asks the file system how much room is left. */
import { statfs } from 'node:fs/promises';
import type { DiskSpace } from '../ports/records.ts';

export function createDiskSpace(): DiskSpace {
  return {
    async freeBytes(directory) {
      try {
        const { bavail, bsize } = await statfs(directory);
        return bavail * bsize;
      } catch {
        return null;
      }
    },
  };
}
