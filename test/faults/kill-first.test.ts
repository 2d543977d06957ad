/** kill -9 at the flip, before the daemon ever wrote down which sessions there are. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeConfig } from '../support/daemon-config.ts';
import { type DaemonProcess, startDaemonProcess } from '../support/daemon-process.ts';
import { StandInWorld } from '../support/stand-in/index.ts';
import { startTmux, type TestTmux } from '../support/tmux.ts';
import { waitFor } from '../support/wait.ts';
import { standing } from './support/standing.ts';

let world: StandInWorld;
let tmux: TestTmux;
let daemon: DaemonProcess | null;

beforeEach(async () => {
  daemon = null;
  world = new StandInWorld();
  tmux = await startTmux();
});

afterEach(async () => {
  await daemon?.end('SIGKILL');
  await tmux.kill();
  world.remove();
});

test('an agent that keeps its account in memory and meets its limit after that kill is charged to the account of its start, and both sessions go on [R17 R47 R256]', {
  timeout: 400_000,
}, async () => {
  const config = writeConfig(world, tmux, {
    quota: { poll_interval: '200ms', swap_cooldown: '0s' },
    tmux: { submit_delay: '200ms' },
    switcher: { exit_grace: '20s' },
    lifecycle: { reconcile_interval: '10m' },
  });
  daemon = await startDaemonProcess(world, config);
  const turns = world.turnHold();
  const old = await world.startPane(tmux, {
    name: 'old',
    project: 'old',
    env: { STAND_IN_VERSION: '2.0.76', ...turns.env },
  });
  const fresh = await world.startPane(tmux, { name: 'new', project: 'new' });
  world.setLimit('work-1', { kind: 'five_hour', resetsAt: Date.now() + 3 * 3_600_000 });
  turns.hold();
  await old.say('a long turn');
  await old.shows('esc to interrupt');
  await fresh.say('more work');
  await waitFor(() => world.activeAccount() === 'work-2', { everyMs: 1 });
  await daemon.end('SIGKILL');
  daemon = await startDaemonProcess(world, config);
  turns.letGo();
  await waitFor(() => world.servedBy().length === 2).catch(async () => {
    throw new Error(`not every pane came back: ${await standing([old, fresh], daemon)}`);
  });
  expect(world.servedBy()).toEqual(['work-2', 'work-2']);
  const status = await daemon.get<{ accounts: readonly { name: string; eligible: boolean }[] }>('/status');
  expect(status?.accounts.map(({ name, eligible }) => [name, eligible])).toEqual([
    ['work-1', false],
    ['work-2', true],
  ]);
});
