/** Whose pane, whose account, whose keys: pools, servers with the same names, foreign panes, late hits. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { HOUR } from '../support/daemon.ts';
import { onStage } from '../support/stage.ts';
import { waitFor } from '../support/wait.ts';

test.concurrent(
  'two pools swap side by side, each over its own link and its own panes [R268]',
  onStage(async ({ world, tmux, start, newWorld }) => {
    const other = newWorld({ accounts: ['play-1', 'play-2'] });
    const work = await world.startPane(tmux, { name: 'work', project: 'work' });
    const play = await other.startPane(tmux, { name: 'play', project: 'play' });
    const account = (pool: string) => (home: { account: string; home: string }) => ({
      name: home.account,
      home: home.home,
      pool,
    });
    const daemon = await start({
      changes: {
        pools: { play: { link: other.link, shared_root: other.shared } },
        accounts: [...world.homes.map(account('default')), ...other.homes.map(account('play'))],
      },
    });
    other.setLimit('play-1', { kind: 'five_hour', resetsAt: Date.now() + HOUR });
    await play.say('do the play');
    await waitFor(() => other.servedBy().length === 1);
    expect([world.activeAccount(), other.activeAccount()]).toEqual(['work-1', 'play-2']);
    expect(world.prompts()).toEqual([]);

    // The cooldown of one pool does not hold back the other.
    world.setLimit('work-1', { kind: 'five_hour', resetsAt: Date.now() + HOUR });
    await work.say('do the work');
    await waitFor(() => world.servedBy().length === 1);
    await waitFor(async () => (await daemon.app.api.swaps(10)).every(({ phase }) => phase === 'done'));
    const swaps = await daemon.app.api.swaps(10);
    expect(swaps.map(({ pool, from, to }) => [pool, from, to])).toEqual([
      ['default', 'work-1', 'work-2'],
      ['play', 'play-1', 'play-2'],
    ]);
    for (const { id, pool } of swaps) {
      const labels = (await daemon.app.api.swapRecord(id))?.recoveries.map(({ label }) => label);
      expect(labels).toEqual([pool === 'play' ? 'play:0.0' : 'work:0.0']);
    }
    expect([world.prompts(), other.prompts()]).toEqual([
      ['do the work', 'continue'],
      ['do the play', 'continue'],
    ]);
  }),
);

test.concurrent(
  'a pane of no pool, and one whose environment outranks the link, are reported and never typed into [R268 R269]',
  onStage(async ({ world, tmux, start }) => {
    const open = (name: string, env: Record<string, string> = {}) =>
      world.startPane(tmux, { name, project: name, env });
    const key = 'sk-ant-api03-made-up-key-of-the-test';
    const elsewhere = join(world.root, 'elsewhere');
    cpSync(world.home('work-1').home, elsewhere, { recursive: true, verbatimSymlinks: true });
    const panes = [
      await open('keyed', { ANTHROPIC_API_KEY: key }),
      await open('home', { CLAUDE_CONFIG_DIR: world.home('work-1').home }),
      await open('elsewhere', { CLAUDE_CONFIG_DIR: elsewhere }),
    ];
    const ours = await open('ours');
    const daemon = await start();
    world.setLimit('work-1', { kind: 'seven_day', resetsAt: Date.now() + 24 * HOUR });
    for (const pane of panes) await pane.say('do the work');
    for (const pane of panes) await pane.shows('What do you want to do?');
    await daemon.polls(10);
    expect(await daemon.app.api.swaps(10)).toEqual([]);
    expect(daemon.status().accounts.map(({ state }) => state)).toEqual(['active', 'standby']);

    await ours.say('do our work');
    const { recoveries } = await daemon.swapDone();
    expect(recoveries.map(({ label, state }) => [label, state])).toEqual([['ours:0.0', 'recovered']]);
    for (const pane of panes) expect(await pane.screen()).toContain('What do you want to do?');
    expect(world.events('menu-closed')).toHaveLength(1);
    expect(world.prompts().filter((text) => text === 'continue')).toHaveLength(1);
    const told = await daemon.events('session_not_switchable');
    expect(told.map(({ session }) => session).sort()).toEqual(['elsewhere', 'home', 'keyed']);
    const sessions = daemon.status().sessions.filter(({ state }) => state === 'not_switchable');
    expect(sessions.find(({ session }) => session === 'keyed')?.reason).toContain('ANTHROPIC_API_KEY');
    expect(JSON.stringify([daemon.log.lines, daemon.status(), told])).not.toContain(key);
  }),
);

test.concurrent(
  'keys reach the right pane where two servers have the same session names and pane ids [R100 R273]',
  onStage(async ({ world, tmux, start, newTmux }) => {
    const second = await newTmux();
    const near = await world.startPane(tmux, { name: 'ccl-1', project: 'near' });
    const far = await world.startPane(second, { name: 'ccl-1', project: 'far' });
    await world.startPane(second, { name: 'ccl-11', project: 'eleven' });
    await world.startPane(tmux, { name: 'ccl-1-more', project: 'more', shellOnly: true });
    expect(near.paneId).toBe(far.paneId);
    const daemon = await start({ changes: { tmux: { sockets: [tmux.socket, second.socket] } } });
    world.setLimit('work-1', { kind: 'seven_day', resetsAt: Date.now() + 24 * HOUR });
    await far.say('do the work');
    const { recoveries } = await daemon.swapDone();

    expect(recoveries.map(({ pane, state }) => [pane.server, state])).toEqual([[second.socket, 'recovered']]);
    const [hit] = world.events('limit');
    expect(new Set(world.events('prompt').map(({ sessionId }) => sessionId))).toEqual(new Set([hit?.sessionId]));
    expect(await near.screen()).not.toContain('continue');
    await far.shows('account=work-2');
  }),
);

test.concurrent(
  'before anybody works there is no tmux server, and nobody is told of it',
  onStage(async ({ world, tmux, start }) => {
    await tmux.killServer();
    const daemon = await start();
    await daemon.polls(8);
    await world.startPane(tmux, { name: 'a' });
    await daemon.told('session_adopted');
    expect(await daemon.events('tmux_unavailable')).toEqual([]);
  }),
);

test.concurrent(
  'a server that ends and begins anew is told, and its panes are watched again [R28 R102]',
  onStage(async ({ world, tmux, start }) => {
    await world.startPane(tmux, { name: 'a' });
    const daemon = await start();
    await daemon.told('session_adopted');
    await tmux.killServer();
    await daemon.told('tmux_unavailable');
    await daemon.told('session_gone');
    expect(daemon.status().sessions).toEqual([]);
    const again = await world.startPane(tmux, { name: 'a' });
    await daemon.told('tmux_available');
    world.setLimit('work-1', { kind: 'five_hour', resetsAt: Date.now() + HOUR });
    await again.say('do the work');
    const { swap, recoveries } = await daemon.swapDone();

    expect(swap).toMatchObject({ to: 'work-2', phase: 'done' });
    expect(recoveries).toMatchObject([{ state: 'recovered' }]);
    expect(await daemon.app.api.swaps(10)).toHaveLength(1);
    // Looked at every ten seconds.
    await waitFor(() => daemon.health().checks.tmux === 'pass');
  }),
);

test.concurrent(
  'a late hit of a turn that began before the flip is charged to the account that was left, and its pane only resumed [R255 R256]',
  onStage(async ({ world, tmux, start }) => {
    const turns = world.turnHold();
    const env = { STAND_IN_ASKS_FIRST: '1', ...turns.env };
    const late = await world.startPane(tmux, { name: 'late', project: 'late', env });
    const old = await world.startPane(tmux, {
      name: 'old',
      project: 'old',
      env: { STAND_IN_VERSION: '2.0.76', STAND_IN_TITLE: 'off', ...turns.env },
    });
    const first = await world.startPane(tmux, { name: 'first', project: 'first' });
    const daemon = await start({ changes: { quota: { reactivate_cooldown: '0s' } } });
    world.setLimit('work-1', { kind: 'five_hour', resetsAt: Date.now() + HOUR });
    turns.hold();
    await late.say('take your time');
    await old.say('take more time');
    for (const pane of [late, old]) await pane.shows(/Pondering/);
    await first.say('do the work');
    await waitFor(() => world.activeAccount() === 'work-2');
    // Its row is read before its log is written.
    await waitFor(() => world.events('limit').length > 0);
    expect(world.events('limit')).toHaveLength(1);
    turns.letGo();
    await waitFor(() => world.servedBy().length === 3);
    await daemon.polls(10);

    const swaps = await daemon.app.api.swaps(10);
    expect(swaps).toHaveLength(1);
    expect(world.servedBy()).toEqual(['work-2', 'work-2', 'work-2']);
    const hits = await daemon.events('quota_hit');
    expect(hits.map(({ session, account }) => [session, account]).sort()).toEqual([
      ['first', 'work-1'],
      ['late', 'work-1'],
      ['old', 'work-1'],
    ]);
    const record = await waitFor(async () => {
      const last = await daemon.app.api.swapRecord('last');
      return last?.recoveries.every(({ finishedAt }) => finishedAt !== null) ? last : null;
    });
    expect(record.recoveries.map(({ label, recoveredBy }) => [label, recoveredBy]).sort()).toEqual([
      ['first:0.0', 'hot'],
      ['late:0.0', 'hot'],
      ['old:0.0', 'restart'],
    ]);
    expect(daemon.status().accounts.map(({ state }) => state)).toEqual(['limited', 'active']);
  }),
);

test.concurrent(
  'a turn that went on across the flip and is refused afterwards is charged to the account that refused it [R17 R256]',
  onStage(async ({ world, tmux, start }) => {
    const turns = world.turnHold();
    const env = { STAND_IN_WORK_MS: '2000', ...turns.env };
    await world.startPane(tmux, { name: 'long', project: 'long', env });
    await waitFor(() => world.servedBy().length > 0);
    turns.hold();
    const first = await world.startPane(tmux, { name: 'first', project: 'first' });
    const daemon = await start();
    world.setLimit('work-1', { kind: 'five_hour', resetsAt: Date.now() + HOUR });
    await first.say('do the work');
    await daemon.swapDone();
    // Else it is this one that meets the next limit.
    await first.shows('account=work-2');
    world.setLimit('work-2', { kind: 'five_hour', resetsAt: Date.now() + 2 * HOUR });
    turns.letGo();
    await waitFor(() => world.events('limit').length === 2);
    await waitFor(async () => (await daemon.events('quota_hit')).length === 2);

    const hits = await daemon.events('quota_hit');
    expect(hits.map(({ session, account }) => [session, account]).sort()).toEqual([
      ['first', 'work-1'],
      ['long', 'work-2'],
    ]);
  }),
);
