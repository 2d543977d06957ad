/** Alerts and statistics made by hand, and an API that serves them and remembers what it was asked. */
import type { Alert, Firing } from '../../src/core/alerts/alert.ts';
import { changeByHand, fingerprintOf } from '../../src/core/alerts/alert.ts';
import type { AlertThresholds } from '../../src/core/alerts/rules.ts';
import { statsView } from '../../src/core/alerts/stats-view.ts';
import { DAY, MINUTE } from '../../src/core/time.ts';
import type { RecordsApi } from '../../src/ports/records.ts';

const NOW = Date.UTC(2026, 0, 5, 12);

export const THRESHOLDS: AlertThresholds = {
  errorWindowMs: 5 * MINUTE,
  errorRate: 0.1,
  errorRateCritical: 0.5,
  errorMinSamples: 10,
  accountDownRate: 0.5,
  accountDownMin: 10,
  quotaInfo: 0.8,
  quotaWarning: 0.9,
  quotaCritical: 1,
  swapsPerHour: 4,
  dispatchesPerMinute: 20,
  dispatchesPerDay: 1000,
  notificationsPerHour: 60,
  queueDepth: 100,
  minFreeDiskBytes: 500 * 2 ** 20,
  expiryWarnMs: DAY,
};

export function aFiring(change: Partial<Firing> = {}): Firing {
  return {
    type: 'quota_high',
    severity: 'warning',
    subject: { kind: 'account', id: 'work-1' },
    pool: 'work',
    metric: 'used_share',
    value: 0.92,
    threshold: 0.9,
    windowMs: null,
    detail: 'work-1 has used 92 % of its 5h window',
    ...change,
  };
}

export function anAlert(change: Partial<Alert> = {}): Alert {
  const firing = aFiring(change);
  return {
    ...firing,
    id: 7,
    fingerprint: fingerprintOf(firing),
    status: 'active',
    firstAt: NOW - 10 * MINUTE,
    lastAt: NOW - MINUTE,
    endedAt: null,
    count: 10,
    falseRuns: 0,
    changedBy: null,
    ...change,
  };
}

/** @param note is told every call */
export function fakeRecords(
  note: (name: string, argument: unknown) => void,
  alerts: () => readonly Alert[],
): RecordsApi {
  return {
    async alerts(filter) {
      note('alerts', filter);
      return alerts();
    },
    thresholds: () => THRESHOLDS,
    async changeAlert(id, action, by) {
      note('changeAlert', { id, action, by });
      const found = alerts().find((alert) => alert.id === id);
      return found === undefined ? 'unknown' : (changeByHand(found, action, by, NOW) ?? 'ended');
    },
    async stats(period) {
      note('stats', period);
      return statsView([], period, { from: '2026-01-05', to: '2026-01-05' }, ['work-1']);
    },
  };
}
