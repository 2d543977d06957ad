/** Limits end by themselves, in what is written too. */
import { expect, test } from 'vitest';
import { HOUR, MINUTE, SECOND } from '../../src/core/time.ts';
import { settleQuota } from '../../src/steps/settle-quota.ts';
import { tellPauses } from '../../src/steps/tell-pauses.ts';
import { NOON } from '../support/builders.ts';
import { quotaBench } from '../support/quota-bench.ts';

test('a limit that is over is written down as over by a timer, in every window [R139]', async () => {
  const bench = await quotaBench();
  const over = new Map<string, number>();
  for (const window of ['5h', '7d', 'model', 'unknown'] as const) {
    await bench.put({ account: 'a', window, used: 1, limitReached: true, resetAt: NOON + SECOND, updatedAt: NOON });
  }
  await settleQuota(bench.ports, over, bench.context());
  await bench.clock.advance(2 * SECOND);
  await settleQuota(bench.ports, over, bench.context());
  expect((await bench.store.pool.quota()).every(({ limitReached }) => limitReached)).toBe(true);
  await bench.clock.advance(2 * MINUTE);
  await settleQuota(bench.ports, over, bench.context());
  expect(await bench.store.pool.quota()).toHaveLength(4);
  for (const record of await bench.store.pool.quota()) {
    expect(record).toMatchObject({ limitReached: false, used: 0, verifyRequired: true });
  }
});

test('a clock that is set a day ahead and back again has ended no limit', async () => {
  const bench = await quotaBench();
  const over = new Map<string, number>();
  await bench.put({ account: 'a', used: 1, limitReached: true, resetAt: NOON + 4 * HOUR, updatedAt: NOON });
  bench.clock.set(new Date(NOON + 25 * HOUR).toISOString());
  await settleQuota(bench.ports, over, bench.context());
  await bench.clock.advance(MINUTE);
  await settleQuota(bench.ports, over, bench.context());
  bench.clock.set(new Date(NOON + 2 * MINUTE).toISOString());
  await settleQuota(bench.ports, over, bench.context());
  await bench.clock.advance(5 * MINUTE);
  await settleQuota(bench.ports, over, bench.context());
  expect(await bench.record('a')).toMatchObject({ limitReached: true, resetAt: NOON + 4 * HOUR });
});

test('only the change from free to paused and back is told, at info [R120]', async () => {
  const bench = await quotaBench({ quota: { auto_pause: { default_5h: 0.9 } } });
  const known = new Map<string, boolean>();
  const tell = async () => tellPauses(bench.ports, known, bench.pool, await bench.view(), bench.context());
  await tell();
  await bench.put({ account: 'b', used: 0.93 });
  for (let i = 0; i < 4; i++) await tell();
  await bench.put({ account: 'b', used: 0.1 });
  for (let i = 0; i < 4; i++) await tell();
  const types = (await bench.events()).map(({ type, account, severity }) => [type, account, severity]);
  expect(types).toEqual([
    ['threshold_pause', 'b', 'info'],
    ['threshold_pause_ended', 'b', 'info'],
  ]);
  expect(bench.log.lines.filter(({ level }) => level === 'info')).toHaveLength(2);
});

test('with threshold_action notify the active account’s crossing is a warning, and says what follows [R119]', async () => {
  const bench = await quotaBench({ quota: { auto_pause: { default_5h: 0.9 }, threshold_action: 'notify' } });
  await bench.put({ account: 'a', used: 0.93 });
  await tellPauses(bench.ports, new Map(), bench.pool, await bench.view(), bench.context());
  expect(await bench.events()).toMatchObject([
    {
      type: 'threshold_pause',
      severity: 'warning',
      account: 'a',
      data: { window: '5h', threshold: 0.9, action: 'notify' },
    },
  ]);
});
