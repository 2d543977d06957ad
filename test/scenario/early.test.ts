/** Moves before the wall, and back after it, on a real tmux server. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { QuotaRecord } from '../../src/core/quota/record.ts';
import { openStore } from '../../src/store/open.ts';
import { HOUR } from '../support/daemon.ts';
import { onStage } from '../support/stage.ts';
import type { StandInWorld } from '../support/stand-in/index.ts';
import { waitFor } from '../support/wait.ts';

/** Writes a figure as a session's own files would have told it. */
async function report(world: StandInWorld, account: string, change: Partial<QuotaRecord>): Promise<void> {
  const now = Date.now();
  const store = await openStore({ stateDir: stateDirOf(world), now });
  const record: QuotaRecord = {
    account,
    window: '5h',
    used: 0.5,
    limitReached: false,
    resetAt: now + 2 * HOUR,
    lockUntil: null,
    source: 'statusline',
    updatedAt: now,
    verifyRequired: false,
    ...change,
  };
  await store.pool.mergeQuota(account, '5h', () => record);
  await store.close();
}

test.concurrent(
  'an account over its threshold is left while its sessions are idle: nothing is typed, and the next turn runs elsewhere [R119 R284]',
  onStage(async ({ world, tmux, start }) => {
    const pane = await world.startPane(tmux, { name: 'a', project: 'a' });
    const daemon = await start({ changes: { quota: { auto_pause: { default_5h: 0.9 } } } });
    await daemon.polls(2);
    await report(world, 'work-1', { used: 0.93 });
    const { swap, recoveries, incident } = await daemon.swapDone();

    expect(swap).toMatchObject({ trigger: 'threshold', from: 'work-1', to: 'work-2', phase: 'done' });
    expect(swap.reason).toBe('93 % of its 5-hour window, threshold 90 %');
    expect(incident?.decision).toMatchObject({ wish: { kind: 'threshold' } });
    expect(recoveries).toEqual([]);
    expect(world.prompts()).toEqual([]);
    await pane.say('do the work');
    await waitFor(() => world.servedBy().length > 0);
    expect(world.servedBy()).toEqual(['work-2']);
    await daemon.polls(3);
    expect(await daemon.app.api.swaps(10)).toHaveLength(1);
    const paused = daemon.status().accounts.find(({ name }) => name === 'work-1');
    expect(paused).toMatchObject({ state: 'auto_paused', auto_pause: { '5h': { threshold: 0.9, from: 'default' } } });
  }),
);

test.concurrent(
  'a limit on record that no pane shows is left too: the next turn runs on the account that is free [R54]',
  onStage(async ({ world, tmux, start }) => {
    const pane = await world.startPane(tmux, { name: 'a', project: 'a' });
    const daemon = await start();
    await daemon.polls(2);
    await report(world, 'work-1', { used: 1, limitReached: true, source: 'transcript' });
    const { swap, recoveries } = await daemon.swapDone(150_000);

    expect(swap).toMatchObject({ trigger: 'known_limit', from: 'work-1', to: 'work-2', phase: 'done' });
    expect(recoveries).toEqual([]);
    expect(world.prompts()).toEqual([]);
    await pane.say('do the work');
    await waitFor(() => world.servedBy().length > 0);
    expect(world.servedBy()).toEqual(['work-2']);
    await daemon.polls(3);
    expect(await daemon.app.api.swaps(10)).toHaveLength(1);
  }),
);

test.concurrent(
  'all accounts exhausted: no flip, sessions kept, unhealthy with the earliest reset, told once [R54 R143]',
  onStage(async ({ world, tmux, start }) => {
    const pane = await world.startPane(tmux, { name: 'a', project: 'a' });
    const daemon = await start();
    await daemon.polls(1);
    const first = Date.now() + HOUR;
    await report(world, 'work-2', { used: 1, limitReached: true, resetAt: first });
    world.setLimit('work-1', { kind: 'five_hour', resetsAt: Date.now() + 3 * HOUR });
    await pane.say('do the work');
    const told = await daemon.told('no_eligible_account');

    expect(told).toMatchObject({ severity: 'critical', data: { earliest: 'work-2' } });
    expect(Date.parse(String(told.data.earliest_reset_at))).toBeGreaterThanOrEqual(first);
    expect(world.activeAccount()).toBe('work-1');
    await daemon.polls(3);
    await waitFor(() => daemon.health().pools[0]?.switcher === 'exhausted');
    expect(daemon.health().status).toBe('unhealthy');
    expect(daemon.health().reasons.join()).toContain('no_eligible_account');
    expect(daemon.health().pools[0]).toMatchObject({ eligible: 0, switcher: 'exhausted' });
    expect(await daemon.events('no_eligible_account')).toHaveLength(1);
    expect(await daemon.app.api.swaps(10)).toEqual([]);
    expect(daemon.status().sessions).toHaveLength(1);
  }),
);

test.concurrent(
  'panes whose account is back after its limit follow one that tried it first [R142]',
  onStage(async ({ world, tmux, start }) => {
    const panes = await Promise.all(['a', 'b', 'c'].map((name) => world.startPane(tmux, { name, project: name })));
    const daemon = await start();
    await daemon.polls(1);
    // The limit of the other account ended while nobody looked: nothing but its time says so.
    await report(world, 'work-2', { used: 0, resetAt: null, verifyRequired: true });
    world.setLimit('work-1', { kind: 'five_hour', resetsAt: Date.now() + 3 * HOUR });
    await daemon.meetLimit(panes, 'do the work');
    const { recoveries } = await daemon.swapDone();

    expect(recoveries.map(({ state }) => state)).toEqual(['recovered', 'recovered', 'recovered']);
    const [probe, ...others] = [...recoveries].sort((x, y) => x.startedAt - y.startedAt);
    for (const row of others)
      expect(row.startedAt).toBeGreaterThanOrEqual(probe?.finishedAt ?? Number.POSITIVE_INFINITY);
    expect(await world.served(3)).toEqual(['work-2', 'work-2', 'work-2']);
  }),
);

function stateDirOf(world: StandInWorld): string {
  return join(world.root, 'state');
}
