/** What may follow what in the life of a kept session, and what never may, whatever happens in whatever order. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  LIFECYCLE_STATES,
  type LifecycleEvent,
  type LifecycleEventKind,
  type LifecycleRow,
  type LifecycleState,
  newLifecycle,
} from '../../../src/core/sessions/lifecycle.ts';
import { IllegalTransition, LEGAL, step } from '../../../src/core/sessions/machine.ts';
import { MINUTE } from '../../../src/core/time.ts';
import { NOON, PANE, PROPERTY_TIMEOUT_MS, RUNS } from '../../support/builders.ts';
import { aSession } from '../../support/kept.ts';

const PLAN = { argv: ['claude'], cwd: '/p', configDir: null };
const NEW = { session: 'w-1', server: '/s', pool: 'main', agent: 'claude', project: '/p' } as const;

const ANSWERING = {
  name: 'permission',
  choice: 'Yes',
  shown: 'Do you want to proceed?',
  keys: ['1'],
  at: NOON,
} as const;

/** One event of each kind, as it comes to a row in this state. */
const EVENTS: Readonly<Record<LifecycleEventKind, LifecycleEvent>> = {
  found: { kind: 'found', pane: PANE, shows: 'rest' },
  creating: { kind: 'creating', launch: null, cause: 'it was not there' },
  created: { kind: 'created', pane: PANE },
  typing: { kind: 'typing', typing: { what: 'command', at: NOON, keys: 0 } },
  ready: { kind: 'ready' },
  launch_failed: { kind: 'launch_failed', detail: 'no prompt' },
  assigned: { kind: 'assigned', taskId: 'p:t', launch: PLAN, hasAgent: false },
  submitted: { kind: 'submitted' },
  turn_began: { kind: 'turn_began' },
  turn_ended: { kind: 'turn_ended' },
  completed: { kind: 'completed', detail: 'signal' },
  released: { kind: 'released', detail: 'cancelled' },
  interrupting: { kind: 'interrupting', at: NOON },
  answering: { kind: 'answering', answering: ANSWERING },
  answered: { kind: 'answered' },
  stalled: { kind: 'stalled', detail: 'nothing moves' },
  moved: { kind: 'moved' },
  blocked: { kind: 'blocked', detail: 'a dialog' },
  unblocked: { kind: 'unblocked' },
  recycle: { kind: 'recycle', hasAgent: true, cause: 'done' },
  left: { kind: 'left' },
  swap_began: { kind: 'swap_began' },
  swap_ended: { kind: 'swap_ended', recovered: true, detail: 'hot' },
  crashed: { kind: 'crashed', detail: 'its agent has ended' },
  gone: { kind: 'gone', detail: 'tmux does not have it' },
  held: { kind: 'held', until: NOON + 60 * MINUTE, restarts: 6 },
  retried: { kind: 'retried' },
  settled: { kind: 'settled', taskId: 'p:t' },
};
const KINDS = Object.keys(EVENTS) as LifecycleEventKind[];

describe('one move', () => {
  const cells = LIFECYCLE_STATES.flatMap((state) => KINDS.map((kind) => [state, kind] as const));

  it.each(cells)('in %s, %s is either legal or refused, and says so [R219]', (state, kind) => {
    const rows = [
      aSession({ state }),
      aSession({ state, taskId: 'p:t', answering: ANSWERING }),
      aSession({ state, lost: { taskId: 'p:t', reason: 'session_died', detail: '', at: NOON } }),
      aSession({ state, cause: 'a swap is bringing it back', previous: 'working' }),
    ];
    const moves = rows.map((row) => attempt(row, EVENTS[kind]));
    if (!LEGAL[kind].includes(state)) expect(moves).toEqual(rows.map(() => null));
    else expect(moves.some((move) => move !== null)).toBe(true);
  });

  it.each(cells)('in %s, %s forgets no key that was pressed in a dialog without telling it [R69]', (state, kind) => {
    const row = aSession({ state, taskId: 'p:t', answering: ANSWERING });
    if (kind === 'answering' || attempt(row, EVENTS[kind]) === null) return;
    const { row: after, effects } = step(row, EVENTS[kind], NOON);
    const told = effects.filter(({ type }) => type === 'dialog_answered' || type === 'session_blocked');
    expect(told).toHaveLength(after.answering === null ? 1 : 0);
  });

  it('keeps when and why it came into its state [R63]', () => {
    const { row, reason } = step(aSession({ state: 'working', taskId: 'p:t' }), EVENTS.stalled, NOON + MINUTE);
    expect(row).toMatchObject({ state: 'stalled', cause: 'nothing moves', stateSince: NOON + MINUTE, taskId: 'p:t' });
    expect(reason).toBe('nothing moves');
  });

  it('hands the task of a session that died to whoever hands out tasks, with the time of the crash [R60]', () => {
    const { row, effects } = step(aSession({ state: 'working', taskId: 'p:t' }), EVENTS.gone, NOON);
    expect(row).toMatchObject({ state: 'failed', taskId: null, crashedAt: NOON });
    expect(row.lost).toEqual({ taskId: 'p:t', reason: 'session_died', detail: 'tmux does not have it', at: NOON });
    expect(effects.map(({ type }) => type)).toEqual(['session_failed']);
  });

  it('gives no new task to a session whose lost task nobody has taken care of', () => {
    const { row } = step(aSession({ state: 'working', taskId: 'p:t' }), EVENTS.crashed, NOON);
    const idle = step(row, EVENTS.found, NOON).row;
    expect(() => step(idle, EVENTS.assigned, NOON)).toThrow(IllegalTransition);
    const settled = step(idle, EVENTS.settled, NOON).row;
    expect(step(settled, EVENTS.assigned, NOON).row).toMatchObject({ state: 'launching', taskId: 'p:t' });
  });

  it('ends the agent of an autonomous session after its task, and never that of a dedicated one [R71]', () => {
    const done = step(aSession({ state: 'working', taskId: 'p:t' }), EVENTS.completed, NOON).row;
    expect(done).toMatchObject({ state: 'done', taskId: null });
    expect(step(done, EVENTS.recycle, NOON).row.state).toBe('draining');
    expect(step({ ...done, kind: 'dedicated' }, EVENTS.recycle, NOON).row.state).toBe('idle');
  });

  it('goes back to its work after a swap, or gives it back for the swap’s sake [R52]', () => {
    const swapping = step(aSession({ state: 'working', taskId: 'p:t' }), EVENTS.swap_began, NOON).row;
    expect(swapping).toMatchObject({ state: 'draining', previous: 'working' });
    expect(() => step(swapping, EVENTS.typing, NOON)).toThrow(IllegalTransition);
    expect(step(swapping, EVENTS.swap_ended, NOON).row).toMatchObject({ state: 'working', taskId: 'p:t' });
    const failed = step(swapping, { kind: 'swap_ended', recovered: false, detail: 'handed over' }, NOON).row;
    expect(failed.lost?.reason).toBe('account_swap');
  });
});

function attempt(row: LifecycleRow, event: LifecycleEvent, now = NOON): LifecycleRow | null {
  try {
    return step(row, event, now).row;
  } catch (error) {
    if (error instanceof IllegalTransition) return null;
    throw error;
  }
}

/** Any event with any content, at any time. */
const anyEvent: fc.Arbitrary<LifecycleEvent> = fc.oneof(
  ...KINDS.filter((kind) => kind !== 'assigned' && kind !== 'settled').map((kind) => fc.constant(EVENTS[kind])),
  fc.record({
    kind: fc.constant('assigned' as const),
    taskId: fc.constantFrom('p:1', 'p:2', 'p:3'),
    launch: fc.constantFrom(PLAN, null),
    hasAgent: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('settled' as const), taskId: fc.constantFrom('p:1', 'p:2', 'p:3') }),
  fc.record({
    kind: fc.constant('swap_ended' as const),
    recovered: fc.boolean(),
    detail: fc.constant(''),
  }),
);

/** Where a row may stand with a task. */
const WITH_TASK: readonly LifecycleState[] = ['launching', 'idle', 'working', 'stalled', 'blocked', 'draining'];

describe('any history', () => {
  it(
    'ends in a legal state, with every lease given back [R219]',
    () => {
      fc.assert(
        fc.property(
          fc.constantFrom('autonomous' as const, 'dedicated' as const),
          fc.array(fc.tuple(anyEvent, fc.nat({ max: 5 * MINUTE })), { maxLength: 60 }),
          (kind, history) => {
            let row: LifecycleRow = newLifecycle({ ...NEW, kind }, NOON);
            let now = NOON;
            /** A lease is held from the task's assignment until it is over, or was taken care of. */
            const leases = new Set<string>();
            const apply = (event: LifecycleEvent): void => {
              const before = row;
              const after = attempt(row, event, now);
              if (after === null) return;
              row = after;
              if (event.kind === 'assigned') leases.add(event.taskId);
              if (event.kind === 'completed' || event.kind === 'released') leases.delete(before.taskId ?? '');
              if (event.kind === 'settled') leases.delete(event.taskId);
              expect(LIFECYCLE_STATES).toContain(row.state);
              // One session works on one task, and what it lost is not forgotten.
              const held = [row.taskId, row.lost?.taskId].filter((id) => id != null);
              expect([...leases].sort()).toEqual([...new Set(held)].sort());
              if (row.taskId !== null) expect(WITH_TASK).toContain(row.state);
              if (row.state === 'missing') expect(row).toMatchObject({ pane: null, taskId: null, isOurs: false });
              if (row.state === 'idle' && row.taskId === null) expect(row.idleSince).not.toBeNull();
              else expect(row.idleSince).toBeNull();
              if (row.state !== 'draining' && row.state !== 'blocked') expect(row.previous).toBeNull();
            };
            for (const [event, ms] of history) {
              now += ms;
              apply(event);
            }
            // The night is over: the session goes, and what was lost is taken care of.
            apply(EVENTS.gone);
            if (row.lost !== null) apply({ kind: 'settled', taskId: row.lost.taskId });
            expect(leases).toEqual(new Set());
            expect(['missing', 'failed']).toContain(row.state);
          },
        ),
        { numRuns: RUNS },
      );
    },
    PROPERTY_TIMEOUT_MS,
  );
});
