/** Program: takes, renews and releases leases of sessions of its own and of shared ones, until it is killed. */
import { openStore } from '../../../src/store/open.ts';
import { BUSY_MS, NOON } from './rows.ts';

const [stateDir = '', name = '', seed = '1'] = process.argv.slice(2);
let state = Number(seed);
const below = (limit: number): number => {
  state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
  return Math.floor((state / 2_147_483_648) * limit);
};
const store = await openStore({ stateDir, now: NOON, busyTimeoutMs: BUSY_MS });
await store.pool.ensureAccounts(['work', 'spare'].map((account) => ({ name: account, pool: 'claude' })));
console.log('ready');
const terms = { maxSessions: 0, ttlMs: 60_000 };
for (;;) {
  const claim = {
    account: below(2) === 0 ? 'work' : 'spare',
    session: `here/s${below(6)}`,
    holder: `${name}${below(2)}`,
  };
  switch (below(4)) {
    case 0:
      await store.pool.releaseLease(claim, 'done', NOON);
      break;
    case 1:
      await store.pool.renewLeases(
        (await store.pool.leases(NOON)).slice(0, 2).map(({ id }) => id),
        60_000,
        NOON,
      );
      break;
    default:
      await store.pool.acquireLease(claim, terms, NOON);
  }
  console.log('did');
}
