/** `state.json` in the state directory: a copy of the state for shell users, replaced as a whole, never read back. */
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { StateMirror } from '../ports.ts';

const MIRROR_FILE = 'state.json';

export function createStateMirror(stateDir: string): StateMirror {
  const path = join(stateDir, MIRROR_FILE);
  const draft = `${path}.tmp`;
  return {
    async write(text) {
      try {
        const file = await open(draft, 'w', 0o600);
        try {
          await file.writeFile(text);
        } finally {
          await file.close();
        }
        // A reader sees the old or the new text. After a power cut the next change writes it anew, so it is not synced.
        await rename(draft, path);
      } catch (error) {
        await rm(draft, { force: true });
        throw error;
      }
    },
  };
}
