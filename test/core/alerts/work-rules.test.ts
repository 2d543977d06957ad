/** The rules about work, each at its threshold and not below it. */
import { describe, expect, test } from 'vitest';
import type { WorkFacts } from '../../../src/core/alerts/work-rules.ts';
import { workRules } from '../../../src/core/alerts/work-rules.ts';
import type { EventType, JournalEvent } from '../../../src/core/events.ts';
import { DAY, HOUR, MINUTE } from '../../../src/core/time.ts';
import { event, NOW } from '../../support/daemon-facts.ts';

const THRESHOLDS = { dispatchesPerMinute: 3, dispatchesPerDay: 5, queueDepth: 10 };
let ids = 0;
const told = (type: EventType, task: string, at = NOW - MINUTE): JournalEvent =>
  event({ id: ++ids, type, at, data: { task } });
const fired = (events: readonly JournalEvent[], work?: WorkFacts): readonly string[] =>
  workRules({ now: NOW, events, ...(work === undefined ? {} : { work }) }, THRESHOLDS).map(
    ({ type, severity, subject, value }) => `${type} ${severity} ${subject.id} ${value}`,
  );
const session = (state: WorkFacts['sessions'][number]['state'], heldUntil: number | null = null): WorkFacts => ({
  sessions: [{ session: 'auto-1', pool: 'default', state, cause: 'so it is', heldUntil }],
  waiting: 0,
});

describe('sessions', () => {
  test.each<[string, WorkFacts, readonly string[]]>([
    ['one that works is well', session('working'), []],
    ['one that stands still is a warning [R68]', session('stalled'), ['session_stalled warning auto-1 1']],
    ['one behind a dialog is a warning [R69]', session('blocked'), ['session_blocked warning auto-1 1']],
    ['one that failed is started anew', session('failed'), []],
    ['one that is held is critical [R220]', session('failed', NOW + HOUR), ['session_crash_loop critical auto-1 1']],
    ['until its time is over', session('failed', NOW), []],
  ])('%s', (_what, work, expected) => {
    expect(fired([], work)).toEqual(expected);
  });
});

describe('tasks', () => {
  test('that failed are one warning, until they are tried again, done or cancelled [R162]', () => {
    const failed = [told('task_failed', 'a:1'), told('task_timeout', 'a:2')];
    expect(fired(failed)).toEqual(['task_failed warning all 2']);
    expect(fired([...failed, told('task_queued', 'a:1', NOW), told('task_cancelled', 'a:2', NOW)])).toEqual([]);
    expect(fired([...failed, told('task_done', 'a:1', NOW)])).toEqual(['task_failed warning all 1']);
  });

  test('begun unusually often are a spike, twice as often a critical one [R157]', () => {
    const begun = (count: number, at: number) =>
      Array.from({ length: count }, (_, i) => told('task_started', `a:${i}`, at));
    expect(fired(begun(2, NOW))).toEqual([]);
    expect(fired(begun(3, NOW))).toEqual(['activity_spike warning all 3']);
    expect(fired(begun(6, NOW))).toEqual(['activity_spike critical all 6']);
    expect(fired(begun(5, NOW - HOUR))).toEqual(['activity_spike warning all 5']);
    expect(fired(begun(5, NOW - DAY))).toEqual([]);
  });

  test('that wait in great number are a spike of their own [R157]', () => {
    const waiting = (count: number): WorkFacts => ({ sessions: [], waiting: count });
    expect(fired([], waiting(9))).toEqual([]);
    expect(fired([], waiting(10))).toEqual(['activity_spike warning queue 10']);
    expect(fired([], waiting(20))).toEqual(['activity_spike critical queue 20']);
  });
});
