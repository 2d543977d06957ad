/** A real swap, looked at afterwards: the same detector comes to the same verdict on what was written down. */
import { expect, test } from 'vitest';
import { replay, showIncident } from '../../src/commands/incidents.ts';
import { commandIo } from '../support/command-io.ts';
import { HOUR } from '../support/daemon.ts';
import { onStage } from '../support/stage.ts';

test.concurrent(
  'a swap is shown and replayed from its record while the daemon runs, and after it stopped [R280]',
  onStage(async ({ world, tmux, start }) => {
    const pane = await world.startPane(tmux, { name: 'a' });
    const daemon = await start();
    world.setLimit('work-1', { kind: 'five_hour', resetsAt: Date.now() + 3 * HOUR });
    await pane.say('do the work');
    const { swap } = await daemon.swapDone();
    const options = { config: daemon.configFile };

    const running = commandIo({ home: world.user });
    expect(await replay(swap.id, options, running)).toBe(0);
    expect(running.stdout).toContain(`Replay of ${swap.id}: the same verdict`);
    await daemon.stop();

    const stopped = commandIo({ home: world.user });
    expect(await replay('last', options, stopped)).toBe(0);
    expect(await showIncident('last', options, stopped)).toBe(0);
    expect(stopped.stdout).toContain("You've hit your 5-hour limit");
    expect(stopped.stdout).toMatch(/transcript +decisive: quota \(rejected\) at [\d: -]+ under work-1/);
  }),
);
