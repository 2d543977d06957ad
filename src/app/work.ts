/** Builds what gives work to sessions: the queue and its files, the dispatcher, and what makes it look before its time. */

import { createQueueDir } from '../adapters/queue/queue-dir.ts';
import { watchQueues } from '../adapters/queue/watch.ts';
import { createDoneSignals } from '../adapters/signals/done-signals.ts';
import type { Config } from '../config/schema.ts';
import { readYaml } from '../config/yaml-source.ts';
import { paneKey } from '../core/panes.ts';
import { UNDER_WAY } from '../core/queue/task.ts';
import type { Dispatcher, DispatcherPorts } from '../loops/dispatcher.ts';
import { createDispatcher } from '../loops/dispatcher.ts';
import type { QueueDir } from '../ports/queue.ts';
import type { TasksApi } from '../ports/tasks.ts';
import type { Board, Clock, Logger } from '../ports.ts';
import type { TaskHolder } from '../steps/leases.ts';
import { deliveryOf, leaseHolder } from '../steps/task-ports.ts';
import type { TaskQueue } from '../steps/task-queue.ts';
import { createTaskQueue } from '../steps/task-queue.ts';
import { createTasksApi } from '../steps/tasks-api.ts';
import { DAEMON_ID_KEY } from '../store/meta.ts';
import type { OpenedStore } from '../store/open.ts';

type BuiltHere = 'queue' | 'queueDir' | 'queueWatch' | 'doneSignals' | 'tasks' | 'lifecycles';

export interface WorkOptions {
  readonly store: Pick<OpenedStore, 'tasks' | 'lifecycles' | 'local'>;
  readonly config: () => Config;
  readonly clock: Clock;
  readonly log: Logger;
  readonly ownUid: number;
  readonly newId: () => string;
}

export interface Work {
  readonly dispatcher: Dispatcher;
  readonly queue: TaskQueue;
  readonly queueDir: QueueDir;
  readonly api: TasksApi;
  /** Begins to listen to inboxes and signal files. @returns ends it */
  listen(): Promise<() => Promise<void>>;
  /** The dispatcher looks at everything as soon as it can. */
  look(): void;
}

/** @throws {FatalError} the directory of the signal files cannot be used */
export async function openWork(ports: Omit<DispatcherPorts, BuiltHere>, options: WorkOptions): Promise<Work> {
  const { store, config, clock, log, ownUid, newId } = options;
  const { tasks, lifecycles, local } = store;
  const daemonId = (await local.meta(DAEMON_ID_KEY)) ?? newId();
  await local.setMeta(DAEMON_ID_KEY, daemonId);
  const queueDir = createQueueDir({ terms: () => config().dispatcher, ownUid, readYaml, log });
  const isAtWork = (project: string): boolean => hasAgent(ports.board, project);
  const queue = createTaskQueue({ queueDir, tasks, daemonId, newId, config, isAtWork, log });
  const doneSignals = createDoneSignals({ directory: config().watcher.doneSignalDir, ownUid, log });
  const look = (): void => {
    dispatcher.look();
    ports.board.wake(dispatcher.name);
  };
  const queueWatch = await watchQueues({ onChange: look, clock, log });
  const dispatcher = createDispatcher({ ...ports, queue, queueDir, queueWatch, doneSignals, tasks, lifecycles });
  return {
    dispatcher,
    queue,
    queueDir,
    api: createTasksApi({ queue, queueDir, tasks, clock, newId, look }),
    async listen() {
      const signalWatch = await doneSignals.watch(look);
      return async () => {
        await signalWatch.close();
        await queueWatch.close();
      };
    },
    look,
  };
}

/** The leases that tasks under way should have. */
export function taskHoldersOf({ tasks, lifecycles }: WorkOptions['store']): () => Promise<readonly TaskHolder[]> {
  return async () => {
    const [rows, sessions] = [await tasks.tasks({ statuses: UNDER_WAY, limit: 1000 }), await lifecycles.lifecycles()];
    return rows.flatMap((task): TaskHolder[] => {
      const session = sessions.find((row) => row.session === task.workSession);
      const pane = deliveryOf(task)?.pane ?? session?.pane ?? null;
      if (session === undefined || pane === null) return [];
      return [{ pane: paneKey(pane), pool: session.pool, holder: leaseHolder(task), account: task.account }];
    });
  };
}

/** What nobody has looked at yet may be at work there. */
function hasAgent(board: Board, project: string): boolean {
  const snapshot = board.snapshot();
  if (snapshot === null) return true;
  return snapshot.panes.some(({ process }) => process !== null && `${process.cwd}/`.startsWith(`${project}/`));
}
