/** How many accounts of a pool can be used, and whether there will soon be one more. */
import type { EpochMs } from '../time.ts';
import type { EligibilityPolicy } from './eligibility.ts';
import { isEligible } from './eligibility.ts';
import type { PoolFacts } from './policy.ts';

/** How many of its accounts may be used: the active one kept, another one taken. */
export function countEligible(pool: PoolFacts, policy: EligibilityPolicy, now: EpochMs): number {
  return pool.accounts.filter(
    (account) => isEligible(account, now, policy, { purpose: account.name === pool.active ? 'keep' : 'swap' }).ok,
  ).length;
}

/** An account that only rests after it was left or reset is back within minutes: nobody has to act. */
export function hasSpareSoon(pool: PoolFacts, policy: EligibilityPolicy, now: EpochMs): boolean {
  return pool.accounts.some(
    (account) =>
      account.name !== pool.active &&
      isEligible(account, now, policy, { purpose: 'swap' }).reasons.every(
        ({ code }) => code === 'left_recently' || code === 'just_reset',
      ),
  );
}
