/** Two accounts of an official CLI whose credential files are links, and panes in which it runs. */
import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type StandInPane, StandInWorld } from '../support/stand-in/index.ts';
import { startTmux, type TestTmux } from '../support/tmux.ts';
import { beforeStageClears, endProgramsBelow } from './stage.ts';

export interface LinkedStage {
  readonly world: StandInWorld;
  readonly tmux: TestTmux;
  readonly panes: readonly StandInPane[];
}

export interface LinkedOptions {
  readonly agent: 'codex' | 'gemini';
  readonly program: string;
  readonly panes: number;
  readonly env: Readonly<Record<string, string>>;
  /** What the screen shows when it waits for a prompt. */
  readonly ready: RegExp;
  /** Puts the CLI's settings in place. */
  prepare(world: StandInWorld, projects: readonly string[]): void;
}

export async function stageLinked(options: LinkedOptions): Promise<LinkedStage> {
  const { agent, program } = options;
  const world = new StandInWorld({ agent });
  beforeStageClears(() => {
    endProgramsBelow(world.root);
    world.remove();
  });
  const tmux = await startTmux();
  beforeStageClears(() => tmux.kill());
  rmSync(join(world.bin, agent));
  symlinkSync(program, join(world.bin, agent));
  const projects = Array.from({ length: options.panes }, (_, i) => world.project(`project-${i}`));
  options.prepare(world, projects);
  const panes: StandInPane[] = [];
  for (const i of projects.keys()) {
    const env = { ...options.env, SHELL: '/bin/bash' };
    const pane = await world.startPane(tmux, { name: `agent-${i}`, project: `project-${i}`, env, shellOnly: true });
    await pane.type(agent);
    await pane.press('Enter');
    panes.push(pane);
  }
  for (const pane of panes) await pane.shows(options.ready, 60_000);
  return { world, tmux, panes };
}
