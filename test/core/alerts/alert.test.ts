/** An alert is told once, told again when it is worse, and its end is told once. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Alert, AlertAction, AlertStep, Firing } from '../../../src/core/alerts/alert.ts';
import { changeByHand, fingerprintOf, isOpen, stepAlert } from '../../../src/core/alerts/alert.ts';
import { alertEvent } from '../../../src/core/alerts/alert-view.ts';
import { MINUTE } from '../../../src/core/time.ts';
import { NOON, PROPERTY_TIMEOUT_MS, RUNS } from '../../support/builders.ts';
import { aFiring, anAlert } from '../../support/fake-records.ts';

const COOLDOWN_MS = 5 * MINUTE;

/** One run a minute; `!` critical, `w` warning, `.` nothing; `a`, `r`, `d`: by hand before the next run. */
function live(script: string): { steps: AlertStep[]; told: string[]; alert: Alert | null } {
  let alert: Alert | null = null;
  let now = NOON;
  const steps: AlertStep[] = [];
  for (const sign of script) {
    const action = ({ a: 'ack', r: 'resolve', d: 'dismiss' } as const)[sign as 'a'];
    if (action !== undefined) {
      if (alert !== null) alert = changeByHand(alert, action, 'ada', now) ?? alert;
      continue;
    }
    const firing = sign === '.' ? null : aFiring({ severity: sign === '!' ? 'critical' : 'warning' });
    const step = stepAlert(alert, firing, now, COOLDOWN_MS);
    steps.push(step);
    alert = step.alert;
    now += MINUTE;
  }
  return { steps, told: steps.map(({ event }) => event?.replace('alert_', '') ?? '-'), alert };
}

describe('the life of an alert', () => {
  test('its fingerprint is type, kind and id [R159]', () => {
    expect(fingerprintOf(aFiring())).toBe('quota_high:account:work-1');
  });

  test('while it is active the same condition is told once [R159]', () => {
    const { told, alert } = live('wwwww');
    expect(told).toEqual(['raised', '-', '-', '-', '-']);
    expect(alert).toMatchObject({ status: 'active', count: 5, firstAt: NOON, lastAt: NOON + 4 * MINUTE });
  });

  test('from warning to critical is told at once, and not again when it swings back and forth [R159]', () => {
    expect(live('ww!w!w!').told).toEqual(['raised', '-', 'escalated', '-', '-', '-', '-']);
  });

  test('it resolves by itself when the condition was false for two runs, told once [R160]', () => {
    const { told, alert } = live('ww.w...');
    expect(told).toEqual(['raised', '-', '-', '-', '-', 'resolved', '-']);
    expect(alert).toMatchObject({ status: 'resolved', endedAt: NOON + 5 * MINUTE, changedBy: null });
  });

  test('one that was seen once lasted until it was found to be over', () => {
    const alert = anAlert({ firstAt: NOON, lastAt: NOON, endedAt: NOON + 2 * MINUTE, status: 'resolved' });
    expect(alertEvent('alert_resolved', alert).data).toMatchObject({ lasted: '2 m' });
  });

  test('for five minutes after its end it is not raised again, unless it is worse [R159]', () => {
    expect(live('w..wwwww').told).toEqual(['raised', '-', 'resolved', '-', '-', '-', '-', 'raised']);
    expect(live('w..!').told).toEqual(['raised', '-', 'resolved', 'raised']);
  });

  test('an acknowledged one stays quiet, resolves by itself, and asks again when it gets worse [R160]', () => {
    expect(live('waww').alert).toMatchObject({ status: 'acknowledged', changedBy: 'ada' });
    expect(live('wa..').alert).toMatchObject({ status: 'resolved' });
    const worse = live('wa!');
    expect(worse.told).toEqual(['raised', 'escalated']);
    expect(worse.alert?.status).toBe('active');
  });

  test('a dismissed one stays away for as long as its condition lasts, and comes back after it was gone', () => {
    expect(live('wdwwwwwwww').told.slice(1)).toEqual(Array(8).fill('-'));
    expect(live('wdw......w').told.at(-1)).toBe('raised');
    expect(live('wdw!').told.at(-1)).toBe('raised');
  });

  test('one that somebody calls resolved is raised again when it is not', () => {
    expect(live('wrwwwwww').told).toEqual(['raised', '-', '-', '-', '-', '-', 'raised']);
  });

  test('what has ended is not changed by hand any more', () => {
    for (const action of ['ack', 'resolve', 'dismiss'] as const) {
      expect(changeByHand(anAlert({ status: 'resolved' }), action, 'ada', NOON)).toBeNull();
      expect(changeByHand(anAlert({ status: 'dismissed' }), action, 'ada', NOON)).toBeNull();
    }
    expect(changeByHand(anAlert({ status: 'acknowledged' }), 'ack', 'ada', NOON)).toBeNull();
    expect(changeByHand(anAlert({ status: 'acknowledged' }), 'dismiss', 'ada', NOON)?.status).toBe('dismissed');
  });
});

describe('whatever happens', () => {
  const doing = fc.oneof(
    fc.constantFrom<Firing['severity'] | 'none'>('none', 'none', 'info', 'warning', 'critical'),
    fc.constantFrom<AlertAction>('ack', 'resolve', 'dismiss'),
  );
  const steps = fc.array(fc.tuple(doing, fc.integer({ min: 1, max: 4 * MINUTE })), { maxLength: 60 });
  const ACTIONS: readonly string[] = ['ack', 'resolve', 'dismiss'];

  test(
    'at most one alert is open, each telling is worse or new, and a resolution is told once [R159 R160]',
    () => {
      fc.assert(
        fc.property(steps, (script) => {
          let alert: Alert | null = null;
          let now = NOON;
          let loudest = -1;
          let falseRuns = 0;
          let endedAt = Number.NEGATIVE_INFINITY;
          for (const [what, gap] of script) {
            now += gap;
            if (ACTIONS.includes(what)) {
              const changed: Alert | null = alert === null ? null : changeByHand(alert, what as AlertAction, 'x', now);
              if (changed !== null) {
                expect(isOpen(alert ?? changed)).toBe(true);
                if (!isOpen(changed)) endedAt = now;
                alert = changed;
              }
              continue;
            }
            const firing = what === 'none' ? null : aFiring({ severity: what as Firing['severity'] });
            falseRuns = firing === null ? falseRuns + 1 : 0;
            const wasOpen: boolean = alert !== null && isOpen(alert);
            const step = stepAlert(alert, firing, now, COOLDOWN_MS);
            const level = ['info', 'warning', 'critical'].indexOf(step.alert?.severity ?? '');
            if (step.event === 'alert_raised') {
              expect(firing).not.toBeNull();
              expect(wasOpen).toBe(false);
              // Too soon only when it is worse than the last one.
              if (now - endedAt < COOLDOWN_MS) expect(level).toBeGreaterThan(loudest);
              loudest = level;
            }
            if (step.event === 'alert_escalated') {
              expect(wasOpen).toBe(true);
              expect(level).toBeGreaterThan(loudest);
              loudest = level;
            }
            if (step.event === 'alert_resolved') {
              expect(wasOpen).toBe(true);
              expect(falseRuns).toBeGreaterThanOrEqual(2);
              endedAt = now;
            }
            if (wasOpen && falseRuns < 2) expect(isOpen(step.alert as Alert)).toBe(true);
            alert = step.alert;
          }
        }),
        { numRuns: RUNS },
      );
    },
    PROPERTY_TIMEOUT_MS,
  );
});
