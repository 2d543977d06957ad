/** Links, homes and logins that change under the daemon: adopted, told, never overwritten. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { changeLogin, REVOKED } from '../support/change-login.ts';
import { BY_HAND, HOUR } from '../support/daemon.ts';
import { onStage } from '../support/stage.ts';
import type { StandInWorld } from '../support/stand-in/index.ts';
import { waitFor } from '../support/wait.ts';

function limitFirst(world: StandInWorld): void {
  world.setLimit('work-1', { kind: 'five_hour', resetsAt: Date.now() + 3 * HOUR });
}

test.concurrent(
  'a link that somebody moved to another account is kept so and told, and later limits are charged to that account [R48]',
  onStage(async ({ world, tmux, start }) => {
    const pane = await world.startPane(tmux, { name: 'a' });
    const daemon = await start({ changes: { quota: { reactivate_cooldown: '0s' } } });
    world.flip('work-2');
    const told = await daemon.told('active_account_external_change');

    expect(told).toMatchObject({ severity: 'warning', account: 'work-2', pool: 'default' });
    await daemon.polls(5);
    expect(world.activeAccount()).toBe('work-2');
    await waitFor(() => daemon.health().pools[0]?.active_account === 'work-2');
    expect(daemon.health().pools[0]).toMatchObject({ active_account: 'work-2', switcher: 'normal' });
    world.setLimit('work-2', { kind: 'five_hour', resetsAt: Date.now() + 3 * HOUR });
    await pane.say('do the work');
    expect((await daemon.swapDone()).swap).toMatchObject({ from: 'work-2', to: 'work-1', phase: 'done' });
    expect(await daemon.events('active_account_external_change')).toHaveLength(1);
  }),
);

const STRANGE = {
  'points at a place of nobody': (world: StandInWorld) => {
    unlinkSync(world.link);
    symlinkSync(world.shared, world.link);
  },
  dangles: (world: StandInWorld) => {
    unlinkSync(world.link);
    symlinkSync(join(world.root, 'nowhere'), world.link);
  },
  'was replaced by a directory': (world: StandInWorld) => {
    unlinkSync(world.link);
    mkdirSync(join(world.link, 'precious'), { recursive: true });
  },
  'was replaced by a file': (world: StandInWorld) => {
    unlinkSync(world.link);
    writeFileSync(world.link, 'precious');
  },
  'is gone': (world: StandInWorld) => unlinkSync(world.link),
};

for (const [what, change] of Object.entries(STRANGE)) {
  test.concurrent(
    `a link that ${what} makes the pool partial, nothing is overwritten, and recover waits until it is mended [R48 R267]`,
    onStage(async ({ world, tmux, start }) => {
      const pane = await world.startPane(tmux, { name: 'a' });
      const daemon = await start();
      limitFirst(world);
      change(world);
      const before = describePlace(world.link);
      const told = await daemon.told('partial_swap');

      expect(told.severity).toBe('critical');
      expect(String(told.data.reason)).toContain(world.link);
      await waitFor(() => daemon.health().partial_swap);
      expect(daemon.health()).toMatchObject({ status: 'unhealthy', checks: { link: 'fail' } });
      expect(await daemon.app.api.swap({ ...BY_HAND, to: 'work-2', force: true })).toMatchObject({ reason: 'partial' });
      expect(await daemon.app.api.recover(null)).toMatchObject([
        { ok: false, detail: expect.stringContaining('ln -sfn') },
      ]);
      await daemon.polls(3);
      expect(describePlace(world.link)).toBe(before);
      expect(await daemon.events('partial_swap')).toHaveLength(1);

      rmSync(world.link, { recursive: true, force: true });
      symlinkSync(world.home('work-1').home, world.link);
      expect(await daemon.app.api.recover(null)).toMatchObject([{ ok: true }]);
      await waitFor(() => daemon.health().status === 'ok');
      await pane.say('do the work');
      expect((await daemon.swapDone()).swap).toMatchObject({ to: 'work-2', phase: 'done' });
    }),
  );
}

test.concurrent(
  'an account whose tokens the CLI blanked is never taken; logged in again it is used [R173 R267]',
  onStage(async ({ world, tmux, start }) => {
    const pane = await world.startPane(tmux, { name: 'a' });
    const daemon = await start();
    const restore = changeLogin(world, 'work-2', { accessToken: '', refreshToken: '', expiresAt: 0 });
    expect(await daemon.told('login_needed')).toMatchObject({ severity: 'critical', account: 'work-2' });
    await waitFor(() => daemon.status().accounts[1]?.state === 'expired');
    limitFirst(world);
    await pane.say('do the work');
    await daemon.told('no_eligible_account');
    expect(world.activeAccount()).toBe('work-1');
    expect(daemon.status().accounts[1]).toMatchObject({ name: 'work-2', eligible: false, state: 'expired' });
    expect(readFileSync(world.home('work-1').credentials, 'utf8')).toContain('sk-ant-');

    restore();
    expect((await daemon.swapDone()).swap).toMatchObject({ to: 'work-2', phase: 'done' });
    expect(await world.served(1)).toEqual(['work-2']);
    expect(await daemon.events('login_needed')).toHaveLength(1);
    expect((await daemon.events('account_recovered')).some(({ account }) => account === 'work-2')).toBe(true);
  }),
);

test.concurrent(
  'an account whose credentials are gone is told, and told again when they are back [R267 R281]',
  onStage(async ({ world, tmux, start }) => {
    await world.startPane(tmux, { name: 'a' });
    const daemon = await start();
    const { credentials } = world.home('work-2');
    renameSync(credentials, `${credentials}.away`);
    expect(await daemon.told('account_not_usable')).toMatchObject({ severity: 'warning', account: 'work-2' });
    renameSync(`${credentials}.away`, credentials);
    expect(await daemon.told('drift_ended')).toMatchObject({ account: 'work-2' });
    expect(await daemon.events('account_not_usable')).toHaveLength(1);
  }),
);

test.concurrent(
  'an account that is suddenly logged in as somebody else is told and passed over [R266 R267]',
  onStage(
    async ({ world, tmux, start }) => {
      const pane = await world.startPane(tmux, { name: 'a' });
      const daemon = await start();
      changeLogin(world, 'work-2', { accountUuid: '00000000-0000-4000-8000-000000000000' });
      expect(await daemon.told('drift')).toMatchObject({ severity: 'critical', account: 'work-2' });
      limitFirst(world);
      await pane.say('do the work');
      const { swap, incident } = await daemon.swapDone();

      expect(swap).toMatchObject({ to: 'work-3', phase: 'done' });
      expect(incident?.decision.passedOver).toEqual(
        expect.arrayContaining([
          { account: 'work-2', reasons: [expect.objectContaining({ code: 'identity_changed' })] },
        ]),
      );
      expect(await daemon.events('drift')).toHaveLength(1);
      expect(await daemon.app.api.swap({ ...BY_HAND, to: 'work-2', force: true })).toMatchObject({
        reason: 'target_ineligible',
      });
    },
    { accounts: ['work-1', 'work-2', 'work-3'] },
  ),
);

test.concurrent(
  'a lasting login wall has the logins looked at at once, and benches its account alone until its credentials change [R175 R254]',
  onStage(async ({ world, tmux, start }) => {
    const pane = await world.startPane(tmux, { name: 'a' });
    const daemon = await start();
    const lookedAt = () => daemon.status().jobs.find(({ name }) => name === 'credentials')?.last_start ?? null;
    await waitFor(() => lookedAt() !== null);
    const before = lookedAt();
    const restore = changeLogin(world, 'work-1', REVOKED);
    await pane.say('do the work');
    const told = await daemon.told('login_needed');
    expect(told).toMatchObject({ severity: 'critical', account: 'work-1', pane: 'a:0.0' });
    await waitFor(() => lookedAt() !== before);
    await daemon.polls(5);
    expect(await daemon.app.api.swaps(10)).toEqual([]);
    expect(world.activeAccount()).toBe('work-1');

    // The wall still stands there when the link has moved: it is not the new account's.
    const answer = await daemon.app.api.swap({ ...BY_HAND, to: 'work-2' });
    await daemon.swapDone(90_000, answer.kind === 'accepted' ? answer.id : '');
    await daemon.polls(8);
    expect(daemon.status().accounts.map(({ name, state }) => [name, state])).toEqual([
      ['work-1', 'expired'],
      ['work-2', 'active'],
    ]);

    restore();
    await waitFor(() => daemon.status().accounts[0]?.state !== 'expired');
    await daemon.polls(8);
    expect(daemon.status().accounts[0]?.state).not.toBe('expired');
    expect(await daemon.events('login_needed')).toHaveLength(1);
    expect(await pane.screen()).toContain('Please run /login');
    expect(world.prompts()).toEqual(['do the work']);
  }),
);

function describePlace(path: string): string {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return 'nothing';
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) return `link to ${readlinkSync(path)}`;
  if (stat.isFile()) return `file: ${readFileSync(path, 'utf8')}`;
  return `directory, ${existsSync(join(path, 'precious')) ? 'whole' : 'changed'}`;
}
