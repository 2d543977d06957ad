/** Builds the janitor, and what the doors ask of it and of kept sessions. */
import { createHousekeeping } from '../adapters/queue/housekeeping.ts';
import type { Config } from '../config/schema.ts';
import type { JanitorPorts } from '../loops/janitor.ts';
import { createJanitor } from '../loops/janitor.ts';
import type { KeepingApi } from '../ports/keeping.ts';
import type { QueueDir } from '../ports/queue.ts';
import type { Board, Logger, Loop } from '../ports.ts';
import { createKeepingApi } from '../steps/keeping-api.ts';
import { DAEMON_ID_KEY } from '../store/meta.ts';
import type { OpenedStore } from '../store/open.ts';

type BuiltHere = 'house' | 'queueDir' | 'tasks' | 'lifecycles' | 'daemonId';

export function openHouse(
  ports: Omit<JanitorPorts, BuiltHere> & { readonly board: Board },
  options: {
    readonly store: Pick<OpenedStore, 'local' | 'tasks' | 'lifecycles'>;
    readonly queueDir: QueueDir;
    readonly config: () => Config;
    readonly log: Logger;
    readonly ownUid: number;
  },
): { readonly loop: Loop; readonly keeping: KeepingApi } {
  const { store, queueDir, config, log, ownUid } = options;
  const { tasks, lifecycles, local } = store;
  const owners = () => ({ ownUid, trustedUids: config().dispatcher.trustedUids });
  const house = createHousekeeping({ owners, stateDir: config().daemon.stateDir });
  const all = { ...ports, house, queueDir, tasks, lifecycles, daemonId: () => local.meta(DAEMON_ID_KEY) };
  return { loop: createJanitor(all), keeping: createKeepingApi({ ...all, config, log }) };
}
