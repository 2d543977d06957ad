/** kill -9 while agents are ended for a flip, while the links move and while they are started again: every pane comes back. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RecoveryState } from '../../src/core/swap/swap.ts';
import { openReadOnly } from '../../src/store/read-only.ts';
import { writeConfig } from '../support/daemon-config.ts';
import { type DaemonProcess, startDaemonProcess } from '../support/daemon-process.ts';
import { type StandInPane, StandInWorld } from '../support/stand-in/index.ts';
import { startTmux, type TestTmux } from '../support/tmux.ts';
import { waitFor } from '../support/wait.ts';
import { isLong, myCount, myPart } from './support/campaign.ts';
import { standing } from './support/standing.ts';

const HOUR = 3_600_000;
const ROUNDS = isLong ? myCount(40) : 3;
/** Ending, moving and starting again takes about this long, so that kills land all over it. */
const SPAN_MS = 8000;
const NAMES = ['limited', 'idle'];

/** What is written down of a pane just before a key, and of how many panes: [state, Enters or Ctrl-Cs so far, panes]. */
const NOTES: readonly (readonly [RecoveryState, number, number])[] = [
  ['relaunching', 1, 1],
  ['reprompted', 0, 1],
  ['waiting', 0, 2],
  ['menu', 1, 1],
  ['exiting', 0, 1],
  ['exiting', 1, 1],
  ['interrupting', 1, 1],
  ['interrupting', 2, 1],
  ['stopped', 0, 1],
  ['stopped', 0, 2],
  ['relaunching', 0, 1],
  ['relaunching', 1, 2],
  ['reprompted', 1, 1],
];

let tmux: TestTmux;
let world: StandInWorld;
let panes: readonly StandInPane[];
let daemon: DaemonProcess | null = null;

beforeEach(async () => {
  tmux = await startTmux();
  world = new StandInWorld({ agent: 'gemini' });
  panes = await Promise.all(NAMES.map((name) => world.startPane(tmux, { name, project: name })));
  for (const pane of panes) {
    await pane.say('a small thing');
    await pane.shows('REPLY-1');
  }
});

afterEach(async () => {
  await daemon?.end('SIGKILL');
  await tmux.kill();
  world.remove();
});

test(`after each of ${ROUNDS} kills both links agree, every agent runs again on its session, and no prompt came twice [R47 R205 R263 R270]`, {
  timeout: ROUNDS * 120_000 + 240_000,
}, async () => {
  const phases: Record<string, number> = {};
  for (let round = 0; round < ROUNDS; round++) {
    const killAfterMs = Math.random() * SPAN_MS;
    const phase = await swapWithKill(`work of round ${round}`, async (first) => {
      const dueMs = performance.now() + killAfterMs;
      await waitFor(() => performance.now() >= dueMs, { timeoutMs: SPAN_MS + 1000, everyMs: 2 });
      return (await first.get<LastSwap>('/swaps/last'))?.swap.phase ?? 'none yet';
    });
    phases[phase] = (phases[phase] ?? 0) + 1;
  }
  console.log(`kills landed in: ${JSON.stringify(phases)}`);
});

test.each(isLong ? myPart(NOTES) : NOTES.slice(0, 2))(
  'killed when "%s %i" is written down of %i and its key perhaps not pressed: the same holds [R47 R205 R263 R270]',
  { timeout: 360_000 },
  async (state, enters, count) => {
    await swapWithKill(`work until ${state} ${enters} of ${count}`, async () => {
      const store = openReadOnly(join(world.root, 'state'));
      const isNoted = async (): Promise<boolean> => {
        const open = await store.local.openRecoveries();
        return open.filter((row) => row.state === state && row.enters === enters).length >= count;
      };
      // A state that this swap passes too quickly to be seen is none to be killed in: the swap ends as ever.
      await waitFor(isNoted, { timeoutMs: 20_000, everyMs: 1 }).catch(() => undefined);
      store.close();
      return state;
    });
  },
);

interface LastSwap {
  readonly swap: { readonly phase: string };
}

/** One limit, the swap away from it with one kill, and what must hold afterwards. @param until resolves when to kill */
async function swapWithKill(prompt: string, until: (first: DaemonProcess) => Promise<string>): Promise<string> {
  const config = writeConfig(world, tmux, {
    quota: { poll_interval: '200ms', confirm_min_age: '500ms', swap_cooldown: '1s', account_reactivate_cooldown: '0s' },
    tmux: { submit_delay: '200ms' },
    switcher: { exit_grace: '20s', retry_backoff: { initial: '1s', max: '2s' } },
    daemon: { circuit_breaker: { swaps_per_hour: 1000 }, log: { level: 'info' } },
  });
  const from = world.activeAccount();
  const to = from === 'work-1' ? 'work-2' : 'work-1';
  world.setLimit(to, null);
  rmSync(join(world.root, 'state'), { recursive: true, force: true });
  const before = world.events().length;
  const first = await startDaemonProcess(world, config);
  daemon = first;
  world.setLimit(from, { kind: 'five_hour', resetsAt: Date.now() + 3 * HOUR });
  await panes[0]?.say(prompt);
  // Nothing but the screen tells this limit, so that it is believed only after a while.
  await waitFor(async () => (await first.get('/swaps/last')) !== null);
  const seen = await until(first);
  await first.end('SIGKILL');
  const second = await startDaemonProcess(world, config);
  daemon = second;

  const failed = async (what: string): Promise<never> => {
    throw new Error(`${prompt}, killed in ${seen}: ${what}: ${await standing(panes, second)}`);
  };
  await waitFor(() => since(before, 'reply').length > 0, { timeoutMs: 150_000 }).catch(() =>
    failed('the limited pane did not come back'),
  );
  const isDone = async () => (await second.get<LastSwap>('/swaps/last'))?.swap.phase === 'done';
  await waitFor(isDone, { timeoutMs: 120_000 }).catch(() => failed('the swap did not end'));
  expect(world.activeAccount(), seen).toBe(to);
  for (const pane of panes) await pane.shows('Type your message');
  // Each agent that ended was started again on the session it had, and the idle one was told nothing.
  const starts = since(before, 'start');
  expect(starts.length, seen).toBe(since(before, 'exit').length);
  expect(starts.every(({ resumed }) => resumed === true)).toBe(true);
  expect(
    since(before, 'prompt').map(({ text }) => text),
    seen,
  ).toEqual([prompt, 'continue']);
  expect(since(before, 'confirmed')).toEqual([]);
  await second.end('SIGTERM');
  daemon = null;
  return seen;
}

function since(count: number, event: string) {
  return world
    .events()
    .slice(count)
    .filter((each) => each.event === event);
}
