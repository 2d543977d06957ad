/** The configuration file of a daemon over a stand-in world. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { StandInWorld } from './stand-in/index.ts';
import type { TestTmux } from './tmux.ts';

/** Writes the configuration of a world. `changes` are merged in, section by section. */
export function writeConfig(
  world: StandInWorld,
  tmux: Pick<TestTmux, 'socket'>,
  changes: Readonly<Record<string, object>> = {},
): string {
  const file = join(world.root, 'config.yaml');
  const base: Record<string, object> = {
    daemon: { state_dir: join(world.root, 'state'), runtime_dir: join(world.root, 'run'), log: { level: 'debug' } },
    http: { enabled: false },
    tmux: { sockets: [tmux.socket] },
    pools: { default: { link: world.link, shared_root: world.shared } },
  };
  for (const [key, value] of Object.entries(changes)) base[key] = { ...base[key], ...value };
  writeFileSync(
    file,
    stringify({ version: 1, ...base, accounts: world.homes.map(({ account, home }) => ({ name: account, home })) }),
    { mode: 0o600 },
  );
  return file;
}
