/** kill -9 at random points between the limit and the last recovered pane: nothing is lost and nothing is done twice. */
import { lstatSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeConfig } from '../support/daemon-config.ts';
import { type DaemonProcess, startDaemonProcess } from '../support/daemon-process.ts';
import { type StandInPane, StandInWorld } from '../support/stand-in/index.ts';
import { startTmux, type TestTmux } from '../support/tmux.ts';
import { waitFor } from '../support/wait.ts';

const HOUR = 3_600_000;
const ROUNDS = process.env.CF_LONG === '1' ? 100 : 4;
/** The whole swap with its recoveries takes about this long, so that kills land all over it. */
const SPAN_MS = 2500;
/** Within so long after the limit the link has moved. */
const FLIP_MS = 400;

let tmux: TestTmux;
let world: StandInWorld;
let panes: readonly StandInPane[];
let daemon: DaemonProcess | null = null;

beforeAll(async () => {
  tmux = await startTmux();
  world = new StandInWorld();
  panes = await Promise.all(['a', 'b', 'c'].map((name) => world.startPane(tmux, { name, project: name })));
});

afterAll(async () => {
  await daemon?.end('SIGKILL');
  await tmux.kill();
  world.remove();
});

test(`after each of ${ROUNDS} kills one valid link, every pane back by itself, no prompt twice, no login lost [R47 R205 R263]`, {
  timeout: ROUNDS * 40_000 + 240_000,
}, async () => {
  const config = writeConfig(world, tmux, {
    quota: { poll_interval: '200ms', swap_cooldown: '2s', account_reactivate_cooldown: '0s' },
    tmux: { submit_delay: '200ms' },
    daemon: { circuit_breaker: { swaps_per_hour: 1000 } },
  });
  const phases: Record<string, number> = {};
  let waits = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const from = world.activeAccount();
    const to = from === 'work-1' ? 'work-2' : 'work-1';
    world.setLimit(to, null);
    rmSync(join(world.root, 'state'), { recursive: true, force: true });
    daemon = await startDaemonProcess(world, config);
    const before = world.events().length;

    world.setLimit(from, { kind: 'five_hour', resetsAt: Date.now() + 3 * HOUR });
    for (const pane of panes) await pane.say(`work of round ${round}`);
    await waitFor(() => world.events('limit').length > 0 && since(before).some(({ event }) => event === 'limit'));
    // Every other kill aims at the verdict and the flip itself, the others at the whole of it.
    const killAfterMs = Math.random() * (round % 2 === 0 ? FLIP_MS : SPAN_MS);
    await waitFor(isOver(killAfterMs), { timeoutMs: SPAN_MS + 1000, everyMs: 2 });
    const seen = await daemon.get<{ swap: { phase: string } }>('/swaps/last');
    phases[seen?.swap.phase ?? 'none yet'] = (phases[seen?.swap.phase ?? 'none yet'] ?? 0) + 1;
    await daemon.end('SIGKILL');
    daemon = await startDaemonProcess(world, config);

    const context = (): string => `round ${round}, killed after ${Math.round(killAfterMs)} ms\n${daemon?.log()}`;
    // A kill in the few milliseconds between taking the CLI's locks and noting which they are leaves locks that nobody
    // can tell from the CLI's own: they are left alone until they are stale, a minute later.
    const restartedMs = performance.now();
    await waitFor(() => replies(before).size === panes.length, { timeoutMs: 110_000 }).catch(() => {
      throw new Error(`not every pane came back: ${context()}`);
    });
    await waitFor(async () => (await daemon?.get<{ swap: { phase: string } }>('/swaps/last'))?.swap.phase === 'done', {
      timeoutMs: 20_000,
    });
    if (performance.now() - restartedMs > 20_000) waits++;
    expect(lstatSync(world.link).isSymbolicLink()).toBe(true);
    expect(world.activeAccount(), context()).toBe(to);
    // A pane whose request came after the flip met no limit and needs no prompt.
    const continued = since(before).filter(({ event, text }) => event === 'prompt' && text === 'continue');
    expect(perPane(continued), context()).toEqual(perPane(since(before).filter(({ event }) => event === 'limit')));
    expect(world.homes.map(({ account }) => world.isLoginGood(account))).toEqual([true, true]);
    await daemon.end('SIGTERM');
    daemon = null;
  }
  console.log(`kills landed in: ${JSON.stringify(phases)}; waited for a stale lock: ${waits}`);
});

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
