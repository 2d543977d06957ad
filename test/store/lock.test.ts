import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { acquireDaemonLock } from '../../src/store/lock.ts';
import { startChild } from '../support/child.ts';
import { NOON } from './support/rows.ts';
import { tempDir } from './support/temp-dir.ts';

const TAKER = new URL('./support/lock-taker.ts', import.meta.url).href;
const OPTIONS = { procRoot: '/proc', now: NOON };

const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
const dead = (token: string, change: object = {}) =>
  JSON.stringify({ token, pid: 999_999_999, startTicks: '1', bootId: bootId(), startedAt: NOON - 1, ...change });
const bootId = () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** A process file system with this process (and another one) in it. */
function fakeProc(boot: string, stats: Readonly<Record<number, string>>): string {
  const root = tempDir();
  mkdirSync(join(root, 'sys/kernel/random'), { recursive: true });
  writeFileSync(join(root, 'sys/kernel/random/boot_id'), `${boot}\n`);
  for (const [pid, stat] of Object.entries(stats)) {
    mkdirSync(join(root, pid));
    writeFileSync(join(root, pid, 'stat'), stat);
  }
  return root;
}
const stat = (pid: number, ticks: number, state = 'S') =>
  `${pid} (odd ) name) ${state} ${'1 '.repeat(18)}${ticks} 99 98\n`;

describe('[R243] the daemon lock', () => {
  test('names its owner, is for its owner only, and is gone after the release', () => {
    const directory = tempDir();
    const path = join(directory, 'state', 'daemon.lock');
    const lock = acquireDaemonLock(path, OPTIONS);
    expect(lock.kind).toBe('held');
    expect(read(path)).toEqual({
      token: expect.stringMatching(/^[\w-]{36}$/),
      pid: process.pid,
      startTicks: expect.stringMatching(/^\d+$/),
      bootId: bootId(),
      startedAt: NOON,
    });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    if (lock.kind === 'held') lock.release();
    expect(readdirSync(join(directory, 'state'))).toEqual([]);
  });

  test('a second daemon is told who holds it and since when', () => {
    const path = join(tempDir(), 'lock');
    acquireDaemonLock(path, OPTIONS);
    expect(acquireDaemonLock(path, { ...OPTIONS, now: NOON + 5 })).toEqual({
      kind: 'taken',
      pid: process.pid,
      since: NOON,
    });
    expect(readdirSync(join(path, '..'))).toEqual(['lock']);
  });

  test.each([
    ['whose process is gone', dead('t')],
    ['whose pid another process has now', dead('t', { pid: process.ppid })],
    ['of an earlier boot', dead('t', { pid: process.ppid, bootId: 'another' })],
    ['that is cut short', '{"token":"t","pid"'],
    ['that is empty', ''],
    ['whose token would name another file', dead('../../x')],
  ])('a lock %s is taken over', (_, content) => {
    const path = join(tempDir(), 'lock');
    writeFileSync(path, content);
    expect(acquireDaemonLock(path, OPTIONS).kind).toBe('held');
    expect(read(path).pid).toBe(process.pid);
    expect(readdirSync(join(path, '..'))).toEqual(['lock']);
  });

  test('a process is known by its start and its boot, and what is left of a dead one does not count', () => {
    const path = join(tempDir(), 'lock');
    const me = { [process.pid]: stat(process.pid, 100) };
    const held = { pid: 7, startTicks: '555', bootId: 'b1' };
    const taken = (procRoot: string) => {
      writeFileSync(path, dead('t', held));
      const lock = acquireDaemonLock(path, { procRoot, now: NOON });
      if (lock.kind === 'held') lock.release();
      return lock.kind === 'taken';
    };
    expect(taken(fakeProc('b1', { ...me, 7: stat(7, 555) }))).toBe(true);
    expect(taken(fakeProc('b1', { ...me, 7: stat(7, 556) }))).toBe(false);
    expect(taken(fakeProc('b2', { ...me, 7: stat(7, 555) }))).toBe(false);
    expect(taken(fakeProc('b1', { ...me, 7: stat(7, 555, 'Z') }))).toBe(false);
    expect(taken(fakeProc('b1', me))).toBe(false);
  });

  test('[R126] a late release by a former owner leaves its successor alone', () => {
    const path = join(tempDir(), 'lock');
    const former = acquireDaemonLock(path, OPTIONS);
    rmSync(path);
    const successor = acquireDaemonLock(path, OPTIONS);
    if (former.kind === 'held') former.release();
    expect(existsSync(path)).toBe(true);
    if (successor.kind === 'held') successor.release();
    expect(existsSync(path)).toBe(false);
  });

  test('a taker that died between its claim and its turn is succeeded', () => {
    const path = join(tempDir(), 'lock');
    writeFileSync(path, dead('first'));
    writeFileSync(`${path}.over.first`, dead('second'));
    writeFileSync(`${path}.over.second`, dead('third'));
    writeFileSync(`${path}.new.999999999.third`, dead('third'));
    expect(acquireDaemonLock(path, OPTIONS).kind).toBe('held');
    expect(readdirSync(join(path, '..'))).toEqual(['lock']);
  });

  test('a taker that has claimed and lives is the owner', () => {
    const path = join(tempDir(), 'lock');
    const other = acquireDaemonLock(join(path, '..', 'other'), OPTIONS);
    writeFileSync(path, dead('first'));
    writeFileSync(`${path}.over.first`, readFileSync(join(path, '..', 'other')));
    expect(acquireDaemonLock(path, OPTIONS)).toEqual({ kind: 'taken', pid: process.pid, since: NOON });
    if (other.kind === 'held') other.release();
  });

  test('a lock that cannot be written is a StoreError with a hint', () => {
    const file = join(tempDir(), 'file');
    writeFileSync(file, '');
    expect(() => acquireDaemonLock(join(file, 'lock'), OPTIONS)).toThrow(
      expect.objectContaining({ code: 'lock_failed', hint: expect.stringContaining('directory') }),
    );
  });

  test('of 20 takers of a dead daemon’s lock exactly one wins, every time', { timeout: 300_000 }, async () => {
    const rounds = process.env.CF_LONG === '1' ? 200 : 20;
    const directory = tempDir();
    for (let round = 0; round < rounds; round++) {
      // Every third round begins with a taker that died half-way, every third without any lock.
      if (round % 3 > 0) writeFileSync(join(directory, `lock-${round}`), dead(`t${round}`));
      if (round % 3 > 1) writeFileSync(join(directory, `lock-${round}.over.t${round}`), dead(`u${round}`));
    }
    const takers = Array.from({ length: 20 }, () => startChild(TAKER, [directory, String(rounds)]));
    onTestFinished(() => {
      for (const { process: taker } of takers) taker.kill('SIGKILL');
    });
    for (const taker of takers) expect(await taker.line()).toBe('ready');
    for (let round = 0; round < rounds; round++) {
      writeFileSync(join(directory, `go-${round}`), '');
      const answers = await Promise.all(takers.map((taker) => taker.line()));
      const winners = answers.filter((answer) => answer.startsWith(`${round} held`));
      expect(winners).toHaveLength(1);
      expect(`${round} held ${read(join(directory, `lock-${round}`)).pid}`).toBe(winners[0]);
      expect(readdirSync(directory).filter((name) => name.startsWith(`lock-${round}.`))).toEqual([]);
    }
  });
});
