/** Moves a kept session by one event; one that may not come now changes nothing. */
import type { LifecycleEvent, LifecycleRow } from '../core/sessions/lifecycle.ts';
import { IllegalTransition, step } from '../core/sessions/machine.ts';
import type { LifecycleStore } from '../ports/lifecycle.ts';
import type { Clock, TickContext } from '../ports.ts';

export interface MovePorts {
  readonly lifecycles: LifecycleStore;
  readonly clock: Clock;
}

/** @returns the row after the move; null: there is no such session, or the event may not come in its state */
export async function moveSession(
  { lifecycles, clock }: MovePorts,
  session: string,
  event: LifecycleEvent,
  { log }: Pick<TickContext, 'log'>,
): Promise<LifecycleRow | null> {
  const now = clock.now();
  let isMoved = false;
  const row = await lifecycles.changeLifecycle(
    session,
    (before) => {
      try {
        const move = step(before, event, now);
        isMoved = true;
        log.info(
          { session, from: before.state, to: move.row.state, event: event.kind, reason: move.reason },
          'session moved',
        );
        return move;
      } catch (err) {
        if (!(err instanceof IllegalTransition)) throw err;
        log.debug({ session, state: before.state, event: event.kind, reason: err.message }, 'session event ignored');
        return null;
      }
    },
    now,
  );
  return isMoved ? row : null;
}
