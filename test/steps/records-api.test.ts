/** What an account's use becomes when somebody sets it back. */
import { expect, test } from 'vitest';
import { createRecordsApi } from '../../src/steps/records-api.ts';
import { openFor } from '../store/support/open.ts';
import { aQuotaRecord } from '../store/support/rows.ts';
import { tempDir } from '../store/support/temp-dir.ts';
import { FakeClock } from '../support/fake-clock.ts';

test('every window of the account starts anew, and who did it is written down [R177]', async () => {
  const clock = new FakeClock();
  const { local, pool: shared, alerts, stats } = await openFor(tempDir(), { now: clock.now() });
  await shared.ensureAccounts(['work', 'spare'].map((name) => ({ name, pool: 'claude' })));
  for (const [account, window] of [
    ['work', '5h'],
    ['work', '7d'],
    ['spare', '5h'],
  ] as const) {
    const limit = { limitReached: true, used: 1, resetAt: clock.now() + 3_600_000 };
    await shared.mergeQuota(account, window, () => aQuotaRecord({ account, window, ...limit }));
  }
  const woken: string[] = [];
  const config = () => ({ pools: [{ name: 'claude', accounts: [{ name: 'work' }, { name: 'spare' }] }] }) as never;
  const board = { wake: (loop: string) => void woken.push(loop) };
  const api = createRecordsApi({ alerts, stats, local, shared, board, clock, config });

  expect(await api.resetQuota('nobody', 'ada')).toBe(false);
  expect(await api.resetQuota('work', 'ada')).toBe(true);
  const quota = await shared.quota();
  expect(quota.map(({ account, window, used, limitReached }) => [account, window, used, limitReached])).toEqual([
    ['spare', '5h', 1, true],
    ['work', '5h', 0, false],
    ['work', '7d', 0, false],
  ]);
  expect(quota[1]).toMatchObject({ source: 'manual', resetAt: null, lockUntil: null, verifyRequired: true });
  expect(await local.events({ limit: 9 })).toMatchObject([
    {
      type: 'quota_reset',
      account: 'work',
      pool: 'claude',
      data: { by: 'ada', before: [{ window: '5h', used: 1 }, {}] },
    },
  ]);
  expect(woken).toContain('quota-monitor');
});
