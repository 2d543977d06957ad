/** The kill switch: a file named `pause` in the state directory. It works when the database and the socket do not. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FatalError } from '../core/errors.ts';
import type { KillSwitch } from '../ports.ts';
import { errorCode } from './accounts/system-error.ts';

export const PAUSE_FILE = 'pause';
const LONGEST_REASON = 200;

export interface PauseFile extends KillSwitch {
  /** @returns false: paused, but the reason could not be written. @throws {FatalError} not paused */
  pause(reason: string): Promise<boolean>;
  resume(): Promise<void>;
  /** What the last look found; asks nothing. */
  last(): string | null;
}

export function createKillSwitch(stateDir: string): PauseFile {
  const path = join(stateDir, PAUSE_FILE);
  let last: string | null = null;
  async function reason(): Promise<string | null> {
    try {
      const text = (await readFile(path, 'utf8')).split('\n', 1)[0]?.trim() ?? '';
      last = text === '' ? `the file ${path} exists` : text.slice(0, LONGEST_REASON);
    } catch (error) {
      // Anything but "no such file" may hide a pause: then it counts as one.
      const code = errorCode(error);
      last = code === 'ENOENT' ? null : `the file ${path} cannot be read (${code})`;
    }
    return last;
  }
  return {
    reason,
    last: () => last,
    async pause(why) {
      try {
        await writeFile(path, `${why.replaceAll('\n', ' ')}\n`, { mode: 0o600 });
        last = why;
        return true;
      } catch (cause) {
        // On a full disk the file is made all the same, and its being there is the pause.
        if ((await reason()) !== null) return false;
        throw new FatalError('pause_failed', `not paused: ${path} cannot be written (${errorCode(cause)})`, {
          hint: 'stop the daemon instead: systemctl --user stop claude-failover, or end its process',
          cause,
        });
      }
    },
    async resume() {
      await rm(path, { force: true });
      last = null;
    },
  };
}
