/** Program: adds one to the use of the account `shared`, as often and as fast as it can. */
import { openStore } from '../../../src/store/open.ts';
import { aQuotaRecord, BUSY_MS, NOON } from './rows.ts';

const [stateDir = '', count = '1'] = process.argv.slice(2);
const store = await openStore({ stateDir, now: NOON, busyTimeoutMs: BUSY_MS });
await store.pool.ensureAccounts([{ name: 'shared', pool: 'claude' }]);
console.log('ready');
process.stdin.once('end', async () => {
  // Local writes in between: both connections of the process take their turns.
  for (let turn = 0; turn < Number(count); turn++) {
    await Promise.all([
      store.pool.mergeQuota('shared', '5h', (now) => aQuotaRecord({ account: 'shared', used: (now?.used ?? 0) + 1 })),
      store.local.append([{ type: 'quota_hit' }], NOON),
    ]);
  }
  await store.close();
});
process.stdin.resume();
