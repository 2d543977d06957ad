/** Finding agents in process trees: made-up ones, and real ones. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/adapters/clock.ts';
import { createProcesses } from '../../../src/adapters/signals/processes.ts';
import type { AgentProcess } from '../../../src/core/panes.ts';
import { SECOND } from '../../../src/core/time.ts';
import type { Logger, Processes } from '../../../src/ports.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { silentLog, testProfile } from '../../support/panes.ts';
import { startTmux } from '../../support/tmux.ts';
import { waitFor } from '../../support/wait.ts';

let dir: string;
let clock: FakeClock;
const logged: unknown[] = [];
const log: Logger = { ...silentLog, debug: (...line) => logged.push(line), warn: (...line) => logged.push(line) };

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cf-'));
  clock = new FakeClock();
  logged.length = 0;
  await writeFile(join(dir, 'uptime'), '1000.00 3000.00\n');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

interface Made {
  readonly pid: number;
  readonly ppid?: number;
  readonly argv?: readonly string[];
  readonly comm?: string;
  readonly state?: string;
  readonly foreground?: boolean;
  /** Default: a group of its own. */
  readonly pgrp?: number;
  readonly startTicks?: number;
  readonly environ?: Readonly<Record<string, string>>;
  readonly exe?: string;
}

/** Writes what /proc shows of a process; again: it has become another program, or another process. */
async function make(made: Made): Promise<void> {
  const { pid, ppid = 1, argv = ['sh'], comm = argv[0] ?? '', state = 'S', foreground = true, startTicks = 500 } = made;
  const folder = join(dir, String(pid));
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  const pgrp = made.pgrp ?? pid;
  const tpgid = foreground ? pgrp : 1;
  const fields = [state, ppid, pgrp, pid, 34816, tpgid, ...Array(13).fill(0), startTicks, 0, 0];
  await writeFile(join(folder, 'stat'), `${pid} (${comm}) ${fields.join(' ')}\n`);
  await writeFile(join(folder, 'cmdline'), argv.map((word) => `${word}\0`).join(''));
  const environ = { HOME: '/home/me', ...made.environ };
  const text = Object.entries(environ).map(([name, value]) => `${name}=${value}\0`);
  await writeFile(join(folder, 'environ'), text.join(''));
  await symlink(`/work/${pid}`, join(folder, 'cwd'));
  await symlink(made.exe ?? '/bin/sh', join(folder, 'exe'));
}

function processes(ownUid = userInfo().uid): Processes {
  return createProcesses({ profiles: [testProfile], procRoot: dir, ownUid, clock, log });
}

async function agentIn(panePid: number, from = processes()): Promise<AgentProcess | null | undefined> {
  return (await from.agentsUnder([panePid])).get(panePid);
}

const agent = (pid: number, ppid: number, more: Partial<Made> = {}): Made => ({
  pid,
  ppid,
  argv: ['cf-agent'],
  ...more,
});

describe('the agent in a pane', () => {
  it('has the start that it had however slow this process is: clock and uptime are read in one moment', async () => {
    await make({ pid: 10 });
    await make(agent(11, 10, { startTicks: 500 }));
    const begun = clock.now();
    let seconds = 0;
    const timer = setInterval(() => {
      seconds++;
      writeFileSync(join(dir, 'uptime'), `${1000 + seconds}.00 3000.00\n`);
    }, 0);
    const onTime = { ...systemClock(), now: () => begun + seconds * SECOND };
    try {
      for (let look = 0; look < 20; look++) {
        const from = createProcesses({
          profiles: [testProfile],
          procRoot: dir,
          ownUid: userInfo().uid,
          clock: onTime,
          log,
        });
        expect((await agentIn(10, from))?.startedAt).toBe(begun - 995 * SECOND);
      }
    } finally {
      clearInterval(timer);
    }
  });

  it('is in the foreground as soon as its program runs, also for one who looked when its shell had just forked [R275]', async () => {
    await make({ pid: 10 });
    await make(agent(11, 10, { foreground: false }));
    const forked = await readFile(join(dir, '11', 'stat'), 'utf8');
    await make(agent(11, 10));
    const running = await readFile(join(dir, '11', 'stat'), 'utf8');
    await writeFile(join(dir, '11', 'stat'), forked);
    const cmdline = join(dir, '11', 'cmdline');
    await rm(cmdline);
    execFileSync('mkfifo', [cmdline]);
    const found = agentIn(10);
    // Open from the moment in which the other end is read.
    const writing = await open(cmdline, 'w');
    await writeFile(join(dir, '11', 'stat'), running);
    await writing.writeFile('cf-agent\0');
    await writing.close();
    expect(await found).toMatchObject({ pid: 11, foreground: true });
  });

  it('is described by what it was started as, and when, and where', async () => {
    await make({ pid: 10 });
    await make(agent(11, 10, { argv: ['/bin/cf-agent', '--model', '', 'x'], startTicks: 60_000 }));
    expect(await agentIn(10)).toEqual({
      agent: 'claude',
      pid: 11,
      startTicks: '60000',
      startedAt: clock.now() - 400_000,
      argv: ['/bin/cf-agent', '--model', '', 'x'],
      cwd: '/work/11',
      configDir: '/home/me/.cf-agent',
      configDirIsSet: false,
      overriding: [],
      foreground: true,
    });
  });

  it.each([
    ['the first process of the pane', 0],
    ['behind one wrapper', 1],
    ['behind many wrappers', 6],
  ])('is found as %s', async (_where, wrappers) => {
    for (let i = 0; i < wrappers; i++) await make({ pid: 10 + i, ppid: 9 + i, argv: ['sh', '-c', 'cf-agent'] });
    await make(agent(10 + wrappers, 9 + wrappers));
    expect(await agentIn(10)).toMatchObject({ pid: 10 + wrappers });
  });

  it('is found as a script of node', async () => {
    await make({ pid: 10 });
    await make({ pid: 11, ppid: 10, argv: ['npm exec cf-agent'] });
    await make({ pid: 12, ppid: 11, argv: ['node', '/x/cf-agent/cli.js'] });
    expect(await agentIn(10)).toMatchObject({ pid: 12 });
  });

  it('is found behind a name with brackets and blanks', async () => {
    await make({ pid: 10, comm: 'a) S 1 (b' });
    await make(agent(11, 10));
    expect(await agentIn(10)).toMatchObject({ pid: 11 });
  });

  it('is the outermost, when it runs another as a tool', async () => {
    await make({ pid: 10 });
    await make(agent(11, 10, { startTicks: 100 }));
    await make({ pid: 12, ppid: 11 });
    await make(agent(13, 12, { startTicks: 900 }));
    expect(await agentIn(10)).toMatchObject({ pid: 11 });
  });

  it('is the one in the foreground, else the newest', async () => {
    await make({ pid: 10 });
    await make(agent(11, 10, { startTicks: 100 }));
    await make(agent(12, 10, { startTicks: 900, foreground: false }));
    const found = processes();
    expect(await agentIn(10, found)).toMatchObject({ pid: 11, foreground: true });
    await make(agent(11, 10, { startTicks: 100, foreground: false }));
    expect(await agentIn(10, found)).toMatchObject({ pid: 12, foreground: false });
  });

  it('is none in another pane, among other users, among the dead, or where there is none', async () => {
    await make({ pid: 10 });
    await make(agent(11, 99));
    await make(agent(12, 10, { state: 'Z' }));
    expect(await agentIn(10)).toBeNull();
    expect(await agentIn(4242)).toBeNull();
    await make(agent(13, 10));
    expect(await agentIn(10)).toMatchObject({ pid: 13 });
    expect(await agentIn(10, processes(userInfo().uid + 1))).toBeNull();
  });

  it('is none while its environment cannot be read', async () => {
    await make(agent(10, 1));
    await rm(join(dir, '10', 'environ'));
    expect(await agentIn(10)).toBeNull();
  });

  it('is told for all panes in one call', async () => {
    for (let i = 0; i < 20; i++) await make({ pid: 100 + i });
    for (let i = 0; i < 10; i++) await make(agent(200 + i, 100 + i));
    const panes = Array.from({ length: 20 }, (_, i) => 100 + i);
    const found = await processes().agentsUnder(panes);
    expect([...found.values()].map((one) => one?.pid ?? null)).toEqual(
      panes.map((pid) => (pid < 110 ? pid + 100 : null)),
    );
  });
});

describe('the environment of an agent', () => {
  it('names its configuration directory', async () => {
    await make(agent(10, 1, { environ: { CF_AGENT_DIR: '/home/me/link' } }));
    await make(agent(11, 1, { environ: { CF_AGENT_DIR: 'beside' } }));
    await make(agent(12, 1, { environ: { CF_AGENT_DIR: '' } }));
    expect(await agentIn(10)).toMatchObject({ configDir: '/home/me/link', configDirIsSet: true });
    expect(await agentIn(11)).toMatchObject({ configDir: '/work/11/beside', configDirIsSet: true });
    expect(await agentIn(12)).toMatchObject({ configDir: '/home/me/.cf-agent', configDirIsSet: false });
  });

  it('[R269] gives the names of variables that outrank the link, and never a value', async () => {
    const environ = { CF_AGENT_KEY: 'sk-secret-1', OTHER: 'CF_AGENT_TOKEN=sk-secret-2', CF_AGENT_KEYS: 'sk-secret-3' };
    await make(agent(10, 1, { environ }));
    const found = await agentIn(10);
    expect(found?.overriding).toEqual(['CF_AGENT_KEY']);
    await make(agent(11, 1, { environ: { CF_AGENT_KEY: '', CF_AGENT_TOKEN: 'sk-secret-4' } }));
    expect((await agentIn(11))?.overriding).toEqual(['CF_AGENT_TOKEN']);
    await rm(join(dir, '10', 'cwd'));
    await clock.advance(60_000);
    await agentIn(10);
    expect(JSON.stringify([found, logged])).not.toContain('secret');
  });
});

describe('from one look to the next', () => {
  it('sees an agent that starts, and that ends', async () => {
    const found = processes();
    await make({ pid: 10 });
    await clock.advance(60_000);
    expect(await agentIn(10, found)).toBeNull();
    await make(agent(11, 10));
    expect(await agentIn(10, found)).toMatchObject({ pid: 11 });
    await rm(join(dir, '11'), { recursive: true });
    expect(await agentIn(10, found)).toBeNull();
  });

  it('sees a shell become the agent under the same pid', async () => {
    const found = processes();
    await make({ pid: 10, argv: ['sh', 'start'] });
    expect(await agentIn(10, found)).toBeNull();
    await clock.advance(2000);
    await make({ pid: 10, argv: ['cf-agent'], comm: 'sh' });
    expect(await agentIn(10, found)).toMatchObject({ pid: 10 });
    await make({ pid: 12, argv: ['sh', 'start'] });
    for (let i = 0; i < 5; i++) {
      expect(await agentIn(12, found)).toBeNull();
      await clock.advance(2000);
    }
    await make({ pid: 12, argv: ['cf-agent'] });
    expect(await agentIn(12, found)).toMatchObject({ pid: 12 });
  });

  it('does not take a process for another that had its pid', async () => {
    const found = processes();
    await make({ pid: 10 });
    await make(agent(11, 10, { startTicks: 100 }));
    for (let i = 0; i < 3; i++) {
      expect(await agentIn(10, found)).toMatchObject({ startTicks: '100' });
      await clock.advance(2000);
    }
    await make({ pid: 11, ppid: 10, comm: 'cf-agent', startTicks: 800 });
    expect(await agentIn(10, found)).toBeNull();
    expect(await found.isAlive(11, '100')).toBe(false);
    expect(await found.isAlive(11, '800')).toBe(true);
    await make({ pid: 11, ppid: 77, argv: ['cf-agent'], startTicks: 900 });
    expect(await agentIn(10, found)).toBeNull();
  });

  it('keeps the time at which the process started', async () => {
    const found = processes();
    await make(agent(10, 1));
    const first = await agentIn(10, found);
    await clock.advance(61_000);
    expect((await agentIn(10, found))?.startedAt).toBe(first?.startedAt);
  });

  it('lets nobody take an unreadable process table for one without agents', async () => {
    const none = createProcesses({ profiles: [testProfile], procRoot: join(dir, 'none'), ownUid: 0, clock, log });
    await expect(none.agentsUnder([1, 2])).rejects.toThrow('is not readable');
    expect(await none.shellInFront(1)).toBe(false);
    expect(await none.isAlive(1, '1')).toBe(false);
  });
});

describe('a program that writes its title over its arguments', () => {
  const started = ['node', '/x/cf-agent/cli.js', '--model', 'opus'];
  const node = { pid: 10, exe: '/usr/bin/node' };
  const titled = { ...node, argv: ['cf-agent'] };

  it('keeps those that were seen before', async () => {
    const found = processes();
    await make({ ...node, argv: started, comm: 'node' });
    expect((await agentIn(10, found))?.argv).toEqual(started);
    await make(titled);
    for (let i = 0; i < 3; i++) {
      expect((await agentIn(10, found))?.argv).toEqual(started);
      await clock.advance(61_000);
    }
    await make({ ...titled, startTicks: 900 });
    expect((await agentIn(10, found))?.argv).toEqual([]);
  });

  it('has none that are known when it is seen only then', async () => {
    await make(titled);
    expect(await agentIn(10)).toMatchObject({ pid: 10, argv: [] });
    await make({ ...titled, exe: '/home/me/.bun/bin/bun (deleted)' });
    expect((await agentIn(10))?.argv).toEqual([]);
  });

  it('is the program alone where its shell says which one it started', async () => {
    await make({ ...titled, environ: { _: '/home/me/bin/cf-agent' } });
    expect(await agentIn(10)).toMatchObject({ argv: ['/home/me/bin/cf-agent'], argumentsLost: true });
    for (const other of ['/usr/bin/node', 'cf-agent', '/home/me/bin/npx']) {
      await make({ ...titled, environ: { _: other }, startTicks: 901 + other.length });
      expect(await agentIn(10)).toMatchObject({ argv: [], argumentsLost: true });
    }
  });

  it('is known by the words that the shell was given, so that its successor tells its program too [R49]', async () => {
    await make({ ...node, argv: ['node', '/x/bin/cf-agent', '-m', 'opus'], environ: { _: '/x/bin/cf-agent' } });
    expect((await agentIn(10))?.argv).toEqual(['/x/bin/cf-agent', '-m', 'opus']);
    await make({ ...node, argv: ['node', '/x/bin/cf-agent'], environ: { _: '/usr/bin/node' }, startTicks: 902 });
    expect((await agentIn(10))?.argv).toEqual(['node', '/x/bin/cf-agent']);
  });

  it('is not a program of its own that was started without any', async () => {
    await make({ ...titled, exe: '/home/me/.local/bin/cf-agent' });
    expect((await agentIn(10))?.argv).toEqual(['cf-agent']);
  });
});

describe('the shell of a pane', () => {
  it.each([
    [['-bash'], true],
    [['bash', '--norc', '--noprofile', '-i'], true],
    [['zsh', '-l'], true],
    [['bash', '--rcfile', '/x', '-i'], true],
    [['sh', '-c', 'cf-agent; make install'], false],
    [['bash', '-ic', 'cf-agent'], false],
    [['bash', 'start-agent'], false],
    [['vim'], false],
  ])('%j waits for a command: %s [R275]', async (argv, waits) => {
    const comm = argv[0]?.replace(/^-/, '') ?? '';
    await make({ pid: 10, argv, comm });
    expect(await processes().shellInFront(10)).toBe(waits);
  });

  it('does not wait while something else is in front of it, or it is not a group of its own [R275]', async () => {
    await make({ pid: 10, argv: ['bash'], comm: 'bash', foreground: false });
    expect(await processes().shellInFront(10)).toBe(false);
    await make({ pid: 10, argv: ['bash'], comm: 'bash', pgrp: 9 });
    expect(await processes().shellInFront(10)).toBe(false);
    expect(await processes().shellInFront(4242)).toBe(false);
  });
});

describe('real processes', () => {
  let child: ChildProcess | null = null;
  afterEach(() => {
    child?.kill('SIGKILL');
    child = null;
  });

  const real = () => createProcesses({ profiles: [testProfile], ownUid: userInfo().uid, clock, log });

  it('are found with their own start, directory and environment', async () => {
    const program = join(dir, 'cf-agent');
    await symlink('/bin/sleep', program);
    const env = { PATH: process.env.PATH, HOME: dir, CF_AGENT_DIR: join(dir, 'home'), CF_AGENT_TOKEN: 'secret' };
    child = spawn('/bin/sh', ['-c', `${program} 1000; true`], { cwd: dir, env, detached: true });
    const pid = child.pid ?? 0;
    const found = await waitFor(() => agentIn(pid, real()));
    expect(found).toMatchObject({
      argv: [program, '1000'],
      cwd: dir,
      configDir: join(dir, 'home'),
      configDirIsSet: true,
      overriding: ['CF_AGENT_TOKEN'],
      foreground: false,
    });
    expect(found.pid).not.toBe(pid);
    expect(Math.abs(found.startedAt - clock.now())).toBeLessThan(20_000);
    expect(await real().isAlive(found.pid, found.startTicks)).toBe(true);
    process.kill(found.pid, 'SIGKILL');
    await waitFor(async () => !(await real().isAlive(found.pid, found.startTicks)));
  });

  it('are in the foreground of a pane, and not once they are stopped', async () => {
    const tmux = await startTmux();
    try {
      const program = join(tmux.dir, 'cf-agent');
      await symlink('/bin/sleep', program);
      const pane = await tmux.newPane('exec bash --norc -i');
      await tmux.run('send-keys', '-t', pane.paneId, `${program} 1000`, 'Enter');
      const found = real();
      await waitFor(() => found.shellInFront(pane.panePid).then((waits) => !waits));
      // Its shell puts it into a group first and gives that the terminal then.
      await waitFor(async () => (await agentIn(pane.panePid, found))?.foreground === true);
      await waitFor(async () => {
        await tmux.run('send-keys', '-t', pane.paneId, 'C-z');
        return (await agentIn(pane.panePid, found))?.foreground === false;
      });
      await waitFor(() => found.shellInFront(pane.panePid));
    } finally {
      await tmux.kill();
    }
  });
});
