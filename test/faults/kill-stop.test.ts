/** kill -9 while agents are ended for a flip, while the links move and while they are started again: every pane comes back. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeConfig } from '../support/daemon-config.ts';
import { type DaemonProcess, startDaemonProcess } from '../support/daemon-process.ts';
import { type StandInPane, StandInWorld } from '../support/stand-in/index.ts';
import { startTmux, type TestTmux } from '../support/tmux.ts';
import { waitFor } from '../support/wait.ts';
import { isLong, myCount } from './support/campaign.ts';

const HOUR = 3_600_000;
const ROUNDS = isLong ? myCount(40) : 3;
/** Ending, moving and starting again takes about this long, so that kills land all over it. */
const SPAN_MS = 8000;
const NAMES = ['limited', 'idle'];

let tmux: TestTmux;
let world: StandInWorld;
let panes: readonly StandInPane[];
let daemon: DaemonProcess | null = null;

beforeAll(async () => {
  tmux = await startTmux();
  world = new StandInWorld({ agent: 'gemini' });
  panes = await Promise.all(NAMES.map((name) => world.startPane(tmux, { name, project: name })));
  for (const pane of panes) {
    await pane.say('a small thing');
    await pane.shows('REPLY-1');
  }
});

afterAll(async () => {
  await daemon?.end('SIGKILL');
  await tmux.kill();
  world.remove();
});

test(`after each of ${ROUNDS} kills both links agree, every agent runs again on its session, and no prompt came twice [R47 R205 R263 R270]`, {
  timeout: ROUNDS * 60_000 + 120_000,
}, async () => {
  const config = writeConfig(world, tmux, {
    quota: { poll_interval: '200ms', confirm_min_age: '500ms', swap_cooldown: '1s', account_reactivate_cooldown: '0s' },
    tmux: { submit_delay: '200ms' },
    switcher: { exit_grace: '2s', retry_backoff: { initial: '1s', max: '2s' } },
    daemon: { circuit_breaker: { swaps_per_hour: 1000 } },
  });
  const phases: Record<string, number> = {};
  for (let round = 0; round < ROUNDS; round++) {
    const from = world.activeAccount();
    const to = from === 'work-1' ? 'work-2' : 'work-1';
    world.setLimit(to, null);
    rmSync(join(world.root, 'state'), { recursive: true, force: true });
    daemon = await startDaemonProcess(world, config);
    const before = world.events().length;
    world.setLimit(from, { kind: 'five_hour', resetsAt: Date.now() + 3 * HOUR });
    await panes[0]?.say(`work of round ${round}`);
    // Nothing but the screen tells this limit, so that it is believed only after a while.
    await waitFor(async () => (await daemon?.get('/swaps/last')) !== null, { timeoutMs: 20_000, everyMs: 20 });
    const killAfterMs = Math.random() * SPAN_MS;
    const dueMs = performance.now() + killAfterMs;
    await waitFor(() => performance.now() >= dueMs, { timeoutMs: SPAN_MS + 1000, everyMs: 2 });
    const seen = await daemon.get<{ swap: { phase: string } }>('/swaps/last');
    phases[seen?.swap.phase ?? 'none yet'] = (phases[seen?.swap.phase ?? 'none yet'] ?? 0) + 1;
    await daemon.end('SIGKILL');
    daemon = await startDaemonProcess(world, config);

    const context = (): string => `round ${round}, killed after ${Math.round(killAfterMs)} ms\n${daemon?.log()}`;
    const failed = async (what: string): Promise<never> => {
      const screens = await Promise.all(panes.map((pane) => pane.screen()));
      const last = JSON.stringify(await daemon?.get('/swaps/last'));
      throw new Error(`${what}: ${last}\n${screens.join('\n----\n')}\n${context()}`);
    };
    const isDone = async () => (await daemon?.get<{ swap: { phase: string } }>('/swaps/last'))?.swap.phase === 'done';
    await waitFor(() => since(before, 'reply').length > 0, { timeoutMs: 50_000 }).catch(() =>
      failed('the limited pane did not come back'),
    );
    await waitFor(isDone, { timeoutMs: 30_000 }).catch(() => failed('the swap did not end'));
    expect(world.activeAccount(), context()).toBe(to);
    for (const pane of panes) await pane.shows('Type your message');
    // Each agent that ended was started again on the session it had, and the idle one was told nothing.
    const starts = since(before, 'start');
    expect(starts.length, context()).toBe(since(before, 'exit').length);
    expect(starts.every(({ resumed }) => resumed === true)).toBe(true);
    const prompts = since(before, 'prompt').map(({ text }) => text);
    expect(prompts, context()).toEqual([`work of round ${round}`, 'continue']);
    expect(since(before, 'confirmed')).toEqual([]);
    await daemon.end('SIGTERM');
    daemon = null;
  }
  console.log(`kills landed in: ${JSON.stringify(phases)}`);
});

function since(count: number, event: string) {
  return world
    .events()
    .slice(count)
    .filter((each) => each.event === event);
}
