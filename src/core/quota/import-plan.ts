/** What is taken over of a former program's state: quota that still holds and is news, and marks of accounts. */
import type { AccountRow, AccountStatus } from '../accounts.ts';
import type { EpochMs } from '../time.ts';
import { DAY, MINUTE, utcMinute } from '../time.ts';
import type { FormerAccount, FormerQuota, FormerState } from './former-state.ts';
import type { QuotaRecord } from './record.ts';

export interface ImportPlan {
  readonly records: readonly QuotaRecord[];
  readonly statuses: readonly { readonly account: string; readonly status: AccountStatus }[];
  /** What is done, and what is left and why; one sentence each. */
  readonly taken: readonly string[];
  readonly left: readonly string[];
}

export interface ImportFacts {
  /** Accounts of the configuration. */
  readonly names: readonly string[];
  readonly rows: readonly AccountRow[];
  readonly quota: readonly QuotaRecord[];
  /** When the state was written, for entries that do not say it themselves. */
  readonly savedAt: EpochMs;
}

/** No limit of any plan lasts longer; a month is the longest window. */
const LONGEST_MS = 40 * DAY;
/** A lock and a window that end this close to each other are the same thing. */
const SAME_END_MS = 2 * MINUTE;

export function planImport(state: FormerState, facts: ImportFacts, now: EpochMs): ImportPlan {
  const plan = { records: [] as QuotaRecord[], statuses: [] as ImportPlan['statuses'][number][] };
  const taken: string[] = [];
  const left = [...state.ignored];
  for (const account of state.accounts) {
    if (!facts.names.includes(account.name)) {
      left.push(`${account.name}: no account of the configuration`);
      continue;
    }
    const windows = account.quota.flatMap((quota) => takeWindow(account, quota, facts, now, taken, left));
    const lock = takeLock(account, windows, facts, now, left);
    if (lock !== null) taken.push(`${account.name}: limited until ${utcMinute(lock.resetAt)} (${lock.window} window)`);
    plan.records.push(...windows.filter((record) => record.window !== lock?.window), ...(lock === null ? [] : [lock]));
    const row = facts.rows.find(({ name }) => name === account.name);
    const { status } = account;
    // Only a mark: whatever is known here already is newer.
    if (status === null || status === 'active' || (row?.status ?? 'active') === status) continue;
    if ((row?.status ?? 'active') !== 'active') left.push(`${account.name}.status: it is ${row?.status} here`);
    else {
      plan.statuses.push({ account: account.name, status });
      taken.push(`${account.name}: ${status}`);
    }
  }
  if (state.activeAccount !== null) left.push(`active_account: the link on disk says which account is active`);
  return { ...plan, taken, left };
}

function takeWindow(
  { name }: FormerAccount,
  quota: FormerQuota,
  facts: ImportFacts,
  now: EpochMs,
  taken: string[],
  left: string[],
): readonly QuotaRecord[] {
  const { window, used, limitReached, resetAt } = quota;
  const place = `${name}.quota.${window}`;
  const updatedAt = Math.min(now, quota.updatedAt ?? facts.savedAt);
  if (used === null && !limitReached) {
    left.push(`${place}: it says nothing`);
    return [];
  }
  if (resetAt === null || resetAt <= now) {
    left.push(`${place}: ${resetAt === null ? 'it names no end' : `its window ended ${utcMinute(resetAt)}`}`);
    return [];
  }
  if (resetAt > now + LONGEST_MS) {
    left.push(`${place}: it would end ${utcMinute(resetAt)}, later than any window`);
    return [];
  }
  const known = facts.quota.find((record) => record.account === name && record.window === window);
  if (known !== undefined && known.updatedAt >= updatedAt) {
    left.push(`${place}: what is known here is as new or newer`);
    return [];
  }
  const isFull = limitReached || (used ?? 0) >= 1;
  taken.push(
    `${place}: ${isFull ? 'limit reached' : `${Math.round((used ?? 0) * 100)} % used`} until ${utcMinute(resetAt)}`,
  );
  return [recordOf(name, window, isFull ? Math.max(used ?? 1, 1) : used, isFull, resetAt, updatedAt)];
}

/** The former lock beside the quota: it becomes a quota record where it is the newer of the two. */
function takeLock(
  { name, lockUntil, lockedAt, quota }: FormerAccount,
  windows: readonly QuotaRecord[],
  facts: ImportFacts,
  now: EpochMs,
  left: string[],
): (QuotaRecord & { readonly resetAt: EpochMs }) | null {
  if (lockUntil === null) return null;
  const place = `${name}'s lock`;
  const drop = (why: string): null => {
    left.push(`${place}: ${why}`);
    return null;
  };
  if (lockUntil <= now) return drop(`it ended ${utcMinute(lockUntil)}`);
  if (lockUntil > now + LONGEST_MS) return drop(`it would end ${utcMinute(lockUntil)}, later than any window`);
  const at = Math.min(now, lockedAt ?? facts.savedAt);
  const beside = quota.map((entry) => entry.updatedAt ?? Number.NEGATIVE_INFINITY);
  const known = facts.quota.filter((record) => record.account === name).map((record) => record.updatedAt);
  if (Math.max(Number.NEGATIVE_INFINITY, ...beside, ...known) >= at)
    return drop('the quota beside it is as new or newer');
  const same = windows.find((record) => Math.abs((record.resetAt ?? 0) - lockUntil) <= SAME_END_MS);
  return recordOf(name, same?.window ?? 'unknown', 1, true, lockUntil, at);
}

function recordOf(
  account: string,
  window: QuotaRecord['window'],
  used: number | null,
  limitReached: boolean,
  resetAt: EpochMs,
  updatedAt: EpochMs,
): QuotaRecord & { readonly resetAt: EpochMs } {
  const told = { source: 'manual', updatedAt, verifyRequired: false } as const;
  return { account, window, used, limitReached, resetAt, lockUntil: null, ...told };
}
