/** Old records go, oldest first and in small pieces; what somebody still needs stays. */
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import type { TaskStatus } from '../../src/core/queue/task.ts';
import { DAY, HOUR, MINUTE } from '../../src/core/time.ts';
import { createRetention } from '../../src/loops/retention.ts';
import type { TickContext } from '../../src/ports.ts';
import { openFor } from '../store/support/open.ts';
import { aHit, anIncident, aSwap, NOON } from '../store/support/rows.ts';
import { tempDir } from '../store/support/temp-dir.ts';
import { aFiring } from '../support/fake-records.ts';
import { aTask } from '../support/fake-tasks.ts';
import { RecordingLog } from '../support/recording-log.ts';

/** A clock whose sleeps take no time. */
function clockAt(now: number) {
  let ms = 0;
  return { now: () => now, monotonic: () => ms++, sleep: async () => undefined } as never;
}

async function bench(janitor: { logRetentionDays?: number; logMaxRecords?: number } = {}) {
  const store = await openFor(tempDir());
  const config = {
    pools: [],
    janitor: {
      intervalMs: HOUR,
      logRetentionDays: 30,
      logMaxRecords: 1_000_000,
      minFreeDiskBytes: 0,
      failedKeepMs: 30 * DAY,
      archiveDeleteAfterMs: 90 * DAY,
      ...janitor,
    },
  } as unknown as TickContext['config'];
  const { retention, stats } = store;
  const tick = async (now = NOON) => {
    const log = new RecordingLog();
    const loop = createRetention({ retention, stats, clock: clockAt(now) });
    await loop.tick({ config, now, log, signal: new AbortController().signal });
    return log.lines.find(({ message }) => message === 'old records removed')?.fields ?? null;
  };
  const write = (daysAgo: number, count = 1, type: 'paused' | 'swap_flipped' = 'paused') =>
    store.local.append(
      Array.from({ length: count }, () => ({ type })),
      NOON - daysAgo * DAY,
    );
  const ages = async () => {
    const events = await store.local.events({ limit: 20_000 });
    return [...new Set(events.map(({ at }) => (NOON - at) / DAY))];
  };
  const count = async () => (await store.local.events({ limit: 20_000 })).length;
  return { ...store, tick, write, ages, count };
}

describe('events', () => {
  test('older than 30 days go, the others stay, and a second run does nothing [R170 R228]', async () => {
    const { tick, write, ages } = await bench();
    for (const age of [90, 31, 30, 29, 1]) await write(age, 2);
    expect(await tick()).toMatchObject({ events: 4 });
    expect(await ages()).toEqual([1, 29, 30]);
    expect(await tick()).toBeNull();
  });

  test('beyond the number that is kept the oldest go, whatever their age [R170]', async () => {
    const { tick, write, ages, count } = await bench({ logMaxRecords: 700 });
    for (const age of [5, 4, 3, 2]) await write(age, 400);
    expect(await tick()).toMatchObject({ events: 900 });
    expect([await count(), await ages()]).toEqual([700, [2, 3]]);
    expect(await tick()).toBeNull();
  });

  test('both rules hold together [R170]', async () => {
    const { tick, write, ages, count } = await bench({ logMaxRecords: 15 });
    for (const age of [40, 3, 2]) await write(age, 10);
    expect(await tick()).toMatchObject({ events: 15 });
    expect([await count(), await ages()]).toEqual([15, [2, 3]]);
  });

  test('0 disables a rule [R170]', async () => {
    const { tick, write, count } = await bench({ logRetentionDays: 0, logMaxRecords: 0 });
    await write(900, 50);
    expect(await tick()).toBeNull();
    expect(await count()).toBe(50);
  });

  test('that the statistics have not counted yet stay, and go when the day is closed', async () => {
    const { tick, write, count, stats } = await bench({ logMaxRecords: 1 });
    await write(1, 3, 'swap_flipped');
    await write(1, 3);
    expect(await tick()).toMatchObject({ events: 3 });
    expect(await count()).toBe(3);
    const day = { day: '2026-01-04', account: null };
    const figures = { swaps: 3, hitsInstant: 0, hitsConfirmed: 0, hitsVetoed: 0, hitsConsumed: 0, activeMs: 0 };
    const recoveries = { recoveredHot: 0, recoveredRestart: 0, recoveredSelf: 0, handedOver: 0, recoveryMs: [] };
    await stats.saveDays([{ ...day, ...figures, ...recoveries, tasks: null, models: null }]);
    expect(await tick()).toMatchObject({ events: 2 });
    expect(await stats.days(null)).toHaveLength(1);
  });

  test('that an open alert rests on stay until it ends', async () => {
    const { tick, write, alerts, local } = await bench();
    const raisedAt = NOON - 60 * DAY;
    await write(61);
    await alerts.run([aFiring()], raisedAt, 0);
    await write(59);
    expect(await tick()).toMatchObject({ events: 2 });
    expect(await local.events({ limit: 9 })).toMatchObject([{ type: 'alert_raised' }]);
    await alerts.run([], raisedAt + MINUTE, 0);
    await alerts.run([], raisedAt + 2 * MINUTE, 0);
    expect(await tick()).toMatchObject({ events: 2, alerts: 1 });
    expect(await local.events({ limit: 9 })).toEqual([]);
    expect(await alerts.list({ limit: 9 })).toEqual([]);
  });

  test('that a reader of the journal has not read stay', async () => {
    const { tick, write, count, path } = await bench();
    await write(90, 10);
    const db = new Database(path);
    db.prepare(`insert or replace into cursors (name, event_id) values ('notifier', 4)`).run();
    db.close();
    expect(await tick()).toMatchObject({ events: 4 });
    expect(await count()).toBe(6);
  });
});

describe('other records', () => {
  test('tasks that ended long ago go; failed ones when their file goes, and none whose file is still to be moved [R212]', async () => {
    const { tasks, tick } = await bench();
    const ended = (id: string, status: TaskStatus, daysAgo: number, claimId: string | null = null) =>
      aTask({ id, status, claimId, statusSince: NOON - daysAgo * DAY });
    await tasks.save(
      [
        ended('a:old', 'done', 31),
        ended('a:new', 'done', 29),
        ended('a:moving', 'done', 31, 'c1'),
        ended('a:failed', 'failed', 119),
        ended('a:gone', 'timeout', 121),
        ended('a:waits', 'queued', 400),
      ],
      [],
      [],
      NOON,
    );
    expect(await tick()).toMatchObject({ tasks: 2 });
    const left = await tasks.tasks({ limit: 9 });
    expect(left.map(({ id }) => id).sort()).toEqual(['a:failed', 'a:moving', 'a:new', 'a:waits']);
    expect(await tick()).toBeNull();
  });

  test('hits older than 14 days go [R226]', async () => {
    const { tick, local } = await bench();
    for (const [fingerprint, days] of [
      ['old', 15],
      ['new', 13],
    ] as const)
      await local.saveHit(aHit({ fingerprint, lastSeenAt: NOON - days * DAY }));
    expect(await tick()).toMatchObject({ hits: 1 });
    expect((await local.hits('claude')).map(({ fingerprint }) => fingerprint)).toEqual(['new']);
  });

  test('swaps that ended long ago go with their incidents; a partial one, one in use and the newest stay', async () => {
    const { tick, local } = await bench();
    const ended = (id: string, days: number, phase: 'done' | 'partial' = 'done') => {
      const at = NOON - days * DAY;
      const swap = aSwap({ id, phase, requestedAt: at, startedAt: at, flippedAt: at, finishedAt: at, locks: [] });
      return local.createSwap(swap, anIncident(id, { at }), []);
    };
    await ended('old', 90);
    await ended('partial', 80, 'partial');
    await ended('hit', 70);
    await ended('newest', 60);
    await local.saveHit(aHit({ swapId: 'hit' }));
    expect(await tick()).toMatchObject({ swaps: 1 });
    expect((await local.swaps({ limit: 9 })).map(({ id }) => id)).toEqual(['newest', 'hit', 'partial']);
    expect((await local.incidents(9)).map(({ swapId }) => swapId)).toEqual(['newest', 'hit', 'partial']);
    expect(await tick()).toBeNull();
  });

  test('what was freed goes back to the file system [R171]', async () => {
    const { tick, local, path } = await bench();
    const data = { text: 'x'.repeat(2_000) };
    await local.append(
      Array.from({ length: 2_000 }, () => ({ type: 'paused', data }) as const),
      NOON - 90 * DAY,
    );
    const db = new Database(path, { readonly: true });
    const pages = () => Number(db.pragma('page_count', { simple: true }));
    const before = pages();
    expect(await tick()).toMatchObject({ events: 2_000 });
    expect(pages()).toBeLessThan(before / 2);
    expect(db.pragma('freelist_count', { simple: true })).toBe(0);
    db.close();
  });
});

test('a transaction takes at most 5,000 rows, and the next one fewer when it was slow [R170 R171]', async () => {
  const { retention, stats, write } = await bench();
  await write(90, 12_000);
  const limits: number[] = [];
  let stepMs = 0;
  let ms = 0;
  const clock = { now: () => NOON, monotonic: () => (ms += stepMs), sleep: async () => undefined } as never;
  const prune = retention.pruneEvents.bind(retention);
  retention.pruneEvents = (wish) => {
    limits.push(wish.limit);
    if (limits.length === 7) stepMs = 200;
    return prune(wish);
  };
  const loop = createRetention({ retention, stats, clock });
  const config = { pools: [], janitor: { intervalMs: HOUR, logRetentionDays: 30, logMaxRecords: 0 } } as never;
  await loop.tick({ config, now: NOON, log: new RecordingLog(), signal: new AbortController().signal });
  expect(Math.max(...limits)).toBeLessThanOrEqual(5_000);
  expect(limits[6]).toBeGreaterThan((limits[0] ?? 0) * 4);
  expect(limits[7]).toBeLessThan((limits[6] ?? 0) / 4);
});

test('a run whose time is up says so and is called again soon', async () => {
  const { retention, stats, write, count } = await bench();
  await write(90, 3_000);
  let ms = 0;
  const clock = { now: () => NOON, monotonic: () => (ms += 7_000), sleep: async () => undefined } as never;
  const loop = createRetention({ retention, stats, clock });
  const config = { pools: [], janitor: { intervalMs: HOUR, logRetentionDays: 30, logMaxRecords: 0 } } as never;
  await loop.tick({ config, now: NOON, log: new RecordingLog(), signal: new AbortController().signal });
  expect(await count()).toBeGreaterThan(0);
  expect(loop.intervalMs(config)).toBeLessThan(MINUTE);
});
