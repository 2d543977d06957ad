/** `sessions restart|attach|adopt` and `janitor`: what can be wished of kept sessions and of what tidies up behind them. */

import { execa } from 'execa';
import { stringify } from 'yaml';
import { createTmuxCommand, MIB } from '../adapters/tmux/command.ts';
import type { Config } from '../config/schema.ts';
import { counted } from '../core/counted.ts';
import { SECOND } from '../core/time.ts';
import type { JanitorNote } from '../ports/janitor.ts';
import { askDaemon, errorOf, expectAnswer, reportNoDaemon } from './daemon-client.ts';
import type { CommandIo, GlobalOptions, JsonOption } from './io.ts';
import { EXIT } from './io.ts';
import { locate } from './locate.ts';
import { clean } from './text.ts';

/** tmux rewrites `.` and `:`, and an exact target needs a name without them. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const TIDY_TIMEOUT_MS = 120 * SECOND;

/** @returns 0 done, 1 an error, 2 no such session, 4 daemon not running, 5 not this one, or not now */
export async function restartSession(name: string, options: JsonOption, io: CommandIo): Promise<number> {
  const { socket } = await locate(options, io);
  const reply = await askDaemon(socket, `/sessions/${encodeURIComponent(name)}/restart`, { body: {} });
  if (reply.kind !== 'answer') return reportNoDaemon(reply, io);
  const error = errorOf(reply.body);
  if (error !== null) {
    const next = error.code === 'dedicated' ? `claude-failover sessions attach ${name}` : 'claude-failover sessions';
    io.err(`claude-failover: ${clean(error.message)}\nnext: ${clean(next)}\n`);
    if (error.code === 'unknown_session') return EXIT.usage;
    return error.code === 'dedicated' || error.code === 'held_back' ? EXIT.refused : EXIT.error;
  }
  const answer = expectAnswer<{ readonly detail: string }>(reply, ['detail']);
  if (options.json === true) io.out(`${JSON.stringify(answer)}\n`);
  else io.err(`${clean(name)}: ${clean(answer.detail)}\n`);
  return EXIT.ok;
}

/** Shows the session in this terminal. @returns that of tmux; 2 no such session */
export async function attachSession(name: string, options: GlobalOptions, io: CommandIo): Promise<number> {
  const found = await findSession(name, options, io);
  if (typeof found === 'number') return found;
  const { config, server } = found;
  const args = [server.includes('/') ? '-S' : '-L', server, 'attach-session', '-t', `=${name}:`];
  if (io.env.TMUX !== undefined && io.env.TMUX !== '') {
    io.err('claude-failover: this terminal is in tmux already\n');
    io.err(`next: leave it, then: ${[config.tmux.binary, ...args].join(' ')}\n`);
    return EXIT.refused;
  }
  const { exitCode } = await execa(config.tmux.binary, ['-u', ...args], { stdio: 'inherit', reject: false });
  return exitCode ?? EXIT.error;
}

/** Prints the lines that make a session one of the configured ones. @returns 0; 2 no such session */
export async function adoptSession(name: string, options: GlobalOptions, io: CommandIo): Promise<number> {
  const found = await findSession(name, options, io);
  if (typeof found === 'number') return found;
  const { config, server } = found;
  const { dedicated, autonomous } = config.sessions;
  if (autonomous.names.includes(name) || dedicated.some((session) => session.name === name)) {
    io.err(`${name} is configured already\n`);
    return EXIT.ok;
  }
  const reply = await askTmux(config, server, ['display-message', '-p', '-t', `=${name}:`, '#{pane_current_path}'], io);
  const project = reply.kind === 'ran' && reply.exitCode === 0 ? reply.stdout.trimEnd() : '';
  const entry = { name, ...(project === '' ? {} : { project }) };
  io.out(stringify({ sessions: { dedicated: [entry] } }));
  io.err(`add these lines to ${clean(config.file)}; it is applied when it is saved\n`);
  io.err('with `project` the session is also made again there when tmux has lost it; leave it out to only watch it\n');
  return EXIT.ok;
}

export interface JanitorOptions extends JsonOption {
  readonly dryRun?: boolean;
}

/** @returns 0; 1 an error; 4 daemon not running */
export async function sendJanitor(options: JanitorOptions, io: CommandIo): Promise<number> {
  const { socket } = await locate(options, io);
  const body = { dry_run: options.dryRun === true };
  const reply = await askDaemon(socket, '/trigger/janitor', { body, timeoutMs: TIDY_TIMEOUT_MS });
  if (reply.kind !== 'answer') return reportNoDaemon(reply, io);
  const answer = expectAnswer<{ readonly actions: readonly JanitorNote[] }>(reply, ['actions']);
  if (options.json === true) io.out(`${JSON.stringify(answer)}\n`);
  else {
    for (const { action, path, to, reason } of answer.actions)
      io.out(`${action.padEnd(7)}  ${clean(path)}${to === null ? '' : ` → ${clean(to)}`}  (${clean(reason)})\n`);
    const words = body.dry_run ? ' would be done; nothing was changed' : ' done';
    const { length } = answer.actions;
    io.err(length === 0 ? 'there is nothing to tidy up\n' : `${counted(length, 'thing')}${words}\n`);
  }
  return EXIT.ok;
}

interface Found {
  readonly config: Config;
  readonly server: string;
}

/** @returns the exit code when there is no such session */
async function findSession(name: string, options: GlobalOptions, io: CommandIo): Promise<Found | number> {
  if (!NAME.test(name)) {
    io.err('claude-failover: that is no name of a session\nnext: claude-failover sessions names them\n');
    return EXIT.usage;
  }
  const { loadOffline } = await import('./offline.ts');
  const { config } = loadOffline(options, io);
  for (const server of config.tmux.sockets) {
    const reply = await askTmux(config, server, ['has-session', '-t', `=${name}:`], io);
    if (reply.kind === 'ran' && reply.exitCode === 0) return { config, server };
  }
  const sockets = config.tmux.sockets.join(', ');
  io.err(`claude-failover: tmux has no session ${name} (looked at: ${clean(sockets)})\n`);
  io.err('next: claude-failover sessions names those that are there\n');
  return EXIT.usage;
}

function askTmux(config: Config, server: string, args: readonly string[], io: CommandIo) {
  const env = {
    PATH: io.env.PATH ?? '/usr/bin:/bin',
    ...(io.env.TMUX_TMPDIR ? { TMUX_TMPDIR: io.env.TMUX_TMPDIR } : {}),
  };
  const call = { timeoutMs: config.tmux.commandTimeoutMs, maxBytes: MIB, signal: io.signal };
  return createTmuxCommand(config.tmux.binary, env)(server, args, call);
}
