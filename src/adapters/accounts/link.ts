/** The account link: where it points, how it is pointed elsewhere in one step, and which account a directory means. */

import { randomBytes } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { lstat, open, readdir, readFile, readlink, realpath, rename, stat, symlink, unlink } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import type { LinkState } from '../../core/accounts.ts';
import { errorCode } from '../../core/error-code.ts';
import { LinkError } from '../../core/errors.ts';
import { asObject, parseObject } from '../../core/json.ts';
import type { AccountLink, LinkedFiles, LinkPlace, Logger } from '../../ports.ts';

/** As many hops as Linux follows before it calls a chain of links a loop. */
const MAX_HOPS = 40;

const RECREATE_HINT = 'look at the path, put the link back by hand, then run: claude-failover recover';

export function createAccountLink(deps: { readonly log: Logger }): AccountLink {
  const { log } = deps;
  /** Names this process is using right now; everything else that carries its pid is left over from an earlier run. */
  const inFlight = new Set<string>();

  return { read, point, targetFor, sweepLeftovers, accountOf };

  async function point(
    link: string,
    target: string,
    { allowMissing = false, files }: { readonly allowMissing?: boolean; readonly files?: LinkedFiles } = {},
  ): Promise<void> {
    if (files === undefined) return pointOne(link, target, allowMissing);
    // All of them are looked at before the first one moves.
    const [, ...others] = files;
    for (const file of files) await refuseUnlessLink(join(link, file), allowMissing || others.includes(file));
    for (const file of files)
      await pointOne(join(link, file), join(target, file), allowMissing || others.includes(file));
  }

  async function pointOne(link: string, target: string, allowMissing: boolean): Promise<void> {
    const temporary = `${link}.tmp.${process.pid}.${randomBytes(6).toString('hex')}`;
    inFlight.add(temporary);
    try {
      await symlink(target, temporary);
      // The last look before the rename: rename(2) would silently replace a regular file.
      await refuseUnlessLink(link, allowMissing);
      await rename(temporary, link);
    } catch (error) {
      await unlink(temporary).catch(() => {});
      throw asLinkError(error, link, 'cannot point the link');
    } finally {
      inFlight.delete(temporary);
    }
    await syncDirectory(dirname(link)).catch((error: unknown) => {
      throw asLinkError(error, link, 'the link was pointed, but its directory could not be synced');
    });
    log.debug({ link, target }, 'link pointed');
  }

  async function sweepLeftovers(link: string, files?: LinkedFiles): Promise<number> {
    if (files === undefined) return sweepOne(link);
    let removed = 0;
    for (const file of files) removed += await sweepOne(join(link, file));
    return removed;
  }

  async function sweepOne(link: string): Promise<number> {
    const directory = dirname(link);
    const prefix = `${basename(link)}.tmp.`;
    let removed = 0;
    for (const name of await readdir(directory).catch(() => [])) {
      const pid = name.startsWith(prefix)
        ? /^(\d{1,10})\.[0-9a-f]{12}$/.exec(name.slice(prefix.length))?.[1]
        : undefined;
      if (pid === undefined) continue;
      const path = join(directory, name);
      if (Number(pid) === process.pid ? inFlight.has(path) : isRunning(Number(pid))) continue;
      const found = await lstat(path).catch(() => null);
      if (found?.isSymbolicLink() !== true) continue;
      await unlink(path).then(
        () => {
          removed += 1;
        },
        (error: unknown) => log.warn({ path, reason: errorCode(error) }, 'cannot remove a leftover of an earlier flip'),
      );
    }
    return removed;
  }
}

async function read(place: LinkPlace): Promise<LinkState> {
  return place.files === undefined ? readDirectory(place) : readFiles(place, place.files);
}

/** Where the first file points, unless another one contradicts it. */
async function readFiles(place: LinkPlace, [first, ...others]: LinkedFiles): Promise<LinkState> {
  const state = await readFileLink(place, first);
  if (state.kind !== 'account') return state;
  const accounts = new Set([state.account]);
  let { movedAt = 0 } = state;
  for (const file of others) {
    const other = await readFileLink(place, file);
    if (other.kind === 'missing') continue;
    if (other.kind !== 'account') return other;
    accounts.add(other.account);
    movedAt = Math.max(movedAt, other.movedAt ?? 0);
  }
  return accounts.size === 1 ? { ...state, movedAt } : { kind: 'split', accounts: [...accounts] };
}

/** One file that should be a link to its namesake in a home. The namesake may be missing: that is the home's trouble. */
async function readFileLink(place: LinkPlace, file: string): Promise<LinkState> {
  const link = join(place.link, file);
  try {
    const found = await lstat(link);
    if (found.isDirectory()) return { kind: 'directory' };
    if (!found.isSymbolicLink()) return { kind: 'file' };
    const text = await readlink(link);
    const target = dirname(text);
    const home = resolve(await realpath(place.link), target);
    const real = await realpath(home).catch(errorCode);
    if (real === 'ELOOP') return { kind: 'loop', target };
    const account = await accountAt(real, place);
    if (account !== null && basename(text) === file)
      return { kind: 'account', account, target, movedAt: Math.round(found.mtimeMs) };
    if (real === 'ENOENT') return { kind: 'dangling', target, account: await accountNamed(home, place) };
    return { kind: 'foreign', target: text };
  } catch (error) {
    const code = errorCode(error);
    return code === 'ENOENT' ? { kind: 'missing' } : { kind: 'unreadable', reason: code };
  }
}

async function readDirectory(place: LinkPlace): Promise<LinkState> {
  let target: string;
  let movedAt: number;
  try {
    const found = await lstat(place.link);
    movedAt = Math.round(found.mtimeMs);
    if (found.isDirectory()) return { kind: 'directory' };
    if (!found.isSymbolicLink()) return { kind: 'file' };
    target = await readlink(place.link);
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? { kind: 'missing' } : { kind: 'unreadable', reason: errorCode(error) };
  }
  try {
    const real = await realpath(place.link);
    const account = await accountAt(real, place);
    if (account === null || !(await stat(real)).isDirectory()) return { kind: 'foreign', target };
    return { kind: 'account', account, target, movedAt };
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ELOOP') return { kind: 'loop', target };
    if (code !== 'ENOENT' && code !== 'ENOTDIR') return { kind: 'unreadable', reason: code };
    return { kind: 'dangling', target, account: await accountNamed(resolve(dirname(place.link), target), place) };
  }
}

/**
 * Absolute, unless the link's present text is relative and the home lies below the link's own directory: then the style
 * of the one who made the link is kept.
 */
function targetFor(link: string, home: string, files?: LinkedFiles): string {
  const [first, from] = files === undefined ? [link, dirname(link)] : [join(link, files[0]), link];
  const below = relative(from, home);
  const reachable = below !== '' && !below.startsWith('..') && !isAbsolute(below);
  return reachable && presentTextIsRelative(first) ? below : home;
}

function presentTextIsRelative(link: string): boolean {
  try {
    return !isAbsolute(readlinkSync(link));
  } catch {
    return false;
  }
}

async function accountOf(
  configDir: string,
  place: LinkPlace,
): Promise<{ readonly throughLink: boolean; readonly account: string } | null> {
  if (place.files !== undefined) return accountBehindFiles(configDir, place);
  if (place.settings !== undefined) return accountBySettings(configDir, place, place.settings);
  const link = await canonicalName(place.link);
  let current = await canonicalName(configDir);
  let throughLink = false;
  for (let hop = 0; hop < MAX_HOPS; hop++) {
    throughLink ||= current === link;
    const target = await readlink(current).catch(() => null);
    if (target === null) break;
    current = await canonicalName(resolve(dirname(current), target));
  }
  const account = await accountAt(current, place);
  return account === null ? null : { throughLink, account };
}

/** Through the links when the directory is the one they lie in. */
async function accountBehindFiles(
  configDir: string,
  place: LinkPlace,
): Promise<{ readonly throughLink: boolean; readonly account: string } | null> {
  const [real, link] = await Promise.all([configDir, place.link].map((path) => realpath(path).catch(() => null)));
  if (real == null) return null;
  if (real === link) {
    const state = await read(place);
    return state.kind === 'account' ? { throughLink: true, account: state.account } : null;
  }
  const account = await accountAt(real, place);
  return account === null ? null : { throughLink: false, account };
}

/** Through the link when the settings in this directory name it. */
async function accountBySettings(
  configDir: string,
  { link, homes }: LinkPlace,
  settings: NonNullable<LinkPlace['settings']>,
): Promise<{ readonly throughLink: boolean; readonly account: string } | null> {
  const [real, wanted] = await Promise.all(
    [configDir, settings.configDir].map((path) => realpath(path).catch(() => null)),
  );
  if (real == null || real !== wanted) return null;
  const named = await variableInSettings(real, settings.variable);
  return named === null ? null : accountOf(named, { link, homes });
}

/** A variable of the `env` block in Claude Code's settings; null: the file does not name it, or cannot be understood. */
async function variableInSettings(configDir: string, variable: string): Promise<string | null> {
  const text = await readFile(join(configDir, 'settings.json'), 'utf8').catch(() => '');
  const value = asObject(parseObject(text)?.env)?.[variable];
  return typeof value === 'string' && isAbsolute(value) ? value : null;
}

/** The account whose home really is this path. */
async function accountAt(real: string, place: LinkPlace): Promise<string | null> {
  for (const { account, home } of place.homes) {
    if ((await realpath(home).catch(() => null)) === real) return account;
  }
  return null;
}

/** The account whose home has this name, for a home that is not there. */
async function accountNamed(path: string, place: LinkPlace): Promise<string | null> {
  const name = await canonicalName(path);
  for (const { account, home } of place.homes) {
    if ((await canonicalName(home)) === name) return account;
  }
  return null;
}

/** The path with links in its directory resolved, but not the last name itself. */
async function canonicalName(path: string): Promise<string> {
  const full = resolve(path);
  const directory = await realpath(dirname(full)).catch(() => dirname(full));
  return join(directory, basename(full));
}

async function refuseUnlessLink(link: string, allowMissing: boolean): Promise<void> {
  const found = await lstat(link).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  });
  if (found?.isSymbolicLink() === true || (found === null && allowMissing)) return;
  const what = found === null ? 'missing' : found.isDirectory() ? 'a directory' : 'a file';
  throw new LinkError('link_not_a_symlink', `${link} is ${what}, not a symbolic link`, { hint: RECREATE_HINT });
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) !== 'ESRCH';
  }
}

function asLinkError(error: unknown, link: string, what: string): LinkError {
  if (error instanceof LinkError) return error;
  return new LinkError('link_failed', `${what} ${link}: ${errorCode(error)}`, {
    hint: 'check that the directory is writable and the disk is not full',
    cause: error,
  });
}
