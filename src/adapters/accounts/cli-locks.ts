/** The CLI's own locks on account homes: all of them or none, in the order in which the CLI takes them. */
import { rmdirSync } from 'node:fs';
import { lstat, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentProfile, CliLock } from '../../core/agents/profile.ts';
import { errorCode } from '../../core/error-code.ts';
import { LinkError } from '../../core/errors.ts';
import type { HeldLock } from '../../core/swap/swap.ts';
import type { CliLocks, Clock, LockAttempt, Logger } from '../../ports.ts';
import { inodeAt } from '../inode.ts';
import { type LockDirectory, takeLockDirectory } from './lock-directory.ts';

/**
 * Locks as Claude Code 2.1.328 takes them (proper-lockfile; 60 s, 60 s and 15 s until stale). It takes a lock over before
 * that only when a record beside it (`.oauth_refresh.lock.owner`) names a dead process and the birth of that very lock
 * directory. We write no such record, so ours are safe for the whole stale time; we take over by age alone.
 */
export function createCliLocks(deps: { readonly clock: Clock; readonly log: Logger }): CliLocks {
  const { clock, log } = deps;
  return { acquire, releaseLeftover };

  async function acquire(profile: AgentProfile, homes: readonly string[]): Promise<LockAttempt> {
    const held: LockDirectory[] = [];
    for (const { path, staleMs } of await lockPaths(profile, homes)) {
      try {
        const taken = await takeLockDirectory(path, staleMs, (reason) =>
          log.warn({ lock: path, reason }, 'a lock was lost while it was held'),
        );
        if (taken === null) {
          await releaseAll(held);
          return { kind: 'contended', path, ageMs: await ageOf(path) };
        }
        held.push(taken);
      } catch (error) {
        await releaseAll(held);
        throw new LinkError('lock_failed', `cannot take the lock ${path}: ${errorCode(error)}`, {
          hint: 'check that the account home and the directory above it are writable',
          cause: error,
        });
      }
    }
    let released = false;
    return {
      kind: 'held',
      locks: held.map(({ path, inode }) => ({ path, inode })),
      async release() {
        if (released) return;
        released = true;
        await releaseAll(held);
      },
      compromised() {
        if (released) return 'the locks were released';
        for (const taken of held) {
          const problem = taken.problem();
          if (problem !== null) return problem;
        }
        return null;
      },
    };
  }

  async function releaseAll(held: readonly LockDirectory[]): Promise<void> {
    for (const taken of held.toReversed()) {
      try {
        if (!(await taken.release())) log.warn({ lock: taken.path }, 'a lock was not ours any more and was left alone');
      } catch (error) {
        log.warn({ lock: taken.path, reason: errorCode(error) }, 'cannot remove a lock; it is left to go stale');
      }
    }
  }

  async function releaseLeftover(locks: readonly HeldLock[]): Promise<number> {
    let removed = 0;
    for (const { path, inode } of locks.toReversed()) {
      if (inodeAt(path) !== inode) continue;
      try {
        rmdirSync(path);
        removed += 1;
      } catch (error) {
        log.warn({ lock: path, reason: errorCode(error) }, 'cannot remove a leftover lock; it is left to go stale');
      }
    }
    return removed;
  }

  async function ageOf(path: string): Promise<number> {
    const found = await lstat(path).catch(() => null);
    return found === null ? 0 : Math.max(0, Math.round(clock.now() - found.mtimeMs));
  }
}

async function lockPaths(
  profile: AgentProfile,
  homes: readonly string[],
): Promise<readonly { readonly path: string; readonly staleMs: number }[]> {
  const paths = new Map<string, number>();
  for (const home of homes) {
    // A path through the account link would name another lock after the flip.
    const real = await realpath(home).catch((error: unknown) => {
      throw new LinkError('home_missing', `cannot resolve the account home ${home}: ${errorCode(error)}`, {
        hint: 'check the home in the configuration',
        cause: error,
      });
    });
    for (const lock of profile.locks) paths.set(lockPath(lock, real), lock.staleMs);
  }
  return [...paths].map(([path, staleMs]) => ({ path, staleMs }));
}

function lockPath(lock: CliLock, home: string): string {
  return 'inside' in lock.path ? join(home, lock.path.inside) : `${home}${lock.path.beside}`;
}
