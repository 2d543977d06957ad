/** What the CLI's own status line reports becomes the record of its account, and moves the pool before the wall. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/adapters/clock.ts';
import { sampleOf, writeSample } from '../../src/adapters/signals/statusline-sample.ts';
import { openStore } from '../../src/store/open.ts';
import type { TestDaemon } from '../support/daemon.ts';
import { HOUR } from '../support/daemon.ts';
import { onStage } from '../support/stage.ts';
import type { StandInPane, StandInWorld } from '../support/stand-in/index.ts';
import { waitFor } from '../support/wait.ts';

const MINUTE = 60_000;

/** A session that has answered once and whose files the daemon has read since. */
async function answered(world: StandInWorld, pane: StandInPane, daemon: TestDaemon): Promise<string> {
  await pane.say('do the work');
  await waitFor(() => world.servedBy().length > 0);
  await waitFor(() => daemon.status().sessions[0]?.state === 'idle');
  await daemon.polls(3);
  const [session = ''] = world.events().map(({ sessionId }) => sessionId);
  return session;
}

/** What `claude-failover statusline` does when Claude Code draws its status line; the screen does not show it. */
function statusline(world: StandInWorld, session_id: string, used_percentage: number): void {
  const five_hour = { used_percentage, resets_at: Math.round((Date.now() + 2 * HOUR) / 1000) };
  const sample = sampleOf({ session_id, rate_limits: { five_hour } }, world.link, Date.now());
  if (sample === null) throw new Error('the session has no id');
  writeSample(join(world.root, 'state'), sample, systemClock());
}

const account = (daemon: TestDaemon, name: string) => daemon.status().accounts.find((one) => one.name === name);

test.concurrent(
  'a status line at 96 % with a threshold of 95 % moves the idle pool, and the figure is not charged to the new account [R109 R117 R119]',
  onStage(async ({ world, tmux, start }) => {
    const pane = await world.startPane(tmux, { name: 'a', project: 'a' });
    const daemon = await start({ changes: { quota: { auto_pause: { default_5h: 0.95 } } } });
    const session = await answered(world, pane, daemon);
    statusline(world, session, 96);
    const { swap } = await daemon.swapDone();

    expect(swap).toMatchObject({ trigger: 'threshold', from: 'work-1', to: 'work-2', phase: 'done' });
    expect(swap.reason).toBe('96 % of its 5-hour window, threshold 95 %');
    expect(world.prompts()).toEqual(['do the work']);
    await pane.say('and more');
    await waitFor(() => world.servedBy().length > 1);
    expect(world.servedBy()).toEqual(['work-1', 'work-2']);
    await daemon.polls(3);
    expect(account(daemon, 'work-1')).toMatchObject({
      state: 'auto_paused',
      quota: { '5h': { used: 0.96, source: 'statusline', stale: false } },
    });
    expect(account(daemon, 'work-2')?.quota).toEqual({});
    expect(await daemon.app.api.swaps(10)).toHaveLength(1);
  }),
);

test.concurrent(
  'a lower figure that the provider gave since ends a limit that does not hold any more [R138]',
  onStage(async ({ world, tmux, start }) => {
    const pane = await world.startPane(tmux, { name: 'a', project: 'a' });
    const daemon = await start();
    const session = await answered(world, pane, daemon);
    const now = Date.now();
    const store = await openStore({ stateDir: join(world.root, 'state'), now });
    await store.pool.mergeQuota('work-1', '5h', () => ({
      account: 'work-1',
      window: '5h',
      used: 1,
      limitReached: true,
      resetAt: now + 4 * HOUR,
      lockUntil: null,
      source: 'banner',
      updatedAt: now - 10 * MINUTE,
      verifyRequired: false,
    }));
    await store.close();
    await waitFor(() => account(daemon, 'work-1')?.state === 'limited');
    statusline(world, session, 12);
    await waitFor(() => account(daemon, 'work-1')?.state === 'active');

    expect(account(daemon, 'work-1')).toMatchObject({
      eligible: true,
      quota: { '5h': { used: 0.12, limit_reached: false, source: 'statusline' } },
    });
    expect(await daemon.app.api.swaps(10)).toEqual([]);
  }),
);
