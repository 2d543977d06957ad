/** Looking at panes on real tmux servers. */
import { appendFile, chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPanes } from '../../../src/adapters/tmux/server.ts';
import { type Listen, listenToFile } from '../../../src/adapters/tmux/terminals.ts';
import { TmuxError } from '../../../src/core/errors.ts';
import type { PaneIdentity, PaneSnapshot, PaneView } from '../../../src/core/panes.ts';
import type { Clock, Panes, Processes, WatchScope } from '../../../src/ports.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { agentsIn, clientEnv, recordedTmux, silentLog } from '../../support/panes.ts';
import { startTmux, type TestTmux } from '../../support/tmux.ts';
import { waitFor } from '../../support/wait.ts';

const never = new AbortController().signal;
let tmux: TestTmux;
let ears: Listen | null = null;

beforeEach(async () => {
  tmux = await startTmux();
});
afterEach(async () => {
  ears = null;
  await tmux.kill();
});

/** Waits until the pane's shell has written this and gone on to its `sleep`: nothing more will be heard of its terminal. */
async function hasPrinted(pane: PaneIdentity, text: string): Promise<void> {
  await waitFor(async () => (await tmux.screen(pane.paneId)).includes(text));
  const command = ['display-message', '-p', '-t', pane.paneId, '#{pane_current_command}'];
  await waitFor(async () => (await tmux.run(...command)) === 'sleep');
}

/** Plain tmux commands at every look, which is what is left where the kernel tells nothing; and the ears that spare them. */
const WAYS = [
  { way: 'by plain tmux commands alone', listen: null },
  { way: 'with an ear on every terminal', listen: listenToFile },
];

interface Means {
  binary?: string;
  processes?: Processes;
  timeoutMs?: number;
  listen?: Listen;
  clock?: Clock;
}

function panesWith(options: Means = {}): Panes {
  return createPanes({
    binary: options.binary ?? 'tmux',
    commandTimeoutMs: options.timeoutMs ?? 15_000,
    processes: options.processes ?? agentsIn(),
    listen: options.listen ?? ears,
    env: clientEnv,
    clock: options.clock ?? new FakeClock(),
    log: silentLog,
  });
}

function scope(change: Partial<WatchScope> = {}): WatchScope {
  return { sockets: [tmux.socket], exclude: [], sessions: [], ...change };
}

function viewOf(snapshot: PaneSnapshot, pane: PaneIdentity): PaneView | undefined {
  return snapshot.panes.find((view) => view.identity.paneId === pane.paneId);
}

async function sees(panes: Panes, pane: PaneIdentity, text: string): Promise<PaneView> {
  return await waitFor(async () => {
    const view = viewOf(await panes.sweep(scope(), never), pane);
    return view?.screen?.text.includes(text) ? view : null;
  });
}

describe.each(WAYS)('one look at a server, $way [R277]', ({ listen }) => {
  beforeEach(() => {
    ears = listen;
  });

  it('tells who a pane is, where it stands and what it shows', async () => {
    const pane = await tmux.newPane('printf "hello\\n"; exec sleep 1000', { session: 'work', width: 60, height: 10 });
    const view = await sees(panesWith(), pane, 'hello');
    expect(view).toMatchObject({
      identity: pane,
      sessionName: 'work',
      label: 'work:0.0',
      width: 60,
      height: 10,
      inMode: false,
      dead: false,
      clientActivityAt: null,
      observed: true,
      failures: 0,
    });
    expect(view.tty).toMatch(/^\/dev\//);
    expect(view.screen?.text).toBe(`hello${'\n'.repeat(9)}`);
  });

  it('[R13] finds a banner that wraps at the edge of a narrow pane in one line', async () => {
    const banner = 'You have reached the limit of this account, it resets at 3 pm (UTC)';
    const pane = await tmux.newPane(`printf '${banner}\\n'; exec sleep 1000`, { width: 40, height: 10 });
    const view = await sees(panesWith(), pane, 'reached');
    expect(view.screen?.text.split('\n')[0]).toBe(banner);
  });

  it('[R1] captures and returns only panes that run an agent or belong to a configured session', async () => {
    const agent = await tmux.newPane('exec sleep 1000', { session: 'with-agent' });
    await tmux.newPane('exec sleep 1000', { session: 'with-agent' });
    await tmux.newPane('exec sleep 1000', { session: 'private' });
    const configured = await tmux.newPane('exec sleep 1000', { session: 'configured' });
    const record = await recordedTmux(tmux.dir);
    const panes = panesWith({ binary: record.binary, processes: agentsIn([agent.panePid]) });
    const snapshot = await panes.sweep(scope({ sessions: ['configured'] }), never);
    expect(snapshot.panes.map((view) => view.identity)).toEqual([configured, agent]);
    expect(viewOf(snapshot, configured)?.process).toBeNull();
    const captured = (await record.inputs()).match(/capture-pane .*/g);
    expect(captured).toEqual([configured, agent].map((pane) => `capture-pane -p -J -t ${pane.paneId}`));
  });

  it('[R1] neither captures a pane of an excluded session nor looks at its processes', async () => {
    const shown = await tmux.newPane('exec sleep 1000', { session: 'work' });
    const hidden = await tmux.newPane('exec sleep 1000', { session: 'private-1' });
    await tmux.run('link-window', '-s', 'private-1:0', '-t', 'work:7');
    const asked: number[] = [];
    const processes: Processes = {
      agentsUnder: (pids) => {
        asked.push(...pids);
        return agentsIn().agentsUnder(pids);
      },
      shellInFront: async () => false,
      isAlive: async () => true,
    };
    const panes = panesWith({ processes });
    const snapshot = await panes.sweep(scope({ exclude: ['private-*'], sessions: ['private-1'] }), never);
    expect(snapshot.panes.map((view) => view.identity)).toEqual([shown]);
    expect(asked).not.toContain(hidden.panePid);
  });

  it('concludes nothing about agents from a process table that it cannot read [R275]', async () => {
    const pane = await tmux.newPane('printf "hello\\n"; exec sleep 1000');
    let isReadable = true;
    const processes: Processes = {
      ...agentsIn(),
      agentsUnder: async (pids) => {
        if (!isReadable) throw new TmuxError('process_table', 'process table /proc is not readable');
        return agentsIn().agentsUnder(pids);
      },
    };
    const panes = panesWith({ processes });
    await sees(panes, pane, 'hello');
    expect((await panes.observe(pane, never))?.process).not.toBeNull();
    isReadable = false;
    await tmux.newPane('exec sleep 1000');
    const snapshot = await panes.sweep(scope(), never);
    expect(snapshot.servers).toMatchObject([{ state: 'error', reason: 'process table /proc is not readable' }]);
    expect(viewOf(snapshot, pane)).toMatchObject({ observed: false, process: { agent: 'claude' } });
    await expect(panes.observe(pane, never)).rejects.toThrow('not readable');
  });

  it('tells in a look at one pane whether its shell waits for a command [R275]', async () => {
    const pane = await tmux.newPane('exec sleep 1000');
    const without = (waits: boolean) => panesWith({ processes: { ...agentsIn([]), shellInFront: async () => waits } });
    expect((await without(true).observe(pane, never))?.shellInFront).toBe(true);
    expect((await without(false).observe(pane, never))?.shellInFront).toBe(false);
    const withAgent = panesWith({ processes: { ...agentsIn(), shellInFront: async () => true } });
    expect((await withAgent.observe(pane, never))?.shellInFront).toBe(false);
    expect(viewOf(await withAgent.sweep(scope(), never), pane)?.shellInFront).toBeNull();
  });

  it('[R100] takes a session name as it is, not as the beginning of another', async () => {
    await tmux.newPane('exec sleep 1000', { session: 'ccl-11' });
    await tmux.newPane('exec sleep 1000', { session: 'ccl-1-conformvault' });
    const panes = panesWith({ processes: agentsIn([]) });
    expect((await panes.sweep(scope({ sessions: ['ccl-1'] }), never)).panes).toEqual([]);
    const pane = await tmux.newPane('exec sleep 1000', { session: 'ccl-1' });
    const snapshot = await panes.sweep(scope({ sessions: ['ccl-1'] }), never);
    expect(snapshot.panes.map((view) => view.identity)).toEqual([pane]);
  });

  it('shows a pane once that is linked into several sessions', async () => {
    const pane = await tmux.newPane('exec sleep 1000', { session: 'one' });
    await tmux.run('new-session', '-d', '-t', 'one', '-s', 'two');
    const snapshot = await panesWith({ processes: agentsIn([]) }).sweep(scope({ sessions: ['two'] }), never);
    expect(snapshot.panes.map((view) => view.identity)).toEqual([pane]);
  });

  it('says that a pane is in copy mode, and still shows its program', async () => {
    const pane = await tmux.newPane('printf "hello\\n"; exec sleep 1000');
    const clock = new FakeClock();
    const panes = panesWith({ clock });
    await sees(panes, pane, 'hello');
    await tmux.run('copy-mode', '-t', pane.paneId);
    // It makes no sound; if the pane is at rest by now, the next list tells.
    await clock.advance(10_000);
    const view = viewOf(await panes.sweep(scope(), never), pane);
    expect(view).toMatchObject({ inMode: true, observed: true });
    expect(view?.screen?.text).toContain('hello');
  });

  it('is not disturbed by control characters and bytes that are not UTF-8', async () => {
    const bytes = String.raw`\377\376 \001\002\016\017 \033]0;title\007 \302 end`;
    const pane = await tmux.newPane(`printf '${bytes}'; exec sleep 1000`, { session: 'sonne ☀ %s' });
    const view = await sees(panesWith(), pane, 'end');
    expect(view).toMatchObject({ sessionName: 'sonne ☀ %s', observed: true });
  });

  it('asks tmux twice for any number of panes, and again once while they are quiet', async () => {
    const first = await tmux.newPane('exec sleep 1000', { session: 'many' });
    for (let i = 0; i < 59; i++) await tmux.newPane('exec sleep 1000', { session: 'many' });
    const record = await recordedTmux(tmux.dir);
    const panes = panesWith({ binary: record.binary });
    const snapshot = await panes.sweep(scope(), never);
    expect(snapshot.panes).toHaveLength(60);
    expect(snapshot.panes.every((view) => view.observed && view.screen !== null)).toBe(true);
    expect(await record.calls()).toHaveLength(2);
    const quiet = await waitFor(async () => {
      const before = (await record.calls()).length;
      const next = await panes.sweep(scope(), never);
      return (await record.calls()).length <= before + 1 ? next : null;
    });
    expect(quiet.panes).toHaveLength(60);
    expect(quiet.panes.every((view) => view.observed)).toBe(true);
    expect(viewOf(quiet, first)?.screen).toEqual(viewOf(snapshot, first)?.screen);
  });

  it('tells when a client last pressed a key, and nothing without a client', async () => {
    const pane = await tmux.newPane('exec cat', { session: 'watched' });
    const panes = panesWith();
    expect((await panes.observe(pane, never))?.clientActivityAt).toBeNull();
    const other = await startTmux();
    try {
      const client = await other.newPane(`exec tmux -S ${tmux.socket} attach -t watched`, { env: { TMUX: '' } });
      await waitFor(async () => (await tmux.run('list-clients')) !== '');
      const attachedAt = (await panes.observe(pane, never))?.clientActivityAt ?? 0;
      expect(attachedAt).toBeGreaterThan(0);
      // Output alone is no activity of a person.
      await appendFile(await tmux.run('display-message', '-p', '-t', pane.paneId, '#{pane_tty}'), 'output\r\n');
      const later = await waitFor(async () => {
        await other.run('send-keys', '-t', client.paneId, 'x');
        const view = await panes.observe(pane, never);
        return (view?.clientActivityAt ?? 0) > attachedAt ? view : null;
      });
      const swept = viewOf(await panes.sweep(scope(), never), pane);
      expect(swept?.clientActivityAt).toBeGreaterThanOrEqual(later.clientActivityAt ?? 0);
    } finally {
      await other.kill();
    }
  });
});

describe.each(WAYS)('the activity gate, $way [R277]', ({ listen }) => {
  beforeEach(() => {
    ears = listen;
  });

  it('[R5] misses no repaint in place, however soon after a capture', async () => {
    const pane = await tmux.newPane('exec sleep 1000');
    const tty = await tmux.run('display-message', '-p', '-t', pane.paneId, '#{pane_tty}');
    const panes = panesWith();
    await panes.sweep(scope(), never);
    for (let i = 0; i < 60; i++) {
      await appendFile(tty, `\x1b7\x1b[3;1Hmark ${i}!\x1b8`);
      await sees(panes, pane, `mark ${i}!`);
    }
  });

  it('captures again after a resize, which is no output', async () => {
    const pane = await tmux.newPane(`printf '${'x'.repeat(60)} end'; exec sleep 1000`, { session: 'sized' });
    const record = await recordedTmux(tmux.dir);
    const clock = new FakeClock();
    const panes = panesWith({ binary: record.binary, clock });
    await sees(panes, pane, 'end');
    await waitFor(async () => {
      const before = (await record.calls()).length;
      await panes.sweep(scope(), never);
      return (await record.calls()).length <= before + 1;
    });
    await tmux.run('resize-window', '-t', 'sized', '-x', '50', '-y', '12');
    // It makes no sound either: then the next list tells.
    await clock.advance(10_000);
    const view = viewOf(await panes.sweep(scope(), never), pane);
    expect(view).toMatchObject({ width: 50, height: 12, observed: true });
    expect(view?.screen?.text.split('\n')).toHaveLength(12);
  });

  it('keeps the time of the first capture for a text that stays', async () => {
    const pane = await tmux.newPane('printf "same\\n"; exec sleep 1000');
    const clock = new FakeClock();
    const options = {
      binary: 'tmux',
      commandTimeoutMs: 15_000,
      processes: agentsIn(),
      listen: ears,
      env: clientEnv,
      clock,
      log: silentLog,
    };
    const panes = createPanes(options);
    const first = await sees(panes, pane, 'same');
    await clock.advance(2000);
    const tty = await tmux.run('display-message', '-p', '-t', pane.paneId, '#{pane_tty}');
    await appendFile(tty, '\x1b7\x1b[1;1Hsame\x1b8');
    const again = await waitFor(async () => {
      const view = viewOf(await panes.sweep(scope(), never), pane);
      return view?.screen?.capturedAt === clock.now() ? view : null;
    });
    expect(again.screen?.changedAt).toBe(first.screen?.changedAt);
    expect(again.screen?.hash).toBe(first.screen?.hash);
  });

  it('captures every pane again when the clock of the server has stepped back', async () => {
    const fake = await scriptedTmux(tmux.dir);
    const panes = panesWith({ binary: fake.binary });
    await fake.show({ timeS: 5000, activityS: 1000, text: 'before' });
    await panes.sweep(scope(), never);
    await fake.show({ timeS: 5002, activityS: 1000, text: 'unseen: nothing says that it changed' });
    expect((await panes.sweep(scope(), never)).panes[0]?.screen?.text).toBe('before');
    await fake.show({ timeS: 2000, activityS: 1000, text: 'after' });
    expect((await panes.sweep(scope(), never)).panes[0]?.screen?.text).toBe('after');
  });

  it('does not take a capture that failed for one that was made', async () => {
    const fake = await scriptedTmux(tmux.dir);
    const panes = panesWith({ binary: fake.binary });
    await fake.show({ timeS: 5000, activityS: 4000, text: 'first' });
    await panes.sweep(scope(), never);
    await fake.show({ timeS: 5010, activityS: 5005, text: null });
    const failed = (await panes.sweep(scope(), never)).panes[0];
    expect(failed).toMatchObject({ observed: false, failures: 1 });
    expect(failed?.screen?.text).toBe('first');
    await fake.show({ timeS: 5012, activityS: 5005, text: null });
    expect((await panes.sweep(scope(), never)).panes[0]).toMatchObject({ observed: false, failures: 2 });
    await fake.show({ timeS: 5014, activityS: 5005, text: 'second' });
    const captured = (await panes.sweep(scope(), never)).panes[0];
    expect(captured).toMatchObject({ observed: true, failures: 0 });
    expect(captured?.screen?.text).toBe('second');
  });

  it('[R102] counts no failure any more once the server answers, though a quiet pane needs no new capture', async () => {
    const fake = await scriptedTmux(tmux.dir);
    const panes = panesWith({ binary: fake.binary });
    await fake.show({ timeS: 5000, activityS: 4000, text: 'quiet' });
    await panes.sweep(scope(), never);
    await fake.fail();
    expect((await panes.sweep(scope(), never)).panes[0]).toMatchObject({ observed: false, failures: 1 });
    await fake.show({ timeS: 5004, activityS: 4000, text: 'unseen: nothing says that it changed' });
    const again = (await panes.sweep(scope(), never)).panes[0];
    expect(again).toMatchObject({ observed: true, failures: 0 });
    expect(again?.screen?.text).toBe('quiet');
  });
});

describe('panes at rest', () => {
  it('cost no tmux client, until one of them writes or the time is over', async () => {
    const pane = await tmux.newPane('printf "first\\n"; exec sleep 1000');
    await tmux.newPane('exec sleep 1000');
    await hasPrinted(pane, 'first');
    const record = await recordedTmux(tmux.dir);
    const clock = new FakeClock();
    // Other terminals come and go on this machine; what their coming does is told elsewhere.
    const listen: Listen = (path, onWrite) =>
      path === '/dev/pts' ? { close: () => undefined } : listenToFile(path, onWrite);
    const panes = panesWith({ binary: record.binary, listen, clock });
    const calls = async (): Promise<number> => (await record.calls()).length;
    const isStill = async (): Promise<boolean> => {
      const before = await calls();
      await panes.sweep(scope(), never);
      return (await calls()) === before;
    };
    await waitFor(isStill);
    const still = await panes.sweep(scope(), never);
    expect(viewOf(still, pane)).toMatchObject({ observed: true, failures: 0 });
    expect(await isStill()).toBe(true);

    const tty = await tmux.run('display-message', '-p', '-t', pane.paneId, '#{pane_tty}');
    await appendFile(tty, 'second');
    // What tmux read only after the ear was opened anew would look like output of which nothing was heard.
    await waitFor(async () => (await tmux.screen(pane.paneId)).includes('second'));
    expect((await sees(panes, pane, 'second')).observed).toBe(true);
    await waitFor(isStill);
    await clock.advance(10_000);
    expect(await isStill()).toBe(false);
    expect(await isStill()).toBe(true);
    const before = await calls();
    await panes.sweep(scope({ exclude: ['nothing*'] }), never);
    expect(await calls()).toBeGreaterThan(before);
  });
});

describe.each(WAYS)('what goes wrong, $way [R277]', ({ listen }) => {
  beforeEach(() => {
    ears = listen;
  });

  it('[R28] tells a server that is not there, and starts none', async () => {
    const missing = join(tmux.dir, 'missing');
    const panes = panesWith();
    const snapshot = await panes.sweep(scope({ sockets: [missing] }), never);
    expect(snapshot.servers).toMatchObject([{ server: missing, state: 'absent', pid: null }]);
    expect(snapshot.panes).toEqual([]);
    const pane = { server: missing, serverPid: 1, serverStartedAtS: 1, paneId: '%0', panePid: 1 };
    expect(await panes.observe(pane, never)).toBeNull();
    expect(await readdir(tmux.dir)).toEqual([]);
  });

  it('tells a server whose socket is left over', async () => {
    const pane = await tmux.newPane('exec sleep 1000');
    // Stopped, it cannot take note of the end of its pane; afterwards the pane would have ended by itself, and its pid be free.
    process.kill(pane.serverPid, 'SIGSTOP');
    process.kill(pane.panePid, 'SIGKILL');
    process.kill(pane.serverPid, 'SIGKILL');
    const panes = panesWith();
    const state = async () => (await panes.sweep(scope(), never)).servers[0]?.state;
    await waitFor(async () => (await state()) === 'absent');
  });

  it('tells that tmux is not installed', async () => {
    const snapshot = await panesWith({ binary: '/nowhere/tmux' }).sweep(scope(), never);
    expect(snapshot.servers).toMatchObject([{ state: 'error', reason: '/nowhere/tmux is not installed' }]);
  });

  it('[R28] goes on with the other panes when one dies between list and capture', async () => {
    const dying = await tmux.newPane('printf dying; exec sleep 1000');
    const living = await tmux.newPane('printf living; exec sleep 1000');
    await waitFor(async () => (await tmux.screen(living.paneId)).includes('living'));
    const record = await recordedTmux(tmux.dir);
    await record.beforeCapture(`tmux -S ${tmux.socket} kill-pane -t ${dying.paneId}`);
    const snapshot = await panesWith({ binary: record.binary }).sweep(scope(), never);
    expect(snapshot.servers).toMatchObject([{ state: 'ok' }]);
    expect(viewOf(snapshot, dying)).toMatchObject({ observed: false, screen: null, failures: 1 });
    expect(viewOf(snapshot, living)?.screen?.text).toContain('living');
  });

  it('does not take the screen of a new process for that of the one in the list', async () => {
    const pane = await tmux.newPane('printf before; exec sleep 1000');
    const record = await recordedTmux(tmux.dir);
    await record.beforeCapture(
      `tmux -S ${tmux.socket} respawn-pane -k -t ${pane.paneId} 'printf after; exec sleep 1000'`,
    );
    const snapshot = await panesWith({ binary: record.binary }).sweep(scope(), never);
    expect(viewOf(snapshot, pane)).toMatchObject({ identity: pane, observed: false, screen: null });
  });

  it('does not take the screen of a restarted server for that of the one in the list', async () => {
    const pane = await tmux.newPane('printf before; exec sleep 1000');
    const record = await recordedTmux(tmux.dir);
    const restart = `tmux -S ${tmux.socket} kill-server; while grep -q ') [^Z] ' /proc/${pane.serverPid}/stat 2>/dev/null; do :; done`;
    const again = `env -u TMUX tmux -S ${tmux.socket} -f /dev/null new-session -d 'printf after; exec sleep 1000'`;
    await record.beforeCapture(`${restart}; ${again}`);
    const panes = panesWith({ binary: record.binary });
    const snapshot = await panes.sweep(scope(), never);
    expect(viewOf(snapshot, pane)).toMatchObject({ identity: pane, observed: false, screen: null });
    const next = await panes.sweep(scope(), never);
    expect(next.panes).toHaveLength(1);
    expect(next.panes[0]?.identity).not.toEqual(pane);
    expect(next.panes[0]?.observed).toBe(true);
    expect(await panes.observe(pane, never)).toBeNull();
    await tmux.run('kill-server');
  });

  it('is not deceived by a screen that shows the marks of an earlier look', async () => {
    const victim = await tmux.newPane('printf victim; exec sleep 1000');
    const forger = await tmux.newPane('exec sleep 1000');
    const tty = await tmux.run('display-message', '-p', '-t', forger.paneId, '#{pane_tty}');
    const record = await recordedTmux(tmux.dir);
    const panes = panesWith({ binary: record.binary });
    await sees(panes, victim, 'victim');
    const mark = /cf[0-9a-f]{32}/.exec(await record.inputs())?.[0] ?? 'no mark';
    const forged = `${mark} pane ${victim.paneId.slice(1)} ${victim.panePid}\r\nforged\r\n${mark} end\r\n`;
    await appendFile(tty, forged);
    const view = await sees(panes, forger, 'forged');
    expect(view.screen?.text).toContain(mark);
    const snapshot = await panes.sweep(scope(), never);
    expect(viewOf(snapshot, victim)?.screen?.text).not.toContain('forged');
    expect(new Set((await record.inputs()).match(/cf[0-9a-f]{32}/g)).size).toBeGreaterThan(1);
  });

  it('[R102] does not wait longer than the limit for a hung server, nor let it hide the others', async () => {
    const hanging = await startTmux();
    try {
      const pane = await tmux.newPane('printf healthy; exec sleep 1000');
      const stuck = await hanging.newPane('printf stuck; exec sleep 1000');
      const both = scope({ sockets: [hanging.socket, tmux.socket] });
      const clock = new FakeClock();
      const panes = panesWith({ timeoutMs: 6000, clock });
      await waitFor(async () => (await panes.sweep(both, never)).panes.every((view) => view.screen?.text.trim()));
      process.kill(stuck.serverPid, 'SIGSTOP');
      // A stopped server is silent; the next list finds it.
      await clock.advance(10_000);

      let begun = performance.now();
      const first = await panes.sweep(both, never);
      expect(performance.now() - begun).toBeLessThan(30_000);
      expect(first.servers.map((server) => server.state)).toEqual(['hung', 'ok']);
      expect(
        viewOf({ ...first, panes: first.panes.filter((view) => view.identity.server === tmux.socket) }, pane),
      ).toMatchObject({ observed: true });
      const stale = first.panes.find((view) => view.identity.server === hanging.socket);
      expect(stale).toMatchObject({ identity: stuck, observed: false, failures: 1 });
      expect(stale?.screen?.text).toContain('stuck');

      begun = performance.now();
      const second = await panes.sweep(both, never);
      expect(performance.now() - begun).toBeLessThan(5500);
      expect(second.panes.find((view) => view.identity.server === hanging.socket)?.failures).toBe(2);
      await expect(panes.observe(stuck, never)).rejects.toMatchObject({ code: 'tmux_hung' });

      process.kill(stuck.serverPid, 'SIGCONT');
      const recovered = await waitFor(async () => {
        const snapshot = await panes.sweep(both, never);
        return snapshot.servers.every((server) => server.state === 'ok') ? snapshot : null;
      });
      expect(recovered.panes.every((view) => view.observed && view.failures === 0)).toBe(true);
    } finally {
      await hanging.kill();
    }
  });

  it('[R102] cuts off output without end and takes none of it for a screen', async () => {
    const fake = await scriptedTmux(tmux.dir);
    await fake.show({ timeS: 5000, activityS: 4000, text: 'x'.repeat(1_200_000) });
    const snapshot = await panesWith({ binary: fake.binary }).sweep(scope(), never);
    expect(snapshot.panes).toMatchObject([{ observed: false, screen: null, failures: 1 }]);
  });

  it('gives up at once when it is called off', async () => {
    await tmux.newPane('exec sleep 1000');
    const snapshot = await panesWith().sweep(scope(), AbortSignal.abort());
    expect(snapshot.servers).toMatchObject([{ state: 'error', reason: 'the call was abandoned' }]);
  });
});

describe.each(WAYS)('a fresh look at one pane, $way [R277]', ({ listen }) => {
  beforeEach(() => {
    ears = listen;
  });

  it('shows what the pane shows now', async () => {
    const pane = await tmux.newPane('exec sleep 1000', { session: 'fresh' });
    const other = await tmux.newPane('printf other; exec sleep 1000');
    const tty = await tmux.run('display-message', '-p', '-t', pane.paneId, '#{pane_tty}');
    const panes = panesWith();
    await appendFile(tty, 'news');
    const view = await waitFor(async () => {
      const seen = await panes.observe(pane, never);
      return seen?.screen?.text.includes('news') ? seen : null;
    });
    expect(view).toMatchObject({ identity: pane, label: 'fresh:0.0', observed: true, process: { pid: pane.panePid } });
    expect(view.screen?.text).not.toContain('other');
    expect((await panes.observe(other, never))?.identity).toEqual(other);
  });

  it('tells where the foreground program works, whatever the name of that place', async () => {
    const place = join(tmux.dir, "it's %H #{pid} 'ü'");
    await mkdir(place);
    const pane = await tmux.newPane('cd "$PLACE"; exec sleep 1000', { env: { PLACE: place } });
    const panes = panesWith();
    await waitFor(async () => (await panes.observe(pane, never))?.cwd === place);
    expect((await panes.sweep(scope(), never)).panes[0]?.cwd).toBeNull();
  });

  it('takes one client', async () => {
    const pane = await tmux.newPane('exec sleep 1000');
    const record = await recordedTmux(tmux.dir);
    await panesWith({ binary: record.binary }).observe(pane, never);
    expect(await record.calls()).toHaveLength(1);
  });

  it('is null for a pane that is gone or has another process', async () => {
    const gone = await tmux.newPane('exec sleep 1000');
    const respawned = await tmux.newPane('exec sleep 1000');
    await tmux.run('kill-pane', '-t', gone.paneId);
    await tmux.run('respawn-pane', '-k', '-t', respawned.paneId, 'exec sleep 1000');
    const panes = panesWith();
    expect(await panes.observe(gone, never)).toBeNull();
    expect(await panes.observe(respawned, never)).toBeNull();
    const restarted = { ...respawned, serverStartedAtS: respawned.serverStartedAtS - 1 };
    expect(await panes.observe(restarted, never)).toBeNull();
  });
});

/** A program that answers like a server with one pane, as the test tells it; a text of null: the capture fails. */
async function scriptedTmux(dir: string) {
  const [binary = '', list = '', text = ''] = ['scripted', 'list', 'text'].map((name) => join(dir, name));
  const script = `#!/bin/sh
case "$*" in
*list-panes*) cat ${list} ;;
*) input=$(cat); mark=$(printf '%s' "$input" | grep -o 'cf[0-9a-f]*' | head -n 1)
  printf '%s server 77 1000\\n%s pane 0 88\\n' $mark $mark
  if [ -e ${text} ]; then cat ${text}; printf '\\n'; else printf 'no such pane\\n' >&2; fi
  printf '%s end\\n' $mark ;;
esac
`;
  await writeFile(binary, script);
  await chmod(binary, 0o755);
  return {
    binary,
    async show(state: { timeS: number; activityS: number; text: string | null }): Promise<void> {
      await writeFile(
        list,
        `77 1000 ${state.timeS}\n%0 88 0 0 ${state.activityS} @0 80 24 0 1000 /dev/pts/nowhere 0.0 fake\n`,
      );
      if (state.text === null) await rm(text, { force: true });
      else await writeFile(text, state.text);
    },
    /** The server answers without a list. */
    fail: () => writeFile(list, ''),
  };
}
