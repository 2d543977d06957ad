/** What the doors may ask of kept sessions and of the janitor. */
import type { Config } from '../config/schema.ts';
import { paneKey } from '../core/panes.ts';
import type { LifecycleEvent, LifecycleRow } from '../core/sessions/lifecycle.ts';
import type { KeepingApi, RestartAnswer } from '../ports/keeping.ts';
import type { LifecycleStore } from '../ports/lifecycle.ts';
import type { Board, KillSwitch, Logger } from '../ports.ts';
import { moveSession } from './move-session.ts';
import type { TidyPorts } from './tidy-up.ts';
import { tidyUp } from './tidy-up.ts';

export interface KeepingPorts extends TidyPorts {
  readonly lifecycles: LifecycleStore;
  readonly board: Board;
  readonly killSwitch: Pick<KillSwitch, 'reason'>;
  readonly observing: (config: Config) => string | null;
  readonly config: () => Config;
  readonly log: Logger;
}

export function createKeepingApi(ports: KeepingPorts): KeepingApi {
  return {
    sessions: () => ports.lifecycles.lifecycles(),
    restart: (session) => restart(ports, session),
    async tidyUp(dryRun) {
      const { notes } = await tidyUp(ports, ports.config(), dryRun, new AbortController().signal, ports.log);
      return notes;
    },
  };
}

async function restart(ports: KeepingPorts, session: string): Promise<RestartAnswer> {
  const refused = (reason: string, detail: string): RestartAnswer => ({ kind: 'refused', reason, detail });
  const row = await ports.lifecycles.lifecycle(session);
  if (row === null) return refused('unknown_session', `no session ${session} is kept`);
  if (row.kind === 'dedicated')
    return refused('dedicated', `${session} is somebody's own: it is only observed, and nothing ends its agent`);
  const held = ports.observing(ports.config()) ?? (await ports.killSwitch.reason());
  if (held !== null) return refused('held_back', `nothing is started now: ${held}`);
  if (row.state === 'idle' && row.taskId === null && !hasAgent(ports, row))
    return { kind: 'accepted', detail: 'it rests at its shell already' };
  const event = eventFor(row);
  if (event !== null && (await moveSession(ports, session, event, ports)) === null)
    return refused('held_back', `${session} has moved meanwhile: look again`);
  ports.board.wake('lifecycle');
  const detail = row.taskId === null ? 'it gets a new shell' : `it gets a new shell; ${row.taskId} begins again`;
  return { kind: 'accepted', detail };
}

/** What leads to a new shell from here; null: that is under way already. */
function eventFor(row: LifecycleRow): LifecycleEvent | null {
  const detail = 'restarted by hand';
  switch (row.state) {
    case 'missing':
    case 'failed':
      return { kind: 'retried' };
    case 'done':
      return null;
    case 'launching':
    case 'draining':
      return { kind: 'launch_failed', detail };
    case 'idle':
      return row.taskId === null ? { kind: 'recycle', hasAgent: true, cause: detail } : { kind: 'crashed', detail };
    default:
      return { kind: 'crashed', detail };
  }
}

function hasAgent({ board }: Pick<KeepingPorts, 'board'>, { pane }: LifecycleRow): boolean {
  const own = pane === null ? null : paneKey(pane);
  const view = board.snapshot()?.panes.find(({ identity }) => paneKey(identity) === own);
  return view !== undefined && view.process !== null;
}
