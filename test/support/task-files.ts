/** Task files of a project: dropped into its inbox as a producer does it, and found again wherever they went. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ConfigChanges } from './daemon-config.ts';
import type { StandInWorld } from './stand-in/index.ts';

export type QueueFolder = 'inbox' | 'claimed' | 'done' | 'failed';

export interface TaskProject {
  readonly name: string;
  readonly path: string;
  /** Written beside the inbox and renamed into it. */
  drop(stem: string, text: string): void;
  /** Names of the task files there, without `.md`, sorted. */
  list(folder: QueueFolder): readonly string[];
  /** Of those, the tasks whose result is there too. */
  over(folder: 'done' | 'failed'): readonly string[];
  result(folder: 'done' | 'failed', stem: string): Readonly<Record<string, unknown>>;
}

/** A project directory with an empty queue, below `<world>/projects`. */
export function taskProject(world: StandInWorld, name = 'house'): TaskProject {
  const path = join(projectsDir(world), name);
  const queue = join(path, '.agent-queue');
  for (const folder of ['inbox', 'claimed', 'done', 'failed']) mkdirSync(join(queue, folder), { recursive: true });
  const list: TaskProject['list'] = (folder) => {
    if (!existsSync(join(queue, folder))) return [];
    const files = readdirSync(join(queue, folder)).filter((file) => file.endsWith('.md') && !file.startsWith('.'));
    return files.map((file) => basename(file, '.md')).sort();
  };
  return {
    name,
    path,
    drop(stem, text) {
      const temporary = join(queue, 'inbox', `.tmp-${stem}`);
      writeFileSync(temporary, text);
      renameSync(temporary, join(queue, 'inbox', `${stem}.md`));
    },
    list,
    over: (folder) => list(folder).filter((stem) => existsSync(join(queue, folder, `${stem}.result.json`))),
    result: (folder, stem) => JSON.parse(readFileSync(join(queue, folder, `${stem}.result.json`), 'utf8')),
  };
}

export function projectsDir(world: StandInWorld): string {
  const path = join(world.root, 'projects');
  mkdirSync(path, { recursive: true });
  return path;
}

/** A daemon that gives tasks to `min` to `max` sessions of its own, with short waits. */
export function dispatching(world: StandInWorld, max: number, prefix = 'auto-', min = 0): ConfigChanges {
  return {
    dispatcher: {
      projects_dir: projectsDir(world),
      session_cooldown: '0s',
      post_swap_delay: '0s',
      prompt_timeout: '60s',
      retry_backoff: ['1s'],
    },
    sessions: { autonomous: { prefix, start_index: 1, min, max, workdir: world.root } },
    watcher: { interval: '1s', min_runtime: '2s' },
    lifecycle: { reconcile_interval: '1s', launch_timeout: '60s' },
    // What takes long on a busy machine is no failure.
    switcher: { exit_grace: '20s', verify_timeout: '30s' },
    tmux: { submit_delay: '200ms' },
  };
}
