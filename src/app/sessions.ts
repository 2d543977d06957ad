/** Builds what keeps sessions: the maker of tmux sessions, and the loop that watches over them. */
import { readFileSync } from 'node:fs';
import { createSessionMaker } from '../adapters/tmux/sessions.ts';
import { serverStarter } from '../core/sessions/server-start.ts';
import type { LifecycleLoopPorts } from '../loops/lifecycle.ts';
import { createLifecycle } from '../loops/lifecycle.ts';
import type { SessionMaker } from '../ports/lifecycle.ts';
import type { Loop } from '../ports.ts';
import type { OpenedStore } from '../store/open.ts';
import type { TmuxReach } from './tmux.ts';

export interface SessionOptions {
  /** How tmux is reached, as for panes and keys. */
  readonly tmux: TmuxReach;
  readonly store: Pick<OpenedStore, 'lifecycles' | 'tasks'>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What a tmux server hands on to every shell in it: what a login has, and nothing of ours. */
const LOGIN =
  /^(?:HOME|USER|LOGNAME|SHELL|LANG|LC_[A-Z]+|TZ|PATH|TMUX_TMPDIR|XDG_RUNTIME_DIR|DBUS_SESSION_BUS_ADDRESS)$/;

export function openSessions(
  ports: Omit<LifecycleLoopPorts, 'lifecycles' | 'maker' | 'queued'>,
  { tmux, store, env }: SessionOptions,
): { readonly maker: SessionMaker; readonly loop: Loop } {
  const login = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const serverEnv = {
    ...tmux.env,
    // tmux is told of UTF-8 by its flag; an empty word leaves the language to LANG.
    LC_ALL: '',
    ...Object.fromEntries(login.filter(([name]) => LOGIN.test(name))),
  };
  const starter = serverStarter(ownGroup(), env.TMUX_TMPDIR ?? null);
  const maker = createSessionMaker({ ...tmux, serverEnv, starter });
  const { lifecycles, tasks } = store;
  const queued = async (): Promise<number> => {
    const { byStatus } = await tasks.counts();
    return byStatus.queued + byStatus.retry_wait;
  };
  return { maker, loop: createLifecycle({ ...ports, lifecycles, maker, queued }) };
}

function ownGroup(): string | null {
  try {
    return readFileSync('/proc/self/cgroup', 'utf8');
  } catch {
    return null;
  }
}
