/** What an adoption works with, and the locks that keep daemons and other commands of ours away meanwhile. */
import { join } from 'node:path';
import { createCliLocks } from '../../adapters/accounts/cli-locks.ts';
import { createMoves } from '../../adapters/accounts/moves.ts';
import { createAdoptionJournal } from '../../adapters/adoption-journal.ts';
import { makeOwnDirectory } from '../../adapters/own-directory.ts';
import type { Config, PoolConfig } from '../../config/schema.ts';
import { FailoverError } from '../../core/errors.ts';
import type { Moves } from '../../ports/adoption.ts';
import type { AdoptionPorts } from '../../steps/adopt.ts';
import { acquireDaemonLock, readDaemonLock } from '../../store/lock.ts';
import type { CommandIo } from '../io.ts';
import { NO_LOG } from '../offline.ts';
import { settingsVariables } from './variables.ts';

export function adoptionPorts(config: Config, { clock, err }: Pick<CommandIo, 'clock' | 'err'>): AdoptionPorts {
  return {
    moves: createMoves(),
    variables: settingsVariables,
    journal: createAdoptionJournal(config.daemon.stateDir),
    locks: createCliLocks({ clock, log: NO_LOG }),
    clock,
    onWait: (lock) => err(`waiting for ${lock}: the CLI is renewing its login, or was killed within the last minute\n`),
  };
}

/** Those of the paths that are directories, not links to some. */
export async function directoriesAt(moves: Moves, paths: readonly string[]): Promise<readonly string[]> {
  const places = await Promise.all([...new Set(paths)].map((path) => moves.look(path)));
  return places.filter(({ kind }) => kind === 'directory').map(({ path }) => path);
}

/** @returns what lets them go @throws {FailoverError} a daemon runs */
export function keepDaemonsAway(config: Config, pool: PoolConfig, { clock }: Pick<CommandIo, 'clock'>): () => void {
  makeOwnDirectory(config.daemon.stateDir, 'daemon.state_dir');
  const held: { release(): void }[] = [];
  const release = (): void => {
    for (const lock of held.splice(0).reverse()) lock.release();
  };
  for (const path of lockPaths(config, pool)) {
    const lock = acquireDaemonLock(path, { procRoot: '/proc', now: clock.now() });
    if (lock.kind === 'taken') {
      release();
      throw daemonRuns(lock.pid);
    }
    held.push(lock);
  }
  return release;
}

/** @throws {FailoverError} a daemon runs */
export function demandNoDaemon(config: Config, pool: PoolConfig): void {
  for (const path of lockPaths(config, pool)) {
    const owner = readDaemonLock(path, '/proc');
    if (owner !== null) throw daemonRuns(owner.pid);
  }
}

function lockPaths(config: Config, pool: PoolConfig): readonly string[] {
  return [join(config.daemon.stateDir, 'daemon.lock'), `${pool.link}.failover.lock`];
}

function daemonRuns(pid: number): FailoverError {
  return new FailoverError('daemon_running', `the daemon runs (pid ${pid}) and watches these places`, {
    hint: 'stop it first (systemctl --user stop claude-failover, or Ctrl-C where it runs), then run the same command again',
  });
}
