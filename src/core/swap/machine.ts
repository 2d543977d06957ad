/** The switcher's state machine: which state follows which event, and what is done on the way, in order. */

/** The state of one pool. Only `partial` is sticky; `exhausted` means that no account could be swapped to. */
export type PoolSwitchState =
  | 'normal'
  | 'exhausted'
  | 'saving'
  | 'stopping'
  | 'switching'
  | 'resuming'
  | 'rolling_back'
  | 'partial';

/**
 * `ok`: every effect of the present state succeeded. `contended`: the CLI holds its locks. `failed_untouched`: an effect
 * failed and the link is as it was. `stop_first`: agents must end before the link moves. `stopped`: they have ended.
 * `not_stopped`: one of them did not. `failed_touched`: an effect failed after the link was moved. `cut_short`: the flip
 * stands, but something that follows it could not be written down. `settled`: every pane of the
 * swap has reached an end.
 */
export type SwitchEvent =
  | 'request'
  | 'no_target'
  | 'ok'
  | 'stop_first'
  | 'stopped'
  | 'not_stopped'
  | 'contended'
  | 'failed_untouched'
  | 'failed_touched'
  | 'cut_short'
  | 'settled'
  | 'eligible'
  | 'recover';

export type SwitchEffect =
  | 'write_plan'
  | 'inspect'
  | 'write_stopping'
  | 'stop_background'
  | 'take_locks'
  | 'inspect_again'
  | 'demand_unused'
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

/** The flip itself. */
const SWITCH: readonly SwitchEffect[] = [
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
];
const UNTOUCHED: Transition = { to: 'normal', effects: ['write_failed', 'start_backoff'] };

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
    ok: { to: 'switching', effects: SWITCH },
    stop_first: { to: 'stopping', effects: ['write_stopping'] },
    failed_untouched: UNTOUCHED,
  },
  stopping: {
    stopped: { to: 'switching', effects: SWITCH },
    // Those that have ended are started again on the account they had.
    not_stopped: UNTOUCHED,
    failed_untouched: UNTOUCHED,
  },
  switching: {
    ok: { to: 'resuming', effects: ['write_recovering'] },
    // The link has moved and everybody may be reading it: what is missing is written down by the repair.
    cut_short: { to: 'resuming', effects: ['release_locks'] },
    contended: { to: 'normal', effects: ['release_locks', 'write_failed', 'start_backoff'] },
    failed_untouched: { to: 'normal', effects: ['release_locks', 'write_failed', 'start_backoff'] },
    failed_touched: {
      to: 'rolling_back',
      // Fresh locks: those of the flip may be too old to be trusted by now.
      effects: [
        'write_rolling_back',
        'release_locks',
        'take_locks',
        'demand_unused',
        'point_back',
        'freshen_back',
        'release_locks',
      ],
    },
  },
  rolling_back: {
    ok: { to: 'normal', effects: ['write_failed', 'start_backoff'] },
    // Never without the CLI's locks: it stays as it is and is tried again by the repair.
    contended: { to: 'rolling_back', effects: [] },
    cut_short: { to: 'rolling_back', effects: [] },
    failed_untouched: { to: 'partial', effects: ['release_locks', 'write_partial'] },
    failed_touched: { to: 'partial', effects: ['release_locks', 'write_partial'] },
  },
  resuming: {
    settled: { to: 'normal', effects: ['write_done'] },
  },
  partial: {
    recover: { to: 'normal', effects: ['clear_partial'] },
  },
};

/**
 * What a failed effect means. Once the flip is written down there is no way back, only forward: the locks are released by
 * then, and a link that moves without them can cost a login.
 */
export function eventAfterFailure(effect: SwitchEffect): 'failed_untouched' | 'failed_touched' | 'cut_short' {
  if (FORWARD_ONLY.has(effect)) return 'cut_short';
  return TOUCHING.has(effect) ? 'failed_touched' : 'failed_untouched';
}

const TOUCHING: ReadonlySet<SwitchEffect> = new Set<SwitchEffect>([
  'point_link',
  'verify_link',
  'freshen',
  'point_back',
  'freshen_back',
]);
const FORWARD_ONLY: ReadonlySet<SwitchEffect> = new Set<SwitchEffect>([
  'write_flipped',
  'release_locks',
  'mark_active',
  'write_recovering',
]);
