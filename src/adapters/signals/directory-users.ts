/** Which processes of this user have something to do with a directory: what is open, where they work, what they were told. */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Never holds arguments: they may hold secrets. */
export interface DirectoryUser {
  readonly pid: number;
  /** The program's name as the kernel has it, at most 15 characters. */
  readonly name: string;
  /** `told`: its environment names the directory. */
  readonly how: 'open file' | 'working directory' | 'told';
}

export interface DirectoryUsersOptions {
  /** Default `/proc`. */
  readonly procRoot?: string;
  readonly ownUid: number;
  /** Left out: this program itself. */
  readonly ownPid: number;
  /** The variable of the CLI that names its configuration directory. */
  readonly variable: string;
}

/** @param directories absolute and without links; each is meant with all that lies below it */
export function directoryUsers(
  directories: readonly string[],
  options: DirectoryUsersOptions,
): readonly DirectoryUser[] {
  const root = options.procRoot ?? '/proc';
  const isMeant = (path: string | null): boolean =>
    path !== null && directories.some((directory) => path === directory || path.startsWith(`${directory}/`));
  const users: DirectoryUser[] = [];
  for (const entry of readdirSync(root)) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === options.ownPid) continue;
    const folder = join(root, entry);
    try {
      if (statSync(folder).uid !== options.ownUid) continue;
      const how = useOf(folder, isMeant, options.variable);
      if (how !== null) users.push({ pid, name: readFileSync(join(folder, 'comm'), 'utf8').trim(), how });
    } catch {
      // It is gone, or not ours to look at.
    }
  }
  return users;
}

function useOf(
  folder: string,
  isMeant: (path: string | null) => boolean,
  variable: string,
): DirectoryUser['how'] | null {
  for (const fd of namesIn(join(folder, 'fd'))) if (isMeant(linkText(join(folder, 'fd', fd)))) return 'open file';
  if (isMeant(linkText(join(folder, 'cwd')))) return 'working directory';
  return isMeant(variableOf(join(folder, 'environ'), variable)) ? 'told' : null;
}

/** Of an environment only this one variable ever becomes a string. */
function variableOf(path: string, variable: string): string | null {
  const environ = readFileSync(path);
  const wanted = Buffer.from(`${variable}=`);
  for (let start = 0; start < environ.length; ) {
    const zero = environ.indexOf(0, start);
    const end = zero === -1 ? environ.length : zero;
    if (environ.subarray(start, start + wanted.length).equals(wanted))
      return environ.toString('utf8', start + wanted.length, end);
    start = end + 1;
  }
  return null;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function linkText(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
