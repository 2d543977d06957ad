/** What the daemon's doors ask of its records: alerts and figures. */
import type { Config } from '../config/schema.ts';
import type { StatsAccount } from '../core/alerts/stats.ts';
import { tellsTokens } from '../core/tokens/token-file.ts';
import type { AlertStore, RecordsApi, StatsReads } from '../ports/records.ts';
import type { Clock } from '../ports.ts';
import { thresholdsOf } from './alert-facts.ts';
import { readStats } from './read-stats.ts';

export interface RecordsPorts {
  readonly alerts: Pick<AlertStore, 'list' | 'change'>;
  readonly stats: StatsReads;
  readonly clock: Clock;
  readonly config: () => Config;
}

export function createRecordsApi(ports: RecordsPorts): RecordsApi {
  const { alerts, stats, clock } = ports;
  return {
    alerts: (filter) => alerts.list(filter),
    thresholds: () => thresholdsOf(ports.config()),
    changeAlert: (id, action, by) => alerts.change(id, action, by, clock.now()),
    stats: (period) => readStats(stats, period, statsAccounts(ports.config()), clock.now()),
  };
}

export function statsAccounts(config: Config): readonly StatsAccount[] {
  return config.pools.flatMap(({ agent, accounts }) =>
    accounts.map(({ name }) => ({ name, tellsTokens: tellsTokens(agent) })),
  );
}
