/** Figures are sums of events; days are those of UTC. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_BATCH, nextBatch, TARGET_MS } from '../../../src/core/alerts/batch.ts';
import type { StatsAccount, StatsInput } from '../../../src/core/alerts/stats.ts';
import {
  dayOf,
  figuresOf,
  firstDayOf,
  missingDays,
  percentile,
  STATS_EVENTS,
  startOfDay,
  sum,
  timeOfDayMs,
  untilTimeOfDay,
} from '../../../src/core/alerts/stats.ts';
import { statsView } from '../../../src/core/alerts/stats-view.ts';
import type { JournalEvent } from '../../../src/core/events.ts';
import { parseSize } from '../../../src/core/size.ts';
import type { Activation } from '../../../src/core/swap/swap.ts';
import { DAY, HOUR, MINUTE, SECOND } from '../../../src/core/time.ts';
import { event } from '../../support/daemon-facts.ts';

const DAY_1 = '2026-01-05';
const START = startOfDay(DAY_1);

function input(change: Partial<StatsInput> = {}): StatsInput {
  return { events: [], activations: [], leftBy: new Map(), tokens: [], accounts: [], ...change };
}

function anAccount(name: string): StatsAccount {
  return { name, tellsTokens: true };
}

function at(offsetMs: number, change: Partial<JournalEvent>): JournalEvent {
  return event({ at: START + offsetMs, session: null, pane: null, ...change });
}

function activation(account: string, offsetMs: number, pool = 'work'): Activation {
  return { pool, account, since: START + offsetMs, cause: 'swap' };
}

describe('the figures of a day', () => {
  const events = [
    at(1, { type: 'quota_hit', account: 'a', data: { decision: 'instant' } }),
    at(2, { type: 'quota_hit', account: 'a', data: { decision: 'confirmed' } }),
    at(3, { type: 'quota_cleared', account: 'b', data: {} }),
    at(3, { type: 'quota_suspected', account: 'b', data: { decision: 'vetoed' } }),
    at(3, { type: 'quota_suspected', account: 'b', data: { decision: 'suspected' } }),
    at(4, { type: 'swap_prepared', account: 'b', swap: 's1', data: { from: 'a', to: 'b', hits: 2 } }),
    at(5, { type: 'swap_flipped', account: 'b', swap: 's1', data: { from: 'a', to: 'b' } }),
    at(6, { type: 'session_recovered', account: null, swap: 's1', data: { by: 'hot', afterMs: 3_000 } }),
    at(7, { type: 'session_recovered', account: null, swap: 's1', data: { by: 'restart', afterMs: 9_000 } }),
    at(8, { type: 'session_handed_over', account: null, swap: 's1', data: { afterMs: 60_000 } }),
  ];

  test('count swaps, limits and recoveries, and charge them to the account that was left [R168]', () => {
    const rows = figuresOf(
      input({ events, leftBy: new Map([['s1', 'a']]), accounts: ['a', 'b', 'c'].map(anAccount) }),
      DAY_1,
      START,
      START + DAY,
    );
    expect(rows.map(({ account }) => account)).toEqual([null, 'a', 'b', 'c']);
    const counted = {
      swaps: 1,
      hitsInstant: 1,
      hitsConfirmed: 1,
      hitsConsumed: 2,
      recoveredHot: 1,
      recoveredRestart: 1,
    };
    expect(rows[0]).toMatchObject({ ...counted, hitsVetoed: 2, handedOver: 1, recoveryMs: [3_000, 9_000] });
    expect(rows[1]).toMatchObject({ ...counted, hitsVetoed: 0, handedOver: 1 });
    expect(rows[2]).toMatchObject({ swaps: 0, hitsVetoed: 2, recoveryMs: [] });
    expect(rows[3]).toMatchObject({ swaps: 0, hitsVetoed: 0, activeMs: 0 });
  });

  test('begin at midnight and end before the next one [R169]', () => {
    const events = [-1, 0, DAY - 1, DAY].map((offset) => at(offset, { type: 'swap_flipped' }));
    expect(figuresOf(input({ events }), DAY_1, START, START + DAY)[0]?.swaps).toBe(2);
  });

  test('know how long each account was the active one, and do not count two pools twice [R168]', () => {
    const activations = [
      activation('a', -HOUR),
      activation('b', 6 * HOUR),
      activation('a', 18 * HOUR),
      activation('x', 12 * HOUR, 'other'),
    ];
    const rows = figuresOf(input({ activations }), DAY_1, START, START + DAY);
    expect(rows.map(({ account, activeMs }) => [account, activeMs / HOUR])).toEqual([
      [null, 24],
      ['a', 12],
      ['b', 12],
      ['x', 12],
    ]);
  });

  test('count how tasks ended and how long those took that were done; a time-out of one attempt is no end [R168]', () => {
    const ended = (type: JournalEvent['type'], project: string, more: object = {}, account: string | null = 'a') =>
      at(9, { type, account, data: { project, ...more } });
    const events = [
      ended('task_done', '/src/api', { duration_ms: 90_000 }),
      ended('task_done', '/src/api', { duration_ms: 30_000 }),
      ended('task_done', '/src/web', { duration_ms: null }, 'b'),
      ended('task_failed', '/src/web', { duration_ms: 5 }),
      ended('task_timeout', '/src/api', { final: false }),
      ended('task_timeout', '/src/api', { final: true }, null),
    ];
    const rows = figuresOf(input({ events, accounts: ['a', 'b'].map(anAccount) }), DAY_1, START, START + DAY);
    expect(rows.map(({ tasks }) => [tasks?.done, tasks?.failed, tasks?.timeout, tasks?.tookMs])).toEqual([
      [3, 1, 1, [30_000, 90_000]],
      [2, 1, 0, [30_000, 90_000]],
      [1, 0, 0, []],
    ]);
    expect(rows[0]?.tasks?.projects).toEqual([
      { project: '/src/api', tasks: 3 },
      { project: '/src/web', tasks: 2 },
    ]);
  });

  test('tell no tokens of an account whose agent writes none down, and those of former accounts [R168]', () => {
    const used = { model: 'm', input: 1, output: 2, cacheRead: 3, cacheWrite: 4 };
    const accounts = [anAccount('a'), { name: 'g', tellsTokens: false }];
    const tokens = [
      { ...used, day: DAY_1, account: 'former' },
      { ...used, day: '2026-01-04', account: 'a' },
    ];
    const rows = figuresOf(input({ tokens, accounts }), DAY_1, START, START + DAY);
    expect(rows.map(({ account, models }) => [account, models])).toEqual([
      [null, [used]],
      ['a', []],
      ['former', [used]],
      ['g', null],
    ]);
  });

  test('of several days add up to those of the whole time, whatever happened [R169]', () => {
    const some = fc.array(
      fc.record({
        offset: fc.integer({ min: 0, max: 3 * DAY - 1 }),
        type: fc.constantFrom(...STATS_EVENTS),
        account: fc.constantFrom('a', 'b', null),
        by: fc.constantFrom('hot', 'restart', 'self'),
        afterMs: fc.nat(100_000),
      }),
    );
    fc.assert(
      fc.property(some, fc.array(fc.nat(3 * DAY), { maxLength: 5 }), (list, moves) => {
        const events = list.map(({ offset, type, account, by, afterMs }) =>
          at(offset, {
            type: type as JournalEvent['type'],
            account,
            data: { by, afterMs, duration_ms: afterMs, project: `/src/${by}` },
          }),
        );
        const activations = moves.map((offset, i) => activation(i % 2 === 0 ? 'a' : 'b', offset));
        const tokens = list.map(({ offset, account, afterMs }) => ({
          day: dayOf(START + offset),
          account,
          model: `m${afterMs % 3}`,
          ...{ input: afterMs, output: 1, cacheRead: 0, cacheWrite: 2 },
        }));
        const facts = input({ events, activations, tokens, accounts: ['a', 'b'].map(anAccount) });
        const days = [0, 1, 2].flatMap((n) =>
          figuresOf(facts, dayOf(START + n * DAY), START + n * DAY, START + (n + 1) * DAY),
        );
        for (const whole of figuresOf(facts, DAY_1, START, START + 3 * DAY)) {
          const { day: _, account, ...figures } = whole;
          expect(sum(days.filter((row) => row.account === account))).toEqual(figures);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('days', () => {
  test('a period ends today and counts today [R169]', () => {
    const now = START + 13 * HOUR;
    expect(['today', 'last7d', 'last30d', 'all'].map((period) => firstDayOf(period as 'today', now))).toEqual([
      '2026-01-05',
      '2025-12-30',
      '2025-12-07',
      null,
    ]);
  });

  test('yesterday is missing from five past midnight on, and at most thirty days are made up for [R168]', () => {
    const at = 5 * MINUTE;
    expect(missingDays(new Set(), START - DAY, START + at - 1, at)).toEqual([]);
    expect(missingDays(new Set(), START - DAY, START + at, at)).toEqual(['2026-01-04']);
    expect(missingDays(new Set(['2026-01-03']), START - 3 * DAY, START + at, at)).toEqual(['2026-01-02', '2026-01-04']);
    const all = missingDays(new Set(), START - 400 * DAY, START + at, at);
    expect([all.length, all[0], all.at(-1)]).toEqual([30, '2025-12-06', '2026-01-04']);
    expect(missingDays(new Set(), null, START + at, at)).toEqual([]);
  });

  test('a time of day is one of UTC and comes once a day', () => {
    expect(timeOfDayMs('00:05')).toBe(5 * MINUTE);
    expect(timeOfDayMs('24:00')).toBeNull();
    expect(untilTimeOfDay(START + 4 * MINUTE, 5 * MINUTE)).toBe(MINUTE);
    expect(untilTimeOfDay(START + 5 * MINUTE, 5 * MINUTE)).toBe(DAY);
  });
});

test('a percentile is the nearest rank; of nothing there is none', () => {
  const values = Array.from({ length: 20 }, (_, i) => i + 1);
  expect([percentile(values, 0.5), percentile(values, 0.95), percentile([7], 0.95), percentile([], 0.5)]).toEqual([
    10,
    19,
    7,
    null,
  ]);
});

test('the view sums days, keeps the order of the configuration and names former accounts too', () => {
  const rows = ['2026-01-04', '2026-01-05'].flatMap((day) =>
    figuresOf(
      input({ activations: [activation('gone', -DAY)], accounts: ['b', 'a'].map(anAccount) }),
      day,
      startOfDay(day),
      startOfDay(day) + HOUR,
    ),
  );
  const view = statsView(rows, 'last7d', { from: '2025-12-30', to: DAY_1 }, ['b', 'a']);
  expect(view.accounts.map(({ account, active_minutes }) => [account, active_minutes])).toEqual([
    ['b', 0],
    ['a', 0],
    ['gone', 120],
  ]);
  expect(view.total).toMatchObject({ active_minutes: 120, recoveries: { median_ms: null, p95_ms: null } });
});

describe('a view', () => {
  const used = (model: string, input: number) => ({ model, input, output: 1, cacheRead: 2, cacheWrite: 3 });
  const NOTHING = sum([]);

  test('shows the five projects and models with the most, and what nobody is known for [R168]', () => {
    const models = ['m1', 'm2', 'm3', 'm4', 'm5', 'm6'].map((model, i) => used(model, 100 - i));
    const projects = ['a', 'b', 'c', 'd', 'e', 'f'].map((name, i) => ({ project: `/src/${name}`, tasks: i + 1 }));
    const tasks = { done: 21, failed: 0, timeout: 0, tookMs: [1_000, 2_000, 9_000], projects };
    const rows = [
      { ...NOTHING, day: DAY_1, account: null, tasks, models },
      { ...NOTHING, day: DAY_1, account: 'a', tasks, models: models.slice(1) },
    ];
    const { total, unattributed_tokens } = statsView(rows, 'today', { from: DAY_1, to: DAY_1 }, ['a']);
    expect(total.tasks).toEqual({ done: 21, failed: 0, timeout: 0, median_ms: 2_000, p95_ms: 9_000 });
    expect(total.top_projects.map(({ project }) => project)).toEqual([
      '/src/f',
      '/src/e',
      '/src/d',
      '/src/c',
      '/src/b',
    ]);
    expect(total.top_models.map(({ model, total_tokens }) => [model, total_tokens])).toEqual([
      ['m1', 106],
      ['m2', 105],
      ['m3', 104],
      ['m4', 103],
      ['m5', 102],
    ]);
    expect(unattributed_tokens).toMatchObject({ input_tokens: 100, total_tokens: 106 });
  });

  test('of days that were closed before tasks and tokens were counted says so, and counts the others [R168]', () => {
    const old = { ...NOTHING, day: '2026-01-04', account: null };
    const span = { from: '2026-01-04', to: DAY_1 };
    expect(statsView([old], 'last7d', span, ['a'])).toMatchObject({
      uncounted_days: 1,
      total: { tasks: null, tokens: null, top_projects: [], top_models: [] },
      unattributed_tokens: null,
      accounts: [{ account: 'a', tasks: null, tokens: null }],
    });
    const rows = [old, ...figuresOf(input({ accounts: [anAccount('a')] }), DAY_1, START, START + DAY)];
    expect(statsView(rows, 'last7d', span, ['a'])).toMatchObject({
      uncounted_days: 1,
      total: { tasks: { done: 0 }, tokens: { total_tokens: 0 } },
    });
  });
});

describe('sizes', () => {
  test('a size has a unit', () => {
    expect(['500MiB', '1.5 GiB', '0KiB', '500', '5MB'].map(parseSize)).toEqual([
      524_288_000,
      1_610_612_736,
      0,
      null,
      null,
    ]);
  });

  test('a batch shrinks at once when it took too long, and grows slowly [R171]', () => {
    expect(nextBatch(1000, 10 * TARGET_MS)).toBe(100);
    expect(nextBatch(1000, 1)).toBe(1500);
    expect(nextBatch(MAX_BATCH, 1)).toBe(MAX_BATCH);
    expect(nextBatch(25, 10 * SECOND)).toBe(20);
  });
});
