/** Checks of the sessions that are kept: where they are made, what is started in them, and whether their names are meant. */
import { accessSync, constants, lstatSync, statSync } from 'node:fs';
import { createTmuxCommand, MIB } from '../../adapters/tmux/command.ts';
import type { Env } from '../../config/expand-path.ts';
import type { Config } from '../../config/schema.ts';
import { errorCode } from '../../core/error-code.ts';
import { skipsPermissions } from '../../core/sessions/permissions.ts';
import { lookalikes } from '../../core/sessions/pool-size.ts';
import { shellWord } from '../../core/shell.ts';
import { clean } from '../text.ts';
import type { Check } from './check.ts';
import { failed, noted, octal, passed, warned } from './check.ts';

export async function checkSessions(config: Config, env: Env, signal: AbortSignal): Promise<readonly Check[]> {
  const { dedicated, autonomous } = config.sessions;
  const isPool = autonomous.max > 0;
  const made = dedicated.flatMap(({ name, project }) => (project === null ? [] : [{ name, project }]));
  const checks = made.map(({ name, project }) => directory(`session ${name}`, project, 'sessions.dedicated[].project'));
  if (isPool) {
    checks.push(directory('autonomous sessions', autonomous.workdir, 'sessions.autonomous.workdir'));
    checks.push(await checkNames(config, env, signal));
    if (config.dispatcher.projectsDir === null) {
      const fix = 'set dispatcher.projects_dir to the directory that holds your projects';
      checks.push(warned('autonomous sessions', 'no task will reach them: dispatcher.projects_dir is not set', fix));
    }
    checks.push(signalDirectory(config.watcher.doneSignalDir));
    if (config.dispatcher.safetyHook) checks.push(safetyHook(config));
  }
  if (isPool || made.length > 0) checks.push(...agentCommands(config));
  return checks;
}

function directory(name: string, path: string, key: string): Check {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) return passed(name, `made in ${path}`);
  return failed(name, `${path} is not a directory, so it cannot be made there`, `make it, or change ${key}`);
}

/** A session of another name is not the one that was meant; tasks would go to new ones beside it. */
async function checkNames(config: Config, env: Env, signal: AbortSignal): Promise<Check> {
  const { prefix, names } = config.sessions.autonomous;
  const tmux = createTmuxCommand(config.tmux.binary, {
    PATH: env.PATH ?? '/usr/bin:/bin',
    ...(env.TMUX_TMPDIR ? { TMUX_TMPDIR: env.TMUX_TMPDIR } : {}),
  });
  const call = { timeoutMs: config.tmux.commandTimeoutMs, maxBytes: MIB, signal };
  const replies = await Promise.all(
    config.tmux.sockets.map((server) => tmux(server, ['list-sessions', '-F', '#{session_name}'], call)),
  );
  const live = replies.flatMap((reply) => (reply.kind === 'ran' ? reply.stdout.split('\n') : []));
  const alike = lookalikes(prefix, names, live);
  const shown = names.length === 1 ? names[0] : `${names[0]} … ${names.at(-1)}`;
  if (alike.length === 0) return passed('autonomous names', `${shown}`);
  return warned(
    'autonomous names',
    `none of ${shown} is there, but ${clean(alike.slice(0, 3).join(', '))}: they would get no task`,
    'set sessions.autonomous.prefix and start_index so that they name the sessions that are there',
  );
}

/** Whoever can write there can say that a task is done. */
function signalDirectory(path: string): Check {
  const name = 'signal directory';
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return noted(name, `${path} is not there yet; the daemon makes it`);
  if (!found.isDirectory()) return failed(name, `${path} is not a directory`, 'change watcher.done_signal_dir');
  if ((found.mode & 0o022) !== 0)
    return failed(name, `${path} can be written by others (mode ${octal(found.mode)})`, `chmod 700 ${shellWord(path)}`);
  return passed(name, path);
}

function safetyHook({ sessions, agents }: Config): Check {
  const { agent } = sessions.autonomous;
  if (skipsPermissions(agents[agent]?.args ?? []))
    return passed('safety hook', 'put into a project before a task is begun there');
  return warned(
    'safety hook',
    `agents.${agent}.args do not skip permissions, so it is put into no project`,
    `write --dangerously-skip-permissions into agents.${agent}.args if a script adds it, or set dispatcher.safety_hook: false`,
  );
}

/** A bare name is found by the shell of the session, which may know more places than this one. */
function agentCommands(config: Config): readonly Check[] {
  return Object.entries(config.agents).flatMap(([kind, { command }]) => {
    if (!command.includes('/')) return [];
    const name = `agents.${kind}.command`;
    try {
      accessSync(command, constants.X_OK);
      return [passed(name, command)];
    } catch (error) {
      return [
        failed(name, `${command} cannot be run (${errorCode(error)})`, 'name the program by its path, or by its name'),
      ];
    }
  });
}
