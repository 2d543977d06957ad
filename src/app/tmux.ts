/** Builds what reaches the tmux servers: the reader of their panes and the sender of keys. */
import { createKeys } from '../adapters/tmux/keys.ts';
import type { PanesOptions } from '../adapters/tmux/server.ts';
import { createPanes } from '../adapters/tmux/server.ts';
import { listenToFile } from '../adapters/tmux/terminals.ts';
import type { Config } from '../config/schema.ts';
import type { Keys, Panes } from '../ports.ts';

/** How a tmux client is run. */
export type TmuxReach = Required<Omit<PanesOptions, 'processes' | 'listen'>>;

type Environment = Readonly<Record<string, string | undefined>>;

export function openTmux(
  { tmux }: Config,
  { env, processes, ...rest }: Pick<PanesOptions, 'processes' | 'clock' | 'log'> & { readonly env: Environment },
): { readonly reach: TmuxReach; readonly panes: Panes; readonly keys: Keys } {
  const { binary, commandTimeoutMs } = tmux;
  const reach = { binary, commandTimeoutMs, env: clientEnvironment(env), ...rest };
  return { reach, panes: createPanes({ ...reach, processes, listen: listenToFile }), keys: createKeys(reach) };
}

/** What a tmux client needs, and nothing that could travel on into a server. */
function clientEnvironment(env: Environment): Record<string, string> {
  const wanted = { PATH: env.PATH ?? '/usr/local/bin:/usr/bin:/bin', TMUX_TMPDIR: env.TMUX_TMPDIR };
  return Object.fromEntries(
    Object.entries(wanted).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
