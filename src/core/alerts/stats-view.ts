/** Statistics as the API and the command line show them. */
import { HOUR, MINUTE } from '../time.ts';
import type { ModelTokens, Tokens } from '../tokens/tokens.ts';
import { addTokens, beyond, NO_TOKENS, totalOf } from '../tokens/tokens.ts';
import type { DayFigures, Figures, StatsPeriod } from './stats.ts';
import { percentile, sum } from './stats.ts';
import type { TaskFigures } from './task-figures.ts';

export interface FiguresView {
  readonly swaps: number;
  readonly hits: {
    readonly instant: number;
    readonly confirmed: number;
    readonly vetoed: number;
    readonly consumed: number;
  };
  readonly recoveries: {
    readonly hot: number;
    readonly restart: number;
    readonly self: number;
    readonly handed_over: number;
    readonly median_ms: number | null;
    readonly p95_ms: number | null;
  };
  readonly active_minutes: number;
  /** Null: not counted on any of the days. */
  readonly tasks: {
    readonly done: number;
    readonly failed: number;
    readonly timeout: number;
    /** Of those that were done. */
    readonly median_ms: number | null;
    readonly p95_ms: number | null;
  } | null;
  /** At most five, those with the most tasks first. */
  readonly top_projects: readonly { readonly project: string; readonly tasks: number }[];
  /** Null: not counted on any of the days, or its agent does not tell. */
  readonly tokens: TokensView | null;
  /** At most five, those with the most tokens first. */
  readonly top_models: readonly ({ readonly model: string } & TokensView)[];
}

export interface TokensView {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_write_tokens: number;
  readonly total_tokens: number;
}

export interface StatsView {
  readonly period: StatsPeriod;
  /** The first and the last day, `YYYY-MM-DD`, both inclusive. */
  readonly from: string;
  readonly to: string;
  /** Days whose rows are older than the counting of tasks and tokens. */
  readonly uncounted_days: number;
  readonly total: FiguresView;
  /** What nothing tells the account of; it is in the total. Null: not counted on any of the days. */
  readonly unattributed_tokens: TokensView | null;
  readonly accounts: readonly ({ readonly account: string } & FiguresView)[];
}

/** @param rows stored days and today, in any order; @param accounts of the configuration: they come first, in its order */
export function statsView(
  rows: readonly DayFigures[],
  period: StatsPeriod,
  span: { readonly from: string; readonly to: string },
  accounts: readonly string[],
): StatsView {
  const known = new Set(rows.map(({ account }) => account).filter((account) => account !== null));
  const names = [...accounts, ...[...known].filter((name) => !accounts.includes(name)).sort()];
  const all = rows.filter((row) => row.account === null);
  const total = sum(all);
  const ofAccount = (account: string): Figures => sum(rows.filter((row) => row.account === account));
  const attributed = names.map((name) => tokensOf(ofAccount(name).models ?? [])).reduce(addTokens, NO_TOKENS);
  return {
    period,
    ...span,
    uncounted_days: all.filter(({ tasks }) => tasks === null).length,
    total: figuresView(total),
    unattributed_tokens: total.models === null ? null : tokensView(beyond(tokensOf(total.models), attributed)),
    accounts: names.map((account) => ({ account, ...figuresView(ofAccount(account)) })),
  };
}

const TOP = 5;

function tokensOf(models: readonly ModelTokens[]): Tokens {
  return models.reduce<Tokens>(addTokens, NO_TOKENS);
}

function tokensView(tokens: Tokens): TokensView {
  return {
    input_tokens: tokens.input,
    output_tokens: tokens.output,
    cache_read_tokens: tokens.cacheRead,
    cache_write_tokens: tokens.cacheWrite,
    total_tokens: totalOf(tokens),
  };
}

function tasksView({ done, failed, timeout, tookMs }: TaskFigures): FiguresView['tasks'] {
  return { done, failed, timeout, median_ms: percentile(tookMs, 0.5), p95_ms: percentile(tookMs, 0.95) };
}

function figuresView(figures: Figures): FiguresView {
  const { tasks, models } = figures;
  return {
    swaps: figures.swaps,
    hits: {
      instant: figures.hitsInstant,
      confirmed: figures.hitsConfirmed,
      vetoed: figures.hitsVetoed,
      consumed: figures.hitsConsumed,
    },
    recoveries: {
      hot: figures.recoveredHot,
      restart: figures.recoveredRestart,
      self: figures.recoveredSelf,
      handed_over: figures.handedOver,
      median_ms: percentile(figures.recoveryMs, 0.5),
      p95_ms: percentile(figures.recoveryMs, 0.95),
    },
    active_minutes: Math.round(figures.activeMs / MINUTE),
    tasks: tasks === null ? null : tasksView(tasks),
    top_projects: [...(tasks?.projects ?? [])].sort((a, b) => b.tasks - a.tasks).slice(0, TOP),
    tokens: models === null ? null : tokensView(tokensOf(models)),
    top_models: [...(models ?? [])]
      .sort((a, b) => totalOf(b) - totalOf(a))
      .slice(0, TOP)
      .map((row) => ({ model: row.model, ...tokensView(row) })),
  };
}

/** Minutes as hours where there are many. @example hoursOf(90) // '1.5 h' */
export function hoursOf(minutes: number): string {
  if (minutes < 60) return `${minutes} m`;
  return `${Math.round((minutes * MINUTE * 10) / HOUR) / 10} h`;
}
