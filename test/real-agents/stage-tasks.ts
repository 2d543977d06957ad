/** A project with tasks, which the official Claude Code does in a session of the daemon's own. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ConfigChanges, mergeSections, writeConfig } from '../support/daemon-config.ts';
import { type DaemonProcess, startDaemonProcess } from '../support/daemon-process.ts';
import { keepShells } from '../support/kept.ts';
import { StandInWorld } from '../support/stand-in/index.ts';
import { dispatching, type TaskProject, taskProject } from '../support/task-files.ts';
import { startTmux } from '../support/tmux.ts';
import { waitFor } from '../support/wait.ts';
import { startProvider } from './provider.ts';
import { beforeStageClears, offline, settledIn } from './stage.ts';

export interface TaskStage {
  readonly world: StandInWorld;
  readonly project: TaskProject;
  readonly daemon: DaemonProcess;
  /** Waits until all of the tasks are done. */
  allDone(timeoutMs: number): Promise<void>;
}

export interface TaskStageOptions {
  /** Of the program. */
  readonly args: readonly string[];
  /** The program was told before that this project is trusted. */
  readonly isTrusted: boolean;
  /** What is to be done in the project at this path, by name. */
  readonly tasks: (path: string) => Readonly<Record<string, string>>;
  readonly config: ConfigChanges;
}

export async function stageTasks(program: string, options: TaskStageOptions): Promise<TaskStage> {
  const world = new StandInWorld();
  beforeStageClears(() => world.remove());
  const tmux = await startTmux();
  beforeStageClears(() => tmux.kill());
  const provider = await startProvider();
  beforeStageClears(() => provider.close());
  const project = taskProject(world);
  const settled = settledIn(world, options.isTrusted ? [project.path] : []);
  writeFileSync(join(world.user, '.claude.json'), JSON.stringify(settled), { mode: 0o600 });
  const command = join(world.bin, 'real-claude');
  const variables = Object.entries(offline(provider)).map(([name, value]) => `${name}=${value}`);
  const script = `#!/bin/sh\nexec env ${variables.join(' ')} '${program}' "$@"\n`;
  writeFileSync(command, script, { mode: 0o755 });
  await keepShells(world, tmux);
  const tasks = Object.entries(options.tasks(project.path));
  for (const [name, text] of tasks) project.drop(name, text);
  const own = mergeSections(dispatching(world, 1), { agents: { claude: { command, args: options.args } } });
  const daemon = await startDaemonProcess(world, writeConfig(world, tmux, mergeSections(own, options.config)));
  beforeStageClears(() => daemon.end('SIGTERM'));
  const allDone = async (timeoutMs: number): Promise<void> => {
    await waitFor(() => project.over('done').length === tasks.length, { timeoutMs }).catch(async (error) => {
      console.log(await tmux.run('capture-pane', '-p', '-t', '=auto-1:'));
      console.log(daemon.log().slice(-4000));
      throw error;
    });
  };
  return { world, project, daemon, allDone };
}
