/** The switcher's state machine: which state follows which event, and what is done on the way, in order. */

/** The state of one pool. Only `partial` is sticky; `exhausted` means that no account could be swapped to. */
export type PoolSwitchState = 'normal' | 'exhausted' | 'saving' | 'switching' | 'resuming' | 'rolling_back' | 'partial';

/**
 * `ok`: every effect of the present state succeeded. `contended`: the CLI holds its locks. `failed_untouched`: an effect
 * failed and the link is as it was. `failed_touched`: an effect failed after the link was moved. `settled`: every pane of the
 * swap has reached an end.
 */
export type SwitchEvent =
  | 'request'
  | 'no_target'
  | 'ok'
  | 'contended'
  | 'failed_untouched'
  | 'failed_touched'
  | 'settled'
  | 'eligible'
  | 'recover';

export type SwitchEffect =
  | 'write_plan'
  | 'inspect'
  | 'take_locks'
  | 'inspect_again'
  | 'point_link'
  | 'verify_link'
  | 'freshen'
  | 'ensure_shared'
  | 'write_flipped'
  | 'release_locks'
  | 'mark_active'
  | 'write_recovering'
  | 'write_done'
  | 'write_failed'
  | 'write_rolling_back'
  | 'point_back'
  | 'freshen_back'
  | 'write_partial'
  | 'start_backoff'
  | 'tell_exhausted'
  | 'tell_eligible'
  | 'clear_partial';

export interface Transition {
  readonly to: PoolSwitchState;
  /** Done in this order before the next event; the first that fails ends the list. */
  readonly effects: readonly SwitchEffect[];
}

export type Step = (Transition & { readonly kind: 'moved' }) | { readonly kind: 'ignored'; readonly reason: string };

/** The state that follows, or why the event changes nothing here. */
export function step(state: PoolSwitchState, event: SwitchEvent): Step {
  const transition = TABLE[state][event];
  if (transition === undefined) return { kind: 'ignored', reason: `${event} changes nothing in ${state}` };
  return { kind: 'moved', ...transition };
}

const SAVE: Transition = { to: 'saving', effects: ['write_plan', 'inspect'] };

const TABLE: Readonly<Record<PoolSwitchState, Partial<Readonly<Record<SwitchEvent, Transition>>>>> = {
  normal: {
    request: SAVE,
    no_target: { to: 'exhausted', effects: ['tell_exhausted'] },
  },
  exhausted: {
    request: SAVE,
    eligible: { to: 'normal', effects: ['tell_eligible'] },
  },
  saving: {
    ok: {
      to: 'switching',
      effects: [
        'ensure_shared',
        'take_locks',
        'inspect_again',
        'point_link',
        'verify_link',
        'freshen',
        'write_flipped',
        'release_locks',
        'mark_active',
      ],
    },
    failed_untouched: { to: 'normal', effects: ['write_failed', 'start_backoff'] },
  },
  switching: {
    ok: { to: 'resuming', effects: ['write_recovering'] },
    contended: { to: 'normal', effects: ['release_locks', 'write_failed', 'start_backoff'] },
    failed_untouched: { to: 'normal', effects: ['release_locks', 'write_failed', 'start_backoff'] },
    failed_touched: {
      to: 'rolling_back',
      effects: ['write_rolling_back', 'point_back', 'freshen_back', 'release_locks'],
    },
  },
  rolling_back: {
    ok: { to: 'normal', effects: ['write_failed', 'start_backoff'] },
    failed_touched: { to: 'partial', effects: ['release_locks', 'write_partial'] },
  },
  resuming: {
    settled: { to: 'normal', effects: ['write_done'] },
  },
  partial: {
    recover: { to: 'normal', effects: ['clear_partial'] },
  },
};

/** The effects after whose failure the link may no longer be what it was. */
export const TOUCHING: ReadonlySet<SwitchEffect> = new Set<SwitchEffect>([
  'point_link',
  'verify_link',
  'freshen',
  'write_flipped',
  'release_locks',
  'mark_active',
  'write_rolling_back',
  'point_back',
  'freshen_back',
]);
