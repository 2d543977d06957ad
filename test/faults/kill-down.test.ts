/**
 * kill -9 at random points of a swap that leaves an account whose login is refused: nothing is taken for a limit, the refused
 * login is not touched, and both sessions go on elsewhere with one prompt each.
 */
import { lstatSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { changeLogin, REVOKED } from '../support/change-login.ts';
import { writeConfig } from '../support/daemon-config.ts';
import { type DaemonProcess, startDaemonProcess } from '../support/daemon-process.ts';
import { type StandInPane, StandInWorld } from '../support/stand-in/index.ts';
import { startTmux, type TestTmux } from '../support/tmux.ts';
import { waitFor } from '../support/wait.ts';
import { isLong, myCount } from './support/campaign.ts';
import { standing } from './support/standing.ts';

const ROUNDS = isLong ? myCount(40) : 2;
const KILLS_PER_SWAP = 4;
/** From the refused login to the last answer a swap takes about this long. */
const SPAN_MS = 2_000;

interface LastSwap {
  readonly swap: { readonly phase: string; readonly trigger: string; readonly to: string };
  readonly panes: readonly { readonly state: string; readonly reason: string | null }[];
}

let world: StandInWorld;
let tmux: TestTmux;
let config: string;
let panes: readonly StandInPane[];
let daemon: DaemonProcess | null;

beforeEach(async () => {
  daemon = null;
  world = new StandInWorld();
  tmux = await startTmux();
  config = writeConfig(world, tmux, {
    quota: {
      poll_interval: '200ms',
      confirm_min_age: '500ms',
      swap_cooldown: '2s',
      account_reactivate_cooldown: '0s',
      swap_on_account_down: true,
    },
    tmux: { submit_delay: '200ms' },
    daemon: { circuit_breaker: { swaps_per_hour: 1000 } },
  });
  panes = await Promise.all(['a', 'b'].map((name) => world.startPane(tmux, { name, project: name })));
});

afterEach(async () => {
  await daemon?.end('SIGKILL');
  await tmux.kill();
  world.remove();
});

test(`after ${KILLS_PER_SWAP} kills in each of ${ROUNDS} swaps away from a refused login both sessions go on, prompted once, and nobody's login changed [R47 R156 R205 R263]`, {
  timeout: ROUNDS * 200_000,
}, async () => {
  const phases: Record<string, number> = {};
  for (let round = 0; round < ROUNDS; round++) await leaveUnderKills(phases);
  console.log(`${KILLS_PER_SWAP * ROUNDS} kills in ${ROUNDS} swaps, landed in: ${JSON.stringify(phases)}`);
});

async function leaveUnderKills(phases: Record<string, number>): Promise<void> {
  const from = world.activeAccount();
  const to = from === 'work-1' ? 'work-2' : 'work-1';
  // An account is left in this way once an hour at most, as far as the daemon remembers.
  rmSync(join(world.root, 'state'), { recursive: true, force: true });
  daemon = await startDaemonProcess(world, config);
  await waitFor(async () => (await daemon?.get<{ sessions: readonly object[] }>('/status'))?.sessions.length === 2);
  const before = world.events().length;
  const since = (event: string) =>
    world
      .events()
      .slice(before)
      .filter((each) => each.event === event);
  const restore = changeLogin(world, from, REVOKED);
  const logins = () => world.homes.map(({ credentials }) => readFileSync(credentials, 'utf8'));
  const loginsBefore = logins();
  for (const pane of panes) await pane.say('do the work');
  await waitFor(() => since('unauthorized').length === panes.length);

  const killedAfterMs: number[] = [];
  for (let kill = 0; kill < KILLS_PER_SWAP; kill++) {
    const afterMs = Math.round(Math.random() * SPAN_MS);
    killedAfterMs.push(afterMs);
    const at = performance.now() + afterMs;
    await waitFor(() => performance.now() >= at, { everyMs: 2 });
    const phase = (await daemon.get<LastSwap>('/swaps/last'))?.swap.phase ?? 'none yet';
    phases[phase] = (phases[phase] ?? 0) + 1;
    await daemon.end('SIGKILL');
    expect(lstatSync(world.link).isSymbolicLink()).toBe(true);
    expect(['work-1', 'work-2']).toContain(world.activeAccount());
    daemon = await startDaemonProcess(world, config);
  }

  const last = async () => (await daemon?.get<LastSwap>('/swaps/last')) ?? null;
  const context = async () => `killed after ${killedAfterMs} ms: ${await standing(panes, daemon)}`;
  // Locks that a killed daemon had not noted yet are left alone until they are stale, a minute later.
  await waitFor(async () => (await last())?.swap.phase === 'done', { timeoutMs: 150_000 }).catch(async () => {
    throw new Error(`the swap did not end, ${await context()}`);
  });
  await waitFor(() => since('reply').length >= panes.length).catch(async () => {
    throw new Error(`not every pane came back, ${await context()}`);
  });
  expect((await last())?.swap, await context()).toMatchObject({ trigger: 'down', to });
  expect(since('reply').map(({ account }) => account)).toEqual([to, to]);
  const continued = since('prompt').filter(({ text }) => text === 'continue');
  expect(new Set(continued.map(({ pid }) => pid)).size, await context()).toBe(continued.length);
  expect(continued, await context()).toHaveLength(panes.length);
  expect(world.activeAccount()).toBe(to);
  expect(logins()).toEqual(loginsBefore);
  await daemon.end('SIGTERM');
  daemon = null;
  restore();
}
