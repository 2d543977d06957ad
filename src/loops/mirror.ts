/** The mirror: keeps `state.json` in step with the state, at most once a second and only when something changed. */
import type { StatusView } from '../core/status.ts';
import { SECOND } from '../core/time.ts';
import type { Loop, StateMirror } from '../ports.ts';

export interface MirrorPorts {
  readonly mirror: StateMirror;
  readonly status: () => StatusView;
}

export function createMirror(ports: MirrorPorts): Loop {
  let written = '';
  return {
    name: 'mirror',
    intervalMs: () => 10 * SECOND,
    async tick() {
      const text = `${JSON.stringify(lasting(ports.status()), null, 2)}\n`;
      if (text === written) return;
      await ports.mirror.write(text);
      written = text;
    },
  };
}

/** What stays the same while nothing happens: no ages, no countdowns, no job times. */
function lasting(status: StatusView): object {
  return {
    status: status.status,
    reasons: status.reasons,
    mode: status.mode,
    observe_reason: status.observe_reason,
    paused: status.paused,
    pools: status.pools.map(({ name, active_account, switcher, partial_swap, last_swap, next_reset_at }) => ({
      name,
      active_account,
      switcher,
      partial_swap,
      last_swap,
      next_reset_at,
    })),
    accounts: status.accounts.map(({ name, pool, state, quota, lock_until }) => ({
      name,
      pool,
      state,
      quota: Object.fromEntries(
        Object.entries(quota).map(([window, { used, reset_at, limit_reached }]) => [
          window,
          { used, reset_at, limit_reached },
        ]),
      ),
      lock_until,
    })),
    sessions: status.sessions.map(({ session, pane, pool, state }) => ({ session, pane, pool, state })),
  };
}
