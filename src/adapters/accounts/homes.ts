/** Account homes: what state they are in, whose they are, and the fresh mtime that makes a running CLI look again. */
import { lstat, lutimes, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CredentialState, HomeState } from '../../core/accounts.ts';
import type { AgentProfile } from '../../core/agents/profile.ts';
import { errorCode } from '../../core/error-code.ts';
import { LinkError } from '../../core/errors.ts';
import { asObject, parseObject } from '../../core/json.ts';
import { MINUTE } from '../../core/time.ts';
import type { AccountHomes, Clock, Logger } from '../../ports.ts';
import { type CredentialFacts, readCredentials } from './credentials.ts';
import { identityOf } from './logins.ts';
import { readOwnFile } from './own-file.ts';

/** Claude Code's own state; in a home when that home is its configuration directory. */
const STATE_FILE = '.claude.json';
const INTERRUPTED_MS = MINUTE;
/** It grows with every project ever opened. */
const STATE_MAX_BYTES = 32 * 1024 * 1024;

const NO_CREDENTIALS = {
  looseMode: false,
  credentialsMtimeMs: null,
  expiresAt: null,
  loginEndsAt: null,
  identity: null,
};

export function createAccountHomes(deps: {
  readonly ownUid: number;
  readonly clock: Clock;
  readonly log: Logger;
}): AccountHomes {
  const { ownUid, clock, log } = deps;
  /** The identity in a state file, by path, as long as the file stays the same: it can be megabytes. */
  const knownIdentities = new Map<string, { readonly version: string; readonly identity: string | null }>();

  return { inspect, interruptedWrites, freshen };

  async function inspect(profile: AgentProfile, home: string): Promise<HomeState> {
    const place = await lookAt(home);
    if (place.problem !== null) {
      return { home, ...place, credentials: place.problem === 'missing' ? 'missing' : 'unreadable', ...NO_CREDENTIALS };
    }
    const files: CredentialFacts[] = [];
    for (const name of profile.credentialFiles)
      files.push(await readCredentials(profile.kind, join(home, name), ownUid, clock));
    return {
      home,
      ...place,
      credentials: worst(files.map((file) => file.state)),
      looseMode: files.some((file) => file.looseMode),
      credentialsMtimeMs: highest(files.map((file) => file.mtimeMs)),
      expiresAt: files.find((file) => file.expiresAt !== null)?.expiresAt ?? null,
      loginEndsAt: files.find((file) => file.loginEndsAt !== null)?.loginEndsAt ?? null,
      renewable: files.some((file) => file.renewable),
      // The credentials first: they are written together with the tokens, while the state file lags behind a flip.
      identity: files.find((file) => file.identity !== null)?.identity ?? (await identityFromState(home)),
    };
  }

  async function interruptedWrites(profile: AgentProfile, home: string): Promise<readonly string[]> {
    const pattern = profile.interruptedWrites;
    if (pattern === undefined) return [];
    const names = (await readdir(home).catch(() => [])).filter((name) => pattern.test(name));
    const paths: string[] = [];
    for (const name of names.sort()) {
      const found = await lstat(join(home, name)).catch(() => null);
      // A younger one may be a write that goes on.
      if (found !== null && Math.abs(clock.now() - found.mtimeMs) > INTERRUPTED_MS) paths.push(join(home, name));
    }
    return paths;
  }

  async function lookAt(home: string): Promise<Pick<HomeState, 'realPath' | 'problem'>> {
    try {
      const realPath = await realpath(home);
      const found = await stat(realPath);
      if (!found.isDirectory()) return { realPath, problem: 'not-a-directory' };
      return { realPath, problem: found.uid === ownUid ? null : 'foreign-owner' };
    } catch (error) {
      const code = errorCode(error);
      if (code === 'ENOENT') return { realPath: null, problem: 'missing' };
      return { realPath: null, problem: code === 'ENOTDIR' ? 'not-a-directory' : 'unreadable' };
    }
  }

  async function identityFromState(home: string): Promise<string | null> {
    const path = join(home, STATE_FILE);
    const found = await lstat(path).catch(() => null);
    if (found === null) return null;
    const version = `${found.dev}:${found.ino}:${found.size}:${found.mtimeMs}:${found.ctimeMs}`;
    const known = knownIdentities.get(path);
    if (known?.version === version) return known.identity;
    const identity = await identityInState(home, ownUid);
    knownIdentities.set(path, { version, identity });
    return identity;
  }

  async function freshen(profile: AgentProfile, home: string, floorMs: number): Promise<number> {
    const paths = profile.credentialFiles.map((name) => join(home, name));
    let targetMs = Math.max(floorMs, clock.now());
    for (const path of paths) targetMs = Math.max(targetMs, await ownMtime(path));
    // The CLI keeps its account's name in memory until this file looks newer too.
    const state = join(home, STATE_FILE);
    const stateMtimeMs = await ownMtime(state).catch(() => null);
    if (stateMtimeMs !== null) targetMs = Math.max(targetMs, stateMtimeMs);

    const freshMs = Math.floor(targetMs) + 1;
    for (const path of paths) await setMtime(path, freshMs);
    if (stateMtimeMs !== null) {
      await setMtime(state, freshMs).catch((error: unknown) =>
        log.warn({ path: state, reason: String(error) }, 'state file not touched'),
      );
    }
    return freshMs;
  }

  /** @throws {LinkError} */
  async function ownMtime(path: string): Promise<number> {
    const found = await lstat(path).catch((error: unknown) => {
      throw new LinkError('credentials_missing', `cannot look at ${path}: ${errorCode(error)}`, { cause: error });
    });
    if (found.isFile() && found.uid === ownUid) return found.mtimeMs;
    const what = found.isFile()
      ? `owned by uid ${found.uid}`
      : found.isSymbolicLink()
        ? 'a symbolic link'
        : 'not a file';
    throw new LinkError('credentials_not_ours', `${path} is ${what}`, {
      hint: 'log in again inside this account home so that it holds its own credentials file',
    });
  }
}

/** What Claude Code's own state in this directory says of its account; null: nothing. */
export async function identityInState(directory: string, ownUid: number): Promise<string | null> {
  const file = await readOwnFile(join(directory, STATE_FILE), ownUid, STATE_MAX_BYTES);
  const account = file.kind === 'file' ? asObject(parseObject(file.text)?.oauthAccount) : null;
  return account === null ? null : identityOf(account);
}

/** Sets the mtime by metadata alone: the file is never opened. @throws {LinkError} */
async function setMtime(path: string, mtimeMs: number): Promise<void> {
  try {
    const { atimeMs } = await lstat(path);
    // Half a millisecond on top: seconds pass through a double, and a rounded-down one must still be this millisecond.
    await lutimes(path, atimeMs / 1000, (mtimeMs + 0.5) / 1000);
    const { mtimeMs: nowMs } = await lstat(path);
    if (Math.floor(nowMs) === mtimeMs) return;
    throw new LinkError('mtime_not_kept', `${path}: asked for mtime ${mtimeMs} ms, the file system kept ${nowMs} ms`, {
      hint: 'account homes need a file system with millisecond timestamps',
    });
  } catch (error) {
    if (error instanceof LinkError) throw error;
    throw new LinkError('mtime_failed', `cannot set the mtime of ${path}: ${errorCode(error)}`, { cause: error });
  }
}

const BY_GRAVITY: readonly CredentialState[] = ['foreign', 'link', 'unreadable', 'missing', 'corrupt', 'blanked', 'ok'];

function worst(states: readonly CredentialState[]): CredentialState {
  return BY_GRAVITY.find((state) => states.includes(state)) ?? 'missing';
}

function highest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}
