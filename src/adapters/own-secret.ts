/** A random key of the daemon's own in its state directory, made at first use and readable by its owner only. */
import { createHmac, randomBytes } from 'node:crypto';
import { chmodSync, linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { Mac } from '../core/alerts/callback.ts';
import { errorCode } from '../core/error-code.ts';
import { FatalError } from '../core/errors.ts';

const BYTES = 32;

/**
 * HMAC-SHA256 with the key in this file. A file that holds no key is replaced: what was signed before is void then.
 *
 * @throws {FatalError} the file can be neither read nor made
 */
export function keyedHash(path: string): Mac {
  try {
    const key = readKey(path) ?? makeKey(path);
    return (text) => createHmac('sha256', key).update(text).digest('base64url');
  } catch (cause) {
    throw new FatalError('key_file', `${path} cannot be used: ${errorCode(cause)}`, {
      hint: 'check the owner and mode of the state directory',
      cause,
    });
  }
}

/** Characters for a name that nobody can guess. */
export function randomName(bytes: number): string {
  return randomBytes(bytes).toString('base64url');
}

function readKey(path: string): Buffer | null {
  try {
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
    const key = Buffer.from(readFileSync(path, 'utf8').trim(), 'hex');
    if (key.length === BYTES) return key;
    rmSync(path);
    return null;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

function makeKey(path: string): Buffer {
  const key = randomBytes(BYTES);
  const draft = `${path}.new.${process.pid}`;
  // Linked into place whole: a crash never leaves half a key.
  writeFileSync(draft, `${key.toString('hex')}\n`, { mode: 0o600, flush: true });
  try {
    linkSync(draft, path);
    return key;
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    return readKey(path) ?? key;
  } finally {
    rmSync(draft, { force: true });
  }
}
