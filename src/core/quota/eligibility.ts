/** The one predicate that says whether an account may be used. Nothing else reads the facts it is made of. */
import type { AccountRow, HomeState } from '../accounts.ts';
import type { EpochMs } from '../time.ts';
import { MINUTE } from '../time.ts';
import type { AutoPause, AutoPausePolicy, AutoPauseRules } from './auto-pause.ts';
import { pauseOf, thresholdOf } from './auto-pause.ts';
import type { QuotaRecord } from './record.ts';
import { endOf, settle } from './record.ts';
import { quotaWindowName } from './window-name.ts';

/** Everything that is known of one account. */
export interface AccountFacts {
  readonly name: string;
  readonly pool: string;
  readonly priority: number;
  readonly enabled: boolean;
  /** Null before the store knows the account. */
  readonly row: AccountRow | null;
  /** Null before the home was looked at. */
  readonly home: HomeState | null;
  readonly quota: readonly QuotaRecord[];
  /** The home's identity is also that of this other account. */
  readonly duplicateOf: string | null;
  /** Its own thresholds; absent: the defaults alone. */
  readonly autoPause?: AutoPauseRules;
  /** Sessions that hold a lease on it; absent: none. */
  readonly leases?: number;
  /** How many may at most; absent or 0: any number. */
  readonly maxSessions?: number;
}

/**
 * `swap`: may the link be pointed at it. `early`: the same before any limit is reached, so that it must have room to spare.
 * `work`: may new work start on it. `keep`: may sessions go on under it.
 */
export type Purpose = 'swap' | 'early' | 'work' | 'keep';

export type IneligibleCode =
  | 'disabled'
  | 'excluded'
  | 'home_unusable'
  | 'credentials_unusable'
  | 'login_ended'
  | 'identity_duplicate'
  | 'identity_changed'
  | 'status'
  | 'limit_reached'
  | 'auto_paused'
  | 'little_room'
  | 'at_capacity'
  | 'just_reset'
  | 'left_recently';

export interface IneligibleReason {
  readonly code: IneligibleCode;
  /** For a person, without full stop. */
  readonly detail: string;
  /** When this reason ends by itself; null: it needs somebody. */
  readonly until: EpochMs | null;
}

export interface Eligibility {
  readonly ok: boolean;
  readonly reasons: readonly IneligibleReason[];
}

export interface EligibilityPolicy extends AutoPausePolicy {
  readonly accountReactivateCooldownMs: number;
  /** A limit of one model counts for the whole account. */
  readonly modelLimitSwaps: boolean;
}

/** All reasons at once, so that a person sees everything there is to mend. */
export function isEligible(
  account: AccountFacts,
  now: EpochMs,
  policy: EligibilityPolicy,
  context: { readonly purpose: Purpose; readonly exclude?: readonly string[] },
): Eligibility {
  const reasons: IneligibleReason[] = [];
  const add = (code: IneligibleCode, detail: string, until: EpochMs | null = null): void => {
    reasons.push({ code, detail, until });
  };

  const isTarget = context.purpose === 'swap' || context.purpose === 'early';
  if (!account.enabled) add('disabled', 'switched off in the configuration');
  if (context.exclude?.includes(account.name) === true) add('excluded', 'it is the account to leave');
  const home = account.home;
  if (home === null) add('home_unusable', 'its home has not been looked at yet');
  else if (home.problem !== null) add('home_unusable', `its home is ${home.problem.replaceAll('-', ' ')}`);
  else if (home.credentials !== 'ok') add('credentials_unusable', `its credentials file is ${home.credentials}`);
  else if (home.loginEndsAt !== null && home.loginEndsAt <= now)
    add('login_ended', 'its login has ended: log in again');
  if (account.duplicateOf !== null) add('identity_duplicate', `the same login as account ${account.duplicateOf}`);
  const known = account.row?.identity ?? null;
  if (isTarget && known !== null && home !== null && home.identity !== null && home.identity !== known)
    add('identity_changed', 'its home is now logged in as somebody else');
  const status = account.row?.status ?? 'active';
  if (status !== 'active') add('status', `its status is ${status}`);
  for (const record of account.quota.map((raw) => settle(raw, now))) {
    if (!record.limitReached || !countsForAccount(record, policy)) continue;
    add('limit_reached', `${quotaWindowName(record.window)} limit reached`, endOf(record));
  }
  if (context.purpose !== 'keep') {
    const pause = pauseOf(account, now, policy);
    const near =
      pause === null && context.purpose === 'early' ? pauseOf(account, now, policy, ROOM_TO_SPARE, true) : null;
    // The limit of the same window says more.
    const isFull = account.quota.some((raw) => raw.window === pause?.window && settle(raw, now).limitReached);
    if (pause !== null && !isFull) {
      const from = thresholdOf(account, pause.window, policy).from === 'default' ? ', the default' : '';
      add('auto_paused', `auto-paused: ${describePause(pause)}${from}`, pause.until);
    }
    if (near !== null) add('little_room', `too little room: ${describePause(near)}`, near.until);
    const { leases = 0, maxSessions = 0 } = account;
    if (maxSessions > 0 && leases >= maxSessions) add('at_capacity', `${leases} of ${maxSessions} sessions run on it`);
  }
  const backAt = account.quota
    .filter((record) => record.limitReached && countsForAccount(record, policy) && (endOf(record) ?? now) <= now)
    .map((record) => (endOf(record) ?? now) + reactivationDelayMs(account.name));
  if (isTarget && Math.max(now, ...backAt) > now && !reasons.some(({ code }) => code === 'limit_reached')) {
    add('just_reset', 'its limit was reset a moment ago', Math.max(...backAt));
  }
  const leftAt = account.row?.leftAt ?? null;
  const isCool = leftAt === null || leftAt > now + MINUTE || leftAt + policy.accountReactivateCooldownMs <= now;
  if (isTarget && leftAt !== null && !isCool) {
    add('left_recently', 'it was left a moment ago', leftAt + policy.accountReactivateCooldownMs);
  }
  return { ok: reasons.length === 0, reasons };
}

/**
 * How long after its reset an account is left alone: the provider's gate may open late, and accounts that reset together
 * should not come back in the same second. 60 s and up to 20 % more, always the same for the same account.
 */
export function reactivationDelayMs(account: string): number {
  const spread = [...account].reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 12_001, 0);
  return MINUTE + spread;
}

/** Whether this window is one of the whole account, or taken for one. */
export function countsForAccount(record: QuotaRecord, policy: EligibilityPolicy): boolean {
  return record.window !== 'model' || policy.modelLimitSwaps;
}

/** When every reason will have ended; null: never without somebody. Now for an eligible account. */
export function eligibleAt(eligibility: Eligibility, now: EpochMs): EpochMs | null {
  let at = now;
  for (const reason of eligibility.reasons) {
    if (reason.until === null) return null;
    at = Math.max(at, reason.until);
  }
  return at;
}

/** A swap before any limit must be worth it: its target has this much room (a fraction) below its own threshold. */
const ROOM_TO_SPARE = 0.05;

export function describePause({ window, used, threshold }: AutoPause): string {
  return `${Math.floor(used * 1000) / 10} % of its ${quotaWindowName(window)} window, threshold ${+(threshold * 100).toFixed(1)} %`;
}

/** How an account is shown: derived here and nowhere stored. */
export type DisplayState =
  | 'active'
  | 'standby'
  | 'limited'
  | 'auto_paused'
  | 'cooldown'
  | 'expired'
  | 'disabled'
  | 'banned'
  | 'unusable'
  | 'unknown';

export function displayState(
  account: AccountFacts,
  isActive: boolean,
  now: EpochMs,
  policy: EligibilityPolicy,
): DisplayState {
  const { reasons } = isEligible(account, now, policy, { purpose: isActive ? 'keep' : 'swap' });
  const codes = new Set(reasons.map((reason) => reason.code));
  if (codes.has('disabled') || account.row?.status === 'disabled') return 'disabled';
  if (account.row?.status === 'banned') return 'banned';
  if (account.row?.status === 'expired' || codes.has('login_ended')) return 'expired';
  if (account.home === null) return 'unknown';
  if (UNUSABLE.some((code) => codes.has(code))) return 'unusable';
  if (codes.has('limit_reached')) return 'limited';
  if (pauseOf(account, now, policy) !== null) return 'auto_paused';
  if (codes.has('left_recently') || codes.has('just_reset')) return 'cooldown';
  return isActive ? 'active' : 'standby';
}

const UNUSABLE = ['home_unusable', 'credentials_unusable', 'identity_duplicate', 'identity_changed', 'status'] as const;
