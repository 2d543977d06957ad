/** The rules of the alerts: which conditions hold now, each from facts that are stored or on the board, and nothing else. */
import type { JournalEvent } from '../events.ts';
import type { AccountFacts } from '../quota/eligibility.ts';
import { breakerEndsAt } from '../quota/policy.ts';
import { settle } from '../quota/record.ts';
import { standingLimit } from '../quota/view.ts';
import { quotaWindowName } from '../quota/window-name.ts';
import type { PoolView } from '../status.ts';
import { describeLink } from '../swap/recovery.ts';
import type { EpochMs } from '../time.ts';
import { DAY, formatDuration, HOUR, utcMinute } from '../time.ts';
import type { DownThresholds, ErringPane } from './account-down.ts';
import { countErrors, failuresOf, isDown } from './account-down.ts';
import type { Firing } from './alert.ts';
import { fingerprintOf } from './alert.ts';
import { errorSpikes } from './spikes.ts';
import type { WorkFacts, WorkThresholds } from './work-rules.ts';
import { TASK_ALERT_EVENTS, workRules } from './work-rules.ts';

/** A pane as the last poll saw it. */
export interface AlertPane extends ErringPane {
  readonly label: string;
  readonly session: string;
  /** Captures that failed in a row. */
  readonly failures: number;
  /** The wording of what stands there and no pattern knows; null: nothing does. */
  readonly wall: string | null;
}

export interface AlertFacts {
  readonly now: EpochMs;
  readonly pools: readonly PoolView[];
  readonly panes: readonly AlertPane[];
  /** Of the types in `ALERT_EVENTS`, of the last day. */
  readonly events: readonly JournalEvent[];
  /** The wordings that `unknown_wall` told of within `WALL_HORIZON_MS`. */
  readonly toldWalls: ReadonlySet<string>;
  /** Null: the file system did not tell. */
  readonly disk: { readonly path: string; readonly freeBytes: number } | null;
  /** What is wrong with the changed configuration that was not taken; null: nothing. */
  readonly configRejected: string | null;
  readonly work?: WorkFacts;
  /** Incidents that were told within the last hour, by channel, but for that of their number; absent: nobody is told anything. */
  readonly told?: ReadonlyMap<string, number>;
}

/** What the rules measure against. Shares are 0 … 1. */
export interface AlertThresholds extends WorkThresholds, DownThresholds {
  readonly errorRate: number;
  readonly errorRateCritical: number;
  readonly errorMinSamples: number;
  readonly quotaInfo: number;
  readonly quotaWarning: number;
  readonly quotaCritical: number;
  readonly swapsPerHour: number;
  readonly notificationsPerHour: number;
  readonly minFreeDiskBytes: number;
  readonly expiryWarnMs: number;
}

/** The event types that the rules count, all of the last day. */
export const ALERT_EVENTS = [
  'swap_flipped',
  'swap_completed',
  'swap_failed',
  'session_recovered',
  'session_handed_over',
  'session_launched',
  'session_failed',
  'throttled',
  'quota_suspected',
  ...TASK_ALERT_EVENTS,
] as const satisfies readonly JournalEvent['type'][];

/** The longest time the rules look back. */
export const ALERT_HORIZON_MS = DAY;

/** A wall that was told and still stands is the same one for so long. */
export const WALL_HORIZON_MS = 7 * DAY;

/** Captures that failed in a row before a pane counts as unreachable. */
export const UNREACHABLE_AFTER = 5;

const NOTIFICATIONS = { kind: 'daemon', id: 'notifications' } as const;

/** The incident that tells of too many: it is not counted as one of them. */
export const CHATTER_KEY = `alert:${fingerprintOf({ type: 'activity_spike', subject: NOTIFICATIONS })}`;

/** A spike is at least this many, whatever its threshold. */
const SPIKE_MIN = 2;

/** Every condition that holds; at most one for each fingerprint. */
export function evaluate(facts: AlertFacts, thresholds: AlertThresholds): readonly Firing[] {
  return [
    ...facts.pools.flatMap((view) => [
      ...poolRules(view, facts, thresholds),
      ...view.pool.accounts.flatMap((account) => accountRules(account, view, facts, thresholds)),
    ]),
    ...facts.panes.flatMap(unreachable),
    ...facts.panes.flatMap((pane) => walled(pane, facts)),
    ...errorSpikes(facts, thresholds),
    ...daemonRules(facts, thresholds),
    ...workRules(facts, thresholds),
    ...chatter(facts, thresholds),
  ];
}

function poolRules(view: PoolView, facts: AlertFacts, thresholds: AlertThresholds): readonly Firing[] {
  const { pool, linkState } = view;
  const base = { subject: { kind: 'pool', id: pool.pool }, pool: pool.pool } as const;
  const found: Firing[] = [];
  const own = facts.events.filter((event) => event.pool === pool.pool);

  if (pool.state === 'partial')
    found.push(state('partial_swap', 'critical', base, `partial swap: ${view.partialReason ?? 'unknown'}`));
  if (pool.state === 'exhausted')
    found.push(state('no_eligible_account', 'critical', base, 'no other account can be used'));
  if (linkState.kind !== 'account') {
    found.push(state('drift', 'critical', base, `the account link ${view.link} is ${describeLink(linkState)}`));
  }
  if (pool.breakerOpenedAt !== null && facts.now < breakerEndsAt(pool.breakerOpenedAt)) {
    found.push(state('circuit_breaker', 'critical', base, 'too many swaps: no further one until somebody looked'));
  }
  const ended = own.filter(({ type }) => type === 'swap_failed' || type === 'swap_completed').sort(byTime);
  const lastEnd = ended.at(-1);
  if (lastEnd?.type === 'swap_failed') {
    const lastDone = ended.findLastIndex(({ type }) => type === 'swap_completed');
    const failed = ended.length - 1 - lastDone;
    const error = typeof lastEnd.data.error === 'string' ? lastEnd.data.error : 'unknown';
    const severity = lastEnd.severity === 'critical' ? 'critical' : 'warning';
    const detail = `the last swap failed: ${error}`;
    found.push({ ...state('swap_failed', severity, base, detail), metric: 'failed_swaps', value: failed });
  }
  const swaps = own.filter(({ type, at }) => type === 'swap_flipped' && at > facts.now - HOUR).length;
  const limit = thresholds.swapsPerHour;
  if (swaps >= Math.max(limit, SPIKE_MIN)) {
    found.push({
      ...base,
      type: 'activity_spike',
      severity: swaps >= 2 * limit ? 'critical' : 'warning',
      metric: 'swaps',
      value: swaps,
      threshold: limit,
      windowMs: HOUR,
      detail: `${swaps} swaps within an hour`,
    });
  }
  return found;
}

function accountRules(
  account: AccountFacts,
  view: PoolView,
  facts: AlertFacts,
  thresholds: AlertThresholds,
): readonly Firing[] {
  const base = { subject: { kind: 'account', id: account.name }, pool: account.pool } as const;
  return [
    ...quotaRules(account, base, facts.now, thresholds),
    ...loginRules(account, base, facts.now, thresholds),
    ...strangeLogin(account, base),
    ...switchedOff(account, base),
    ...accountDown(account, base, view, facts, thresholds),
  ];
}

type Base = Pick<Firing, 'subject' | 'pool'>;

function strangeLogin({ name, home, row, duplicateOf }: AccountFacts, base: Base): readonly Firing[] {
  const known = row?.identity ?? null;
  const isOther = known !== null && home !== null && home.identity !== null && home.identity !== known;
  if (isOther)
    return [state('drift', 'critical', base, `the home of ${name} is logged in as somebody else than before`)];
  return duplicateOf === null
    ? []
    : [state('drift', 'critical', base, `${name} holds the same login as ${duplicateOf}`)];
}

function quotaRules(account: AccountFacts, base: Base, now: EpochMs, thresholds: AlertThresholds): readonly Firing[] {
  const found: Firing[] = [];
  const records = account.quota.map((record) => settle(record, now)).filter(({ window }) => window !== 'model');
  const limited = standingLimit(account.quota, now);
  if (limited !== null) {
    const until = limited.until === null ? '' : ` until ${utcMinute(limited.until)}`;
    const detail = `${account.name} is at its ${quotaWindowName(limited.window)} limit${until}`;
    found.push(state('rate_limit', 'warning', base, detail));
  }
  const worst = records
    .filter((record) => record.used !== null)
    .sort((a, b) => (b.used ?? 0) - (a.used ?? 0))
    .at(0);
  const used = worst?.used ?? 0;
  const levels = [
    ['critical', thresholds.quotaCritical],
    ['warning', thresholds.quotaWarning],
    ['info', thresholds.quotaInfo],
  ] as const;
  const level = levels.find(([, threshold]) => used >= threshold);
  if (worst !== undefined && level !== undefined) {
    found.push({
      ...base,
      type: 'quota_high',
      severity: level[0],
      metric: 'used_share',
      value: used,
      threshold: level[1],
      windowMs: null,
      detail: `${account.name} has used ${Math.floor(used * 100)} % of its ${quotaWindowName(worst.window)} window`,
    });
  }
  return found;
}

function loginRules(account: AccountFacts, base: Base, now: EpochMs, thresholds: AlertThresholds): readonly Firing[] {
  const { home, row, name } = account;
  if (row?.status === 'expired') {
    const isDead = home !== null && (home.credentials === 'blanked' || (loginEnd(account) ?? now + 1) <= now);
    const reason = row.statusReason ?? (isDead ? 'its login has ended' : 'its login is refused');
    const detail = `${name} needs a login by hand: ${reason}`;
    return [state(isDead ? 'credential_expired' : 'login_needed', 'critical', base, detail)];
  }
  const endsAt = home?.credentials === 'ok' ? loginEnd(account) : null;
  if (endsAt === null || endsAt - now >= thresholds.expiryWarnMs) return [];
  const leftMs = Math.max(0, endsAt - now);
  return [
    {
      ...base,
      type: 'credential_expiring',
      severity: 'warning',
      metric: 'left_ms',
      value: leftMs,
      threshold: thresholds.expiryWarnMs,
      windowMs: null,
      detail: `the login of ${name} ends in ${formatDuration(leftMs)} and cannot be renewed: log in again`,
    },
  ];
}

/**
 * When the login ends for good; null: not known, or the CLI renews it by itself. The expiry of an access token counts only
 * where there is no refresh token.
 */
export function loginEnd({ home }: Pick<AccountFacts, 'home'>): EpochMs | null {
  if (home === null) return null;
  const ends = [home.loginEndsAt, home.renewable === false ? home.expiresAt : null].filter((at) => at !== null);
  return ends.length === 0 ? null : Math.min(...ends);
}

function accountDown(
  account: AccountFacts,
  base: Base,
  view: PoolView,
  facts: AlertFacts,
  thresholds: AlertThresholds,
): readonly Firing[] {
  const count = countErrors(account.name, view.pool.pool, facts.panes);
  const failures = failuresOf(account.name, facts.events, facts.now - thresholds.errorWindowMs);
  if (!isDown(count, failures, thresholds)) return [];
  return [
    {
      ...base,
      type: 'account_down',
      severity: 'critical',
      metric: 'erring_share',
      value: count.share,
      threshold: thresholds.accountDownRate,
      windowMs: thresholds.errorWindowMs,
      detail: `${count.erring} of ${count.sessions} sessions of ${account.name} show login or server errors`,
    },
  ];
}

function unreachable(pane: AlertPane): readonly Firing[] {
  if (pane.failures < UNREACHABLE_AFTER) return [];
  const base = { subject: { kind: 'session', id: pane.label }, pool: pane.pool } as const;
  const firing = state('session_unreachable', 'warning', base, `${pane.failures} captures in a row failed`);
  return [{ ...firing, metric: 'failed_captures', value: pane.failures, threshold: UNREACHABLE_AFTER }];
}

/** Only what stood long enough to be told of. */
function walled(pane: AlertPane, { toldWalls }: AlertFacts): readonly Firing[] {
  if (pane.wall === null || !toldWalls.has(pane.wall)) return [];
  const base = { subject: { kind: 'session', id: pane.label }, pool: pane.pool } as const;
  return [state('unknown_wall', 'warning', base, `${pane.label} stands still behind words that no pattern knows`)];
}

/** Easily forgotten: an account that somebody switched off helps nobody until it is switched on again. */
function switchedOff({ name, row }: AccountFacts, base: Base): readonly Firing[] {
  if (row?.status !== 'disabled') return [];
  return [state('account_disabled', 'info', base, `${name} is no target: ${row.statusReason ?? 'it is switched off'}`)];
}

function daemonRules(facts: AlertFacts, thresholds: AlertThresholds): readonly Firing[] {
  const base = { subject: { kind: 'daemon', id: 'all' }, pool: null } as const;
  const found: Firing[] = [];
  if (facts.configRejected !== null) {
    const detail = `the changed configuration was rejected: ${facts.configRejected}`;
    found.push(state('config_reload_failed', 'warning', base, detail));
  }
  const { disk } = facts;
  if (disk !== null && disk.freeBytes < thresholds.minFreeDiskBytes) {
    const free = Math.floor(disk.freeBytes / 2 ** 20);
    found.push({
      ...base,
      type: 'disk_low',
      severity: 'warning',
      metric: 'free_bytes',
      value: disk.freeBytes,
      threshold: thresholds.minFreeDiskBytes,
      windowMs: null,
      detail: `only ${free} MiB are free under ${disk.path}`,
    });
  }
  return found;
}

/** One alert for all channels: that with most messages tells it. */
function chatter({ told }: AlertFacts, thresholds: AlertThresholds): readonly Firing[] {
  const [channel, count] = [...(told ?? [])].sort(([, a], [, b]) => b - a)[0] ?? ['', 0];
  const limit = thresholds.notificationsPerHour;
  if (count < Math.max(limit, SPIKE_MIN)) return [];
  return [
    {
      type: 'activity_spike',
      severity: count >= 2 * limit ? 'critical' : 'warning',
      subject: NOTIFICATIONS,
      pool: null,
      metric: 'notifications',
      value: count,
      threshold: limit,
      windowMs: HOUR,
      detail: `${count} incidents were told by ${channel} within an hour`,
    },
  ];
}

/** A condition that is simply so: 1 of 1. */
function state(type: Firing['type'], severity: Firing['severity'], base: Base, detail: string): Firing {
  return { ...base, type, severity, metric: 'is_so', value: 1, threshold: 1, windowMs: null, detail };
}

function byTime(a: JournalEvent, b: JournalEvent): number {
  return a.at - b.at || a.id - b.id;
}
