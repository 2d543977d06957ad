/** How stopped panes are brought back: hot, by a restart, or handed over untouched; and that no prompt is sent twice. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { BY_HAND, DAY, HOUR } from '../support/daemon.ts';
import { onStage } from '../support/stage.ts';
import type { StandInWorld } from '../support/stand-in/index.ts';
import { waitFor } from '../support/wait.ts';

/** Its arguments can still be read by a daemon that starts later. */
const OLD = { STAND_IN_VERSION: '2.0.76', STAND_IN_TITLE: 'off' };

function limitFirst(world: StandInWorld): void {
  world.setLimit('work-1', { kind: 'five_hour', resetsAt: Date.now() + 3 * HOUR });
}

function isTitled(world: StandInWorld): boolean {
  const pid = world.events('start')[0]?.pid;
  return readFileSync(`/proc/${pid}/comm`, 'utf8') === 'claude\n';
}

function countOf(world: StandInWorld, text: string): number {
  return world.prompts().filter((prompt) => prompt === text).length;
}

test.concurrent(
  'the menu of a weekly limit is closed with Escape alone, nothing is bought and the pane goes on [R264]',
  onStage(async ({ world, tmux, start }) => {
    const pane = await world.startPane(tmux, { name: 'a' });
    const daemon = await start();
    world.setLimit('work-1', { kind: 'seven_day', resetsAt: Date.now() + 3 * DAY });
    await pane.say('do the work');
    const record = await daemon.swapDone();

    expect(record.recoveries).toMatchObject([{ state: 'recovered', recoveredBy: 'hot' }]);
    expect(await world.served(1)).toEqual(['work-2']);
    expect(world.events().map(({ event }) => event)).toEqual([
      'start',
      'prompt',
      'menu',
      'limit',
      'menu-closed',
      'prompt',
      'reply',
    ]);
    expect(world.wasBought('work-1')).toBe(false);
  }),
);

test.concurrent(
  'an older version is left by /exit, started again in its shell on its own session, and goes on with its history [R49 R51]',
  onStage(async ({ world, tmux, start }) => {
    const pane = await world.startPane(tmux, { name: 'a', env: OLD, args: ['--model', 'opus'] });
    await pane.say('first task');
    await pane.shows('REPLY-1');
    const daemon = await start();
    limitFirst(world);
    await pane.say('second task');
    const record = await daemon.swapDone();

    expect(record.recoveries).toMatchObject([{ state: 'recovered', recoveredBy: 'restart' }]);
    const [first, second] = world.events('start');
    expect(second?.sessionId).toBe(first?.sessionId);
    expect(second).toMatchObject({ resumed: true, argv: ['--model', 'opus', '--resume', first?.sessionId] });
    expect(world.events('exit').map(({ reason }) => reason)).toEqual(['/exit']);
    const screen = await pane.shows('REPLY-2 account=work-2');
    expect(world.events('reply').map(({ n, account }) => [n, account])).toEqual([
      [1, 'work-1'],
      [2, 'work-2'],
    ]);
    for (const text of ['first task', 'REPLY-1 account=work-1']) expect(screen).toContain(text);
    expect(countOf(world, 'continue')).toBe(1);
  }),
);

test.concurrent(
  'an older version that was given the link by its variable is started again with it [R49]',
  onStage(async ({ world, tmux, start }) => {
    const pane = await world.startPane(tmux, { name: 'a', env: { ...OLD, CLAUDE_CONFIG_DIR: world.link } });
    const daemon = await start();
    limitFirst(world);
    await pane.say('do the work');
    const record = await daemon.swapDone();

    expect(record.recoveries).toMatchObject([{ state: 'recovered', recoveredBy: 'restart' }]);
    expect(world.events('exit')).toHaveLength(1);
    expect(await pane.screen()).toContain(`CLAUDE_CONFIG_DIR=${world.link} `);
    expect(await world.served(1)).toEqual(['work-2']);
  }),
);

test.concurrent(
  'a first prompt that was lost after the restart is typed once more, and never a third time [R263]',
  onStage(async ({ world, tmux, start }) => {
    const pane = await world.startPane(tmux, { name: 'a', env: { ...OLD, STAND_IN_SWALLOW_FIRST: '1' } });
    const daemon = await start();
    limitFirst(world);
    await pane.say('do the work');
    const record = await daemon.swapDone();

    expect(record.recoveries).toMatchObject([{ state: 'recovered', recoveredBy: 'restart' }]);
    expect(world.events('swallowed').map(({ text }) => text)).toEqual(['continue']);
    expect(world.events('prompt').map(({ text }) => text)).toEqual(['do the work', 'continue']);
    await daemon.polls(10);
    expect(world.prompts()).toHaveLength(3);
  }),
);

test.concurrent(
  'an armed self-continue is not doubled: one prompt of ours, none of its own [R263]',
  onStage(async ({ world, tmux, start }) => {
    const pane = await world.startPane(tmux, { name: 'a' });
    const daemon = await start();
    const resetsAt = Date.now() + 30_000;
    world.setLimit('work-1', { kind: 'five_hour', resetsAt });
    await pane.say('do the work');
    await daemon.swapDone();
    await waitFor(() => Date.now() > resetsAt + 1000);
    expect(world.events('prompt').map(({ text, source }) => [text, source])).toEqual([
      ['do the work', 'typed'],
      ['continue', 'typed'],
    ]);
    expect(await world.served(1)).toEqual(['work-2']);
  }),
);

test.concurrent(
  'half-typed text, copy mode and every dialog but the limit menu leave a pane to its person, and the swap says so [R56 R265 R275]',
  onStage(async ({ world, tmux, start }) => {
    const open = (name: string, env: Record<string, string> = {}) =>
      world.startPane(tmux, { name, project: name, env });
    const typing = await open('typing');
    const copying = await open('copying');
    const trust = await open('trust', { STAND_IN_DIALOG: 'trust' });
    const permission = await open('permission', { STAND_IN_DIALOG: 'permission' });
    const foreign = await open('foreign', { ...OLD, STAND_IN_DIALOG: 'foreign-session' });
    const free = await open('free');
    const daemon = await start({ changes: { switcher: { verify_timeout: '15s' } } });
    await daemon.app.api.pause('the panes are being set');
    limitFirst(world);
    const panes = [typing, copying, trust, permission, foreign, free];
    for (const pane of panes) await pane.say('do the work');
    for (const pane of panes) await pane.shows('hit your');
    await typing.type('please do not');
    await tmux.run('copy-mode', '-t', copying.paneId);
    await typing.shows('please do not');
    await trust.shows('Quick safety check');
    await permission.shows('Do you want to proceed');
    await waitFor(async () => (await daemon.events('quota_hit')).length === panes.length);
    await daemon.app.api.resume();
    const { swap, recoveries } = await daemon.swapDone();

    expect(swap).toMatchObject({ phase: 'done', to: 'work-2' });
    const ends = Object.fromEntries(recoveries.map((row) => [row.label.split(':')[0], [row.state, row.reason]]));
    expect(ends).toEqual({
      typing: ['handed_over', 'its input line is not empty'],
      copying: ['handed_over', 'the pane is in copy mode'],
      trust: ['handed_over', expect.stringContaining('a dialog waits for you')],
      permission: ['handed_over', expect.stringContaining('Do you want to proceed')],
      foreign: ['handed_over', expect.stringContaining('belongs to another account')],
      free: ['recovered', expect.any(String)],
    });
    expect(await daemon.events('session_handed_over')).toHaveLength(5);
    expect(countOf(world, 'continue')).toBe(1);
    expect(world.events('dialog-key')).toEqual([]);
    expect(await typing.screen()).toContain('❯ please do not\n');
    expect(await tmux.run('display-message', '-p', '-t', copying.paneId, '#{pane_in_mode}')).toBe('1');
  }),
);

test.concurrent(
  'limits that stand there when the daemon starts are acted upon, and a pane that is closed meanwhile is given up [R56 R262]',
  onStage(async ({ world, tmux, start }) => {
    const open = (name: string, env: Record<string, string> = {}) =>
      world.startPane(tmux, { name, project: name, env });
    const panes = { new: await open('new'), old: await open('old', OLD), closed: await open('closed') };
    limitFirst(world);
    for (const pane of Object.values(panes)) await pane.say('do the work');
    for (const pane of Object.values(panes)) await pane.shows('hit your');
    await panes.closed.type('mine');
    await panes.closed.shows('mine');
    const daemon = await start();
    await waitFor(() => world.activeAccount() === 'work-2');
    await daemon.polls(3);
    await tmux.run('kill-pane', '-t', panes.closed.paneId);
    const { recoveries } = await daemon.swapDone();

    const ends = Object.fromEntries(recoveries.map((row) => [row.label.split(':')[0], [row.state, row.recoveredBy]]));
    // The agent of a closed pane may be seen to end before its pane does.
    const closed = [expect.stringMatching(/^(?:gone|handed_over)$/), null];
    expect(ends).toEqual({ new: ['recovered', 'hot'], old: ['recovered', 'restart'], closed });
    expect(await world.served(2)).toEqual(['work-2', 'work-2']);
  }),
);

test.concurrent(
  'nothing is typed into a session within ten seconds of a key that its person pressed there [R275]',
  onStage(async ({ world, tmux, start, newTmux }) => {
    const pane = await world.startPane(tmux, { name: 'mine' });
    const desk = await newTmux();
    const seat = await desk.newPane(`env TMUX= tmux -u -S ${tmux.socket} attach-session -t =mine`);
    await waitFor(async () => (await tmux.run('list-clients')) !== '');
    const daemon = await start();
    // A hand that comes after the flip may come too late.
    await daemon.app.api.pause('until the key is pressed');
    limitFirst(world);
    await pane.say('do the work');
    await daemon.told('swap_refused');
    const touchedAt = Date.now();
    await desk.run('send-keys', '-t', seat.paneId, 'x');
    await pane.shows(/^❯ x$/m);
    await desk.run('send-keys', '-t', seat.paneId, 'BSpace');
    await waitFor(async () => !/^❯ x$/m.test(await pane.screen()));
    await daemon.app.api.resume();
    const { recoveries } = await daemon.swapDone();

    expect(recoveries).toMatchObject([{ state: 'recovered', recoveredBy: 'hot' }]);
    // tmux tells the second of the last key.
    expect((recoveries[0]?.promptedAt ?? 0) - touchedAt).toBeGreaterThan(8900);
    expect(world.prompts()).toEqual(['do the work', 'continue']);
  }),
);

test.concurrent(
  'an older agent that meets the limit with its first prompt ever is started again on the session that prompt began [R49 R50]',
  onStage(async ({ world, tmux, start }) => {
    limitFirst(world);
    const daemon = await start();
    const title = world.turnHold();
    title.hold();
    const env = { STAND_IN_VERSION: '2.0.76', ...title.env };
    const pane = await world.startPane(tmux, { name: 'a', env, args: ['--model', 'opus'] });
    await waitFor(() => daemon.status().sessions.length === 1);
    title.letGo();
    await waitFor(() => isTitled(world));
    await daemon.polls(2);
    await pane.say('do the work');
    const { recoveries } = await daemon.swapDone();
    expect(recoveries).toMatchObject([{ state: 'recovered', recoveredBy: 'restart' }]);
    expect(world.events('start').at(-1)?.argv?.slice(0, 3)).toEqual(['--model', 'opus', '--resume']);
    expect(await world.served(1)).toEqual(['work-2']);
  }),
);

test.concurrent(
  'an older agent that wrote its title over its arguments before it was ever seen starts again without any, and it is said [R49]',
  onStage(async ({ world, tmux, start }) => {
    const pane = await world.startPane(tmux, {
      name: 'a',
      env: { STAND_IN_VERSION: '2.0.76' },
      args: ['--model', 'opus'],
    });
    await waitFor(() => isTitled(world));
    const daemon = await start();
    limitFirst(world);
    await pane.say('do the work');
    const { recoveries } = await daemon.swapDone();
    expect(recoveries).toMatchObject([{ state: 'recovered', recoveredBy: 'restart', launch: { argumentsLost: true } }]);
    expect(world.events('start').at(-1)?.argv?.[0]).toBe('--resume');
    expect(await world.served(1)).toEqual(['work-2']);
  }),
);

test.concurrent(
  'a swap by hand brings the panes back that an automatic one was not allowed to [R57]',
  onStage(async ({ world, tmux, start }) => {
    const panes = [
      await world.startPane(tmux, { name: 'new', project: 'new' }),
      await world.startPane(tmux, { name: 'old', project: 'old', env: OLD }),
    ];
    const daemon = await start();
    await daemon.app.api.pause('not now');
    limitFirst(world);
    for (const pane of panes) await pane.say('do the work');
    await waitFor(async () => (await daemon.events('quota_hit')).length === panes.length);
    await daemon.app.api.resume();
    const answer = await daemon.app.api.swap({ ...BY_HAND, to: 'work-2' });
    const { recoveries } = await daemon.swapDone(90_000, 'id' in answer ? answer.id : 'last');
    expect(recoveries.map(({ state }) => state)).toEqual(['recovered', 'recovered']);
    expect(await world.served(2)).toEqual(['work-2', 'work-2']);
    expect(await daemon.app.api.swaps(10)).toHaveLength(1);
  }),
);

test.concurrent(
  'panes whose policy is leave or notify are not typed into, and the swap names them [R49]',
  onStage(async ({ world, tmux, start }) => {
    const open = (name: string) => world.startPane(tmux, { name, project: name });
    const panes = [await open('left'), await open('told'), await open('resumed')];
    const dedicated = [
      { name: 'left', swap_policy: 'leave' },
      { name: 'told', swap_policy: 'notify' },
    ];
    const daemon = await start({ changes: { sessions: { dedicated } } });
    limitFirst(world);
    await daemon.meetLimit(panes, 'do the work');
    const { recoveries } = await daemon.swapDone();

    const ends = Object.fromEntries(recoveries.map((row) => [row.label.split(':')[0], [row.state, row.reason]]));
    expect(ends).toEqual({
      left: ['handed_over', 'swap_policy: leave'],
      told: ['handed_over', 'swap_policy: notify'],
      resumed: ['recovered', expect.any(String)],
    });
    expect((await daemon.events('session_handed_over')).map(({ pane }) => pane).sort()).toEqual([
      'left:0.0',
      'told:0.0',
    ]);
    expect(countOf(world, 'continue')).toBe(1);
  }),
);
