/** The daily figures: closes yesterday a little after midnight UTC, and whatever days were missed before. */
import { untilTimeOfDay } from '../core/alerts/stats.ts';
import { HOUR } from '../core/time.ts';
import type { StatsStore } from '../ports/records.ts';
import type { Clock, Loop } from '../ports.ts';
import { closeDays } from '../steps/read-stats.ts';
import { statsAccounts } from '../steps/records-api.ts';

export interface StatsPorts {
  readonly stats: StatsStore;
  readonly clock: Clock;
}

export function createStats(ports: StatsPorts): Loop {
  return {
    name: 'stats',
    // Looked at every hour, because a machine that slept does not know how long.
    intervalMs: (config) => Math.min(HOUR, untilTimeOfDay(ports.clock.now(), config.stats.dailyAtMs)),
    async tick({ config, now, log, signal }) {
      const days = await closeDays(ports.stats, statsAccounts(config), now, config.stats.dailyAtMs, signal);
      if (days.length > 0) log.info({ days }, 'daily figures written');
    },
  };
}
