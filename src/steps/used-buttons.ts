/** Remembers which buttons were pressed, through restarts: each works once. */
import type { EpochMs } from '../core/time.ts';
import { DAY } from '../core/time.ts';
import type { LocalStore } from '../ports.ts';

const KEY = 'chat:used';
/** More than the rate limit lets through in the life of a button. */
const MOST = 2_000;
/** Kept longer than the button works, so that a clock that is set back makes none of them good again. */
const KEEP_MS = DAY;

/**
 * Written down before anything is done, so that a crash in between loses a wish and never doubles one.
 *
 * @returns false: it was used before
 * @throws {StoreError} it could not be written down: then nothing may be done
 */
export async function useButton(
  local: Pick<LocalStore, 'meta' | 'setMeta'>,
  id: string,
  expiresAt: EpochMs,
  now: EpochMs,
): Promise<boolean> {
  const used = parse(await local.meta(KEY)).filter(([, until]) => until + KEEP_MS > now);
  // Forgetting one that still works would let it work twice.
  if (used.some(([known]) => known === id) || used.length >= MOST) return false;
  await local.setMeta(KEY, JSON.stringify([...used, [id, expiresAt]]));
  return true;
}

/** @throws {SyntaxError} what is there is no list: nothing can be proven unused */
function parse(text: string | null): readonly (readonly [string, EpochMs])[] {
  return text === null ? [] : (JSON.parse(text) as [string, EpochMs][]);
}
