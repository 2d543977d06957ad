/** The main job on a real tmux server: limit, verdict, one flip, every pane working again. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startDaemon, type TestDaemon } from '../support/daemon.ts';
import { StandInWorld } from '../support/stand-in/index.ts';
import { startTmux, type TestTmux } from '../support/tmux.ts';

const HOUR = 3_600_000;

let tmux: TestTmux;
let world: StandInWorld;
let daemon: TestDaemon | null = null;

beforeEach(async () => {
  tmux = await startTmux();
  world = new StandInWorld();
});

afterEach(async () => {
  await daemon?.stop();
  daemon = null;
  await tmux.kill();
  world.remove();
});

test('three panes that hit the wall cause one swap and all go on under the other account [R2 R255 R262 R268]', async () => {
  const panes = await Promise.all(['a', 'b', 'c'].map((name) => world.startPane(tmux, { name, project: name })));
  daemon = await startDaemon(world, tmux);
  world.setLimit('work-1', { kind: 'five_hour', resetsAt: Date.now() + 3 * HOUR });
  for (const pane of panes) await pane.say('do the work');
  const record = await daemon.swapDone(30_000);

  expect(record.swap).toMatchObject({ phase: 'done', from: 'work-1', to: 'work-2', error: null });
  expect(world.activeAccount()).toBe('work-2');
  expect(record.recoveries.map((row) => [row.label.split(':')[0], row.recoveredBy]).sort()).toEqual([
    ['a', 'hot'],
    ['b', 'hot'],
    ['c', 'hot'],
  ]);
  expect(world.servedBy()).toEqual(['work-2', 'work-2', 'work-2']);
  expect(world.prompts().filter((text) => text === 'continue')).toHaveLength(3);
  expect(await daemon.app.api.swaps(10)).toHaveLength(1);
});
