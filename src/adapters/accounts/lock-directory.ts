/** One lock directory held by the conventions of proper-lockfile, removed only while it is the very directory we made. */
import { type BigIntStats, lstat, mkdir, realpath, rmdir, rmdirSync, utimes } from 'node:fs';
import { lock } from 'proper-lockfile';
import { errorCode } from '../../core/error-code.ts';
import { inodeAt, inodeOf } from '../inode.ts';

/** Well below a third of the shortest stale time a CLI uses (15 s). */
const TOUCH_MS = 3_000;

export interface LockDirectory {
  readonly path: string;
  /** Names the directory we made. */
  readonly inode: string;
  /** Why this lock protects nothing any more; null: it is ours. Looks at the disk. */
  problem(): string | null;
  /** Removes the directory if it is still ours. @returns false: something else stands there, or nothing, and was left alone */
  release(): Promise<boolean>;
}

/**
 * Makes the lock directory, taking over one whose mtime is older than `staleMs`.
 *
 * @param onLost told when the library finds, at its next touch, that the lock is not ours any more
 * @returns null when another process holds it
 * @throws a system error: the directory cannot be made
 */
export async function takeLockDirectory(
  path: string,
  staleMs: number,
  onLost: (reason: string) => void,
): Promise<LockDirectory | null> {
  const guard = new InodeGuard();
  let compromised: string | null = null;
  let releaseInLibrary: () => Promise<void>;
  try {
    releaseInLibrary = await lock(path, {
      lockfilePath: path,
      realpath: false,
      stale: staleMs,
      update: TOUCH_MS,
      retries: 0,
      fs: guard,
      // The library throws from a timer when this is absent.
      onCompromised: (error) => {
        compromised = error.message;
        onLost(error.message);
      },
    });
  } catch (error) {
    // A stale lock that is not an empty directory: nobody but its maker may clear it.
    if (['ELOCKED', 'ENOTEMPTY', 'ENOTDIR'].includes(errorCode(error))) return null;
    throw error;
  }
  const inode = guard.made;
  if (inode === null) throw new Error(`no lock directory was made at ${path}`);

  const problem = (): string | null => {
    const now = inodeAt(path);
    if (now === null) return `${path} vanished while held`;
    if (now !== inode) return `${path} was replaced while held`;
    return compromised === null ? null : `${path} was compromised: ${compromised}`;
  };

  return {
    path,
    inode,
    problem,
    async release() {
      const ours = inodeAt(path) === inode;
      // It refuses when it has given the lock up itself; the directory may still be ours then.
      await releaseInLibrary().catch(() => {
        if (inodeAt(path) === inode) rmdirSync(path);
      });
      return ours;
    },
  };
}

type Done = (error: unknown) => void;

/**
 * The file system as proper-lockfile sees it. The library removes by path; here a removal reaches only the directory that
 * was made (at release and at exit) or that was judged stale (at a takeover), and never one that took its place.
 */
class InodeGuard {
  made: string | null = null;
  #judged: string | null = null;

  // The library's exit handler and its start-up use these names.
  readonly realpath = realpath;
  readonly utimes = utimes;

  mkdir(path: string, done: Done): void {
    mkdir(path, (error) => {
      if (error === null) this.made = inodeAt(path);
      done(error);
    });
  }

  stat(path: string, done: (error: unknown, found?: BigIntStats) => void): void {
    lstat(path, { bigint: true }, (error, found) => {
      if (error !== null) return done(error);
      if (this.made === null) this.#judged = inodeOf(found);
      else if (this.made !== inodeOf(found)) {
        return done(Object.assign(new Error('another directory stands there'), { code: 'ENOENT' }));
      }
      done(null, found);
    });
  }

  rmdir(path: string, done: Done): void {
    if (this.#mayRemove(path)) rmdir(path, done);
    else done(null);
  }

  rmdirSync(path: string): void {
    if (this.#mayRemove(path)) rmdirSync(path);
  }

  #mayRemove(path: string): boolean {
    return inodeAt(path) === (this.made ?? this.#judged);
  }
}
