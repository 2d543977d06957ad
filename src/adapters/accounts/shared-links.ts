/** The entries that every account home shares through links, so that one account can resume another's session. */
import { lstat, mkdir, readlink, realpath, stat, symlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { AgentProfile } from '../../core/agents/profile.ts';
import { errorCode } from '../../core/error-code.ts';
import { moveAside, shellWord } from '../../core/shell.ts';
import type { Logger, SharedEntries, SharedEntryProblem } from '../../ports.ts';

const MISSING = 'is missing';

/** What stands at `<home>/<entry>`. */
type EntryState = 'shared' | 'missing' | 'elsewhere' | 'directory' | 'file';

export function createSharedEntries(deps: { readonly ownUid: number; readonly log: Logger }): SharedEntries {
  const { ownUid, log } = deps;
  return {
    ensure: (profile, home, sharedRoot) => eachEntry(profile, home, sharedRoot, true),
    async validate(profile, homes, sharedRoot) {
      const problems: SharedEntryProblem[] = [];
      for (const home of homes) problems.push(...(await eachEntry(profile, home, sharedRoot, false)));
      return problems;
    },
  };

  async function eachEntry(
    profile: AgentProfile,
    home: string,
    sharedRoot: string,
    create: boolean,
  ): Promise<readonly SharedEntryProblem[]> {
    if (create) await mkdir(sharedRoot, { recursive: true, mode: 0o700 }).catch(() => {});
    for (const directory of [home, sharedRoot]) {
      const refused = await refusal(directory);
      // The remedy of each entry makes a shared root that is missing.
      if (refused === null || (refused === MISSING && directory === sharedRoot && !create)) continue;
      const look = `look at it: ls -ld ${shellWord(directory)}; it must be a directory of your own user`;
      return [problem(home, '.', true, `${directory} ${refused}`, look)];
    }
    if ((await realpath(home)) === (await realpath(sharedRoot).catch(() => null))) return [];

    const { required, optional } = profile.sharedEntries;
    const found: (SharedEntryProblem | null)[] = [];
    for (const entry of required) found.push(await oneEntry(home, sharedRoot, entry, true, create));
    for (const entry of optional) found.push(await oneEntry(home, sharedRoot, entry, false, create));
    return found.filter((item) => item !== null);
  }

  async function oneEntry(
    home: string,
    sharedRoot: string,
    entry: string,
    required: boolean,
    create: boolean,
  ): Promise<SharedEntryProblem | null> {
    const link = join(home, entry);
    const target = join(sharedRoot, entry);
    try {
      if (required && create) await mkdir(target, { mode: 0o700 }).catch(ignoreExisting);
      const shared = await stat(target).catch(() => null);
      const make = `mkdir -p -m 700 ${shellWord(sharedRoot)} ${shellWord(target)}`;
      if (required && shared?.isDirectory() === false)
        return problem(home, entry, true, `${target} is not a directory`, `${moveAside(target)} && ${make}`);
      let state = await entryState(link, target);
      if (state === 'missing' && create && shared !== null) {
        await symlink(target, link).catch(ignoreExisting);
        log.info({ link, target }, 'shared entry linked');
        state = await entryState(link, target);
      }
      if (shared === null && required && state === 'shared')
        return problem(home, entry, true, `${target} is missing`, make);
      if (state === 'shared' || (state === 'missing' && shared === null && !required)) return null;
      const [message, remedy] = explain(state, link, target);
      const isMade = shared !== null || (state !== 'directory' && !required);
      const diverges = shared !== null && state !== 'missing';
      return { ...problem(home, entry, required, message, isMade ? remedy : `${make} && ${remedy}`), diverges };
    } catch (error) {
      return problem(
        home,
        entry,
        required,
        `cannot link ${link}: ${errorCode(error)}`,
        `check the permissions of ${home}`,
      );
    }
  }

  async function refusal(directory: string): Promise<string | null> {
    const found = await stat(directory).catch(errorCode);
    if (typeof found === 'string') return found === 'ENOENT' ? MISSING : `cannot be read: ${found}`;
    if (!found.isDirectory()) return 'is not a directory';
    return found.uid === ownUid ? null : `is owned by uid ${found.uid}`;
  }
}

async function entryState(link: string, target: string): Promise<EntryState> {
  const found = await lstat(link).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  });
  if (found === null) return 'missing';
  if (!found.isSymbolicLink()) return found.isDirectory() ? 'directory' : 'file';
  // A link to a shared entry that does not exist yet is right all the same.
  if (resolve(dirname(link), await readlink(link)) === resolve(target)) return 'shared';
  const [real, wanted] = await Promise.all([realpath(link).catch(() => null), realpath(target).catch(() => null)]);
  return real !== null && real === wanted ? 'shared' : 'elsewhere';
}

/** Message and remedy for an entry that is not shared. Nothing here is ever done by the program itself. */
function explain(
  state: Exclude<EntryState, 'shared'>,
  link: string,
  target: string,
): [message: string, remedy: string] {
  const [from, to] = [shellWord(link), shellWord(target)];
  const relink = `ln -s ${to} ${from}`;
  switch (state) {
    case 'missing':
      return [`${link} is missing, it should be a link to ${target}`, relink];
    case 'elsewhere':
      return [`${link} is a link, but not to ${target}`, `${moveAside(link)} && ${relink}`];
    case 'file':
      return [
        `${link} is a file of its own, not a link to ${target}; the CLI may have replaced the link`,
        `cp -an ${from} ${to} && ${moveAside(link)} && ${relink}`,
      ];
    case 'directory':
      return [
        `${link} is a directory of its own, not a link to ${target}`,
        `cp -an ${from}/. ${to}/ && mv -T ${from} ${from}.unshared && ${relink}`,
      ];
  }
}

function problem(home: string, entry: string, fatal: boolean, message: string, remedy: string): SharedEntryProblem {
  return { home, entry, severity: fatal ? 'fatal' : 'warning', diverges: false, message, remedy };
}

function ignoreExisting(error: unknown): void {
  if (errorCode(error) !== 'EEXIST') throw error;
}
