/** `stats`: the figures of a period, for each account and for all together. */
import { basename } from 'node:path';
import type { StatsPeriod } from '../core/alerts/stats.ts';
import { STATS_PERIODS } from '../core/alerts/stats.ts';
import type { FiguresView, StatsView, TokensView } from '../core/alerts/stats-view.ts';
import { hoursOf } from '../core/alerts/stats-view.ts';
import { formatDuration } from '../core/time.ts';
import { askDaemon, expectAnswer, reportNoDaemon } from './daemon-client.ts';
import type { CommandIo, JsonOption } from './io.ts';
import { EXIT } from './io.ts';
import { locate } from './locate.ts';
import { joinParts, table } from './text.ts';

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
  const [{ loadOffline, withStore }, { readStats }, { statsAccounts }] = await Promise.all([
    import('./offline.ts'),
    import('../steps/read-stats.ts'),
    import('../steps/records-api.ts'),
  ]);
  const loaded = loadOffline(options, io);
  const found = await withStore(loaded, (store) =>
    readStats(store.stats, period, statsAccounts(loaded.config), io.clock.now()),
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
  printWork(view, io);
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

function printWork(view: StatsView, io: CommandIo): void {
  const { unattributed_tokens: nobodys } = view;
  const rows = [
    ['ACCOUNT', 'DONE', 'FAILED', 'TIMED OUT', 'MEDIAN', 'P95', 'TOKENS', 'IN', 'OUT', 'CACHE'],
    ...view.accounts.map(({ account, tasks, tokens }) => [account, ...taskCells(tasks), ...tokenCells(tokens)]),
    ...((nobodys?.total_tokens ?? 0) === 0 ? [] : [['unattributed', ...NO_CELLS, ...tokenCells(nobodys)]]),
    ['all', ...taskCells(view.total.tasks), ...tokenCells(view.total.tokens)],
  ];
  const width = io.isTTY ? io.columns : Number.POSITIVE_INFINITY;
  io.out(`\n${table(rows, width)}`);
  const { top_projects, top_models } = view.total;
  const projects = top_projects.map(({ project, tasks }) => `${basename(project)} ${tasks}`);
  const models = top_models.map(({ model, total_tokens }) => `${model} ${short(total_tokens)}`);
  if (projects.length > 0) io.out(`\ntasks by project: ${joinParts(projects, width)}\n`);
  if (models.length > 0) io.out(`\ntokens by model: ${joinParts(models, width)}\n`);
  if (view.uncounted_days > 0)
    io.out(
      `\nTasks and tokens were not counted on ${view.uncounted_days} of these days: an older version closed them.\n`,
    );
}

const NOT_COUNTED = 'not counted';
/** Of a row that has no tasks. */
const NO_CELLS = ['-', '-', '-', '-', '-'];

function taskCells(tasks: FiguresView['tasks']): string[] {
  if (tasks === null) return [NOT_COUNTED, '-', '-', '-', '-'];
  const { done, failed, timeout, median_ms, p95_ms } = tasks;
  return [...[done, failed, timeout].map(String), took(median_ms), took(p95_ms)];
}

function tokenCells(tokens: TokensView | null): string[] {
  return tokens === null ? [NOT_COUNTED, '-', '-', '-'] : countsOf(tokens).map(short);
}

function countsOf(tokens: TokensView): readonly number[] {
  const { total_tokens, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens } = tokens;
  return [total_tokens, input_tokens, output_tokens, cache_read_tokens + cache_write_tokens];
}

/** @example short(1_234_567) // '1.2 M' */
function short(count: number): string {
  const unit = UNITS.find(({ least }) => count >= least);
  return unit === undefined ? String(count) : `${(count / unit.least).toFixed(1)} ${unit.name}`;
}

const UNITS = [
  { least: 1e9, name: 'G' },
  { least: 1e6, name: 'M' },
  { least: 1e3, name: 'k' },
] as const;

function took(ms: number | null): string {
  return ms === null ? '-' : formatDuration(ms);
}
