/** Makes tmux sessions with exact names, and ends those of a pane that is proven to be the one that was meant. */
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import type { PaneIdentity } from '../../core/panes.ts';
import type { ServerStarter } from '../../core/sessions/server-start.ts';
import { inQuotes } from '../../core/shell.ts';
import type { Ended, Made, PaneTail, SessionMaker } from '../../ports/lifecycle.ts';
import type { Logger } from '../../ports.ts';
import { createTmuxCommand, MIB, type TmuxCommand, type TmuxReply } from './command.ts';

export interface SessionsOptions {
  /** A bare name or an absolute path. */
  readonly binary: string;
  readonly commandTimeoutMs: number;
  /** The environment of the tmux clients; absent: that of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** The environment of a server that must be started: what a login shell has, and no secret. */
  readonly serverEnv: Readonly<Record<string, string>>;
  /** How a server is started when none runs. */
  readonly starter: ServerStarter;
  readonly log: Logger;
}

/** tmux rewrites `.` and `:`; and the name becomes part of a format. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const IDENTITY = '#{pid} #{start_time} #{pane_id} #{pane_pid}';
const [COLUMNS, ROWS] = ['200', '50'];

export function createSessionMaker(options: SessionsOptions): SessionMaker {
  const tmux = createTmuxCommand(options.binary, options.env);
  const { starter } = options;
  const starting =
    starter.kind === 'unit'
      ? createTmuxCommand(starter.program, options.serverEnv, [...starter.args, options.binary])
      : createTmuxCommand(options.binary, options.serverEnv);

  function run(command: TmuxCommand, server: string, args: readonly string[], signal: AbortSignal): Promise<TmuxReply> {
    return command(server, args, { timeoutMs: options.commandTimeoutMs, maxBytes: 8 * MIB, signal });
  }

  const hasSession = (server: string, session: string, signal: AbortSignal): Promise<TmuxReply> =>
    run(tmux, server, ['has-session', '-t', `=${session}:`], signal);

  /** Of a session whose pane is gone: it is gone too, unless something has its name. */
  async function namesake(server: string, session: string, signal: AbortSignal): Promise<Ended> {
    const known = await hasSession(server, session, signal);
    if (isGone(known)) return { kind: 'ended' };
    if (known.kind !== 'ran') return { kind: 'refused', reason: known.reason };
    if (known.exitCode !== 0) return { kind: 'ended' };
    return { kind: 'refused', reason: 'its pane is gone, and another session has its name' };
  }

  return {
    async make(server, session, cwd, signal): Promise<Made> {
      if (!NAME.test(session)) return { kind: 'refused', reason: 'name', detail: 'tmux would change this name' };
      if (!isDirectory(cwd)) return { kind: 'refused', reason: 'no_directory', detail: `${cwd} is not a directory` };
      const known = await hasSession(server, session, signal);
      if (known.kind === 'ran' && known.exitCode === 0) return { kind: 'exists' };
      if (known.kind !== 'ran' && known.kind !== 'absent')
        return { kind: 'refused', reason: 'tmux', detail: known.reason };
      if (known.kind === 'absent' && starter.kind === 'refused')
        return { kind: 'refused', reason: 'no_server', detail: starter.detail };
      if (known.kind === 'absent' && starter.kind === 'unit') {
        const started = await run(
          starting,
          server,
          ['start-server', ';', 'set-option', '-g', 'exit-empty', 'off'],
          signal,
        );
        const why = started.kind === 'ran' ? started.stderr : started.reason;
        if (started.kind !== 'ran' || started.exitCode !== 0)
          return { kind: 'refused', reason: 'no_server', detail: `no tmux server could be started: ${complaint(why)}` };
      }
      const args = ['new-session', '-d', '-E', '-P', '-F', IDENTITY, '-s', session];
      // The directory goes through tmux's formats, in which `#(…)` would be a command.
      const place = ['-c', cwd.replaceAll('#', '##'), '-x', COLUMNS, '-y', ROWS];
      const making = [...args, ...place];
      // A server may end just now, and `new-session` by itself would start one with what this process has.
      const reply =
        known.kind === 'absent' && starter.kind === 'plain'
          ? await run(starting, server, making, signal)
          : await run(tmux, server, ['if-shell', '-F', '1', making.map(inQuotes).join(' ')], signal);
      if (reply.kind !== 'ran') return { kind: 'refused', reason: 'tmux', detail: reply.reason };
      if (/^duplicate session/.test(reply.stderr)) return { kind: 'exists' };
      const pane = reply.exitCode === 0 ? identityOf(server, reply.stdout) : null;
      if (pane === null) return { kind: 'refused', reason: 'tmux', detail: complaint(reply.stderr) };
      options.log.info({ server, session, cwd, pane: pane.paneId }, 'tmux session made');
      return { kind: 'made', pane };
    },

    async end(pane, session, signal): Promise<Ended> {
      if (!isPane(pane) || !NAME.test(session)) return { kind: 'refused', reason: 'not a session of ours' };
      const facts = '#{session_name} #{session_windows} #{window_panes}';
      const refusal = `display-message -p -t ${pane.paneId} 'refused ${facts}'`;
      const accept = `kill-session -t =${session}: ; display-message -p ended`;
      const args = ['if-shell', '-F', '-t', pane.paneId, isWhole(pane, session), accept, refusal];
      const reply = await run(tmux, pane.server, args, signal);
      // The last session takes the server with it, maybe before it can answer.
      if (isGone(reply)) return { kind: 'ended' };
      if (reply.kind !== 'ran') return { kind: 'refused', reason: reply.reason };
      if (isPaneless(reply)) return namesake(pane.server, session, signal);
      if (reply.stdout.trimEnd() !== 'ended') return { kind: 'refused', reason: refusalOf(reply) };
      options.log.info({ server: pane.server, session, pane: pane.paneId }, 'tmux session ended');
      return { kind: 'ended' };
    },

    async names(server, signal) {
      const reply = await run(tmux, server, ['list-sessions', '-F', '#{session_name}'], signal);
      if (isGone(reply)) return [];
      if (reply.kind !== 'ran' || reply.exitCode !== 0) return null;
      return reply.stdout.split('\n').filter((name) => name !== '');
    },

    async tail(pane, lines, signal): Promise<PaneTail | null> {
      if (!isPane(pane)) return null;
      const capture = `display-message -p -t ${pane.paneId} '#{pane_current_path}' ; capture-pane -p -J -S -${Math.floor(lines)} -t ${pane.paneId}`;
      const reply = await run(tmux, pane.server, ['if-shell', '-F', '-t', pane.paneId, isThat(pane), capture], signal);
      if (reply.kind !== 'ran' || reply.exitCode !== 0) return null;
      const end = reply.stdout.indexOf('\n');
      if (end === -1) return null;
      const text = reply.stdout.slice(end + 1);
      return { cwd: reply.stdout.slice(0, end), text, hash: createHash('sha256').update(text).digest('hex') };
    },
  };
}

/** True in the one step in which the session is ended, or nothing is. tmux before 3.5 knows `&&` of two only. */
function isWhole(pane: PaneIdentity, session: string): string {
  return both([
    isThat(pane),
    `#{==:#{session_name},${session}}`,
    '#{==:#{session_windows},1}',
    '#{==:#{window_panes},1}',
  ]);
}

function isThat(pane: PaneIdentity): string {
  return both([
    `#{==:#{pid},${pane.serverPid}}`,
    `#{==:#{start_time},${pane.serverStartedAtS}}`,
    `#{==:#{pane_pid},${pane.panePid}}`,
  ]);
}

function both(terms: readonly string[]): string {
  return terms.reduce((all, one) => `#{&&:${all},${one}}`);
}

/** The values become part of a tmux command. */
function isPane(pane: PaneIdentity): boolean {
  return (
    /^%\d+$/.test(pane.paneId) && [pane.serverPid, pane.serverStartedAtS, pane.panePid].every(Number.isSafeInteger)
  );
}

function identityOf(server: string, line: string): PaneIdentity | null {
  const [, serverPid, startedAtS, paneId, panePid] = /^(\d+) (\d+) (%\d+) (\d+)$/.exec(line.trim()) ?? [];
  if (paneId === undefined) return null;
  return {
    server,
    serverPid: Number(serverPid),
    serverStartedAtS: Number(startedAtS),
    paneId,
    panePid: Number(panePid),
  };
}

/** No server, or one that ended while the client was connected (tmux client.c): it has no session. */
function isGone(reply: TmuxReply): boolean {
  return reply.kind === 'absent' || (reply.kind === 'error' && /^(?:server exited|lost server)/.test(reply.reason));
}

/** Of a pane it does not have, tmux fills in nothing (3.3), or says so where the target of a message must exist. */
function isPaneless({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }): boolean {
  return stdout === 'refused   \n' || stderr.startsWith("can't find pane");
}

function refusalOf({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }): string {
  const [word, name, windows, panes] = stdout.trim().split(' ');
  if (word !== 'refused') return complaint(stderr);
  if (windows !== '1' || panes !== '1') return `${name} has other windows or panes`;
  return 'it is another session now';
}

function complaint(stderr: string): string {
  return stderr.trim().slice(0, 200) || 'no answer from tmux';
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
