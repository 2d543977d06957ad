/** The rules about work: sessions that stand still, tasks that failed, and a queue that is unusually busy. */
import type { JournalEvent } from '../events.ts';
import type { LifecycleState } from '../sessions/lifecycle.ts';
import type { EpochMs } from '../time.ts';
import { DAY, formatDuration, MINUTE } from '../time.ts';
import type { Firing } from './alert.ts';

/** What is known of work under way; absent where nobody has looked at it. */
export interface WorkFacts {
  readonly sessions: readonly {
    readonly session: string;
    readonly pool: string;
    readonly state: LifecycleState;
    readonly cause: string;
    /** It died too often: left alone until then. */
    readonly heldUntil: EpochMs | null;
  }[];
  /** Tasks that wait for a session. */
  readonly waiting: number;
}

export interface WorkThresholds {
  readonly dispatchesPerMinute: number;
  readonly dispatchesPerDay: number;
  readonly queueDepth: number;
}

/** What says how a task stands; the newest of each task counts. */
export const TASK_ALERT_EVENTS = [
  'task_queued',
  'task_started',
  'task_done',
  'task_failed',
  'task_timeout',
  'task_retry',
  'task_cancelled',
] as const satisfies readonly JournalEvent['type'][];

const DAEMON = { subject: { kind: 'daemon', id: 'all' }, pool: null } as const;

export function workRules(
  facts: { readonly now: EpochMs; readonly events: readonly JournalEvent[]; readonly work?: WorkFacts },
  thresholds: WorkThresholds,
): readonly Firing[] {
  const { work, now } = facts;
  return [
    ...(work?.sessions ?? []).flatMap((session) => troubled(session, now)),
    ...failedTasks(facts.events),
    ...dispatches(facts.events, now, thresholds),
    ...(work === undefined ? [] : depth(work.waiting, thresholds.queueDepth)),
  ];
}

const TROUBLE: Partial<Readonly<Record<LifecycleState, Firing['type']>>> = {
  stalled: 'session_stalled',
  blocked: 'session_blocked',
};

function troubled(row: WorkFacts['sessions'][number], now: EpochMs): readonly Firing[] {
  const isHeld = row.state === 'failed' && row.heldUntil !== null && row.heldUntil > now;
  const type = isHeld ? 'session_crash_loop' : TROUBLE[row.state];
  if (type === undefined) return [];
  const subject = { kind: 'session', id: row.session } as const;
  const detail = `${row.session}: ${row.cause}`;
  return [so({ type, severity: isHeld ? 'critical' : 'warning', subject, pool: row.pool, detail })];
}

function failedTasks(events: readonly JournalEvent[]): readonly Firing[] {
  const newest = new Map<string, JournalEvent>();
  const inOrder = [...events].sort((a, b) => a.at - b.at || a.id - b.id);
  for (const event of inOrder) {
    const { task } = event.data;
    if (typeof task === 'string' && TASK_ALERT_EVENTS.some((type) => type === event.type)) newest.set(task, event);
  }
  const failed = [...newest].filter(([, { type }]) => type === 'task_failed' || type === 'task_timeout');
  if (failed.length === 0) return [];
  const named = failed.slice(-3).map(([task]) => task);
  const more = failed.length > named.length ? ` and ${failed.length - named.length} more` : '';
  const detail = `not done within the last day: ${named.join(', ')}${more}`;
  return [
    {
      ...so({ ...DAEMON, type: 'task_failed', severity: 'warning', detail }),
      metric: 'failed_tasks',
      value: failed.length,
    },
  ];
}

function dispatches(events: readonly JournalEvent[], now: EpochMs, thresholds: WorkThresholds): readonly Firing[] {
  const begun = events.filter(({ type }) => type === 'task_started');
  const rates = [
    [MINUTE, thresholds.dispatchesPerMinute],
    [DAY, thresholds.dispatchesPerDay],
  ] as const;
  const fired = rates.flatMap(([windowMs, threshold]): Firing[] => {
    const value = begun.filter(({ at }) => at > now - windowMs).length;
    if (value < threshold) return [];
    const detail = `${value} tasks were begun within ${formatDuration(windowMs)}`;
    return [busy({ metric: 'dispatches', value, threshold, windowMs, detail })];
  });
  // Both windows are one condition: the worse one tells it.
  return fired.sort((a, b) => Number(b.severity === 'critical') - Number(a.severity === 'critical')).slice(0, 1);
}

function depth(waiting: number, threshold: number): readonly Firing[] {
  if (waiting < threshold) return [];
  const what = { metric: 'queue_depth', value: waiting, threshold, windowMs: null, detail: `${waiting} tasks wait` };
  return [{ ...busy(what), subject: { kind: 'daemon', id: 'queue' } }];
}

function busy(what: Pick<Firing, 'metric' | 'value' | 'threshold' | 'windowMs' | 'detail'>): Firing {
  const severity = what.value >= 2 * what.threshold ? 'critical' : 'warning';
  return { ...DAEMON, type: 'activity_spike', severity, ...what };
}

/** A condition that is simply so: 1 of 1. */
function so(what: Pick<Firing, 'type' | 'severity' | 'subject' | 'pool' | 'detail'>): Firing {
  return { ...what, metric: 'is_so', value: 1, threshold: 1, windowMs: null };
}
