/** What stops a start, and what a start finds: other daemons, links and homes out of order, a damaged database. */
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FailoverError } from '../../src/core/errors.ts';
import { HOUR } from '../support/daemon.ts';
import { onStage } from '../support/stage.ts';
import type { StandInWorld } from '../support/stand-in/index.ts';
import { waitFor } from '../support/wait.ts';

/** What a start that must not succeed says. */
async function refusal(start: Promise<unknown>): Promise<string> {
  try {
    await start;
  } catch (error) {
    if (error instanceof FailoverError) return `${error.code}: ${error.message} | ${error.hint ?? ''}`;
    throw error;
  }
  throw new Error('the daemon started');
}

test.concurrent(
  'a second daemon is refused with the pid of the first, for the same state directory and for the same link [R243]',
  onStage(async ({ world, start }) => {
    const first = await start();
    expect(await refusal(start())).toContain(`already_running: another daemon runs: pid ${process.pid}`);
    const elsewhere = {
      configFile: join(world.root, 'other.yaml'),
      changes: { daemon: { state_dir: join(world.root, 'state-2'), runtime_dir: join(world.root, 'run-2') } },
    };
    const text = await refusal(start(elsewhere));
    expect(text).toContain(`pid ${process.pid}`);
    expect(text).toContain(`${world.link}.failover.lock`);
    await first.stop();
    await (await start(elsewhere)).stop();
  }),
);

const OUT_OF_ORDER: Readonly<Record<string, { make(world: StandInWorld): void; says: readonly string[] }>> = {
  'the link is missing': {
    make: (world) => unlinkSync(world.link),
    says: ['is missing', 'ln -s '],
  },
  'the link is a directory': {
    make: (world) => {
      unlinkSync(world.link);
      mkdirSync(world.link);
    },
    says: ['is a real directory', 'is there already'],
  },
  'the link is a file': {
    make: (world) => {
      unlinkSync(world.link);
      writeFileSync(world.link, '');
    },
    says: ['is a file', 'mv -nT '],
  },
  'two homes hold the same login': {
    make: (world) => {
      writeFileSync(world.home('work-2').credentials, readFileSync(world.home('work-1').credentials), { mode: 0o600 });
    },
    says: ['work-2 and work-1 are the same login', 'claude-failover accounts login work-2'],
  },
  'a home does not share the transcripts': {
    make: (world) => {
      unlinkSync(join(world.home('work-2').home, 'projects'));
      mkdirSync(join(world.home('work-2').home, 'projects'));
    },
    says: ['accounts/work-2/projects'],
  },
};

for (const [what, { make, says }] of Object.entries(OUT_OF_ORDER)) {
  test.concurrent(
    `the start is refused with its remedy when ${what} [R41 R46 R266]`,
    onStage(async ({ world, start }) => {
      make(world);
      const text = await refusal(start());
      for (const part of ['start_refused', ...says]) expect(text).toContain(part);
      expect(readdirSync(world.user).filter((name) => name.endsWith('.lock'))).toEqual([]);
    }),
  );
}

test.concurrent(
  'all problems are told at once, and a start that allows unshared homes passes over those alone [R46]',
  onStage(async ({ world, start }) => {
    for (const { home } of world.homes) {
      rmSync(join(home, 'projects'));
      mkdirSync(join(home, 'projects'));
    }
    const text = await refusal(start());
    for (const name of ['work-1', 'work-2']) expect(text).toContain(`accounts/${name}/projects`);
    const daemon = await start({ allowUnshared: true });
    expect(daemon.health().status).toBe('ok');
    await daemon.stop();
    unlinkSync(world.link);
    expect(await refusal(start({ allowUnshared: true }))).toContain('is missing');
  }),
);

test.concurrent(
  'a damaged database is put aside; the daemon only observes, says so, and acts again after recover [R97]',
  onStage(async ({ world, tmux, start }) => {
    const pane = await world.startPane(tmux, { name: 'a' });
    const first = await start();
    await first.stop();
    const state = join(world.root, 'state');
    const database = readdirSync(state).find((name) => name.endsWith('.db') || name.endsWith('.sqlite')) ?? '';
    writeFileSync(join(state, database), 'this is no database any more, but it was one before'.repeat(200));

    const daemon = await start();
    expect(readdirSync(join(state, 'quarantine')).length).toBeGreaterThan(0);
    expect(daemon.health().status).toBe('degraded');
    expect(daemon.health().reasons.join()).toContain('observing only: store_quarantined');
    expect(await daemon.told('store_quarantined')).toMatchObject({ severity: 'critical' });
    world.setLimit('work-1', { kind: 'five_hour', resetsAt: Date.now() + 3 * HOUR });
    await pane.say('do the work');
    expect((await daemon.told('swap_refused')).data).toMatchObject({ reason: 'observe' });
    await daemon.polls(5);
    expect(world.activeAccount()).toBe('work-1');

    expect(await daemon.app.api.recover(null)).toMatchObject([{ ok: true }]);
    expect((await daemon.swapDone()).swap).toMatchObject({ to: 'work-2', phase: 'done' });
    expect(await world.served(1)).toEqual(['work-2']);
    await daemon.stop();
    const third = await start();
    expect(third.health().reasons.join()).not.toContain('observing');
  }),
);

test.concurrent(
  'a pool that is partial stays so over a restart until the link is in order [R45 R48]',
  onStage(async ({ world, start }) => {
    const first = await start();
    const target = readlinkSync(world.link);
    unlinkSync(world.link);
    symlinkSync(world.shared, world.link);
    await first.told('partial_swap');
    await first.stop();
    const second = await start();
    await waitFor(() => second.health().partial_swap);
    expect(readlinkSync(world.link)).toBe(world.shared);
    await second.stop();
    unlinkSync(world.link);
    symlinkSync(target, world.link);
    const third = await start();
    expect(third.health()).toMatchObject({ status: 'ok', partial_swap: false });
  }),
);

test.concurrent(
  'sessions that live at the start are adopted as they are: nothing is typed, nothing is restarted, the account is the link’s [R61 R72]',
  onStage(async ({ world, tmux, start }) => {
    const pane = await world.startPane(tmux, { name: 'a' });
    const before = await pane.screen();
    const daemon = await start({ changes: { lifecycle: { reconcile_interval: '1s' } } });
    const adopted = await daemon.told('session_adopted');
    await daemon.polls(10);
    expect(adopted.data).toMatchObject({ launched_under: 'work-1' });
    expect(await pane.screen()).toBe(before);
    expect(world.prompts()).toEqual([]);
    expect(world.events('start')).toHaveLength(1);
  }),
);
