/** What is left of a quota record when somebody says that its limit does not hold. */
import type { EpochMs } from '../time.ts';
import type { QuotaRecord } from './record.ts';

/** Nothing is known any more; the next turn on the account tells. */
export function forgetQuota(record: QuotaRecord, now: EpochMs): QuotaRecord {
  return {
    ...record,
    used: null,
    limitReached: false,
    resetAt: null,
    lockUntil: null,
    source: 'manual',
    updatedAt: now,
    verifyRequired: true,
  };
}

/** Whether there is anything to forget. */
export function isBlank(record: QuotaRecord): boolean {
  return record.used === null && !record.limitReached && record.resetAt === null && record.lockUntil === null;
}
