/** Program: writes swaps, one transaction per phase, and prints each step after its commit. Runs until it is killed. */
import { openStore } from '../../../src/store/open.ts';
import { anIncident, aSwap, BUSY_MS, NOON } from './rows.ts';
import { PHASES, phaseWrite } from './swap-phases.ts';

const [stateDir = '', prefix = '', count = 'Infinity'] = process.argv.slice(2);
const store = await openStore({ stateDir, now: NOON, busyTimeoutMs: BUSY_MS });
await store.pool.ensureAccounts([{ name: prefix, pool: 'claude' }]);
console.log('ready');
for (let turn = 0; turn < Number(count); turn++) {
  const id = `${prefix}-${turn}`;
  await store.local.createSwap(aSwap({ id }), anIncident(id), [{ type: 'swap_prepared', swap: id }]);
  console.log(`${id} prepared`);
  for (const phase of PHASES) {
    const { change, also } = phaseWrite(id, phase);
    await store.local.updateSwap(id, change, also);
    console.log(`${id} ${phase}`);
  }
  await store.pool.mergeQuota(prefix, '5h', (current) => ({
    account: prefix,
    window: '5h',
    used: (current?.used ?? 0) + 1,
    limitReached: false,
    resetAt: null,
    lockUntil: null,
    source: 'manual',
    updatedAt: NOON + turn,
    verifyRequired: false,
  }));
}
await store.close();
console.log('finished');
