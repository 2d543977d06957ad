/** Leases of a whole daemon over real panes: they follow a swap at once, by themselves and without holding it up. */
import { expect, test } from 'vitest';
import { openReadOnly } from '../../src/store/read-only.ts';
import { HOUR } from '../support/daemon.ts';
import { onStage } from '../support/stage.ts';
import { waitFor } from '../support/wait.ts';

const leasesOf = (status: { accounts: readonly { name: string; leases: number }[] }) =>
  Object.fromEntries(status.accounts.map(({ name, leases }) => [name, leases]));

test.concurrent(
  'every pane counts on the active account, and after a swap on the new one, long before the next reconcile [R178 R180 R181]',
  onStage(async ({ world, tmux, start }) => {
    const panes = [await world.startPane(tmux, { name: 'a' }), await world.startPane(tmux, { name: 'b' })];
    const daemon = await start({ changes: { lifecycle: { reconcile_interval: '1h' } } });
    await waitFor(() => daemon.status().sessions.length === 2);
    daemon.app.supervisor.wake('reconciler');
    await waitFor(() => daemon.status().sessions.every(({ lease }) => lease === 'work-1'));

    world.setLimit('work-1', { kind: 'five_hour', resetsAt: Date.now() + 3 * HOUR });
    await panes[0]?.say('do the work');
    expect((await daemon.swapDone()).swap).toMatchObject({ from: 'work-1', to: 'work-2', phase: 'done' });
    await waitFor(() => daemon.status().sessions.every(({ lease }) => lease === 'work-2'));

    const reasons = daemon.log.lines
      .filter(({ message }) => message === 'lease released')
      .map(({ fields }) => fields.reason);
    expect(reasons.every((reason) => reason === 'moved' || reason === 'account_exhausted')).toBe(true);
    daemon.app.supervisor.wake('reconciler');
    await waitFor(() => leasesOf(daemon.status())['work-2'] === 2);
    expect(leasesOf(daemon.status())).toMatchObject({ 'work-1': 0, 'work-2': 2 });
    await daemon.stop();
    // What a stopped daemon held is left to its end: the next daemon takes it up.
    const store = openReadOnly(`${world.root}/state`);
    expect([...(await store.pool.leaseCounts(Date.now()))]).toEqual([['work-2', 2]]);
    store.close();
  }),
);

test.concurrent(
  'an account that was disabled by hand is no target, and the record has the chain of the decision [R195]',
  onStage(
    async ({ world, tmux, start }) => {
      const pane = await world.startPane(tmux, { name: 'a' });
      const daemon = await start();
      await waitFor(() => daemon.status().sessions.length === 1);
      expect(await daemon.app.api.account('work-2', 'disable')).toMatchObject({ kind: 'done', changed: true });
      world.setLimit('work-1', { kind: 'five_hour', resetsAt: Date.now() + 3 * HOUR });
      await pane.say('do the work');
      const { swap, incident } = await daemon.swapDone();
      expect(swap).toMatchObject({ from: 'work-1', to: 'work-3' });
      expect(incident?.decision.chain).toEqual(
        expect.arrayContaining([
          { account: 'work-3', reason: 'selected', at: swap.startedAt },
          { account: 'work-2', reason: 'status', at: swap.startedAt },
        ]),
      );
    },
    { accounts: ['work-1', 'work-2', 'work-3'] },
  ),
);
