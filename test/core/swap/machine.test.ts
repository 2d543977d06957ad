/** Every state with every event, and what is done on the way. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PoolSwitchState, SwitchEffect, SwitchEvent } from '../../../src/core/swap/machine.ts';
import { eventAfterFailure, step } from '../../../src/core/swap/machine.ts';
import { PROPERTY_TIMEOUT_MS, RUNS } from '../../support/builders.ts';

const STATES: readonly PoolSwitchState[] = [
  'normal',
  'exhausted',
  'saving',
  'stopping',
  'switching',
  'resuming',
  'rolling_back',
  'partial',
];
const EVENTS: readonly SwitchEvent[] = [
  'request',
  'no_target',
  'ok',
  'stop_first',
  'stopped',
  'not_stopped',
  'contended',
  'failed_untouched',
  'failed_touched',
  'cut_short',
  'settled',
  'eligible',
  'recover',
];

const SWITCHING =
  'switching: stop_background ensure_shared take_locks inspect_again demand_unused point_link verify_link freshen write_flipped release_locks mark_active';

/** `state event` → the next state, then the effects in their order. Every cell that is not here is ignored. */
const MOVES: Readonly<Record<string, string>> = {
  'normal request': 'saving: write_plan inspect',
  'normal no_target': 'exhausted: tell_exhausted',
  'exhausted request': 'saving: write_plan inspect',
  'exhausted eligible': 'normal: tell_eligible',
  'saving ok': SWITCHING,
  'saving stop_first': 'stopping: write_stopping',
  'stopping stopped': SWITCHING,
  'stopping not_stopped': 'normal: write_failed start_backoff',
  'stopping failed_untouched': 'normal: write_failed start_backoff',
  'saving failed_untouched': 'normal: write_failed start_backoff',
  'switching ok': 'resuming: write_recovering',
  'switching contended': 'normal: release_locks write_failed start_backoff',
  'switching failed_untouched': 'normal: release_locks write_failed start_backoff',
  'switching cut_short': 'resuming: release_locks',
  'switching failed_touched':
    'rolling_back: write_rolling_back release_locks take_locks demand_unused point_back freshen_back release_locks',
  'rolling_back ok': 'normal: write_failed start_backoff',
  'rolling_back contended': 'rolling_back: ',
  'rolling_back cut_short': 'rolling_back: ',
  'rolling_back failed_untouched': 'partial: release_locks write_partial',
  'rolling_back failed_touched': 'partial: release_locks write_partial',
  'resuming settled': 'normal: write_done',
  'partial recover': 'normal: clear_partial',
};

describe('state × event', () => {
  test.each(STATES.flatMap((state) => EVENTS.map((event) => [state, event] as const)))(
    '%s × %s [R223]',
    (state, event) => {
      const next = step(state, event);
      const told = next.kind === 'moved' ? `${next.to}: ${next.effects.join(' ')}` : 'ignored';
      expect(told).toBe(MOVES[`${state} ${event}`] ?? 'ignored');
      if (next.kind === 'ignored') expect(next.reason).toBe(`${event} changes nothing in ${state}`);
    },
  );
});

/** Runs the machine as the switcher does, with one effect that fails (or locks that the CLI keeps). */
function run(failing: SwitchEffect | null, contended = false): { state: PoolSwitchState; log: SwitchEffect[] } {
  let state: PoolSwitchState = 'normal';
  let event: SwitchEvent = 'request';
  const log: SwitchEffect[] = [];
  for (;;) {
    const next = step(state, event);
    if (next.kind === 'ignored') throw new Error(next.reason);
    state = next.to;
    event = 'ok';
    for (const effect of next.effects) {
      log.push(effect);
      if (effect !== failing && !(effect === 'take_locks' && contended)) continue;
      event = contended ? 'contended' : eventAfterFailure(effect);
      break;
    }
    if (state === 'normal' || state === 'partial' || state === 'resuming') return { state, log };
  }
}

describe('side effects, in their order', () => {
  test('a swap: plan before the deed, the link under the locks, the flip written before anything else [R38 R223]', () => {
    expect(run(null)).toEqual({
      state: 'resuming',
      log: [
        'write_plan',
        'inspect',
        'stop_background',
        'ensure_shared',
        'take_locks',
        'inspect_again',
        'demand_unused',
        'point_link',
        'verify_link',
        'freshen',
        'write_flipped',
        'release_locks',
        'mark_active',
        'write_recovering',
      ],
    });
  });

  test('agents that must not run meanwhile end before the link is touched, and their end is written down first [R270]', () => {
    expect(step('saving', 'stop_first')).toMatchObject({ to: 'stopping', effects: ['write_stopping'] });
    const next = step('stopping', 'stopped');
    const effects = next.kind === 'moved' ? next.effects : [];
    expect(effects.indexOf('demand_unused')).toBe(effects.indexOf('point_link') - 1);
    expect(step('stopping', 'ok').kind).toBe('ignored');
  });

  test('locks that the CLI keeps postpone the swap with the link untouched [R22]', () => {
    const { state, log } = run(null, true);
    expect(state).toBe('normal');
    expect(log.slice(-4)).toEqual(['take_locks', 'release_locks', 'write_failed', 'start_backoff']);
    expect(log).not.toContain('point_link');
  });

  test.each(['inspect', 'stop_background', 'ensure_shared', 'take_locks', 'inspect_again', 'demand_unused'] as const)(
    '%s fails: nothing was touched, the swap failed, back-off [R22 R107]',
    (effect) => {
      const { state, log } = run(effect);
      expect(state).toBe('normal');
      expect(log.slice(-2)).toEqual(['write_failed', 'start_backoff']);
      expect(log).not.toContain('point_link');
      expect(log).not.toContain('point_back');
    },
  );

  test.each(['point_link', 'verify_link', 'freshen'] as const)(
    'flip ensure failure triggers rollback: %s fails after the link may have moved [R44]',
    (effect) => {
      const { state, log } = run(effect);
      expect(state).toBe('normal');
      const order = [
        'write_rolling_back',
        'release_locks',
        'take_locks',
        'demand_unused',
        'point_back',
        'freshen_back',
        'release_locks',
        'write_failed',
        'start_backoff',
      ];
      expect(log.slice(-order.length)).toEqual(order);
    },
  );

  test.each(['write_flipped', 'release_locks', 'mark_active'] as const)(
    '%s fails after the flip: it stands, the locks are let go, and the repair writes down the rest [R44 R259]',
    (effect) => {
      const { state, log } = run(effect);
      expect(state).toBe('resuming');
      expect(log.at(-1)).toBe('release_locks');
      expect(log).not.toContain('point_back');
    },
  );

  test('the link is put back only under fresh locks; while the CLI has them it waits for the repair [R259]', () => {
    expect(step('rolling_back', 'contended')).toMatchObject({ to: 'rolling_back', effects: [] });
    const back = step('switching', 'failed_touched');
    const effects = back.kind === 'moved' ? back.effects : [];
    expect(effects.indexOf('take_locks')).toBeLessThan(effects.indexOf('point_back'));
  });

  test('flip ensure and rollback failure: the pool is partial and the locks are let go [R44]', () => {
    let state = step('switching', 'failed_touched');
    expect(state).toMatchObject({ to: 'rolling_back' });
    state = step('rolling_back', 'failed_touched');
    expect(state).toMatchObject({ to: 'partial', effects: ['release_locks', 'write_partial'] });
  });

  test('every event that the effects of a state can raise is known there, so that a run never stops halfway [R223]', () => {
    for (const state of STATES) {
      for (const event of EVENTS) {
        const next = step(state, event);
        if (next.kind === 'ignored' || ['normal', 'exhausted', 'partial', 'resuming'].includes(next.to)) continue;
        // Agents that are being ended are waited for: there a run rests.
        const raised = new Set<SwitchEvent>(next.to === 'stopping' ? [] : ['ok']);
        for (const effect of next.effects) raised.add(eventAfterFailure(effect));
        if (next.effects.includes('take_locks')) raised.add('contended');
        for (const one of raised) expect(step(next.to, one).kind).toBe('moved');
      }
    }
  });
});

test(
  'any sequence of events ends in a legal state, only `recover` leaves `partial`, and the link is pointed only after the plan [R38 R223]',
  () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...EVENTS), { maxLength: 60 }), (events) => {
        let state: PoolSwitchState = 'normal';
        const log: SwitchEffect[] = [];
        for (const event of events) {
          const next = step(state, event);
          if (next.kind === 'ignored') continue;
          if (state === 'partial') expect(event).toBe('recover');
          state = next.to;
          expect(STATES).toContain(state);
          log.push(...next.effects);
        }
        let isPlanned = false;
        for (const effect of log) {
          if (effect === 'write_plan') isPlanned = true;
          if (effect === 'point_link') {
            expect(isPlanned).toBe(true);
            isPlanned = false;
          }
        }
      }),
      { numRuns: RUNS },
    );
  },
  PROPERTY_TIMEOUT_MS,
);
