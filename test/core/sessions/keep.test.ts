/** What is done about a kept session by what was seen of it: a table, and what never happens whatever is seen. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KeepAction, KeepPolicy, PaneSight, SessionSight } from '../../../src/core/sessions/keep.ts';
import { keepSession } from '../../../src/core/sessions/keep.ts';
import type { LifecycleRow } from '../../../src/core/sessions/lifecycle.ts';
import { LIFECYCLE_STATES } from '../../../src/core/sessions/lifecycle.ts';
import { IllegalTransition, step } from '../../../src/core/sessions/machine.ts';
import { mayRestart } from '../../../src/core/sessions/restarts.ts';
import { HOUR, MINUTE, SECOND } from '../../../src/core/time.ts';
import { NOON, PANE, PROPERTY_TIMEOUT_MS, RUNS } from '../../support/builders.ts';
import { aSession } from '../../support/kept.ts';

const NOW = NOON + MINUTE;
const ACTING: KeepPolicy = { recreate: true, maxRestartsPerHour: 6, isWanted: true, mayAct: true };
const LOST = { taskId: 'p:t', reason: 'session_died', detail: '', at: NOON } as const;

function pane(change: Partial<PaneSight> = {}): PaneSight {
  return { pane: PANE, dead: false, agent: 'rest', shellInFront: null, ...change };
}

function seen(panes: readonly PaneSight[], change: Partial<SessionSight> = {}): SessionSight {
  return { seenAt: NOW, panes, recovery: null, ...change };
}

const SHELL = pane({ agent: 'none', shellInFront: true });
const OTHER = pane({ pane: { ...PANE, paneId: '%9' } });

function keep(row: Partial<LifecycleRow>, sight: SessionSight, policy: Partial<KeepPolicy> = {}): string {
  const action = keepSession(aSession(row), sight, { ...ACTING, ...policy }, NOW);
  return action.kind === 'move' ? action.event.kind : action.kind;
}

describe('a session', () => {
  it.each<[string, Partial<LifecycleRow>, SessionSight, Partial<KeepPolicy>, string]>([
    ['that is missing is made [R60]', { state: 'missing', pane: null }, seen([]), {}, 'make'],
    ['that nobody wants is not', { state: 'missing', pane: null }, seen([]), { isWanted: false }, 'none'],
    [
      'is not made while the daemon is paused [R285]',
      { state: 'missing', pane: null },
      seen([]),
      { mayAct: false },
      'none',
    ],
    [
      'that was once there is not made again where that is switched off',
      { state: 'missing', pane: null, launchedAt: NOON },
      seen([]),
      { recreate: false },
      'none',
    ],
    ['that is there is adopted [R61]', { state: 'missing', pane: null }, seen([OTHER]), {}, 'found'],
    [
      'that is there is adopted while the daemon is paused, too',
      { state: 'missing', pane: null },
      seen([OTHER]),
      { mayAct: false },
      'found',
    ],
    ['that rests and has gone is missing', { state: 'idle' }, seen([]), {}, 'gone'],
    ['whose pane has ended is gone', { state: 'idle' }, seen([pane({ dead: true })]), {}, 'gone'],
    ['whose pane was replaced by another is gone', { state: 'working', taskId: 'p:t' }, seen([OTHER]), {}, 'gone'],
    [
      'that a sweep of before its last move did not see is not gone',
      { state: 'idle' },
      seen([], { seenAt: NOON + SECOND }),
      {},
      'none',
    ],
    [
      'whose agent ended under its task has crashed [R60]',
      { state: 'working', taskId: 'p:t' },
      seen([SHELL]),
      {},
      'crashed',
    ],
    [
      'of whose shell nobody knows has not',
      { state: 'working', taskId: 'p:t' },
      seen([pane({ agent: 'none' })]),
      {},
      'none',
    ],
    [
      'whose agent a swap is starting again has not [R52]',
      { state: 'working', taskId: 'p:t' },
      seen([SHELL], { recovery: 'open' }),
      {},
      'swap_began',
    ],
    [
      'that a swap brings back is not typed into',
      { state: 'draining', cause: 'x' },
      seen([pane()], { recovery: 'open' }),
      {},
      'none',
    ],
    [
      'that a swap brought back goes on',
      { state: 'draining', cause: 'a swap is bringing it back', taskId: 'p:t' },
      seen([pane()], { recovery: 'recovered' }),
      {},
      'swap_ended',
    ],
    ['that is done is recycled [R71]', { state: 'done' }, seen([pane()]), {}, 'recycle'],
    ['that starts is looked at', { state: 'launching' }, seen([SHELL]), {}, 'type'],
    [
      'that starts is not typed into while the daemon is paused',
      { state: 'launching' },
      seen([SHELL]),
      { mayAct: false },
      'none',
    ],
    [
      'that was to be made when the daemon ended is made',
      { state: 'launching', pane: null },
      seen([]),
      {},
      'make_again',
    ],
    ['that was made when the daemon ended is taken', { state: 'launching', pane: null }, seen([OTHER]), {}, 'created'],
    ['in which a person began a turn is at work', { state: 'idle' }, seen([pane({ agent: 'turn' })]), {}, 'turn_began'],
    ['whose turn has ended rests', { state: 'working' }, seen([pane()]), {}, 'turn_ended'],
    ['with a task is judged elsewhere', { state: 'working', taskId: 'p:t' }, seen([pane()]), {}, 'none'],
    ['that shows a dialog is blocked', { state: 'idle' }, seen([pane({ agent: 'dialog' })]), {}, 'blocked'],
    ['whose dialog is gone goes on', { state: 'blocked', previous: 'idle' }, seen([pane()]), {}, 'unblocked'],
    ['that failed is used again where its shell waits', { state: 'failed' }, seen([SHELL]), {}, 'found'],
    ['that failed with something running in it is ended', { state: 'failed' }, seen([pane()]), {}, 'end'],
    [
      'with half a command on its line is ended',
      { state: 'failed', typing: { what: 'command', at: NOON, keys: 0 } },
      seen([SHELL]),
      {},
      'end',
    ],
    ['that failed and has gone is made', { state: 'failed' }, seen([]), {}, 'make'],
    [
      'that is somebody’s is never ended [R244]',
      { state: 'failed', kind: 'dedicated' },
      seen([pane({ dead: true })]),
      {},
      'none',
    ],
    [
      'that died too often is left alone [R220]',
      { state: 'failed', restarts: [1, 2, 3, 4, 5, 6].map((i) => NOON - i * MINUTE) },
      seen([]),
      {},
      'held',
    ],
    ['that is left alone stays so', { state: 'failed', heldUntil: NOW + MINUTE }, seen([]), {}, 'none'],
  ])('%s', (_, row, sight, policy, expected) => {
    expect(keep(row, sight, policy)).toBe(expected);
  });
});

describe('a session that died', () => {
  const died = (restarts: readonly number[], change: Partial<LifecycleRow> = {}) =>
    aSession({ state: 'failed', stateSince: NOW, restarts, ...change });

  it('is given more time each time, and after too many times an hour [R220]', () => {
    expect(mayRestart(died([]), NOW, 6)).toEqual({ kind: 'now' });
    expect(mayRestart(died([NOW - MINUTE]), NOW, 6)).toEqual({ kind: 'wait', until: NOW + 10 * SECOND });
    expect(mayRestart(died([NOW - MINUTE, NOW - 2 * MINUTE]), NOW, 6)).toMatchObject({ until: NOW + 20 * SECOND });
    const six = [1, 2, 3, 4, 5, 6].map((i) => NOW - i * MINUTE);
    expect(mayRestart(died(six), NOW, 6)).toEqual({ kind: 'hold', until: NOW + HOUR, restarts: 6 });
  });

  it('is made again when the hour is over, whatever led to it', () => {
    const six = [1, 2, 3, 4, 5, 6].map((i) => NOW - i * MINUTE);
    const held = died(six, { heldUntil: NOW + HOUR });
    expect(mayRestart(held, NOW + HOUR - 1, 6)).toMatchObject({ kind: 'held' });
    expect(mayRestart(held, NOW + HOUR, 6)).toEqual({ kind: 'now' });
  });

  it('does not wait for ever when the clock is set back', () => {
    expect(mayRestart(died([NOW - MINUTE], { stateSince: NOW + HOUR }), NOW, 6)).toEqual({ kind: 'now' });
    expect(mayRestart(died([], { heldUntil: NOW + 10 * HOUR }), NOW, 6)).toEqual({ kind: 'now' });
  });
});

const anyPane = fc.record({
  pane: fc.constantFrom(PANE, OTHER.pane),
  dead: fc.boolean(),
  agent: fc.constantFrom('none', 'rest', 'turn', 'dialog', 'quiet'),
  shellInFront: fc.constantFrom(true, false, null),
}) as fc.Arbitrary<PaneSight>;

const anySight: fc.Arbitrary<SessionSight> = fc.record({
  seenAt: fc.integer({ min: NOON - HOUR, max: NOW }),
  panes: fc.array(anyPane, { maxLength: 2 }),
  recovery: fc.constantFrom('open', 'recovered', 'failed', null),
}) as fc.Arbitrary<SessionSight>;

const anyRow: fc.Arbitrary<LifecycleRow> = fc
  .record({
    kind: fc.constantFrom('dedicated' as const, 'autonomous' as const),
    state: fc.constantFrom(...LIFECYCLE_STATES),
    isOurs: fc.boolean(),
    cause: fc.constantFrom('x', 'a swap is bringing it back'),
    previous: fc.constantFrom('working' as const, 'launching' as const, null),
    taskId: fc.constantFrom('p:t', null),
    lost: fc.constantFrom(LOST, null),
    pane: fc.constantFrom(PANE, null),
    launchedAt: fc.constantFrom(NOON, null),
    stateSince: fc.integer({ min: NOON - HOUR, max: NOW }),
    restarts: fc.array(fc.integer({ min: NOON - 2 * HOUR, max: NOW }), { maxLength: 8 }),
  })
  .map((change) => {
    const hasTask = ['idle', 'launching', 'working', 'stalled', 'blocked', 'draining'].includes(change.state);
    return aSession({ ...change, taskId: hasTask ? change.taskId : null });
  });

describe('whatever is seen', () => {
  it(
    'nothing of a person’s is ended, nothing is done while paused, and every move is legal [R244 R285 R219]',
    () => {
      fc.assert(
        fc.property(anyRow, anySight, fc.boolean(), fc.boolean(), (row, sight, mayAct, isWanted) => {
          const action: KeepAction = keepSession(row, sight, { ...ACTING, mayAct, isWanted }, NOW);
          if (action.kind === 'end') {
            expect(row).toMatchObject({ kind: 'autonomous', taskId: null });
            expect(['failed', 'missing']).toContain(row.state);
          }
          if (!mayAct) expect(['none', 'move']).toContain(action.kind);
          if (action.kind === 'make') expect(sight.panes).toEqual([]);
          if (action.kind === 'type') expect(sight.recovery).not.toBe('open');
          if (action.kind === 'move') {
            const { event } = action;
            expect(() => step(row, event, NOW)).not.toThrow(IllegalTransition);
            expect(['creating', 'typing']).not.toContain(event.kind);
          }
        }),
        { numRuns: RUNS },
      );
    },
    PROPERTY_TIMEOUT_MS,
  );
});
