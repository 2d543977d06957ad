/** The lifecycle loop: keeps the sessions that are configured, and checkpoints of what they do. */
import { lookalikes } from '../core/sessions/pool-size.ts';
import type { Loop, TickContext } from '../ports.ts';
import type { KeepPorts } from '../steps/keep-sessions.ts';
import { keepSessions } from '../steps/keep-sessions.ts';
import type { CheckpointMemory, CheckpointPorts } from '../steps/save-checkpoints.ts';
import { saveCheckpoints } from '../steps/save-checkpoints.ts';

export type LifecycleLoopPorts = KeepPorts & CheckpointPorts;

/** While an agent is being started or ended, its pane is looked at this often. */
const SOON_MS = 400;

export function createLifecycle(ports: LifecycleLoopPorts): Loop {
  const told = new Map<string, string>();
  const kept: CheckpointMemory = new Map();
  let isUnderWay = false;
  let warned = '';
  return {
    name: 'lifecycle',
    intervalMs: ({ lifecycle }) =>
      isUnderWay ? Math.min(SOON_MS, lifecycle.reconcileIntervalMs) : lifecycle.reconcileIntervalMs,
    async tick(context) {
      warned = await warnOfNames(ports, warned, context);
      isUnderWay = await keepSessions(ports, told, context);
      await saveCheckpoints(ports, kept, context);
    },
  };
}

/** Once for each configuration of the names. @returns the configuration that was looked at */
async function warnOfNames(
  ports: LifecycleLoopPorts,
  warned: string,
  { config, signal, log }: TickContext,
): Promise<string> {
  const { prefix, startIndex, names } = config.sessions.autonomous;
  const asked = `${prefix}${startIndex}+${names.length}`;
  if (names.length === 0 || warned === asked) return asked;
  const live = (await Promise.all(config.tmux.sockets.map((server) => ports.maker.names(server, signal)))).flat();
  if (live.includes(null)) return warned;
  const alike = lookalikes(
    prefix,
    names,
    live.filter((name) => name !== null),
  );
  if (alike.length > 0) {
    const hint = 'compare sessions.autonomous.prefix and start_index with the sessions that are there';
    log.warn(
      { configured: names.slice(0, 5), there: alike.slice(0, 5), hint },
      'autonomous sessions are called otherwise',
    );
  }
  return asked;
}
