/** Retention: removes old events, hits, swaps and alerts in transactions so short that no other writer notices. */

import { FIRST_BATCH, nextBatch } from '../core/alerts/batch.ts';
import { CATCH_UP_DAYS, dayOf } from '../core/alerts/stats.ts';
import { DAY, SECOND } from '../core/time.ts';
import type { RetentionStore, StatsReads } from '../ports/records.ts';
import type { Clock, Loop, TickContext } from '../ports.ts';
import { uncountedFrom } from '../steps/read-stats.ts';

export interface RetentionPorts {
  readonly retention: RetentionStore;
  readonly stats: StatsReads;
  readonly clock: Clock;
}

/** What one run removed. */
export interface Pruned {
  readonly events: number;
  readonly hits: number;
  readonly swaps: number;
  readonly alerts: number;
  readonly tasks: number;
  readonly tokens: number;
  readonly freedPages: number;
  /** The longest transaction, with its wait for the turn. */
  readonly longestMs: number;
  /** There is more; the time of one run was up. */
  readonly isUnfinished: boolean;
}

/** After this the rest waits for the next run. */
const BUDGET_MS = 20 * SECOND;
const AGAIN_AFTER_MS = 10 * SECOND;
/** Between two transactions, so that others get their turn. */
const REST_MS = 10;
/** Transactions after which the log is brought into the file. */
const CHECKPOINT_EVERY = 10;
const HITS_KEPT_MS = 14 * DAY;
/** A swap has some dozen rows in other tables; a page to be freed is read and written. */
const WEIGHT = { event: 1, hit: 1, alert: 1, swap: 10, page: 4 } as const;

export function createRetention(ports: RetentionPorts): Loop {
  let isUnfinished = false;
  return {
    name: 'retention',
    intervalMs: (config) => (isUnfinished ? AGAIN_AFTER_MS : config.janitor.intervalMs),
    async tick(context) {
      const pruned = await prune(ports, context);
      isUnfinished = pruned.isUnfinished;
      const { events, hits, swaps, alerts, tasks, tokens } = pruned;
      if (events + hits + swaps + alerts + tasks + tokens > 0) context.log.info({ ...pruned }, 'old records removed');
    },
  };
}

async function prune(
  { retention, stats, clock }: RetentionPorts,
  { config, now, signal }: TickContext,
): Promise<Pruned> {
  const { logRetentionDays, logMaxRecords } = config.janitor;
  const beforeAt = logRetentionDays === 0 ? null : now - logRetentionDays * DAY;
  const endMs = clock.monotonic() + BUDGET_MS;
  let batch = FIRST_BATCH;
  let longestMs = 0;
  let transactions = 0;
  const isOver = (): boolean => signal.aborted || clock.monotonic() >= endMs;

  /** One transaction of as many rows as the time of the last one allows. */
  const short = async <T>(weight: number, work: (rows: number) => Promise<T>): Promise<T> => {
    const startedMs = clock.monotonic();
    const result = await work(Math.max(1, Math.floor(batch / weight)));
    const tookMs = clock.monotonic() - startedMs;
    longestMs = Math.max(longestMs, tookMs);
    batch = nextBatch(batch, tookMs);
    transactions += 1;
    if (transactions % CHECKPOINT_EVERY === 0) await retention.checkpoint();
    await clock.sleep(REST_MS, signal);
    return result;
  };
  const all = async (weight: number, work: (rows: number) => Promise<number>): Promise<number> => {
    let total = 0;
    for (let removed = 1; removed > 0 && !isOver(); total += removed) removed = await short(weight, work);
    return total;
  };

  let excess = logMaxRecords === 0 ? 0 : await retention.excessEvents(logMaxRecords);
  let events = 0;
  if (beforeAt !== null || excess > 0) {
    const uncounted = await uncountedFrom(stats, now);
    for (let afterId = 0, isEnd = false; !isEnd && !isOver(); ) {
      const wish = { beforeAt, excess, uncountedFrom: uncounted, afterId };
      const done = await short(WEIGHT.event, (limit) => retention.pruneEvents({ ...wish, limit }));
      events += done.removed;
      excess = Math.max(0, excess - done.removed);
      ({ lastId: afterId, isEnd } = done);
    }
  }
  const hits = await all(WEIGHT.hit, (rows) => retention.pruneHits(now - HITS_KEPT_MS, rows));
  const swaps = beforeAt === null ? 0 : await all(WEIGHT.swap, (rows) => retention.pruneSwaps(beforeAt, rows));
  const alerts = beforeAt === null ? 0 : await all(WEIGHT.alert, (rows) => retention.pruneAlerts(beforeAt, rows));
  // The row of a failed task goes when its file goes.
  const failedBeforeAt = now - config.janitor.failedKeepMs - config.janitor.archiveDeleteAfterMs;
  const tasks =
    beforeAt === null ? 0 : await all(WEIGHT.alert, (rows) => retention.pruneTasks(beforeAt, failedBeforeAt, rows));
  // Sums of days that are closed are in their rows.
  const countedBeforeAt = now - (CATCH_UP_DAYS + 1) * DAY;
  const tokens = await all(WEIGHT.hit, (rows) => retention.pruneTokens(dayOf(countedBeforeAt), countedBeforeAt, rows));
  const freedPages = await all(WEIGHT.page, (pages) => retention.vacuum(pages));
  const isUnfinished = isOver();
  if (transactions > 0) await retention.checkpoint();
  return { events, hits, swaps, alerts, tasks, tokens, freedPages, longestMs, isUnfinished };
}
