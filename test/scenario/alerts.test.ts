/** A real limit leaves an alert while it lasts, and figures that stay. */
import { expect, test } from 'vitest';
import { HOUR } from '../support/daemon.ts';
import { onStage } from '../support/stage.ts';
import { waitFor } from '../support/wait.ts';

test(
  'a swap is counted, its account at the limit is one alert, and setting its use back ends it [R153 R168 R177]',
  onStage(async ({ world, tmux, start }) => {
    const pane = await world.startPane(tmux, { name: 'a' });
    const daemon = await start();
    const { records } = daemon.app.api;
    // A look that is under way already is none of these.
    const detect = (): Promise<unknown> =>
      waitFor(async () => (await daemon.app.supervisor.runOnce('alerts')).every(({ result }) => result !== 'skipped'));
    const open = async () =>
      (await records.alerts({ statuses: ['active'], limit: 9 })).map(({ fingerprint }) => fingerprint);
    world.setLimit('work-1', { kind: 'five_hour', resetsAt: Date.now() + 3 * HOUR });
    await pane.say('do the work');
    await daemon.swapDone();

    await detect();
    await detect();
    expect(await open()).toContain('rate_limit:account:work-1');
    expect((await daemon.events('alert_raised')).filter(({ data }) => data.alert_type === 'rate_limit')).toHaveLength(
      1,
    );
    expect(daemon.status().alerts.active).toBe((await open()).length);

    const { total, accounts } = await records.stats('today');
    expect(total).toMatchObject({ swaps: 1, hits: { consumed: 1 }, recoveries: { hot: 1, handed_over: 0 } });
    expect(total.recoveries.median_ms).toBeGreaterThan(0);
    expect(accounts.map(({ account, swaps }) => [account, swaps]).slice(0, 2)).toEqual([
      ['work-1', 1],
      ['work-2', 0],
    ]);

    expect(await daemon.app.api.account('work-1', 'reset-quota')).toMatchObject({ kind: 'done' });
    await waitFor(async () => {
      await daemon.app.supervisor.runOnce('reconciler');
      await detect();
      return !(await open()).includes('rate_limit:account:work-1');
    });
    expect(await daemon.events('quota_reset_by_hand')).toMatchObject([{ account: 'work-1' }]);

    expect(await daemon.app.api.account('work-1', 'disable')).toMatchObject({ kind: 'done' });
    await detect();
    expect(await open()).toContain('account_disabled:account:work-1');
    await daemon.app.api.account('work-1', 'enable');
    await detect();
    await detect();
    expect(await open()).not.toContain('account_disabled:account:work-1');
  }),
);
