/** Days are closed once, a little after midnight UTC, and missed ones are made up for. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { createStats } from '../../src/loops/stats.ts';
import type { TickContext } from '../../src/ports.ts';
import { readStats } from '../../src/steps/read-stats.ts';
import { statsAccounts } from '../../src/steps/records-api.ts';
import { openFor } from '../store/support/open.ts';
import { tempDir } from '../store/support/temp-dir.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLog } from '../support/recording-log.ts';

const CONFIG = {
  pools: [{ agent: 'claude', accounts: [{ name: 'a' }, { name: 'b' }] }],
  stats: { dailyAtMs: 300_000 },
} as unknown as TickContext['config'];

async function bench(startIso = '2026-01-05T12:00:00Z') {
  const clock = new FakeClock(startIso);
  const store = await openFor(tempDir(), { now: clock.now() });
  const counted = { isRead: true };
  const loop = createStats({ stats: store.stats, counter: { count: async () => counted.isRead }, clock });
  const log = new RecordingLog();
  const tick = () => loop.tick({ config: CONFIG, now: clock.now(), log, signal: new AbortController().signal });
  const swap = (iso: string, from: string) =>
    store.local.append(
      [
        { type: 'swap_flipped', data: { from } },
        { type: 'swap_flipped', account: from },
      ],
      Date.parse(iso),
    );
  const days = async () => (await store.stats.days(null)).map(({ day, account, swaps }) => [day, account, swaps]);
  const period = (name: 'today' | 'last7d' | 'last30d' | 'all') =>
    readStats(store.stats, name, statsAccounts(CONFIG), clock.now());
  return { ...store, clock, counted, loop, tick, swap, days, period };
}

describe('the daily figures', () => {
  test('are written at 00:05 UTC for each account and for all together, and never changed again [R168]', async () => {
    const { clock, tick, swap, days, loop } = await bench();
    await swap('2026-01-05T11:00:00Z', 'a');
    clock.set('2026-01-06T00:04:00Z');
    await tick();
    expect(await days()).toEqual([]);
    expect(loop.intervalMs(CONFIG)).toBe(60_000);
    clock.set('2026-01-06T00:05:00Z');
    await tick();
    const written = [
      ['2026-01-05', null, 2],
      ['2026-01-05', 'a', 1],
      ['2026-01-05', 'b', 0],
    ];
    expect(await days()).toEqual(written);
    await swap('2026-01-05T23:00:00Z', 'a');
    await tick();
    expect(await days()).toEqual(written);
  });

  test('wait until what was used on that day is read, but not for ever [R168]', async () => {
    const { clock, tick, swap, days, loop, counted } = await bench();
    await swap('2026-01-05T11:00:00Z', 'a');
    counted.isRead = false;
    clock.set('2026-01-06T00:05:00Z');
    await tick();
    expect([await days(), loop.intervalMs(CONFIG)]).toEqual([[], 5_000]);
    counted.isRead = true;
    await tick();
    expect(await days()).toHaveLength(3);
    expect(loop.intervalMs(CONFIG)).toBe(3_600_000);
    counted.isRead = false;
    clock.set('2026-01-07T00:05:00Z');
    await tick();
    clock.set('2026-01-07T00:35:00Z');
    await tick();
    expect(await days()).toHaveLength(6);
  });

  test('are made up for after a pause, at most thirty days, and nothing is written twice [R168 R228]', async () => {
    const { clock, tick, swap, stats } = await bench('2026-01-01T12:00:00Z');
    await swap('2026-01-01T12:00:00Z', 'a');
    await swap('2026-02-20T12:00:00Z', 'b');
    clock.set('2026-03-01T09:00:00Z');
    await tick();
    const rows = await stats.days(null);
    expect([rows.length, rows[0]?.day, rows.at(-1)?.day]).toEqual([90, '2026-01-30', '2026-02-28']);
    expect(rows.filter(({ swaps }) => swaps > 0).map(({ day }) => day)).toEqual(['2026-02-20', '2026-02-20']);
    await tick();
    expect(await stats.days(null)).toEqual(rows);
  });

  test('that were lost are made anew from the events [R169]', async () => {
    const { clock, tick, swap, days, path } = await bench();
    await swap('2026-01-05T11:00:00Z', 'a');
    clock.set('2026-01-06T08:00:00Z');
    await tick();
    const before = await days();
    const db = new Database(path);
    db.exec('delete from daily_stats');
    db.close();
    await tick();
    expect(await days()).toEqual(before);
  });
});

test('a row of an older version says that tasks and tokens were not counted, and stays as it is [R168]', async () => {
  const stateDir = tempDir();
  const db = new Database(join(stateDir, 'state.db'));
  db.exec(readFileSync(join(import.meta.dirname, '../store/released/0005.sql'), 'utf8'));
  db.close();
  const store = await openFor(stateDir, { now: Date.parse('2026-01-05T12:00:00Z') });
  const used = { model: 'm', input: 1, output: 0, cacheRead: 0, cacheWrite: 0 };
  await store.tokens.addTokens([], [{ ...used, day: '2026-01-04', account: 'a' }]);
  expect(await store.stats.days('2026-01-04')).toMatchObject([
    { day: '2026-01-04', swaps: 1, tasks: null, models: null },
  ]);
  const view = await readStats(store.stats, 'last7d', statsAccounts(CONFIG), Date.parse('2026-01-05T13:00:00Z'));
  expect(view).toMatchObject({ uncounted_days: 1, total: { tasks: { done: 0 }, tokens: { total_tokens: 0 } } });
});

describe('a period', () => {
  test('counts today and yesterday live, and closed days from their rows [R169]', async () => {
    const { clock, tick, swap, period } = await bench('2026-01-01T12:00:00Z');
    for (const day of ['01', '06', '07']) await swap(`2026-01-${day}T11:00:00Z`, 'a');
    clock.set('2026-01-07T00:10:00Z');
    await tick();
    await swap('2026-01-08T00:01:00Z', 'b');
    clock.set('2026-01-08T00:02:00Z');
    const swaps = async (name: 'today') => (await period(name)).total.swaps;
    expect(await swaps('today')).toBe(2);
    expect(await swaps('last7d' as 'today')).toBe(6);
    expect(await swaps('all' as 'today')).toBe(8);
    expect(await period('all')).toMatchObject({ from: '2026-01-01', to: '2026-01-08' });
    expect((await period('last30d')).accounts.map(({ account, swaps }) => [account, swaps])).toEqual([
      ['a', 3],
      ['b', 1],
    ]);
  });
});
