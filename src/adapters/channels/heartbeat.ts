/** The heartbeat: asks for one URL, so that somebody elsewhere notices when that stops. */
import type { Heartbeat } from '../../ports/outbox.ts';
import { failureOf } from './fetch-failure.ts';

export function createHeartbeat(url: string): Heartbeat {
  return {
    async beat(signal) {
      try {
        const response = await fetch(url, { signal, redirect: 'error', headers: { 'User-Agent': 'claude-failover' } });
        await response.body?.cancel();
        return response.ok ? null : `status ${response.status}`;
      } catch (error) {
        return failureOf(error, signal);
      }
    },
  };
}
