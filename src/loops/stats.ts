/** The daily figures: closes yesterday a little after midnight UTC, and whatever days were missed before. */
import { untilTimeOfDay } from '../core/alerts/stats.ts';
import type { EpochMs } from '../core/time.ts';
import { HOUR, MINUTE, SECOND } from '../core/time.ts';
import type { StatsStore } from '../ports/records.ts';
import type { Clock, Loop, TickContext } from '../ports.ts';
import type { TokenCounter } from '../steps/count-tokens.ts';
import { closeDays, openDays } from '../steps/read-stats.ts';
import { statsAccounts } from '../steps/records-api.ts';

export interface StatsPorts {
  readonly stats: StatsStore;
  readonly counter: TokenCounter;
  readonly clock: Clock;
}

const AGAIN_AFTER_MS = 5 * SECOND;
/** A day is not held open for longer, whatever is still to be read. */
const MAX_WAIT_MS = 30 * MINUTE;

export function createStats(ports: StatsPorts): Loop {
  let waitsSince: EpochMs | null = null;
  return {
    name: 'stats',
    // Looked at every hour, because a machine that slept does not know how long.
    intervalMs: ({ stats }) =>
      waitsSince === null ? Math.min(HOUR, untilTimeOfDay(ports.clock.now(), stats.dailyAtMs)) : AGAIN_AFTER_MS,
    async tick(context) {
      const { config, now, log, signal } = context;
      const open = await openDays(ports.stats, now, config.stats.dailyAtMs);
      if (await mustWait(open, context)) return;
      const days = await closeDays(ports.stats, open, statsAccounts(config), now, signal);
      if (days.length > 0) log.info({ days }, 'daily figures written');
    },
  };

  /** What was used on a day is read before the day is closed: afterwards nothing is added to it. */
  async function mustWait(open: readonly string[], context: TickContext): Promise<boolean> {
    const isRead = open.length === 0 || (await ports.counter.count(context));
    const { now } = context;
    waitsSince = isRead ? null : (waitsSince ?? now);
    if (waitsSince === null || now - waitsSince < MAX_WAIT_MS) return waitsSince !== null;
    waitsSince = null;
    return false;
  }
}
