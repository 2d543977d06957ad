/** One alert and its life: active → acknowledged → resolved | dismissed, as a pure machine that two runs of the rules drive. */
import type { Severity } from '../events.ts';
import type { EpochMs } from '../time.ts';

/** Every kind of alert there is. */
export const ALERT_TYPES = [
  'rate_limit',
  'quota_high',
  'login_needed',
  'credential_expired',
  'credential_expiring',
  'account_down',
  'account_disabled',
  'no_eligible_account',
  'swap_failed',
  'partial_swap',
  'drift',
  'circuit_breaker',
  'session_unreachable',
  'session_stalled',
  'session_blocked',
  'session_crash_loop',
  'task_failed',
  'unknown_wall',
  'error_spike',
  'activity_spike',
  'config_reload_failed',
  'disk_low',
] as const;

export type AlertType = (typeof ALERT_TYPES)[number];

export const ALERT_STATUSES = ['active', 'acknowledged', 'resolved', 'dismissed'] as const;

export type AlertStatus = (typeof ALERT_STATUSES)[number];

export type AlertSeverity = Exclude<Severity, 'debug'>;

export const ALERT_SEVERITIES = ['info', 'warning', 'critical'] as const satisfies readonly AlertSeverity[];

/** Whom an alert is about. */
export interface AlertSubject {
  readonly kind: 'account' | 'pool' | 'session' | 'daemon';
  /** A name; `all` where the whole daemon is meant. */
  readonly id: string;
}

/** A rule's condition that holds now. */
export interface Firing {
  readonly type: AlertType;
  readonly severity: AlertSeverity;
  readonly subject: AlertSubject;
  readonly pool: string | null;
  /** What was measured, with its unit in the name: `used_share`, `swaps`, `free_bytes`. */
  readonly metric: string;
  readonly value: number;
  readonly threshold: number;
  /** The time over which was measured; null: a state, not a count. */
  readonly windowMs: number | null;
  /** One sentence for a person, without full stop. */
  readonly detail: string;
}

export interface Alert extends Firing {
  /** Counted by the database; 0 before it is stored. */
  readonly id: number;
  /** `type:kind:id`. */
  readonly fingerprint: string;
  readonly status: AlertStatus;
  readonly firstAt: EpochMs;
  /** When the condition was last seen. */
  readonly lastAt: EpochMs;
  readonly endedAt: EpochMs | null;
  /** Runs at which the condition was seen. */
  readonly count: number;
  /** Runs in a row at which it was not. */
  readonly falseRuns: number;
  /** Who changed the status by hand; null: nobody. */
  readonly changedBy: string | null;
}

/** What a run makes of one fingerprint. `event`: what is told of it; null: nothing. */
export interface AlertStep {
  readonly alert: Alert | null;
  /** The alert is a new one, not the changed old one. */
  readonly isNew: boolean;
  readonly event: 'alert_raised' | 'alert_escalated' | 'alert_resolved' | null;
}

/** Runs without the condition until an alert resolves by itself. */
export const RESOLVED_AFTER_RUNS = 2;

/** @example fingerprintOf({ type: 'quota_high', subject: { kind: 'account', id: 'work-1' } }) // 'quota_high:account:work-1' */
export function fingerprintOf({ type, subject }: Pick<Firing, 'type' | 'subject'>): string {
  return `${type}:${subject.kind}:${subject.id}`;
}

export function isOpen({ status }: Pick<Alert, 'status'>): boolean {
  return status === 'active' || status === 'acknowledged';
}

/**
 * One run for one fingerprint.
 *
 * @param latest      the newest alert of this fingerprint; null: there was none
 * @param firing      the condition; null: it does not hold
 * @param cooldownMs  for how long after its end the same alert is not raised again unless it is worse
 */
export function stepAlert(latest: Alert | null, firing: Firing | null, now: EpochMs, cooldownMs: number): AlertStep {
  if (firing === null) return latest === null ? still(null) : quiet(latest, now);
  if (latest === null) return raised(firing, now);
  if (isOpen(latest)) return seenAgain(latest, firing, now);
  if (rank(firing.severity) > rank(latest.severity)) return raised(firing, now);
  // Dismissed means "I know": it stays away for as long as the condition lasts.
  if (latest.status === 'dismissed' && latest.falseRuns < RESOLVED_AFTER_RUNS)
    return still({ ...latest, lastAt: now, falseRuns: 0 });
  return now - (latest.endedAt ?? latest.lastAt) < cooldownMs ? still(latest) : raised(firing, now);
}

function raised(firing: Firing, now: EpochMs): AlertStep {
  const alert: Alert = {
    ...firing,
    id: 0,
    fingerprint: fingerprintOf(firing),
    status: 'active',
    firstAt: now,
    lastAt: now,
    endedAt: null,
    count: 1,
    falseRuns: 0,
    changedBy: null,
  };
  return { alert, isNew: true, event: 'alert_raised' };
}

function seenAgain(latest: Alert, firing: Firing, now: EpochMs): AlertStep {
  const isWorse = rank(firing.severity) > rank(latest.severity);
  const alert: Alert = {
    ...latest,
    ...firing,
    // The worst it came to, or a value that swings around a threshold would be told each time.
    severity: isWorse ? firing.severity : latest.severity,
    status: isWorse ? 'active' : latest.status,
    lastAt: now,
    count: latest.count + 1,
    falseRuns: 0,
  };
  return { alert, isNew: false, event: isWorse ? 'alert_escalated' : null };
}

function quiet(latest: Alert, now: EpochMs): AlertStep {
  // Past this number nothing depends on it.
  if (latest.falseRuns >= RESOLVED_AFTER_RUNS) return still(latest);
  const falseRuns = latest.falseRuns + 1;
  if (!isOpen(latest) || falseRuns < RESOLVED_AFTER_RUNS) return still({ ...latest, falseRuns });
  return {
    alert: { ...latest, status: 'resolved', falseRuns, endedAt: now },
    isNew: false,
    event: 'alert_resolved',
  };
}

function still(alert: Alert | null): AlertStep {
  return { alert, isNew: false, event: null };
}

export type AlertAction = 'ack' | 'resolve' | 'dismiss';

export const ALERT_ACTIONS: readonly AlertAction[] = ['ack', 'resolve', 'dismiss'];

/** The event that records what was done by hand. */
export const ACTION_EVENT = {
  ack: 'alert_acknowledged',
  resolve: 'alert_resolved',
  dismiss: 'alert_dismissed',
} as const satisfies Readonly<Record<AlertAction, string>>;

/** The alert after somebody acted on it; null: it has ended, or is acknowledged already. */
export function changeByHand(alert: Alert, action: AlertAction, by: string, now: EpochMs): Alert | null {
  if (!isOpen(alert)) return null;
  if (action === 'ack') return alert.status === 'active' ? { ...alert, status: 'acknowledged', changedBy: by } : null;
  const status = action === 'resolve' ? 'resolved' : 'dismissed';
  return { ...alert, status, changedBy: by, endedAt: now, falseRuns: 0 };
}

function rank(severity: AlertSeverity): number {
  return ALERT_SEVERITIES.indexOf(severity);
}
