/** A real tmux server on a socket of its own, for one test file. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PaneIdentity } from '../../src/core/panes.ts';
import { waitFor } from './wait.ts';

const exec = promisify(execFile);

export interface NewPane {
  /** Created when it is not there. Default: a session of its own. */
  readonly session?: string;
  readonly width?: number;
  readonly height?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export interface TestTmux {
  /** Absolute path, as `tmux.sockets` takes it. */
  readonly socket: string;
  /** A directory for the files of the test; goes with `kill`. */
  readonly dir: string;
  /** Runs one tmux command. @returns its output without the last newline @throws tmux said no */
  run(...args: string[]): Promise<string>;
  /** Runs a shell command in a new pane (a window of its own). Starts the server when it does not run. */
  newPane(command: string, options?: NewPane): Promise<PaneIdentity>;
  /** What the pane shows. */
  screen(paneId: string): Promise<string>;
  /** The process of the running server. */
  serverPid(): Promise<number>;
  /** Ends the server, also a stopped one, and waits until it is gone. The directory stays. */
  killServer(): Promise<void>;
  /** Ends the server and removes the directory. */
  kill(): Promise<void>;
}

const IDENTITY = '#{pid} #{start_time} #{pane_id} #{pane_pid}';

export async function startTmux(): Promise<TestTmux> {
  const dir = await mkdtemp(join(tmpdir(), 'cf-'));
  const socket = join(dir, 's');
  const env = { PATH: process.env.PATH, HOME: dir, TERM: 'screen', LC_ALL: 'C.UTF-8', SHELL: '/bin/sh' };
  let lastServerPid: number | null = null;
  let sessions = 0;

  async function run(...args: string[]): Promise<string> {
    const { stdout } = await exec('tmux', ['-u', '-S', socket, '-f', '/dev/null', ...args], { env });
    return stdout.replace(/\n$/, '');
  }

  async function newPane(command: string, options: NewPane = {}): Promise<PaneIdentity> {
    const session = options.session ?? `t${++sessions}`;
    const variables = Object.entries(options.env ?? {}).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
    const exists = await run('has-session', '-t', `=${session}:`).then(
      () => true,
      () => false,
    );
    const size = ['-x', String(options.width ?? 80), '-y', String(options.height ?? 24)];
    const place = exists ? ['new-window', '-t', `=${session}:`] : ['new-session', '-d', '-s', session, ...size];
    const line = await run(...place, ...variables, '-P', '-F', IDENTITY, command);
    const [serverPid = '', startedAtS = '', paneId = '', panePid = ''] = line.split(' ');
    lastServerPid = Number(serverPid);
    return {
      server: socket,
      serverPid: Number(serverPid),
      serverStartedAtS: Number(startedAtS),
      paneId,
      panePid: Number(panePid),
    };
  }

  async function killServer(): Promise<void> {
    const pid = lastServerPid;
    if (pid === null) return;
    if (isRunning(pid)) process.kill(pid, 'SIGCONT');
    await run('kill-server').catch(() => '');
    await waitFor(() => !isRunning(pid));
    lastServerPid = null;
  }

  return {
    socket,
    dir,
    run,
    newPane,
    screen: (paneId) => run('capture-pane', '-p', '-t', paneId),
    serverPid: async () => Number(await run('display-message', '-p', '#{pid}')),
    killServer,
    async kill() {
      await killServer();
      // The programs of its panes are told to end, but not waited for; a shell may still make its file there.
      await rm(dir, { recursive: true, force: true, maxRetries: 15, retryDelay: 50 });
    },
  };
}

/** A process that only waits to be reaped has ended. */
export function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}
