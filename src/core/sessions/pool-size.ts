/** How many autonomous sessions there should be: which are made, which are ended. */
import type { EpochMs } from '../time.ts';
import { MINUTE } from '../time.ts';
import type { LifecycleRow } from './lifecycle.ts';

export interface PoolSize {
  /** All names there may be, in the order in which they are taken. */
  readonly names: readonly string[];
  readonly min: number;
  readonly max: number;
}

export interface PoolPlan {
  /** Names that should be there and are not. */
  readonly make: readonly string[];
  /** Sessions of ours that have rested too long. */
  readonly end: readonly string[];
}

/** An idle session beyond what is needed stays for so long. */
export const SHRINK_AFTER_MS = 10 * MINUTE;

/**
 * As many as there are tasks under way or waiting, within `min` and `max`. Only sessions that the daemon made, that rest at
 * their shell and that nobody looks at are ended.
 *
 * @param rows    of the autonomous sessions
 * @param queued  tasks that wait for a session
 * @param mayEnd  whether nobody is attached and no agent runs in it
 */
export function planPool(
  size: PoolSize,
  rows: readonly LifecycleRow[],
  queued: number,
  mayEnd: (row: LifecycleRow) => boolean,
  now: EpochMs,
): PoolPlan {
  const own = rows.filter((row) => size.names.includes(row.session));
  // A session that failed keeps its place: it is made anew, or held.
  const there = own.filter((row) => row.state !== 'missing');
  const atWork = there.filter((row) => row.state !== 'idle' || row.taskId !== null).length;
  const wanted = Math.min(size.max, Math.max(size.min, atWork + queued));
  if (there.length < wanted) {
    const taken = new Set(there.map((row) => row.session));
    return { make: size.names.filter((name) => !taken.has(name)).slice(0, wanted - there.length), end: [] };
  }
  const rested = there
    .filter(
      (row) => row.isOurs && row.state === 'idle' && row.idleSince !== null && now - row.idleSince >= SHRINK_AFTER_MS,
    )
    .filter(mayEnd)
    .sort((a, b) => size.names.indexOf(b.session) - size.names.indexOf(a.session));
  return { make: [], end: rested.slice(0, there.length - wanted).map((row) => row.session) };
}

/**
 * Whether names of sessions that are there look like the configured ones and are none of them: then the prefix or the
 * start index is wrong, and sessions would be made beside those that were meant.
 *
 * @returns the names that look alike; empty: nothing is wrong
 * @example lookalikes('ccl-auto', ['ccl-auto0'], ['ccl-auto-11']) // ['ccl-auto-11']
 */
export function lookalikes(prefix: string, names: readonly string[], live: readonly string[]): readonly string[] {
  if (names.length === 0 || live.some((name) => names.includes(name))) return [];
  const stem = lettersOf(prefix);
  return live.filter((name) => /\d$/.test(name) && lettersOf(name) === stem && stem !== '');
}

function lettersOf(name: string): string {
  return name
    .replace(/\d+$/, '')
    .replace(/[^A-Za-z0-9]/g, '')
    .toLowerCase();
}
