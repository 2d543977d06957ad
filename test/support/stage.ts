/** Everything a scenario plays on: a world, a tmux server and the daemons it starts, all gone afterwards. */
import { vi } from 'vitest';
import type { DaemonOptions, TestDaemon } from './daemon.ts';
import { startDaemon } from './daemon.ts';
import type { WorldOptions } from './stand-in/index.ts';
import { StandInWorld } from './stand-in/index.ts';
import type { TestTmux } from './tmux.ts';
import { startTmux } from './tmux.ts';

// Scenarios run side by side and wait for facts; their own limits tell more than this one.
vi.setConfig({ testTimeout: 300_000 });

export interface Stage {
  readonly world: StandInWorld;
  readonly tmux: TestTmux;
  /** Starts a daemon over the world; it is stopped at the end unless the scenario did. */
  start(options?: DaemonOptions): Promise<TestDaemon>;
  /** Another world, for example for a second pool. */
  newWorld(options?: WorldOptions): StandInWorld;
  /** Another tmux server. */
  newTmux(): Promise<TestTmux>;
}

/** A test function that plays on a stage of its own. */
export function onStage(play: (stage: Stage) => Promise<void>, options: WorldOptions = {}): () => Promise<void> {
  return async () => {
    const ends: (() => void | Promise<void>)[] = [];
    const problems: unknown[] = [];
    const attempt = async (act: () => void | Promise<void>): Promise<void> => {
      try {
        await act();
      } catch (error) {
        problems.push(error);
      }
    };
    await attempt(async () => play(await setUp(ends, options)));
    // Daemons before the servers and folders they look at; every end is tried.
    for (const end of ends.reverse()) await attempt(end);
    if (problems.length > 0) throw problems[0];
  };
}

async function setUp(ends: (() => void | Promise<void>)[], options: WorldOptions): Promise<Stage> {
  const newTmux = async (): Promise<TestTmux> => {
    const tmux = await startTmux();
    ends.push(() => tmux.kill());
    return tmux;
  };
  const newWorld = (more?: WorldOptions): StandInWorld => {
    const world = new StandInWorld(more);
    ends.push(() => world.remove());
    return world;
  };
  const world = newWorld(options);
  const tmux = await newTmux();
  const start = async (more?: DaemonOptions): Promise<TestDaemon> => {
    const daemon = await startDaemon(world, tmux, more);
    let isStopped = false;
    const stop = async (): Promise<void> => {
      if (isStopped) return;
      isStopped = true;
      await daemon.stop();
    };
    ends.push(stop);
    return { ...daemon, stop };
  };
  return { world, tmux, start, newWorld, newTmux };
}
