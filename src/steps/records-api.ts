/** What the daemon's doors ask of its records: alerts, figures, and the use of an account set back by hand. */
import type { Config } from '../config/schema.ts';
import type { AlertStore, RecordsApi, StatsReads } from '../ports/records.ts';
import type { Board, Clock, LocalStore, PoolStore } from '../ports.ts';
import { thresholdsOf } from './alert-facts.ts';
import { readStats } from './read-stats.ts';

export interface RecordsPorts {
  readonly alerts: Pick<AlertStore, 'list' | 'change'>;
  readonly stats: StatsReads;
  readonly local: Pick<LocalStore, 'append'>;
  readonly shared: Pick<PoolStore, 'quota' | 'mergeQuota'>;
  readonly board: Pick<Board, 'wake'>;
  readonly clock: Clock;
  readonly config: () => Config;
}

export function createRecordsApi(ports: RecordsPorts): RecordsApi {
  const { alerts, stats, clock } = ports;
  return {
    alerts: (filter) => alerts.list(filter),
    thresholds: () => thresholdsOf(ports.config()),
    changeAlert: (id, action, by) => alerts.change(id, action, by, clock.now()),
    stats: (period) => readStats(stats, period, accountsOf(ports.config()), clock.now()),
    resetQuota: (account, by) => resetQuota(ports, account, by),
  };
}

/** Every window starts anew, unproved; a limit that still holds is seen again at the next turn. */
async function resetQuota(ports: RecordsPorts, account: string, by: string): Promise<boolean> {
  const pool = ports.config().pools.find(({ accounts }) => accounts.some(({ name }) => name === account));
  if (pool === undefined) return false;
  const now = ports.clock.now();
  const windows = (await ports.shared.quota()).filter((record) => record.account === account);
  const before = windows.map(({ window, used, limitReached }) => ({ window, used, limit_reached: limitReached }));
  // Written down first: what is not audited is not done.
  const data = { detail: `the use of ${account} was set back by hand`, by, before };
  await ports.local.append([{ type: 'quota_reset', pool: pool.name, account, data }], now);
  for (const { window } of windows) {
    await ports.shared.mergeQuota(account, window, (record) =>
      record === null
        ? null
        : {
            ...record,
            used: 0,
            limitReached: false,
            resetAt: null,
            lockUntil: null,
            source: 'manual',
            updatedAt: now,
            verifyRequired: true,
          },
    );
  }
  ports.board.wake('reconciler');
  ports.board.wake('quota-monitor');
  return true;
}

export function accountsOf(config: Config): readonly string[] {
  return config.pools.flatMap((pool) => pool.accounts.map(({ name }) => name));
}
