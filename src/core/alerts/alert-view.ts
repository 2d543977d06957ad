/** Alerts as the API and the command line show them: instants in ISO 8601, numbers as they are written by hand. */
import type { JournalEvent, NewEvent } from '../events.ts';
import { formatDuration, toIso } from '../time.ts';
import type { Alert, AlertType } from './alert.ts';

export interface AlertView {
  readonly id: number;
  readonly fingerprint: string;
  readonly type: string;
  readonly severity: string;
  readonly status: string;
  readonly subject: { readonly kind: string; readonly id: string };
  readonly pool: string | null;
  readonly metric: string;
  readonly value: number;
  readonly threshold: number;
  readonly window_s: number | null;
  readonly detail: string;
  readonly first_at: string | null;
  readonly last_at: string | null;
  readonly ended_at: string | null;
  readonly count: number;
  readonly changed_by: string | null;
}

export function alertView(alert: Alert): AlertView {
  return {
    id: alert.id,
    fingerprint: alert.fingerprint,
    type: alert.type,
    severity: alert.severity,
    status: alert.status,
    subject: alert.subject,
    pool: alert.pool,
    metric: alert.metric,
    value: rounded(alert.value),
    threshold: rounded(alert.threshold),
    window_s: alert.windowMs === null ? null : alert.windowMs / 1000,
    detail: alert.detail,
    first_at: toIso(alert.firstAt),
    last_at: toIso(alert.lastAt),
    ended_at: toIso(alert.endedAt),
    count: alert.count,
    changed_by: alert.changedBy,
  };
}

/**
 * Types whose condition another event has told already when it began; a message about both would say the same thing twice.
 */
const TOLD_BY: Readonly<Partial<Record<AlertType, JournalEvent['type']>>> = {
  rate_limit: 'quota_hit',
  quota_high: 'quota_warning',
  login_needed: 'login_needed',
  no_eligible_account: 'no_eligible_account',
  swap_failed: 'swap_failed',
  partial_swap: 'partial_swap',
  drift: 'drift',
  circuit_breaker: 'circuit_breaker',
  session_unreachable: 'session_unreachable',
  session_stalled: 'session_stalled',
  session_blocked: 'session_blocked',
  session_crash_loop: 'session_crash_loop',
  task_failed: 'task_failed',
  unknown_wall: 'unknown_wall',
  account_disabled: 'account_disabled',
  config_reload_failed: 'config_rejected',
};

/** The event of a step in an alert's life, as it goes into the journal together with it. */
export function alertEvent(type: NewEvent['type'], alert: Alert): NewEvent {
  const { subject, pool, metric, value, threshold, windowMs, detail } = alert;
  const isOver = type === 'alert_resolved' || type === 'alert_acknowledged' || type === 'alert_dismissed';
  return {
    type,
    // What is over needs nobody.
    severity: isOver ? 'info' : alert.severity,
    ...(pool === null ? {} : { pool }),
    ...(subject.kind === 'account' ? { account: subject.id } : {}),
    ...(subject.kind === 'session' ? { pane: subject.id } : {}),
    data: {
      title: titleOf(alert),
      detail: type === 'alert_resolved' ? `over: ${detail}` : detail,
      alert: alert.id,
      alert_type: alert.type,
      fingerprint: alert.fingerprint,
      subject,
      metric,
      value: rounded(value),
      threshold: rounded(threshold),
      window: windowMs === null ? null : formatDuration(windowMs),
      told_by: TOLD_BY[alert.type] ?? null,
      by: alert.changedBy,
      lasted: isOver ? formatDuration((alert.endedAt ?? alert.lastAt) - alert.firstAt) : null,
    },
  };
}

/** @example 'Quota high: work-1' */
function titleOf({ type, subject }: Alert): string {
  const words = type.replaceAll('_', ' ');
  const title = words.charAt(0).toUpperCase() + words.slice(1);
  return subject.kind === 'daemon' ? title : `${title}: ${subject.id}`;
}

/** Whole numbers stay whole; a share keeps four places. */
function rounded(value: number): number {
  return Number.isInteger(value) ? value : Math.round(value * 10_000) / 10_000;
}
