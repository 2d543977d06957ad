/** The watcher: takes the one snapshot of all panes that every other loop works from. */
import type { Board, Clock, Loop, Panes } from '../ports.ts';
import { keptNames } from '../steps/config-policy.ts';

export interface WatcherPorts {
  readonly panes: Panes;
  readonly board: Board;
  readonly clock: Clock;
}

export function createWatcher(ports: WatcherPorts): Loop {
  return {
    name: 'watcher',
    intervalMs: (config) => config.quota.pollIntervalMs,
    async tick({ config, signal, log }) {
      const startedAt = ports.clock.monotonic();
      const snapshot = await ports.panes.sweep(
        {
          sockets: config.tmux.sockets,
          exclude: config.watch.exclude,
          sessions: keptNames(config),
        },
        signal,
      );
      if (signal.aborted) return;
      ports.board.postSnapshot(snapshot);
      ports.board.wake('quota-monitor');
      log.debug({ panes: snapshot.panes.length, durationMs: Math.round(ports.clock.monotonic() - startedAt) }, 'swept');
    },
  };
}
