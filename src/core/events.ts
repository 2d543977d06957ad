/** The vocabulary of the journal: every kind of fact the daemon writes down, and how loud it is. */
import type { EpochMs } from './time.ts';

export type Severity = 'debug' | 'info' | 'warning' | 'critical';

/** Every event type with its default severity. */
export const EVENT_SEVERITY = {
  daemon_started: 'info',
  daemon_stopped: 'info',
  config_applied: 'info',
  config_rejected: 'warning',
  quota_suspected: 'info',
  quota_hit: 'info',
  quota_warning: 'info',
  threshold_pause: 'info',
  threshold_pause_ended: 'info',
  throttled: 'info',
  login_needed: 'critical',
  billing_wall: 'warning',
  model_limit: 'warning',
  unknown_wall: 'warning',
  swap_requested: 'info',
  swap_refused: 'info',
  swap_prepared: 'info',
  swap_flipped: 'info',
  swap_completed: 'info',
  swap_failed: 'critical',
  swap_postponed: 'warning',
  partial_swap: 'critical',
  no_eligible_account: 'critical',
  account_recovered: 'info',
  account_not_usable: 'warning',
  account_enabled: 'info',
  account_disabled: 'info',
  account_removed: 'info',
  account_over_capacity: 'warning',
  quota_reset_by_hand: 'info',
  leases_unavailable: 'warning',
  session_terminated: 'info',
  state_imported: 'info',
  active_account_external_change: 'warning',
  drift: 'critical',
  drift_ended: 'info',
  circuit_breaker: 'critical',
  session_recovered: 'info',
  session_handed_over: 'warning',
  session_unreachable: 'warning',
  session_not_switchable: 'warning',
  session_adopted: 'info',
  session_gone: 'info',
  task_queued: 'info',
  task_blocked: 'info',
  task_claimed: 'info',
  task_started: 'info',
  task_done: 'info',
  task_failed: 'warning',
  task_timeout: 'warning',
  task_retry: 'info',
  task_requeued: 'info',
  task_cancelled: 'info',
  task_stopped: 'info',
  task_not_stopped: 'warning',
  task_refused: 'warning',
  session_created: 'info',
  session_launched: 'info',
  session_recycled: 'info',
  session_failed: 'warning',
  session_stalled: 'warning',
  session_blocked: 'warning',
  dialog_answered: 'info',
  session_crash_loop: 'critical',
  checkpoint_failed: 'warning',
  janitor_acted: 'info',
  tmux_unavailable: 'warning',
  tmux_available: 'info',
  paused: 'info',
  resumed: 'info',
  pool_held: 'info',
  chat_refused: 'info',
  recovered_by_hand: 'info',
  store_quarantined: 'critical',
  loop_degraded: 'warning',
  clock_jump: 'warning',
  quota_cleared: 'debug',
  alert_raised: 'warning',
  alert_escalated: 'warning',
  alert_resolved: 'info',
  alert_acknowledged: 'info',
  alert_dismissed: 'info',
} as const satisfies Readonly<Record<string, Severity>>;

export type EventType = keyof typeof EVENT_SEVERITY;

/** One fact to write down. Fields that do not apply are left out. */
export interface NewEvent {
  readonly type: EventType;
  readonly severity?: Severity;
  readonly pool?: string;
  readonly account?: string;
  /** The tmux session name. */
  readonly session?: string;
  readonly pane?: string;
  readonly swap?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface JournalEvent {
  readonly id: number;
  readonly at: EpochMs;
  readonly type: EventType;
  readonly severity: Severity;
  readonly pool: string | null;
  readonly account: string | null;
  readonly session: string | null;
  readonly pane: string | null;
  readonly swap: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

/** How many of the newest events are searched for what a person should see, and how many of those are shown. */
export const ATTENTION = { searched: 200, shown: 10 } as const;

/** Warnings and worse; what was told again and again of the same thing, once with its newest time. @param events newest first */
export function needsAttention(events: readonly JournalEvent[]): readonly JournalEvent[] {
  const newest = new Map<string, JournalEvent>();
  for (const event of events) {
    if (event.severity !== 'warning' && event.severity !== 'critical') continue;
    // Alerts are counted by themselves, and end; a window that fills is one of them.
    if (event.type.startsWith('alert_') || event.type === 'quota_warning') continue;
    const key = JSON.stringify([event.type, event.pool, event.account, event.session, event.pane]);
    if (!newest.has(key)) newest.set(key, event);
  }
  return [...newest.values()].slice(0, ATTENTION.shown);
}
