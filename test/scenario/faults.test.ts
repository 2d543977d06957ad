/** When a swap cannot go through: locks that the CLI holds, steps that fail after the flip, roll-backs that fail. */
import { mkdirSync, readdirSync, readlinkSync, rmdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createAccountHomes } from '../../src/adapters/accounts/homes.ts';
import { createAccountLink } from '../../src/adapters/accounts/link.ts';
import { systemClock } from '../../src/adapters/clock.ts';
import type { AccountHomes, AccountLink } from '../../src/ports.ts';
import { BY_HAND, HOUR } from '../support/daemon.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { onStage } from '../support/stage.ts';
import type { StandInWorld } from '../support/stand-in/index.ts';
import { waitFor } from '../support/wait.ts';

/** The real adapters, of which single calls can be made to fail. */
function fragile(world: StandInWorld): {
  readonly link: AccountLink;
  readonly homes: AccountHomes;
  failFreshen: boolean;
  failPointTo: string | null;
} {
  const log = new RecordingLog();
  const link = createAccountLink({ log });
  const homes = createAccountHomes({ ownUid: process.getuid?.() ?? 0, clock: systemClock(), log });
  const parts = {
    failFreshen: false,
    failPointTo: null as string | null,
    link: {
      ...link,
      async point(path: string, target: string, options?: { readonly allowMissing?: boolean }) {
        if (target === parts.failPointTo) throw new Error('no space left on device');
        await link.point(path, target, options);
      },
    },
    homes: {
      ...homes,
      async freshen(...args: Parameters<AccountHomes['freshen']>) {
        if (parts.failFreshen && args[1] === world.home('work-2').home) throw new Error('input/output error');
        return homes.freshen(...args);
      },
    },
  };
  return parts;
}

function locksIn(world: StandInWorld): readonly string[] {
  return [join(world.root, 'accounts'), ...world.homes.map(({ home }) => home)]
    .flatMap((folder) => readdirSync(folder))
    .filter((name) => name.endsWith('.lock'));
}

test.concurrent(
  'a lock that the CLI keeps postpones the swap with nothing moved, and when it lets go the swap goes through [R259]',
  onStage(async ({ world, tmux, start }) => {
    const pane = await world.startPane(tmux, { name: 'a' });
    const daemon = await start();
    const lock = join(world.home('work-2').home, '.oauth_refresh.lock');
    mkdirSync(lock);
    const { mtimeMs } = statSync(world.home('work-2').credentials);
    world.setLimit('work-1', { kind: 'five_hour', resetsAt: Date.now() + 3 * HOUR });
    await pane.say('do the work');
    const told = await daemon.told('swap_postponed');

    expect(told).toMatchObject({ severity: 'warning', pool: 'default' });
    expect(String(told.data.error)).toContain(lock);
    const [postponed] = await daemon.app.api.swaps(10);
    expect(postponed).toMatchObject({ phase: 'failed', flippedAt: null, locks: [] });
    expect(world.activeAccount()).toBe('work-1');
    expect(statSync(world.home('work-2').credentials).mtimeMs).toBe(mtimeMs);
    expect(locksIn(world)).toEqual(['.oauth_refresh.lock']);
    expect(world.prompts()).toEqual(['do the work']);
    expect((await daemon.told('swap_refused')).data).toMatchObject({ reason: 'backoff' });

    rmdirSync(lock);
    await waitFor(() => world.servedBy().length > 0);
    const { swap } = await daemon.swapDone();
    expect(swap).toMatchObject({ to: 'work-2', phase: 'done' });
    expect(swap.id).not.toBe(postponed?.id);
    expect(locksIn(world)).toEqual([]);
  }),
);

test.concurrent(
  'a step that fails after the flip puts link and credentials back, leaves the panes alone, and a later try goes through [R44]',
  onStage(async ({ world, tmux, start }) => {
    const adapters = fragile(world);
    adapters.failFreshen = true;
    const pane = await world.startPane(tmux, { name: 'a' });
    const daemon = await start({ adapters, changes: { switcher: { retry_backoff: { initial: '5s', max: '5s' } } } });
    const target = readlinkSync(world.link);
    const { mtimeMs } = statSync(world.home('work-1').credentials);
    world.setLimit('work-1', { kind: 'five_hour', resetsAt: Date.now() + 3 * HOUR });
    await pane.say('do the work');
    const { swap, incident, recoveries } = await daemon.swapDone();

    expect(swap).toMatchObject({ phase: 'failed', error: 'input/output error', flippedAt: null, locks: [] });
    expect(incident?.steps.map(({ step }) => step).join(' ')).toMatch(
      /^prepared (?:locked released )*locked rolling_back released locked released failed$/,
    );
    expect(recoveries).toEqual([]);
    expect(readlinkSync(world.link)).toBe(target);
    expect(statSync(world.home('work-1').credentials).mtimeMs).toBeGreaterThan(mtimeMs);
    expect(locksIn(world)).toEqual([]);
    expect(await daemon.told('swap_failed')).toMatchObject({ severity: 'critical' });
    await waitFor(() => daemon.status().pools[0]?.switcher === 'normal');
    expect(daemon.status().pools[0]?.active_account).toBe('work-1');
    await daemon.polls(5);
    expect(world.prompts()).toEqual(['do the work']);

    adapters.failFreshen = false;
    await waitFor(() => world.servedBy().length > 0);
    expect(world.servedBy()).toEqual(['work-2']);
    expect((await daemon.swapDone()).swap).toMatchObject({ phase: 'done', to: 'work-2' });
    expect(await daemon.app.api.swaps(10)).toHaveLength(2);
  }),
);

test.concurrent(
  'a roll-back that fails makes the pool partial: unhealthy, no further swap, until recover finds the link in order and the panes go on [R45]',
  onStage(async ({ world, tmux, start }) => {
    const adapters = fragile(world);
    adapters.failFreshen = true;
    adapters.failPointTo = world.home('work-1').home;
    const pane = await world.startPane(tmux, { name: 'a' });
    const daemon = await start({ adapters });
    expect(readlinkSync(world.link)).toBe(adapters.failPointTo);
    world.setLimit('work-1', { kind: 'five_hour', resetsAt: Date.now() + 3 * HOUR });
    await pane.say('do the work');
    const { swap } = await daemon.swapDone();

    expect(swap.phase).toBe('partial');
    expect(await daemon.told('partial_swap')).toMatchObject({ severity: 'critical', swap: swap.id });
    await waitFor(() => daemon.health().partial_swap);
    expect(daemon.health().status).toBe('unhealthy');
    expect(await daemon.app.api.swap({ ...BY_HAND, force: true })).toMatchObject({ reason: 'partial' });
    await daemon.polls(10);
    expect(await daemon.app.api.swaps(10)).toHaveLength(1);
    expect(world.prompts()).toEqual(['do the work']);
    expect(locksIn(world)).toEqual([]);

    adapters.failFreshen = false;
    adapters.failPointTo = null;
    expect(await daemon.app.api.recover(null)).toMatchObject([{ ok: true, detail: expect.stringContaining('work-2') }]);
    await waitFor(() => !daemon.health().partial_swap);
    await waitFor(() => world.servedBy().length > 0);
    expect(world.servedBy()).toEqual(['work-2']);
    expect(world.prompts()).toEqual(['do the work', 'continue']);
    const finished = await daemon.swapDone();
    expect(finished.swap).toMatchObject({ id: swap.id, phase: 'done', error: null });
    expect(finished.incident?.result).toMatchObject({ outcome: 'completed' });
  }),
);
