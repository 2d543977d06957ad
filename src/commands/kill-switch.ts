/** `pause` and `resume`: through the daemon, and by the file in the state directory when it does not answer. */
import { join } from 'node:path';
import { createKillSwitch } from '../adapters/kill-switch.ts';
import { makeOwnDirectory } from '../adapters/own-directory.ts';
import { PAUSE_TIMES, parsePauseTime } from '../core/pause.ts';
import { formatDuration } from '../core/time.ts';
import { askDaemon, errorOf } from './daemon-client.ts';
import type { CommandIo, GlobalOptions } from './io.ts';
import { EXIT } from './io.ts';
import { locate } from './locate.ts';

export interface PauseOptions extends GlobalOptions {
  /** A duration such as `1h`; absent: until `resume`. */
  readonly for?: string;
}

const NEXT_RESUME = 'claude-failover resume';

/**
 * Stops every automatic action; looking and telling go on. Works without the daemon.
 *
 * @returns 0, 1 when a daemon runs that this configuration does not reach, or 2 for a time that is none
 * @throws {FatalError} the file that pauses cannot be made
 */
export async function pause(reason: string | undefined, options: PauseOptions, io: CommandIo): Promise<number> {
  const forMs = options.for === undefined ? null : parsePauseTime(options.for);
  if (options.for !== undefined && forMs === null) {
    io.err(`claude-failover: --for takes ${PAUSE_TIMES}\nnext: claude-failover pause --for 1h\n`);
    return EXIT.usage;
  }
  const end = forMs === null ? '' : `, for ${formatDuration(forMs)} at most`;
  const words =
    (reason ?? '')
      .replace(/[\x00-\x1f\x7f-\x9f]/g, ' ')
      .trim()
      .slice(0, 200) || 'by hand';
  const { socket, stateDir } = await locate(options, io);
  const reply = await askDaemon(socket, '/pause', {
    body: { reason: words, ...(options.for !== undefined && { for: options.for.trim() }) },
  });
  if (reply.kind === 'answer' && errorOf(reply.body) === null) {
    io.err(`paused${end}: nothing is swapped or typed until: ${NEXT_RESUME}\n`);
    return EXIT.ok;
  }
  if (reply.kind === 'not_running' && (await tellOtherDaemon('paused', stateDir, options, io))) return EXIT.error;
  makeOwnDirectory(stateDir, 'daemon.state_dir');
  const isReasonKept = await createKillSwitch(stateDir, io.clock).pause(
    words,
    forMs === null ? null : io.clock.now() + forMs,
  );
  const state = reply.kind === 'not_running' ? 'the daemon is not running' : 'the daemon did not answer';
  const lost = isReasonKept ? '' : '; the reason could not be kept';
  io.err(`paused by the file ${stateDir}/pause (${state}${lost})${end}; it acts again after: ${NEXT_RESUME}\n`);
  return EXIT.ok;
}

/** @returns 0, or 1 as above */
export async function resume(options: GlobalOptions, io: CommandIo): Promise<number> {
  const { socket, stateDir } = await locate(options, io);
  const reply = await askDaemon(socket, '/resume', { body: {} });
  if (reply.kind === 'answer' && errorOf(reply.body) === null) {
    io.err('resumed\n');
    return EXIT.ok;
  }
  if (reply.kind === 'not_running' && (await tellOtherDaemon('resumed', stateDir, options, io))) return EXIT.error;
  await createKillSwitch(stateDir, io.clock).resume();
  const state = reply.kind === 'not_running' ? 'the daemon is not running' : 'the daemon did not answer';
  io.err(`the file ${stateDir}/pause is gone (${state})\n`);
  return EXIT.ok;
}

/** Says so when a daemon holds one of the links with another state directory: a file in ours would not reach it. */
async function tellOtherDaemon(
  done: string,
  stateDir: string,
  options: GlobalOptions,
  io: CommandIo,
): Promise<boolean> {
  const [{ loadOffline }, { readDaemonLock }] = await Promise.all([import('./offline.ts'), import('../store/lock.ts')]);
  try {
    const { pools } = loadOffline(options, io).config;
    const owners = pools.map(({ link }) => readDaemonLock(`${link}.failover.lock`, '/proc'));
    const pid = owners.find((owner) => owner !== null)?.pid;
    if (pid === undefined || readDaemonLock(join(stateDir, 'daemon.lock'), '/proc')?.pid === pid) return false;
    io.err(
      `claude-failover: a daemon runs (pid ${pid}) with another state directory; nothing was ${done} there\n` +
        `next: name its configuration with --config, or stop it: kill ${pid}\n`,
    );
    return true;
  } catch {
    // A configuration or a lock that cannot be read must not stand in the way of the file.
    return false;
  }
}
