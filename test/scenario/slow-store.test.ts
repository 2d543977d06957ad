/** The pool store hangs in the middle of the night: a swap needs nothing of it. */
import { expect, test } from 'vitest';
import { HOUR } from '../support/daemon.ts';
import { type HangingStore, hangingStore } from '../support/hanging-store.ts';
import { onStage } from '../support/stage.ts';
import { waitFor } from '../support/wait.ts';

test.concurrent(
  'a swap is made while the pool store hangs, and the store has it all when it answers again [R191]',
  onStage(async ({ world, tmux, start }) => {
    const pane = await world.startPane(tmux, { name: 'a' });
    let behind: HangingStore | undefined;
    const daemon = await start({
      adapters: {
        pool: (real) => {
          behind = hangingStore(real);
          return behind.store;
        },
      },
    });
    await daemon.polls(2);
    behind?.hang();
    const resetsAt = Date.now() + HOUR;
    world.setLimit('work-1', { kind: 'five_hour', resetsAt });
    await pane.say('do the work');
    const { swap } = await daemon.swapDone();
    expect(swap).toMatchObject({ from: 'work-1', to: 'work-2', phase: 'done' });
    expect(world.activeAccount()).toBe('work-2');
    expect(behind?.hanging()).toBeGreaterThan(0);
    behind?.release();

    const accounts = (): ReturnType<typeof daemon.status>['accounts'] => daemon.status().accounts;
    await waitFor(() => accounts().find(({ name }) => name === 'work-1')?.state === 'limited');
    expect(await daemon.events('active_account_external_change')).toEqual([]);
  }),
);
