/** A real swap, looked at afterwards: the same detector comes to the same verdict on what was written down. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { replay, showIncident } from '../../src/commands/incidents.ts';
import { fetchFrom } from '../support/ask-http.ts';
import { commandIo } from '../support/command-io.ts';
import { HOUR } from '../support/daemon.ts';
import { readPage } from '../support/html.ts';
import { onStage } from '../support/stage.ts';

test.concurrent(
  'a swap is shown, on a page and in a terminal, and replayed from its record while the daemon runs, and after it stopped [R280]',
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
    const socketPath = join(world.root, 'run', 'api.sock');
    const page = readPage((await fetchFrom({ socketPath }, '/')).text);
    expect(page.flaws).toEqual([]);
    expect(page.text).toContain('default: work-2 active');
    expect(page.tags).toContainEqual({ name: 'a', attributes: { href: `/incidents/${swap.id}` } });
    const record = readPage((await fetchFrom({ socketPath }, `/incidents/last`)).text);
    expect(record.flaws).toEqual([]);
    expect(record.text).toContain("You've hit your 5-hour limit");
    expect(record.text).toMatch(/transcript decisive: quota \(rejected\) at [\d: -]+ under work-1/);
    await daemon.stop();

    const stopped = commandIo({ home: world.user });
    expect(await replay('last', options, stopped)).toBe(0);
    expect(await showIncident('last', options, stopped)).toBe(0);
    expect(stopped.stdout).toContain("You've hit your 5-hour limit");
    expect(stopped.stdout).toMatch(/transcript +decisive: quota \(rejected\) at [\d: -]+ under work-1/);
  }),
);
