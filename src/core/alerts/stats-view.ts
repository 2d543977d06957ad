/** Statistics as the API and the command line show them. */
import { HOUR, MINUTE } from '../time.ts';
import type { DayFigures, Figures, StatsPeriod } from './stats.ts';
import { percentile, sum } from './stats.ts';

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
}

export interface StatsView {
  readonly period: StatsPeriod;
  /** The first and the last day, `YYYY-MM-DD`, both inclusive. */
  readonly from: string;
  readonly to: string;
  readonly total: FiguresView;
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
  const of = (account: string | null): FiguresView => figuresView(sum(rows.filter((row) => row.account === account)));
  return { period, ...span, total: of(null), accounts: names.map((account) => ({ account, ...of(account) })) };
}

function figuresView(figures: Figures): FiguresView {
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
  };
}

/** Minutes as hours where there are many. @example hoursOf(90) // '1.5 h' */
export function hoursOf(minutes: number): string {
  if (minutes < 60) return `${minutes} m`;
  return `${Math.round((minutes * MINUTE * 10) / HOUR) / 10} h`;
}
