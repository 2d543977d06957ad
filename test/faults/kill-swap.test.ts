/**
 * kill -9 at random points between the limit and the last recovered pane, several times in each swap, while an agent keeps
 * refreshing its tokens: nothing is lost and nothing is done twice.
 */
import { lstatSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeConfig } from '../support/daemon-config.ts';
import { type DaemonProcess, startDaemonProcess } from '../support/daemon-process.ts';
import { type StandInPane, StandInWorld } from '../support/stand-in/index.ts';
import { startTmux, type TestTmux } from '../support/tmux.ts';
import { waitFor } from '../support/wait.ts';
import { isLong, myCount } from './support/campaign.ts';

const HOUR = 3_600_000;
const KILLS = isLong ? myCount(1_000) : 8;
const KILLS_PER_SWAP = 5;
/** The whole swap with its recoveries takes about this long, so that kills land all over it. */
const SPAN_MS = 2_000;
/** Within so long after a start or the limit the link has moved. */
const FLIP_MS = 300;
const REFRESH_MS = 900;

let tmux: TestTmux;
let world: StandInWorld;
let panes: readonly StandInPane[];
let daemon: DaemonProcess | null = null;

beforeAll(async () => {
  tmux = await startTmux();
  world = new StandInWorld();
  const refreshing = { STAND_IN_REFRESH_MS: String(REFRESH_MS) };
  panes = await Promise.all(
    ['a', 'b', 'c'].map((name) =>
      world.startPane(tmux, { name, project: name, ...(name === 'a' && { env: refreshing }) }),
    ),
  );
});

afterAll(async () => {
  await daemon?.end('SIGKILL');
  await tmux.kill();
  world.remove();
});

test(`after each of ${KILLS} kills one valid link, every pane back by itself, no prompt twice, no login lost [R47 R205 R259 R263]`, {
  timeout: KILLS * 20_000 + 240_000,
}, async () => {
  const config = writeConfig(world, tmux, {
    quota: { poll_interval: '200ms', swap_cooldown: '2s', account_reactivate_cooldown: '0s' },
    tmux: { submit_delay: '200ms' },
    daemon: { circuit_breaker: { swaps_per_hour: 1000 } },
  });
  const phases: Record<string, number> = {};
  let orphans = 0;
  let swaps = 0;
  for (let kills = 0; kills < KILLS; swaps++) {
    const from = world.activeAccount();
    const to = from === 'work-1' ? 'work-2' : 'work-1';
    world.setLimit(to, null);
    rmSync(join(world.root, 'state'), { recursive: true, force: true });
    daemon = await startDaemonProcess(world, config);
    const before = world.events().length;

    world.setLimit(from, { kind: 'five_hour', resetsAt: Date.now() + 3 * HOUR });
    for (const pane of panes) await pane.say(`work of swap ${swaps}`);
    await waitFor(() => since(before).some(({ event }) => event === 'limit'));
    const killedAfter: number[] = [];
    for (let i = 0; i < KILLS_PER_SWAP && kills < KILLS; i++, kills++) {
      // Every other kill aims at the verdict and the flip itself, or at the repair that a start begins with.
      const killAfterMs = Math.round(Math.random() * (kills % 2 === 0 ? FLIP_MS : SPAN_MS));
      killedAfter.push(killAfterMs);
      await waitFor(isOver(killAfterMs), { timeoutMs: SPAN_MS + 1000, everyMs: 2 });
      const seen = await daemon.get<{ swap: { phase: string } }>('/swaps/last');
      const phase = seen?.swap.phase ?? 'none yet';
      phases[phase] = (phases[phase] ?? 0) + 1;
      await daemon.end('SIGKILL');
      expect(lstatSync(world.link).isSymbolicLink()).toBe(true);
      expect(['work-1', 'work-2']).toContain(world.activeAccount());
      orphans += await letLocksGoStale();
      daemon = await startDaemonProcess(world, config);
    }

    const context = (): string => `swap ${swaps}, killed after ${killedAfter} ms\n${daemon?.log()}`;
    await waitFor(() => replies(before).size === panes.length, { timeoutMs: 60_000 }).catch(() => {
      throw new Error(`not every pane came back: ${context()}`);
    });
    await waitFor(async () => (await daemon?.get<{ swap: { phase: string } }>('/swaps/last'))?.swap.phase === 'done', {
      timeoutMs: 20_000,
    }).catch(() => {
      throw new Error(`the swap did not end: ${context()}`);
    });
    expect(world.activeAccount(), context()).toBe(to);
    const status = await daemon.get<{ pools: readonly { active_account: string }[] }>('/status');
    expect(status?.pools[0]?.active_account, context()).toBe(to);
    // A pane whose request came after the flip met no limit and needs no prompt.
    const continued = since(before).filter(({ event, text }) => event === 'prompt' && text === 'continue');
    expect(perPane(continued), context()).toEqual(perPane(since(before).filter(({ event }) => event === 'limit')));
    await daemon.end('SIGTERM');
    daemon = null;
    // Between two refreshes of the agent.
    await waitFor(() => world.homes.every(({ account }) => world.isLoginGood(account)), { everyMs: 5 }).catch(() => {
      throw new Error(`a login was lost: ${context()}`);
    });
  }
  expect(world.events('refresh').every(({ result }) => result !== 'lost' && result !== 'refused')).toBe(true);
  const refreshed = world.events('refresh').filter(({ result }) => result === 'refreshed').length;
  console.log(
    `${KILLS} kills in ${swaps} swaps, landed in: ${JSON.stringify(phases)}; ${refreshed} token refreshes meanwhile; ` +
      `locks that nobody could tell from the CLI's own were left ${orphans} times`,
  );
});

/**
 * A kill in the few milliseconds between taking the CLI's locks and noting which they are leaves locks that nobody can tell
 * from the CLI's own: they are left alone until they are stale, a minute later. The minute is taken from them here.
 *
 * @returns 1: there were some
 */
async function letLocksGoStale(): Promise<number> {
  const present = (): Map<string, number> =>
    new Map(
      [join(world.root, 'accounts'), ...world.homes.map(({ home }) => home)].flatMap((folder) =>
        readdirSync(folder)
          .filter((name) => name.endsWith('.lock'))
          .flatMap((name) => {
            const found = lstatSync(join(folder, name), { throwIfNoEntry: false });
            return found === undefined ? [] : [[join(folder, name), found.ino] as const];
          }),
      ),
    );
  const before = present();
  if (before.size === 0) return 0;
  // Those of the agent are gone within a fraction of this.
  await waitFor(isOver(600), { timeoutMs: 2000 });
  const ours = [...present()].filter(([path, inode]) => before.get(path) === inode);
  for (const [path] of ours) utimesSync(path, 0, 0);
  return ours.length === 0 ? 0 : 1;
}

function since(count: number) {
  return world.events().slice(count);
}

function perPane(events: ReturnType<typeof since>): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { pid } of events) counts[pid] = (counts[pid] ?? 0) + 1;
  return counts;
}

function replies(count: number): Set<number> {
  return new Set(
    since(count)
      .filter(({ event }) => event === 'reply')
      .map(({ pid }) => pid),
  );
}

function isOver(ms: number): () => boolean {
  const end = performance.now() + ms;
  return () => performance.now() >= end;
}
