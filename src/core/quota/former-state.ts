/** Reads the state file of the Go predecessor, or our own `state.json`, as generously as can be done without guessing. */

import type { AccountStatus } from '../accounts.ts';
import type { QuotaWindow } from '../agents/profile.ts';
import { isObject } from '../json.ts';
import type { EpochMs } from '../time.ts';

export interface FormerQuota {
  readonly window: QuotaWindow;
  /** 0 … ; null: not said. */
  readonly used: number | null;
  readonly limitReached: boolean;
  readonly resetAt: EpochMs | null;
  /** Null: not said. */
  readonly updatedAt: EpochMs | null;
}

export interface FormerAccount {
  readonly name: string;
  /** As it is called here; null: not said. */
  readonly status: AccountStatus | null;
  /** Until when the account was locked by the former program's own field. */
  readonly lockUntil: EpochMs | null;
  readonly lockedAt: EpochMs | null;
  readonly quota: readonly FormerQuota[];
}

export interface FormerState {
  readonly activeAccount: string | null;
  readonly savedAt: EpochMs | null;
  readonly accounts: readonly FormerAccount[];
  /** What was there and is not taken: a path and why. */
  readonly ignored: readonly string[];
}

/** @returns null: this is no state file */
export function readFormerState(value: unknown): FormerState | null {
  if (!isObject(value)) return null;
  const listed = entriesOf(value.accounts);
  if (listed === null) return null;
  const ignored: string[] = [];
  const accounts = new Map<string, FormerAccount>();
  for (const [place, entry, name] of listed) {
    if (!isObject(entry) || name === null) {
      ignored.push(`accounts${place}: no account with a name`);
      continue;
    }
    if (accounts.has(name)) ignored.push(`accounts${place}: ${name} is there twice; the later entry counts`);
    accounts.set(name, readAccount(entry, name, ignored));
  }
  const known = ['accounts', 'active_account', 'updated_at', 'saved_at', 'last_swap_at', 'version'];
  for (const key of Object.keys(value)) if (!known.includes(key)) ignored.push(`${key}: not needed`);
  const active = value.active_account;
  return {
    activeAccount: typeof active === 'string' && active !== '' ? active : null,
    savedAt: instant(value.updated_at) ?? instant(value.saved_at) ?? instant(value.last_swap_at),
    accounts: [...accounts.values()],
    ignored,
  };
}

/** Accounts as a list, or by name. */
function entriesOf(value: unknown): readonly (readonly [string, unknown, string | null])[] | null {
  const nameOf = (entry: unknown): string | null =>
    isObject(entry) && typeof entry.name === 'string' && entry.name.trim() !== '' ? entry.name : null;
  if (Array.isArray(value)) return value.map((entry: unknown, index) => [`[${index}]`, entry, nameOf(entry)] as const);
  if (!isObject(value)) return null;
  return Object.entries(value).map(([key, entry]) => [`.${key}`, entry, nameOf(entry) ?? key] as const);
}

function readAccount(entry: Readonly<Record<string, unknown>>, name: string, ignored: string[]): FormerAccount {
  const status = readStatus(entry.status ?? entry.state);
  if (status === 'unknown') ignored.push(`${name}.status: not one that is known; the account counts as active`);
  const lock = entry.rate_limited_until ?? entry.lock_until ?? entry.locked_until;
  const lockUntil = instant(lock);
  if (lock !== undefined && lock !== null && lock !== '' && lockUntil === null && !isZeroTime(lock))
    ignored.push(`${name}'s lock: no time`);
  return {
    name,
    status: status === 'unknown' ? 'active' : status,
    lockUntil,
    lockedAt: instant(entry.rate_limited_at) ?? instant(entry.locked_at) ?? instant(entry.updated_at),
    quota: readQuota(entry.quota ?? entry.windows, name, ignored),
  };
}

/** Words for "limited" say nothing about the account itself: that is what its quota is for. */
const STATUS: Readonly<Record<string, AccountStatus>> = {
  active: 'active',
  ok: 'active',
  standby: 'active',
  available: 'active',
  cooldown: 'active',
  rate_limited: 'active',
  limited: 'active',
  exhausted: 'active',
  auto_paused: 'active',
  refreshing: 'active',
  unknown: 'active',
  unusable: 'active',
  expired: 'expired',
  needs_login: 'expired',
  disabled: 'disabled',
  banned: 'banned',
};

function readStatus(value: unknown): AccountStatus | 'unknown' | null {
  if (value === undefined || value === null || value === '') return null;
  const word = typeof value === 'string' ? value.trim().toLowerCase().replaceAll('-', '_') : '';
  return Object.hasOwn(STATUS, word) ? (STATUS[word] ?? null) : 'unknown';
}

const WINDOWS: Readonly<Record<string, QuotaWindow>> = {
  '5h': '5h',
  five_hour: '5h',
  window_5h: '5h',
  session: '5h',
  primary: '5h',
  '7d': '7d',
  seven_day: '7d',
  window_week: '7d',
  week: '7d',
  weekly: '7d',
  secondary: '7d',
};

function readQuota(value: unknown, account: string, ignored: string[]): readonly FormerQuota[] {
  if (value === undefined || value === null) return [];
  if (!isObject(value)) {
    ignored.push(`${account}.quota: no section`);
    return [];
  }
  return Object.entries(value).flatMap(([key, entry]): FormerQuota[] => {
    const window = Object.hasOwn(WINDOWS, key) ? WINDOWS[key] : undefined;
    const path = `${account}.quota.${key}`;
    if (window === undefined || !isObject(entry)) {
      ignored.push(`${path}: ${window === undefined ? 'no window that is known' : 'no section'}`);
      return [];
    }
    const used = readUsed(entry);
    if (used === 'bad') ignored.push(`${path}: the figure is no share of a window`);
    return [
      {
        window,
        used: used === 'bad' ? null : used,
        limitReached: entry.limit_reached === true || entry.exhausted === true,
        resetAt: instant(entry.reset_at) ?? instant(entry.resets_at),
        updatedAt: instant(entry.updated_at) ?? instant(entry.fetched_at),
      },
    ];
  });
}

/** A percentage where the key says so, else a fraction. */
function readUsed(entry: Readonly<Record<string, unknown>>): number | 'bad' | null {
  for (const [key, unit] of [
    ['used', 1],
    ['used_percent', 100],
    ['used_percentage', 100],
    ['utilization', 100],
  ] as const) {
    const value = entry[key];
    if (value === undefined || value === null) continue;
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0 || value / unit > 2) return 'bad';
    return value / unit;
  }
  return null;
}

/** The last instant that a calendar has. */
const LAST_INSTANT = 8_640_000_000_000_000;

/** RFC 3339, or epoch seconds or milliseconds. Go writes the year 1 for "never". */
function instant(value: unknown): EpochMs | null {
  const at =
    typeof value === 'number'
      ? value < 100_000_000_000
        ? value * 1000
        : value
      : typeof value === 'string' && /^\d{4}-\d{2}-\d{2}T/.test(value)
        ? Date.parse(value)
        : Number.NaN;
  return at > 0 && at <= LAST_INSTANT ? Math.round(at) : null;
}

function isZeroTime(value: unknown): boolean {
  return value === 0 || (typeof value === 'string' && value.startsWith('0001-'));
}
