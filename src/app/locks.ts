/** The locks that keep a second daemon away. */
import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import { FatalError } from '../core/errors.ts';
import type { EpochMs } from '../core/time.ts';
import { acquireDaemonLock } from '../store/lock.ts';

/**
 * One lock for the state directory, one beside each link: against a second daemon with the same or another directory.
 *
 * @throws {FatalError} another daemon runs
 */
export function takeLocks(config: Config, now: EpochMs, cleanUps: { name: string; run(): void }[]): void {
  const paths = [
    join(config.daemon.stateDir, 'daemon.lock'),
    ...config.pools.map((pool) => `${pool.link}.failover.lock`),
  ];
  for (const path of paths) {
    const lock = acquireDaemonLock(path, { procRoot: '/proc', now });
    if (lock.kind === 'taken') {
      throw new FatalError(
        'already_running',
        `another daemon runs: pid ${lock.pid}, since ${new Date(lock.since).toISOString()} (${path})`,
        {
          hint: 'stop it first, or ask it: claude-failover status',
        },
      );
    }
    cleanUps.push({ name: path, run: () => lock.release() });
  }
}
