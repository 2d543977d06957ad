/**
 * A version of the CLI that takes no lock when it refreshes its tokens: its sessions are ended while they are idle, and only
 * then the link moves.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeConfig } from '../support/daemon-config.ts';
import { type DaemonProcess, startDaemonProcess } from '../support/daemon-process.ts';
import { type StandInPane, StandInWorld, type TurnHold } from '../support/stand-in/index.ts';
import { startTmux, type TestTmux } from '../support/tmux.ts';
import { waitFor } from '../support/wait.ts';
import { isLong, myCount } from './support/campaign.ts';

const HOUR = 3_600_000;
const SWAPS = isLong ? myCount(50) : 2;
/** Every turn begins with a refresh that takes this long. */
const REFRESH_MS = 1500;

let tmux: TestTmux;
let world: StandInWorld;
let turns: TurnHold;
let panes: readonly StandInPane[];
let daemon: DaemonProcess | null = null;

beforeEach(async () => {
  tmux = await startTmux();
  world = new StandInWorld();
  turns = world.turnHold();
  const env = {
    ...turns.env,
    STAND_IN_VERSION: '2.0.0',
    STAND_IN_REFRESHES_EACH_TURN: '1',
    STAND_IN_REFRESH_DELAY_MS: String(REFRESH_MS),
  };
  // A newer one beside it, which the link is moved under.
  panes = [
    await world.startPane(tmux, { name: 'new', project: 'new' }),
    await world.startPane(tmux, { name: 'old', project: 'old', env }),
  ];
});

afterEach(async () => {
  await daemon?.end('SIGKILL');
  daemon = null;
  await tmux.kill();
  world.remove();
});

const areLoginsGood = (): boolean => world.homes.every(({ account }) => world.isLoginGood(account));

test(`${SWAPS} swaps while sessions refresh without a lock: they are ended when idle, and no login is lost [R259 R284]`, {
  timeout: SWAPS * 150_000 + 120_000,
}, async () => {
  const config = writeConfig(world, tmux, {
    quota: { poll_interval: '200ms', swap_cooldown: '0s', account_reactivate_cooldown: '0s', confirm_min_age: '500ms' },
    tmux: { submit_delay: '200ms' },
    switcher: { exit_grace: '20s' },
    daemon: { circuit_breaker: { swaps_per_hour: 1000 } },
  });
  const [hot, old] = panes;
  if (hot === undefined || old === undefined) throw new Error('no panes');
  let refreshes = 0;
  for (let swap = 0; swap < SWAPS; swap++) {
    const from = world.activeAccount();
    for (const { account } of world.homes) world.setLimit(account, null);
    // What the daemon knows of the account's limit goes with it.
    rmSync(join(world.root, 'state'), { recursive: true, force: true });
    daemon = await startDaemonProcess(world, config);
    const before = world.events().length;
    const since = () => world.events().slice(before);
    world.setLimit(from, { kind: 'five_hour', resetsAt: Date.now() + 3 * HOUR });
    await old.say(`work of swap ${swap}`);
    await waitFor(() => since().some(({ event }) => event === 'prompt'));
    // Its refresh runs; the other one meets the limit some time before that is over.
    const begin = performance.now() + Math.random() * (REFRESH_MS - 500);
    await waitFor(() => performance.now() >= begin, { everyMs: 5 });
    await hot.say(`other work of swap ${swap}`);
    await waitFor(() => world.activeAccount() !== from, { timeoutMs: 120_000 }).catch(async (error: unknown) => {
      throw new Error(`${String(error)}\n${await old.screen()}\n${await daemon?.text('/events')}`);
    });
    await waitFor(() => since().filter(({ event }) => event === 'reply').length >= panes.length, {
      timeoutMs: 120_000,
    }).catch(async () => {
      throw new Error(`${await hot.screen()}\n${await old.screen()}\n${daemon?.log()}`);
    });
    await waitFor(async () => (await daemon?.get<{ swap: { phase: string } }>('/swaps/last'))?.swap.phase === 'done');
    expect(areLoginsGood(), `swap ${swap}\n${daemon.log()}`).toBe(true);
    const results = since().filter(({ event }) => event === 'refresh');
    expect(results.every(({ result }) => result === 'refreshed')).toBe(true);
    refreshes += results.length;
    // It was not ended in the middle of its turn.
    expect(since().filter(({ event }) => event === 'interrupted')).toEqual([]);
    await daemon.end('SIGTERM');
    daemon = null;
  }
  console.log(`${SWAPS} swaps of a version without locks: ${refreshes} refreshes, 0 logins lost`);
});

test('a link that moves while such a version refreshes costs a login: the proof above can fail', async () => {
  const [, old] = panes;
  if (old === undefined) throw new Error('no pane');
  turns.hold();
  await old.say('work');
  await waitFor(() => world.events('refresh-posted').length > 0);
  world.flip('work-2');
  turns.letGo();
  await waitFor(() => world.events('refresh').length > 0);
  expect(areLoginsGood(), JSON.stringify(world.events())).toBe(false);
});
