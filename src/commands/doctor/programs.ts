/** Checks of the programs that are used: tmux with its servers, and the agents. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { createTmuxCommand, MIB } from '../../adapters/tmux/command.ts';
import type { Env } from '../../config/expand-path.ts';
import type { Config } from '../../config/schema.ts';
import type { AgentProfile } from '../../core/agents/profile.ts';
import { compareVersions, isHotSwappable } from '../../core/agents/profile.ts';
import { clean } from '../text.ts';
import type { Check } from './check.ts';
import { failed, passed, warned } from './check.ts';

const OLDEST_TMUX = '3.1';
const TIMEOUT_MS = 15_000;

/** @param daemonPid the running daemon; null: none runs */
export async function checkTmux(
  config: Config,
  env: Env,
  daemonPid: number | null,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const { binary } = config.tmux;
  const said = await versionOf(binary, ['-V'], env);
  const version = /(\d+\.\d+)/.exec(said ?? '')?.[1];
  if (said === null) return [failed('tmux', `${binary} does not run`, 'install tmux, or set tmux.binary')];
  const isOld = version !== undefined && compareVersions(version, OLDEST_TMUX) < 0;
  const checks = [
    isOld
      ? failed('tmux', `${clean(said)} is too old`, `install tmux ${OLDEST_TMUX} or newer`)
      : passed('tmux', clean(said)),
  ];
  const tmux = createTmuxCommand(binary, {
    PATH: env.PATH ?? '/usr/bin:/bin',
    ...(env.TMUX_TMPDIR ? { TMUX_TMPDIR: env.TMUX_TMPDIR } : {}),
  });
  for (const socket of config.tmux.sockets) {
    const name = `tmux socket ${socket}`;
    const reply = await tmux(socket, ['display-message', '-p', '#{pid}'], {
      timeoutMs: config.tmux.commandTimeoutMs,
      maxBytes: MIB,
      signal,
    });
    if (reply.kind === 'ran' && reply.exitCode === 0) {
      checks.push(passed(name, 'a server answers'));
      const shared = checkCgroup(Number(reply.stdout.trim()), daemonPid);
      if (shared !== null) checks.push(shared);
    } else if (reply.kind === 'absent') {
      checks.push(
        warned(
          name,
          'no server runs there now',
          'start tmux; if it runs, compare tmux.sockets and TMUX_TMPDIR with: tmux display-message -p "#{socket_path}"',
        ),
      );
    } else {
      const reason = reply.kind === 'ran' ? reply.stderr.trim() : reply.reason;
      checks.push(failed(name, clean(reason), 'look at this tmux server: it must answer tmux list-panes -a'));
    }
  }
  checks.push(checkTmpdir(config, env, daemonPid));
  return checks;
}

/** A name (not a path) is looked up below TMUX_TMPDIR, which a service does not inherit from the login shell. */
function checkTmpdir(config: Config, env: Env, daemonPid: number | null): Check {
  const name = 'TMUX_TMPDIR';
  const mine = env.TMUX_TMPDIR || '/tmp';
  if (!config.tmux.sockets.some((socket) => !socket.includes('/')))
    return passed(name, 'not used: every socket is a path');
  const theirs = daemonPid === null ? null : tmpdirOf(daemonPid);
  if (theirs === null) {
    const isService = env.INVOCATION_ID !== undefined;
    if (isService || mine === '/tmp') return passed(name, mine);
    const fix = `in the unit of the daemon: Environment=TMUX_TMPDIR=${mine}, or write the sockets as paths`;
    return warned(name, `${mine} here; a systemd service does not have it`, fix);
  }
  if (theirs === mine) return passed(name, `${mine}, as the daemon has it`);
  return failed(
    name,
    `the daemon has ${clean(theirs)}, this shell ${mine}`,
    `in the unit of the daemon: Environment=TMUX_TMPDIR=${mine}`,
  );
}

/** Of the daemon's environment only this one variable is read. */
function tmpdirOf(pid: number): string | null {
  try {
    const found = readFileSync(`/proc/${pid}/environ`, 'utf8')
      .split('\0')
      .find((entry) => entry.startsWith('TMUX_TMPDIR='));
    return found?.slice('TMUX_TMPDIR='.length) || '/tmp';
  } catch {
    return null;
  }
}

function checkCgroup(serverPid: number, daemonPid: number | null): Check | null {
  if (daemonPid === null) return null;
  const [server, daemon] = [serverPid, daemonPid].map(cgroupOf);
  if (server === null || server === undefined || server !== daemon || !/\.service(?:\/|$)/.test(server)) return null;
  return warned(
    'tmux cgroup',
    'the tmux server belongs to the service of the daemon: stopping the service would kill it',
    'start tmux outside of the service, or set KillMode=process in its unit',
  );
}

function cgroupOf(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim();
  } catch {
    return null;
  }
}

/** Each agent is asked for its version only, in an empty home, with nothing of the environment but PATH. */
export async function checkAgents(profiles: readonly AgentProfile[], env: Env): Promise<readonly Check[]> {
  return Promise.all(
    profiles.map(async (profile) => {
      const [binary = profile.kind] = profile.process.names;
      const said = await versionOf(binary, ['--version'], env);
      const name = `agent ${profile.kind}`;
      if (said === null)
        return warned(
          name,
          `${binary} is not in PATH, or does not tell its version within 5 s`,
          `install it, or put it into the PATH of the daemon`,
        );
      const version = /\d+\.\d+\.\d+/.exec(said)?.[0] ?? null;
      if (version === null)
        return warned(
          name,
          `its version cannot be read from "${clean(said).slice(0, 60)}"`,
          `try: ${binary} --version`,
        );
      if (isHotSwappable(profile, version)) return passed(name, `version ${version}, follows the link while it runs`);
      if (profile.hotSwapSince === null) return passed(name, `version ${version}, ended and resumed at a swap`);
      return warned(
        name,
        `version ${version} must be restarted at a swap`,
        `update it to ${profile.hotSwapSince} or newer, then it goes on without a restart`,
      );
    }),
  );
}

/** @returns null when it does not run to its end */
export async function versionOf(binary: string, args: readonly string[], env: Env): Promise<string | null> {
  const home = mkdtempSync(join(tmpdir(), 'cf-version-'));
  try {
    const { stdout, exitCode } = await execa(binary, [...args], {
      env: { PATH: env.PATH ?? '/usr/bin:/bin', HOME: home, LC_ALL: 'C.UTF-8' },
      extendEnv: false,
      cwd: home,
      stdin: 'ignore',
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
      maxBuffer: MIB,
      reject: false,
    });
    return exitCode === 0 ? stdout.trim() : null;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
