/** `stats`: the figures of a period, for each account and for all together. */
import type { StatsPeriod } from '../core/alerts/stats.ts';
import { STATS_PERIODS } from '../core/alerts/stats.ts';
import type { FiguresView, StatsView } from '../core/alerts/stats-view.ts';
import { hoursOf } from '../core/alerts/stats-view.ts';
import { formatDuration } from '../core/time.ts';
import { askDaemon, expectAnswer, reportNoDaemon } from './daemon-client.ts';
import type { CommandIo, JsonOption } from './io.ts';
import { EXIT } from './io.ts';
import { locate } from './locate.ts';
import { table } from './text.ts';

export interface StatsOptions extends JsonOption {
  readonly period?: string;
}

/** @returns 0, 2 for an unknown period, 4 when there is neither a daemon nor a database */
export async function stats(options: StatsOptions, io: CommandIo): Promise<number> {
  const period = STATS_PERIODS.find((candidate) => candidate === (options.period ?? 'today'));
  if (period === undefined) {
    io.err(`claude-failover: --period must be one of ${STATS_PERIODS.join(', ')}\n`);
    return EXIT.usage;
  }
  const found = await read(period, options, io);
  if (typeof found === 'number') return found;
  if (options.json === true) io.out(`${JSON.stringify(found)}\n`);
  else print(found, io);
  return EXIT.ok;
}

async function read(period: StatsPeriod, options: StatsOptions, io: CommandIo): Promise<StatsView | number> {
  const { socket, stateDir } = await locate(options, io);
  const reply = await askDaemon(socket, `/stats?period=${period}`);
  if (reply.kind === 'answer') return expectAnswer<StatsView>(reply, ['period', 'from', 'to', 'total', 'accounts']);
  if (reply.kind === 'no_answer') return reportNoDaemon(reply, io);
  const [{ loadOffline, withStore }, { readStats }, { accountsOf }] = await Promise.all([
    import('./offline.ts'),
    import('../steps/read-stats.ts'),
    import('../steps/records-api.ts'),
  ]);
  const loaded = loadOffline(options, io);
  const found = await withStore(loaded, (store) =>
    readStats(store.stats, period, accountsOf(loaded.config), io.clock.now()),
  );
  if ('kind' in found) return reportNoDaemon(reply, io);
  io.err(`the daemon is not running; this is read from ${stateDir}\n`);
  return found;
}

function print(view: StatsView, io: CommandIo): void {
  const days = view.from === view.to ? view.from : `${view.from} to ${view.to}`;
  io.out(`${view.period}: ${days} (UTC)\n\n`);
  const rows = [
    ['ACCOUNT', 'SWAPS', 'LIMITS', 'DROPPED', 'BACK', 'HANDED OVER', 'MEDIAN', 'P95', 'ACTIVE'],
    ...view.accounts.map(({ account, ...figures }) => row(account, figures)),
    row('all', view.total),
  ];
  io.out(table(rows, io.isTTY ? io.columns : Number.POSITIVE_INFINITY));
}

function row(name: string, { swaps, hits, recoveries, active_minutes }: FiguresView): string[] {
  const back = recoveries.hot + recoveries.restart + recoveries.self;
  return [
    name,
    String(swaps),
    String(hits.instant + hits.confirmed),
    String(hits.vetoed),
    String(back),
    String(recoveries.handed_over),
    took(recoveries.median_ms),
    took(recoveries.p95_ms),
    hoursOf(active_minutes),
  ];
}

function took(ms: number | null): string {
  return ms === null ? '-' : formatDuration(ms);
}
