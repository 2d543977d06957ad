/** An account whose login is refused, on a real tmux server: left only where the configuration says so. */
import { expect, test } from 'vitest';
import { changeLogin, REVOKED } from '../support/change-login.ts';
import { onStage } from '../support/stage.ts';
import { waitFor } from '../support/wait.ts';

test.concurrent(
  'two sessions are refused their login: the pool leaves the account and both go on elsewhere [R156 R280]',
  onStage(async ({ world, tmux, start }) => {
    const panes = [await world.startPane(tmux, { name: 'a' }), await world.startPane(tmux, { name: 'b' })];
    const daemon = await start({ changes: { quota: { swap_on_account_down: true } } });
    await daemon.polls(2);
    changeLogin(world, 'work-1', REVOKED);
    for (const pane of panes) await pane.say('do the work');
    const { swap, recoveries, incident } = await daemon.swapDone();

    expect(swap).toMatchObject({ trigger: 'down', from: 'work-1', to: 'work-2', phase: 'done' });
    expect(swap.reason).toBe('the login of work-1 is refused in 2 of its 2 sessions');
    expect(incident?.decision).toMatchObject({ wish: { kind: 'down' }, chain: expect.any(Array) });
    expect(incident?.evidence).toHaveLength(2);
    expect(recoveries.map(({ label, state }) => [label, state]).sort()).toEqual([
      ['a:0.0', 'recovered'],
      ['b:0.0', 'recovered'],
    ]);
    expect([...world.prompts()].sort()).toEqual(['continue', 'continue', 'do the work', 'do the work']);
    expect(await world.served(2)).toEqual(['work-2', 'work-2']);
    expect(world.activeAccount()).toBe('work-2');
    await daemon.polls(4);
    expect(await daemon.app.api.swaps(10)).toHaveLength(1);
    expect(daemon.status().accounts[0]).toMatchObject({ name: 'work-1', state: 'expired' });
  }),
);

test.concurrent(
  'by default the account is only told of, however many sessions are refused [R156]',
  onStage(async ({ world, tmux, start }) => {
    const panes = [await world.startPane(tmux, { name: 'a' }), await world.startPane(tmux, { name: 'b' })];
    const daemon = await start();
    await daemon.polls(2);
    changeLogin(world, 'work-1', REVOKED);
    for (const pane of panes) await pane.say('do the work');
    await daemon.told('login_needed');
    await waitFor(async () => {
      await daemon.app.supervisor.runOnce('alerts');
      const open = await daemon.app.api.records.alerts({ statuses: ['active'], limit: 9 });
      return open.some(({ fingerprint }) => fingerprint === 'account_down:account:work-1');
    });
    await daemon.polls(5);
    expect(await daemon.app.api.swaps(10)).toEqual([]);
    expect(world.activeAccount()).toBe('work-1');
    expect(world.prompts()).toEqual(['do the work', 'do the work']);
  }),
);
