/** The heartbeat: says once a minute that the daemon is well, and keeps silent when it is not. */
import { MINUTE, SECOND } from '../core/time.ts';
import type { Heartbeat } from '../ports/outbox.ts';
import type { Clock, Loop } from '../ports.ts';

export interface HeartbeatPorts {
  readonly heartbeat: Heartbeat;
  readonly clock: Clock;
  /** The daemon does its work: its loops run and its database takes writes. */
  readonly isWell: () => boolean;
}

const DEADLINE_MS = 10 * SECOND;

export function createHeartbeatLoop(ports: HeartbeatPorts): Loop {
  let failing = false;
  return {
    name: 'heartbeat',
    intervalMs: () => MINUTE,
    async tick({ log, signal }) {
      if (!ports.isWell()) return;
      const deadline = ports.clock.deadline(DEADLINE_MS, signal);
      try {
        const problem = await ports.heartbeat.beat(deadline.signal);
        if (problem !== null && !failing) log.warn({ problem }, 'the heartbeat did not get through');
        failing = problem !== null;
      } finally {
        deadline.clear();
      }
    },
  };
}
