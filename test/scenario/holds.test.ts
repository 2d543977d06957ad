/** When the daemon must not swap: other failures, quoted words, no account left, observe, pause, cooldown. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DAY, HOUR } from '../support/daemon.ts';
import { onStage } from '../support/stage.ts';
import { waitFor } from '../support/wait.ts';

const BANNER = "You've hit your session limit · resets 11:59pm (UTC)";

test.concurrent(
  'a server error that speaks of rate limits stands on the screen for many polls and moves nothing [R7 R148 R254]',
  onStage(async ({ world, tmux, start }) => {
    const versions = { new: '2.1.328', old: '2.0.76' };
    const panes = await Promise.all(
      Object.entries(versions).map(([name, version]) =>
        world.startPane(tmux, { name, project: name, env: { STAND_IN_VERSION: version } }),
      ),
    );
    const daemon = await start();
    world.setFailing('work-1', true);
    for (const pane of panes) await pane.say('do the work');
    for (const pane of panes) await pane.shows('rate limit exceeded');
    await daemon.polls(25);

    expect(await daemon.app.api.swaps(10)).toEqual([]);
    expect(await daemon.events('swap_requested', 'quota_hit')).toEqual([]);
    expect((await daemon.events('throttled')).map(({ session }) => session).sort()).toEqual(['new', 'old']);
    expect(daemon.status().accounts.map(({ quota }) => quota)).toEqual([{}, {}]);
    expect(world.prompts()).toHaveLength(2);
    expect(world.activeAccount()).toBe('work-1');
  }),
);

test.concurrent(
  'an agent that prints a limit banner as its own words, and a prompt that quotes one, move nothing [R16 R252]',
  onStage(async ({ world, tmux, start }) => {
    const says = `The log reads:\n⎿  ${BANNER}\n\n${BANNER}\n\n    ${BANNER}`;
    const panes = await Promise.all(
      ['2.1.328', '2.0.76'].map((version) =>
        world.startPane(tmux, {
          name: version.replaceAll('.', '-'),
          project: version,
          env: { STAND_IN_VERSION: version, STAND_IN_SAYS: says },
        }),
      ),
    );
    const daemon = await start();
    for (const pane of panes) await pane.say(`what does this mean: ${BANNER}`);
    for (const pane of panes) await pane.shows('The log reads');
    await daemon.polls(20);

    expect(await daemon.app.api.swaps(10)).toEqual([]);
    expect(await daemon.events('swap_requested', 'quota_hit')).toEqual([]);
    expect(world.prompts()).toHaveLength(2);
  }),
);

test.concurrent(
  'with every account at its limit nothing is flipped or typed, it is said once, and the first reset brings the work back [R54 R55 R143]',
  onStage(async ({ world, tmux, start }) => {
    const pane = await world.startPane(tmux, { name: 'a' });
    const daemon = await start({ changes: { quota: { reactivate_cooldown: '0s' } } });
    // Far enough ahead that everything up to it has happened on a starved machine too.
    const firstReset = Date.now() + 45_000;
    world.setLimit('work-1', { kind: 'five_hour', resetsAt: firstReset });
    world.setLimit('work-2', { kind: 'seven_day', resetsAt: Date.now() + 3 * DAY });
    await pane.say('do the work');
    const told = await daemon.told('no_eligible_account');

    expect(told.severity).toBe('critical');
    const resetAt = new Date(Math.floor(firstReset / 1000) * 1000).toISOString();
    expect(told.data).toMatchObject({ earliest: 'work-1' });
    expect(new Date(String(told.data.earliest_reset_at)).toISOString()).toBe(resetAt);
    await waitFor(() => daemon.health().pools[0]?.switcher === 'exhausted');
    expect(daemon.health()).toMatchObject({ status: 'unhealthy', pools: [{ eligible: 0 }] });
    expect(daemon.health().reasons).toContain('pool default: no account can be used (no_eligible_account)');
    expect(world.activeAccount()).toBe('work-2');
    const typed = world.prompts().length;
    await daemon.polls(5);
    expect(world.prompts()).toHaveLength(typed);
    expect(await daemon.app.api.swaps(10)).toHaveLength(1);
    expect(Date.now()).toBeLessThan(firstReset);

    // An account is left alone for a minute, and up to 12 s more, after its reset [R36].
    await waitFor(() => world.servedBy().length > 0, { timeoutMs: 180_000 });
    expect(world.servedBy()).toEqual(['work-1']);
    const record = await daemon.swapDone();
    expect(record.swap).toMatchObject({ from: 'work-2', to: 'work-1', phase: 'done' });
    expect(await daemon.events('no_eligible_account')).toHaveLength(1);
    await waitFor(() => daemon.health().status !== 'unhealthy');
  }),
  360_000,
);

test.concurrent(
  'at the reset of the active account a pane that continues by itself is not doubled, and the pool is normal again [R54 R263]',
  onStage(async ({ world, tmux, start }) => {
    const pane = await world.startPane(tmux, { name: 'a' });
    const daemon = await start({ changes: { accounts: accountsOf(world, { enabled: ['work-1'] }) } });
    world.setLimit('work-1', { kind: 'five_hour', resetsAt: Date.now() + 30_000 });
    await pane.say('do the work');
    await daemon.told('no_eligible_account');
    await daemon.told('account_recovered');
    await daemon.polls(5);
    await waitFor(() => daemon.health().pools[0]?.switcher === 'normal');
    await waitFor(() => world.servedBy().length > 0);

    expect(world.events('prompt').map(({ source }) => source)).toEqual(['typed', 'reset']);
    expect(world.servedBy()).toEqual(['work-1']);
    expect(daemon.health().pools[0]?.active_account).toBe('work-1');
    expect(await daemon.app.api.swaps(10)).toEqual([]);
  }),
);

test.concurrent(
  'in observe nothing is typed and nothing flipped, and what would have been done is written down once [R224 R272]',
  onStage(async ({ world, tmux, start }) => {
    const pane = await world.startPane(tmux, { name: 'a' });
    const daemon = await start({ changes: { mode: 'observe' } });
    world.setLimit('work-1', { kind: 'seven_day', resetsAt: Date.now() + DAY });
    await pane.say('do the work');
    const refused = await daemon.told('swap_refused');
    await daemon.polls(10);

    expect(refused.data).toMatchObject({ reason: 'observe', detail: 'would swap to work-2: mode: observe' });
    expect(await daemon.events('swap_refused')).toHaveLength(1);
    expect(world.activeAccount()).toBe('work-1');
    expect(await daemon.app.api.swaps(10)).toEqual([]);
    expect(world.prompts()).toEqual(['do the work']);
    expect(world.events('menu-closed')).toEqual([]);
    expect(
      await daemon.app.api.swap({ pool: null, to: null, force: true, reason: 'now', dryRun: false }),
    ).toMatchObject({
      kind: 'refused',
      reason: 'observe',
    });
  }),
);

test.concurrent(
  'a pause file stops everything within a tick, even a swap half way through its panes, and its removal lets it go on [R285]',
  onStage(async ({ world, tmux, start }) => {
    const first = await world.startPane(tmux, { name: 'a', project: 'a' });
    const daemon = await start();
    const file = join(world.root, 'state', 'pause');
    writeFileSync(file, 'hands off\n');
    world.setLimit('work-1', { kind: 'seven_day', resetsAt: Date.now() + DAY });
    await first.say('do the work');
    expect((await daemon.told('swap_refused')).data).toMatchObject({ reason: 'paused', detail: 'hands off' });
    await daemon.polls(5);
    expect(world.activeAccount()).toBe('work-1');
    expect(world.events('menu-closed')).toEqual([]);
    expect(daemon.health().reasons).toContain('paused: hands off');

    rmSync(file);
    await waitFor(() => world.activeAccount() === 'work-2');
    writeFileSync(file, 'again\n');
    // The tick that is running may still end, and its key arrive.
    const switcher = () => daemon.status().jobs.find(({ name }) => name === 'switcher:default');
    await waitFor(() => switcher()?.state === 'idle');
    const { recoveries = [] } = (await daemon.app.api.swapRecord('last')) ?? {};
    if (recoveries.some(({ enters }) => enters > 0)) await waitFor(() => world.events('menu-closed').length > 0);
    await daemon.polls(4);
    const keys = world.events().length;
    await daemon.polls(8);
    expect(world.events()).toHaveLength(keys);
    rmSync(file);
    const record = await daemon.swapDone();
    expect(record.recoveries).toMatchObject([{ state: 'recovered' }]);
    expect(await world.served(1)).toEqual(['work-2']);
    expect(world.prompts()).toEqual(['do the work', 'continue']);
  }),
);

test.concurrent(
  'after a restart banners that still stand cause no second swap, and the cooldown goes on [R18 R21]',
  onStage(
    async ({ world, tmux, start }) => {
      const left = await Promise.all(
        ['2.1.328', '2.0.76'].map((version) =>
          world.startPane(tmux, {
            name: version.replaceAll('.', '-'),
            project: version,
            env: { STAND_IN_VERSION: version },
          }),
        ),
      );
      const later = await world.startPane(tmux, { name: 'later', project: 'later' });
      const changes = { watch: { adopted: { swap_policy: 'leave' } }, quota: { swap_cooldown: '45s' } };
      world.setLimit('work-1', { kind: 'five_hour', resetsAt: Date.now() + 3 * HOUR });
      // Before anybody acts: the later one of them would meet no limit any more.
      for (const pane of left) await pane.say('do the work');
      for (const pane of left) await pane.shows('hit your');
      const before = await start({ changes });
      const { swap } = await before.swapDone();
      await before.stop();

      const after = await start({ changes });
      await after.polls(10);
      expect(await after.app.api.swaps(10)).toHaveLength(1);
      for (const pane of left) expect(await pane.screen()).toContain('hit your');
      world.setLimit('work-2', { kind: 'five_hour', resetsAt: Date.now() + 4 * HOUR });
      await later.say('do more work');
      const refused = await after.told('swap_refused');
      const until = new Date((swap.finishedAt ?? 0) + 45_000).toISOString();
      expect(refused.data).toMatchObject({ reason: 'cooldown', account: 'work-2' });
      expect(new Date(String(refused.data.until)).toISOString()).toBe(until);
      await waitFor(() => world.activeAccount() === 'work-3', { timeoutMs: 120_000 });
      const second = (await after.swapDone()).swap;
      expect((second.flippedAt ?? 0) - (swap.finishedAt ?? 0)).toBeGreaterThanOrEqual(45_000);
      expect(world.prompts()).toHaveLength(3);
    },
    { accounts: ['work-1', 'work-2', 'work-3'] },
  ),
);

test.concurrent(
  'the limit of one model is told and moves nothing [R12 R254]',
  onStage(async ({ world, tmux, start }) => {
    const pane = await world.startPane(tmux, { name: 'a' });
    const daemon = await start();
    world.setLimit('work-1', { kind: 'seven_day_opus', resetsAt: Date.now() + 3 * DAY });
    await pane.say('do the work');
    const told = await daemon.told('model_limit');
    await daemon.polls(10);

    expect(told).toMatchObject({ severity: 'warning', session: 'a', account: 'work-1' });
    expect(await daemon.events('model_limit')).toHaveLength(1);
    expect(await daemon.app.api.swaps(10)).toEqual([]);
    expect(world.prompts()).toEqual(['do the work']);
    expect(daemon.status().accounts[0]).toMatchObject({ name: 'work-1', eligible: true });
  }),
);

test.runIf(process.env.CF_LONG === '1')(
  'at the reset of the active account a pane that would wait for ever is told to go on, once [R54 R263]',
  onStage(async ({ world, tmux, start }) => {
    const panes = await Promise.all(
      ['2.1.328', '2.0.76'].map((version) =>
        world.startPane(tmux, {
          name: version.replaceAll('.', '-'),
          project: version,
          env: { STAND_IN_VERSION: version, STAND_IN_AUTO_CONTINUE: 'off' },
        }),
      ),
    );
    const daemon = await start({ changes: { accounts: accountsOf(world, { enabled: ['work-1'] }) } });
    world.setLimit('work-1', { kind: 'five_hour', resetsAt: Math.ceil(Date.now() / 60_000 + 0.5) * 60_000 });
    for (const pane of panes) await pane.say('do the work');
    await daemon.told('no_eligible_account');
    await waitFor(() => world.servedBy().length === 2, { timeoutMs: 240_000 });
    const record = await daemon.swapDone();
    expect(record.swap).toMatchObject({ trigger: 'reset', from: 'work-1', to: 'work-1', phase: 'done' });
    expect(world.prompts().filter((text) => text === 'continue')).toHaveLength(2);
    await waitFor(() => daemon.health().pools[0]?.switcher === 'normal');
  }),
  360_000,
);

/** All accounts of a world, those not named switched off. */
function accountsOf(
  world: { readonly homes: readonly { readonly account: string; readonly home: string }[] },
  { enabled }: { readonly enabled: readonly string[] },
): object {
  return world.homes.map(({ account, home }) => ({ name: account, home, enabled: enabled.includes(account) }));
}
