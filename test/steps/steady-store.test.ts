/** The pool store does not answer: what is read instead, what becomes of what was written, and how long anybody waits. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { StoreError } from '../../src/core/errors.ts';
import { applyLimitHit } from '../../src/core/quota/record.ts';
import { HOUR, MINUTE, SECOND } from '../../src/core/time.ts';
import { SteadyStore } from '../../src/steps/steady-store.ts';
import { type OpenedStore, openStore } from '../../src/store/open.ts';
import { NOON } from '../support/builders.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { type HangingStore, hangingStore } from '../support/hanging-store.ts';
import { RecordingLog } from '../support/recording-log.ts';

let dir: string;
let opened: OpenedStore;
let behind: HangingStore;
let clock: FakeClock;
let log: RecordingLog;
let steady: SteadyStore;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'cf-'));
  opened = await openStore({ stateDir: dir, now: NOON });
  behind = hangingStore(opened.pool);
  clock = new FakeClock(new Date(NOON).toISOString());
  log = new RecordingLog();
  steady = new SteadyStore({ store: behind.store, clock, log });
  await steady.ensureAccounts(['a', 'b'].map((name) => ({ name, pool: 'default' })));
  await Promise.all([steady.accounts(), steady.quota(), steady.leaseCounts(NOON)]);
});

afterEach(async () => {
  behind.release();
  await opened.close();
  rmSync(dir, { recursive: true, force: true });
});

const hitLimit = (account: string): Promise<unknown> =>
  steady.mergeQuota(account, '5h', (current) =>
    applyLimitHit(current, { account, window: '5h', resetAt: NOON + HOUR, source: 'banner' }, NOON, HOUR),
  );

/** How long these take one after another, by the clock, while that moves on by itself. */
async function waitedMs(work: () => Promise<unknown>): Promise<number> {
  const startedMs = clock.monotonic();
  let endedMs: number | null = null;
  const done = work().finally(() => {
    endedMs = clock.monotonic();
  });
  done.catch(() => undefined);
  while (endedMs === null) await clock.advance(10);
  await done;
  return endedMs - startedMs;
}

test('every read and write of a swap together waits less than a second for a store that hangs [R191]', async () => {
  behind.hang();
  const ms = await waitedMs(async () => {
    for (let look = 0; look < 5; look++)
      await Promise.all([steady.accounts(), steady.quota(), steady.leaseCounts(NOON)]);
    await hitLimit('a');
    for (let look = 0; look < 5; look++) await Promise.all([steady.accounts(), steady.quota()]);
    await steady.markActive('b', 'a', NOON);
    await steady.moveStatus('a', 'active', 'expired', 'logged out', 7);
  });
  expect(ms).toBeLessThan(SECOND);
  expect(log.at('warn')).toEqual(['the pool store is slow: the newest known view stands in']);
});

test('what was written while the store hangs is seen at once, and is in the store when it answers again [R191]', async () => {
  await steady.markActive('a', null, NOON - HOUR);
  await steady.accounts();
  behind.hang();
  const written = Promise.all([
    hitLimit('a'),
    steady.markActive('b', 'a', NOON),
    steady.moveStatus('a', 'active', 'expired', 'x', 7),
  ]);
  await clock.advance(300);
  expect((await written)[2]).toBe(true);
  expect(await steady.moveStatus('a', 'active', 'expired', 'y', 7)).toBe(false);
  const seen = await Promise.all([steady.accounts(), steady.quota()]);
  expect(seen[0]).toMatchObject([
    { name: 'a', status: 'expired', leftAt: NOON, activeSince: null },
    { name: 'b', status: 'active', activeSince: NOON },
  ]);
  expect(seen[1]).toMatchObject([{ account: 'a', window: '5h', limitReached: true, resetAt: NOON + HOUR }]);

  behind.release();
  await clock.advance(0);
  // A write in order after those that were owed.
  await steady.mergeQuota('b', '5h', () => null);
  expect(await opened.pool.accounts()).toEqual(seen[0]);
  expect(await opened.pool.quota()).toEqual(seen[1]);
  expect(await steady.quota()).toEqual(seen[1]);
});

test('a late write that fails is made again as soon as the store answers', async () => {
  behind.hang();
  const written = hitLimit('a');
  await clock.advance(300);
  await written;
  behind.release(new StoreError('store_failed', 'the connection is gone'));
  await clock.advance(SECOND);
  await steady.accounts();
  await clock.advance(0);
  await steady.mergeQuota('b', '5h', () => null);
  expect(await opened.pool.quota()).toMatchObject([{ account: 'a', limitReached: true }]);
  expect(log.at('warn')).toContain('a late write to the pool store failed');
});

test('a late write that is wrong in itself is given up after five tries', async () => {
  behind.hang();
  const written = steady.markActive('nobody', null, NOON);
  await clock.advance(300);
  await written;
  behind.release();
  for (let look = 0; look < 10; look++) {
    await clock.advance(2 * SECOND);
    await steady.accounts();
  }
  expect(
    log.lines.filter(({ fields }) => fields.what === 'nobody is active').map(({ fields }) => fields.tries),
  ).toEqual([1, 2, 3, 4, 5]);
  expect(log.at('warn').at(-1)).toBe('a late write to the pool store failed for good');
});

test('a view older than a minute stands in for nothing: the store counts as gone [R189]', async () => {
  behind.hang();
  const first = steady.accounts();
  await clock.advance(300);
  expect(await first).toHaveLength(2);
  await clock.advance(MINUTE);
  const outcome = steady.accounts().catch((error: unknown) => error);
  await clock.advance(300);
  expect(await outcome).toMatchObject({ code: 'store_slow' });
  const counted = steady.leaseCounts(NOON).catch((error: unknown) => error);
  await clock.advance(300);
  expect(await counted).toBeInstanceOf(StoreError);
});

test('without anything known a store that hangs is an error, not an empty pool [R128]', async () => {
  const fresh = new SteadyStore({ store: behind.store, clock, log });
  behind.hang();
  const outcome = fresh.quota().catch((error: unknown) => error);
  await clock.advance(300);
  expect(await outcome).toMatchObject({ code: 'store_slow' });
});

test('a store that hangs is asked once a second, and believed again when it answers in time', async () => {
  behind.hang();
  const first = steady.accounts();
  await clock.advance(300);
  await first;
  for (let look = 0; look < 50; look++) {
    await steady.accounts();
    await clock.advance(100);
  }
  expect(behind.hanging()).toBeLessThanOrEqual(7);
  behind.release();
  await opened.pool.setStatus('b', 'banned', null, null);
  await clock.advance(SECOND);
  await steady.accounts();
  await clock.advance(0);
  expect(await steady.accounts()).toMatchObject([{ name: 'a' }, { name: 'b', status: 'banned' }]);
  expect(log.at('info')).toEqual(['the pool store answers again']);
});

test('what the store refuses at once is told at once, and nothing of it is kept', async () => {
  await expect(steady.markActive('nobody', null, NOON)).rejects.toMatchObject({ code: 'account_unknown' });
  expect((await steady.accounts()).map(({ activeSince }) => activeSince)).toEqual([null, null]);
  expect(log.lines).toEqual([]);
});
