import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { check, lock } from 'proper-lockfile';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createCliLocks } from '../../../src/adapters/accounts/cli-locks.ts';
import { systemClock } from '../../../src/adapters/clock.ts';
import { inodeAt } from '../../../src/adapters/inode.ts';
import { LinkError } from '../../../src/core/errors.ts';
import type { HeldLock } from '../../../src/core/swap/swap.ts';
import type { LockAttempt } from '../../../src/ports.ts';
import { accountProfile, makeHome, temporaryDirectory } from '../../support/account-homes.ts';
import { RecordingLog } from '../../support/recording-log.ts';

let directory: string;
let homeA: string;
let homeB: string;
let log: RecordingLog;
let locks: ReturnType<typeof createCliLocks>;

beforeEach(() => {
  directory = temporaryDirectory();
  homeA = makeHome(directory, 'a');
  homeB = makeHome(directory, 'b');
  log = new RecordingLog();
  locks = createCliLocks({ clock: systemClock(), log });
});

afterEach(() => {
  vi.useRealTimers();
  rmSync(directory, { recursive: true, force: true });
});

const NAMES_IN_HOME = ['.oauth_refresh.lock', '.storage-write.lock'];

function lockPathsOf(home: string): readonly string[] {
  return [join(home, '.oauth_refresh.lock'), `${home}.lock`, join(home, '.storage-write.lock')];
}

function lockDirectories(): readonly string[] {
  const beside = readdirSync(directory).filter((name) => name.endsWith('.lock'));
  const inside = [homeA, homeB].flatMap((home) => readdirSync(home).filter((name) => NAMES_IN_HOME.includes(name)));
  return [...beside, ...inside];
}

function makeAged(path: string, ageMs: number): void {
  mkdirSync(path);
  const at = (Date.now() - ageMs) / 1000;
  utimesSync(path, at, at);
}

/** Makes the directory anew. Its inode number is free again, and births within one tick of the kernel's clock are alike. */
function makeAnother({ path, inode }: HeldLock): void {
  do {
    rmSync(path, { recursive: true, force: true });
    mkdirSync(path);
  } while (inodeAt(path) === inode);
}

async function held(homes: readonly string[] = [homeA, homeB]): Promise<Extract<LockAttempt, { kind: 'held' }>> {
  const attempt = await locks.acquire(accountProfile, homes);
  if (attempt.kind !== 'held') throw new Error(`not held: ${attempt.path}`);
  return attempt;
}

describe('taking the locks of the CLI', () => {
  it('takes all of the first home and then all of the second, in the order of the CLI [R259]', async () => {
    const attempt = await held();
    expect(attempt.locks.map(({ path }) => path)).toEqual([...lockPathsOf(homeA), ...lockPathsOf(homeB)]);
    for (const { path, inode } of attempt.locks) {
      expect(existsSync(path)).toBe(true);
      expect(inode).toMatch(/^\d+:\d+:\d+$/);
    }
    expect(attempt.compromised()).toBeNull();
    await attempt.release();
    expect(lockDirectories()).toEqual([]);
  });

  it('shuts the CLI out while they are held, and not afterwards', async () => {
    const attempt = await held([homeA]);
    const options = { lockfilePath: join(homeA, '.oauth_refresh.lock'), realpath: false, stale: 60_000 };
    expect(await check(homeA, options)).toBe(true);
    await expect(lock(homeA, options)).rejects.toMatchObject({ code: 'ELOCKED' });
    await attempt.release();
    const release = await lock(homeA, options);
    await release();
  });

  it('locks the real directory when the home is named through a link', async () => {
    const link = join(directory, 'active');
    symlinkSync(homeA, link);
    const attempt = await held([link]);
    expect(attempt.locks.map(({ path }) => path)).toEqual(lockPathsOf(homeA));
    await attempt.release();
  });

  it.each(lockPathsOf('b').map((path, index) => [path, index] as const))(
    'gives back everything when another process holds %s',
    async (_name, index) => {
      vi.useFakeTimers({ toFake: ['Date'] });
      const taken = lockPathsOf(homeB)[index] ?? '';
      makeAged(taken, 3_000);
      const attempt = await locks.acquire(accountProfile, [homeA, homeB]);
      expect(attempt).toMatchObject({ kind: 'contended', path: taken });
      if (attempt.kind === 'contended') expect(attempt.ageMs).toBe(3_000);
      expect(lockDirectories()).toHaveLength(1);
      expect(existsSync(taken)).toBe(true);
    },
  );

  it('takes over a lock exactly when the CLI would: after 60 s, 60 s and 15 s [R259]', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const staleMs = [60_000, 60_000, 15_000];
    for (const [index, path] of lockPathsOf(homeA).entries()) {
      makeAged(path, (staleMs[index] ?? 0) - 4_000);
      expect(await locks.acquire(accountProfile, [homeA])).toMatchObject({ kind: 'contended', path });
      rmdirSync(path);
      makeAged(path, (staleMs[index] ?? 0) + 1_000);
      const attempt = await held([homeA]);
      await attempt.release();
      expect(lockDirectories()).toEqual([]);
    }
  });

  it('leaves a stale lock with something in it to its maker', async () => {
    const path = join(homeA, '.oauth_refresh.lock');
    makeAged(path, 0);
    writeFileSync(join(path, 'note'), '');
    utimesSync(path, 1_000, 1_000);
    expect(await locks.acquire(accountProfile, [homeA])).toMatchObject({ kind: 'contended', path });
    expect(readdirSync(path)).toEqual(['note']);
  });

  it('leaves a file that stands where a lock should be', async () => {
    const path = `${homeA}.lock`;
    writeFileSync(path, '');
    utimesSync(path, 1_000, 1_000);
    expect(await locks.acquire(accountProfile, [homeA])).toMatchObject({ kind: 'contended', path });
    expect(existsSync(path)).toBe(true);
    expect(existsSync(join(homeA, '.oauth_refresh.lock'))).toBe(false);
  });

  it('fails with the path when a home is missing', async () => {
    await expect(locks.acquire(accountProfile, [homeA, join(directory, 'gone')])).rejects.toThrow(LinkError);
    expect(lockDirectories()).toEqual([]);
  });

  it('gives back what it has when a lock cannot be made at all', async () => {
    const deep = {
      ...accountProfile,
      locks: [...accountProfile.locks, { path: { inside: 'no/such.lock' }, staleMs: 1 }],
    };
    await expect(locks.acquire(deep, [homeA])).rejects.toMatchObject({ code: 'lock_failed' });
    expect(lockDirectories()).toEqual([]);
  });
});

describe('a lock that is lost while it is held', () => {
  it('is told at once when it vanished', async () => {
    const attempt = await held();
    rmdirSync(`${homeA}.lock`);
    expect(attempt.compromised()).toBe(`${homeA}.lock vanished while held`);
    await attempt.release();
    expect(lockDirectories()).toEqual([]);
  });

  it('is told at once when it was replaced, and the replacement survives the release', async () => {
    // The library's own next touch would find it too, and say so.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const attempt = await held();
    const [first] = attempt.locks;
    if (first === undefined) throw new Error('no lock');
    const { path } = first;
    makeAnother(first);
    expect(attempt.compromised()).toBe(`${path} was replaced while held`);
    await attempt.release();
    expect(lockDirectories()).toEqual(['.oauth_refresh.lock']);
    expect(existsSync(path)).toBe(true);
    expect(log.at('warn')).toEqual(['a lock was not ours any more and was left alone']);
  });

  it('does not throw out of the library when nobody asks', async () => {
    const attempt = await held([homeA]);
    rmdirSync(`${homeA}.lock`);
    // The library looks at its next touch, within 3 s; without a handler it would throw out of its timer.
    await expect.poll(() => log.at('warn'), { timeout: 15_000 }).toEqual(['a lock was lost while it was held']);
    expect(attempt.compromised()).toContain('vanished');
    await attempt.release();
    expect(lockDirectories()).toEqual([]);
  });

  it('is released only once', async () => {
    const attempt = await held([homeA]);
    await attempt.release();
    mkdirSync(`${homeA}.lock`);
    await attempt.release();
    expect(existsSync(`${homeA}.lock`)).toBe(true);
    expect(attempt.compromised()).toBe('the locks were released');
  });
});

describe('locks that a killed daemon left', () => {
  it('are removed by their journaled inode, and no others', async () => {
    const attempt = await held([homeA]);
    const journaled = attempt.locks;
    await attempt.release();
    for (const lock of journaled) makeAnother(lock);
    expect(await locks.releaseLeftover(journaled)).toBe(0);
    expect(lockDirectories()).toHaveLength(3);

    for (const { path } of journaled) rmdirSync(path);
    const again = await held([homeA]);
    expect(await locks.releaseLeftover(again.locks)).toBe(3);
    expect(lockDirectories()).toEqual([]);
    await again.release();
  });
});
