/** The rule of failing operations: swaps, panes brought back, agents started and attempts at tasks, for each session and for all together. */
import type { JournalEvent } from '../events.ts';
import type { EpochMs } from '../time.ts';
import type { AlertSubject, Firing } from './alert.ts';
import type { AlertThresholds } from './rules.ts';

/** Event types that end an operation, and whether it failed. */
const OPERATIONS: Readonly<Partial<Record<JournalEvent['type'], boolean>>> = {
  swap_completed: false,
  swap_failed: true,
  session_recovered: false,
  session_handed_over: true,
  session_launched: false,
  session_failed: true,
  task_done: false,
  task_failed: true,
  task_retry: true,
};

export function errorSpikes(
  facts: { readonly now: EpochMs; readonly events: readonly JournalEvent[] },
  thresholds: AlertThresholds,
): readonly Firing[] {
  const since = facts.now - thresholds.errorWindowMs;
  const ended = facts.events.filter((event) => event.at > since && OPERATIONS[event.type] !== undefined);
  const bySession = new Map<string, JournalEvent[]>();
  for (const event of ended) {
    const session = event.pane ?? event.session;
    if (session !== null) bySession.set(session, [...(bySession.get(session) ?? []), event]);
  }
  return [
    ...spike({ kind: 'daemon', id: 'all' }, null, ended, thresholds),
    ...[...bySession].flatMap(([id, events]) =>
      spike({ kind: 'session', id }, events[0]?.pool ?? null, events, thresholds),
    ),
  ];
}

function spike(
  subject: AlertSubject,
  pool: string | null,
  ended: readonly JournalEvent[],
  thresholds: AlertThresholds,
): readonly Firing[] {
  const failed = ended.filter((event) => OPERATIONS[event.type] === true).length;
  const share = ended.length === 0 ? 0 : failed / ended.length;
  if (ended.length < thresholds.errorMinSamples || share < thresholds.errorRate) return [];
  const isCritical = share >= thresholds.errorRateCritical;
  return [
    {
      type: 'error_spike',
      severity: isCritical ? 'critical' : 'warning',
      subject,
      pool,
      metric: 'failed_share',
      value: share,
      threshold: isCritical ? thresholds.errorRateCritical : thresholds.errorRate,
      windowMs: thresholds.errorWindowMs,
      detail: `${failed} of ${ended.length} operations failed`,
    },
  ];
}
