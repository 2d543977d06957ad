/** Sessions that a daemon keeps, on a stage: a tmux server whose new sessions have the world's shell, and their rows. */
import { join } from 'node:path';
import { systemClock } from '../../src/adapters/clock.ts';
import type { LifecycleEvent, LifecycleRow, LifecycleState } from '../../src/core/sessions/lifecycle.ts';
import { newLifecycle } from '../../src/core/sessions/lifecycle.ts';
import { moveSession } from '../../src/steps/move-session.ts';
import { openStore } from '../../src/store/open.ts';
import { NOON, PANE } from './builders.ts';
import { silentLog } from './panes.ts';
import type { StandInWorld } from './stand-in/index.ts';
import type { TestTmux } from './tmux.ts';
import { waitFor } from './wait.ts';

/** A row as a test of pure code wants it: an autonomous session of ours with a pane. */
export function aSession(change: Partial<LifecycleRow> = {}): LifecycleRow {
  const what = { session: 'w-1', server: PANE.server, pool: 'main', agent: 'claude', project: '/p' } as const;
  return { ...newLifecycle({ ...what, kind: 'autonomous' }, NOON), pane: PANE, isOurs: true, ...change };
}

/** Starts the server with one session of nobody's, and gives every new session a shell of the world. */
export async function keepShells(world: StandInWorld, tmux: TestTmux): Promise<void> {
  await tmux.newPane('exec sleep 100000', { session: 'somebody' });
  const words = Object.entries(world.environment()).map(([name, value]) => quote(`${name}=${value}`));
  const shell = ['exec env -i', ...words, 'bash --norc --noprofile -i'].join(' ');
  await tmux.run('set-option', '-g', 'default-command', shell);
}

export interface Kept {
  row(session: string): Promise<LifecycleRow | null>;
  rows(): Promise<readonly LifecycleRow[]>;
  /** Moves it as the dispatcher does; null: the event may not come now. */
  move(session: string, event: LifecycleEvent): Promise<LifecycleRow | null>;
  /** Waits until it is in this state, and whatever else is asked of it. */
  is(session: string, state: LifecycleState, also?: (row: LifecycleRow) => boolean): Promise<LifecycleRow>;
  checkpoints(session: string): ReturnType<Awaited<ReturnType<typeof openStore>>['lifecycles']['checkpoints']>;
  close(): Promise<void>;
}

/** The rows of a daemon of this world, through a connection of the test's own. */
export async function keptOf(world: StandInWorld): Promise<Kept> {
  const clock = systemClock();
  const { lifecycles, close } = await openStore({ stateDir: join(world.root, 'state'), now: clock.now() });
  return {
    row: (session) => lifecycles.lifecycle(session),
    rows: () => lifecycles.lifecycles(),
    move: (session, event) => moveSession({ lifecycles, clock }, session, event, { log: silentLog }),
    is: (session, state, also = () => true) =>
      waitFor(
        async () => {
          const row = await lifecycles.lifecycle(session);
          if (row?.state === state && also(row)) return row;
          throw new Error(`${session} is ${row?.state} (${row?.cause}), not ${state}`);
        },
        { timeoutMs: 90_000 },
      ),
    checkpoints: (session) => lifecycles.checkpoints({ session, limit: 100 }),
    close,
  };
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
