/** The sections about sessions and their agents, from the file's values to the program's. */

import type { ConfigValues } from './file-schema.ts';
import type { KeyPath } from './finding.ts';
import { ms } from './key-types.ts';
import type { Config, SessionConfig } from './schema.ts';

/** @param path expands a path of the file, given the key that names it */
export function convertSessions(
  { agents, sessions, watcher, lifecycle, checkpoint }: ConfigValues,
  path: (text: string, at: KeyPath) => string,
): Pick<Config, 'agents' | 'watcher' | 'lifecycle' | 'checkpoint'> & {
  readonly autonomous: Config['sessions']['autonomous'];
} {
  const { prefix, start_index, max, min, workdir, agent, pool } = sessions.autonomous;
  return {
    agents: Object.fromEntries(
      Object.entries(agents).map(([kind, { command, args, models }]) => [
        kind,
        { command: command.includes('/') ? path(command, ['agents', kind, 'command']) : command, args, models },
      ]),
    ),
    autonomous: {
      prefix,
      startIndex: start_index,
      min,
      max,
      names: Array.from({ length: max }, (_, i) => `${prefix}${start_index + i}`),
      workdir: path(workdir, ['sessions', 'autonomous', 'workdir']),
      agent,
      pool,
    },
    watcher: {
      intervalMs: ms(watcher.interval),
      idleTimeoutMs: ms(watcher.idle_timeout),
      idlePolls: watcher.idle_polls,
      minRuntimeMs: ms(watcher.min_runtime),
      stallAfterMs: ms(watcher.stall_after),
      stallKillAfterMs: ms(watcher.stall_kill_after),
      autoAnswers: watcher.auto_answers,
      doneSignalDir: path(watcher.done_signal_dir, ['watcher', 'done_signal_dir']),
    },
    lifecycle: {
      reconcileIntervalMs: ms(lifecycle.reconcile_interval),
      recreate: lifecycle.recreate,
      launchTimeoutMs: ms(lifecycle.launch_timeout),
      maxRestartsPerHour: lifecycle.max_restarts_per_hour,
    },
    checkpoint: {
      enabled: checkpoint.enabled,
      intervalMs: ms(checkpoint.interval),
      keep: checkpoint.keep,
      lines: checkpoint.lines,
    },
  };
}

export function convertDedicated(
  sessions: ConfigValues['sessions']['dedicated'],
  position: (list: string, index: number) => number,
  path: (text: string, at: KeyPath) => string,
): readonly (SessionConfig & { readonly at: number })[] {
  return sessions.map((session, index) => {
    const at = position('dedicated', index);
    return {
      name: session.name,
      pool: session.pool,
      swapPolicy: session.swap_policy,
      project: session.project === null ? null : path(session.project, ['sessions', 'dedicated', at, 'project']),
      agent: session.agent,
      acceptTasks: session.accept_tasks,
      at,
    };
  });
}
