/** The configuration file of a daemon over a stand-in world. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { StandInWorld } from './stand-in/index.ts';
import type { TestTmux } from './tmux.ts';

/** Sections of the file, snake_case; a list or a plain value stands for the whole key. */
export type ConfigChanges = Readonly<Record<string, object | string>>;

/** Writes the configuration of a world. `changes` are merged in, section by section. */
export function writeConfig(
  world: StandInWorld,
  tmux: Pick<TestTmux, 'socket'>,
  changes: ConfigChanges = {},
  file = join(world.root, 'config.yaml'),
): string {
  const base: ConfigChanges = {
    daemon: { state_dir: join(world.root, 'state'), runtime_dir: join(world.root, 'run'), log: { level: 'debug' } },
    http: { enabled: false },
    tmux: { sockets: [tmux.socket] },
    pools: {
      default: { agent: world.agent, mode: world.mode, link: world.link, shared_root: world.shared },
    },
    accounts: world.homes.map(({ account, home }) => ({ name: account, home })),
  };
  writeFileSync(file, stringify({ version: 1, ...mergeSections(base, changes) }), { mode: 0o600 });
  return file;
}

/** `changes` over `base`, section by section. */
export function mergeSections(base: ConfigChanges, changes: ConfigChanges): ConfigChanges {
  const merged: Record<string, object | string> = { ...base };
  for (const [key, value] of Object.entries(changes)) {
    const isSection = typeof value === 'object' && !Array.isArray(value);
    merged[key] = isSection ? { ...(merged[key] as object | undefined), ...value } : value;
  }
  return merged;
}
