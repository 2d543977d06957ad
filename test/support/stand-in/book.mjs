/** The quota book: a JSON file that plays the provider. It maps an access token to what the provider thinks of it. */
import { mkdirSync, readFileSync, renameSync, rmdirSync, statSync, writeFileSync } from 'node:fs';

/**
 * @typedef {object} Entry
 * @property {string} label the account's name
 * @property {boolean} limited
 * @property {number} resetsAt epoch ms
 * @property {'five_hour' | 'seven_day' | 'seven_day_opus'} kind
 * @property {string} [refreshToken] the only refresh token that is still good
 * @property {boolean} [failing] answers with a server error
 * @property {boolean} [bought] somebody confirmed the menu that spends money
 */

/** @typedef {Record<string, Entry>} Book */

/** Longer than a starved holder stalls: what a thief overwrites is a token that nobody has any more. */
const LOCK_STALE_MS = 30_000;

/** @param {string} path @returns {Book} */
export function readBook(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/**
 * Changes the book while nobody else does, and replaces the file in one step.
 *
 * @template T
 * @param {string} path
 * @param {(book: Book) => T} change may alter the book in place
 * @returns {T}
 */
export function changeBook(path, change) {
  const lock = `${path}.lock`;
  takeLock(lock);
  try {
    const book = readBook(path);
    const result = change(book);
    writeFileSync(`${path}.new`, `${JSON.stringify(book, null, 2)}\n`);
    renameSync(`${path}.new`, path);
    return result;
  } finally {
    rmdirSync(lock);
  }
}

/** @param {string} lock */
function takeLock(lock) {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const giveUpAt = Date.now() + 2 * LOCK_STALE_MS;
  while (Date.now() < giveUpAt) {
    try {
      return mkdirSync(lock);
    } catch {
      try {
        if (Date.now() - statSync(lock).mtimeMs > LOCK_STALE_MS) rmdirSync(lock);
      } catch {
        // Its holder removed it meanwhile.
      }
      Atomics.wait(pause, 0, 0, 2);
    }
  }
  throw new Error(`the quota book stayed locked: ${lock}`);
}
