/** Another process holds the database for a while: the daemon does not stand still for it, and goes on as soon as it is free. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { HOUR } from '../support/daemon.ts';
import { onStage } from '../support/stage.ts';
import { waitFor } from '../support/wait.ts';

/** Without the time in which this thread was ready to go on and the machine did not let it. */
function ownMs(): number {
  return performance.now() - Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[1]) / 1e6;
}

/** The longest time for which nothing else got its turn while `play` went on. */
async function longestPause(play: () => Promise<unknown>): Promise<number> {
  let longestMs = 0;
  let before = ownMs();
  const beat = setInterval(() => {
    const now = ownMs();
    longestMs = Math.max(longestMs, now - before);
    before = now;
  }, 20);
  try {
    await play();
  } finally {
    clearInterval(beat);
  }
  return Math.max(longestMs, ownMs() - before);
}

test.concurrent(
  'while another process holds the database no swap begins, the doors answer between the tries, and then the swap is made [R191]',
  onStage(async ({ world, tmux, start }) => {
    const pane = await world.startPane(tmux, { name: 'a' });
    const daemon = await start();
    await daemon.polls(2);
    const other = new Database(join(world.root, 'state', 'state.db'));
    other.exec('begin immediate');
    world.setLimit('work-1', { kind: 'five_hour', resetsAt: Date.now() + HOUR });
    await pane.say('do the work');
    const refusals = (): number =>
      daemon.log.lines.filter((line) => JSON.stringify(line).includes('store_locked')).length;
    const pauseMs = await longestPause(() => waitFor(() => refusals() >= 2));
    expect(world.activeAccount()).toBe('work-1');
    expect(daemon.status().pools).toHaveLength(1);
    other.exec('rollback');
    other.close();

    const { swap } = await daemon.swapDone();
    expect(swap).toMatchObject({ from: 'work-1', to: 'work-2', phase: 'done' });
    expect(pauseMs).toBeLessThan(4_500);
  }),
);
