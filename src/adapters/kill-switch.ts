/** The kill switch: a file named `pause` in the state directory. It works when the database and the socket do not. */
import { link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../core/error-code.ts';
import { FatalError } from '../core/errors.ts';
import { type EpochMs, toIso } from '../core/time.ts';
import type { Clock, KillSwitch } from '../ports.ts';

const PAUSE_FILE = 'pause';
const LONGEST_REASON = 200;

export interface PauseFile extends KillSwitch {
  /**
   * @param until when the pause ends by itself; null or absent: it lasts until `resume`
   * @returns false: paused, but reason and end could not be written. @throws {FatalError} not paused
   */
  pause(reason: string, until?: EpochMs | null): Promise<boolean>;
  resume(): Promise<void>;
  /** Removes a pause whose end has come. @returns its reason; null: there was none */
  endIfOver(): Promise<string | null>;
  /** What the last look found; asks nothing. */
  last(): string | null;
}

interface Pause {
  readonly reason: string;
  /** Null: until somebody ends it. */
  readonly until: EpochMs | null;
}

/** The second line of a file whose pause ends by itself. Every other file pauses until it is removed. */
const UNTIL = /^until: (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)$/;

export function createKillSwitch(stateDir: string, clock: Pick<Clock, 'now'>): PauseFile {
  const path = join(stateDir, PAUSE_FILE);
  let last: string | null = null;
  async function reason(): Promise<string | null> {
    try {
      const pause = await readPause(path);
      last = isOver(pause, clock.now()) ? null : wordsOf(pause);
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
    async pause(why, until = null) {
      const pause = { reason: why.replaceAll('\n', ' '), until };
      const lines = [pause.reason, ...(until === null ? [] : [`until: ${toIso(until)}`])];
      try {
        await writeFile(path, `${lines.join('\n')}\n`, { mode: 0o600 });
        last = wordsOf(pause);
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
    async endIfOver() {
      const aside = `${path}.over.${process.pid}`;
      try {
        if (!isOver(await readPause(path), clock.now())) return null;
        // Taken aside and read again: a pause that was made at this very moment goes back to its place.
        await rename(path, aside);
        const taken = await readPause(aside);
        const wasOver = isOver(taken, clock.now());
        if (!wasOver) await link(aside, path).catch(() => undefined);
        await rm(aside, { force: true });
        return wasOver ? taken.reason : null;
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return null;
        throw error;
      }
    },
  };
}

/** A file that was touched after its end was meant as a pause. */
function isOver({ until }: Pause, now: EpochMs): boolean {
  return until !== null && until <= now;
}

async function readPause(path: string): Promise<Pause> {
  const text = await readFile(path, 'utf8');
  const [first = '', second = ''] = text.split('\n', 2).map((line) => line.trim());
  const stated = UNTIL.exec(second)?.[1];
  const until = stated === undefined ? Number.NaN : Date.parse(stated);
  const touchedAfter = !Number.isNaN(until) && (await stat(path)).mtimeMs > until;
  return {
    reason: first === '' ? `the file ${path} exists` : first.slice(0, LONGEST_REASON),
    until: Number.isNaN(until) || touchedAfter ? null : until,
  };
}

function wordsOf({ reason, until }: Pause): string {
  return until === null ? reason : `${reason} (until ${toIso(until)})`;
}
