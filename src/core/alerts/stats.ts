/** Statistics of a span of time, for each account and for all together, from events and activations; days are those of UTC. */
import type { EventType, JournalEvent } from '../events.ts';
import type { Activation } from '../swap/swap.ts';
import type { EpochMs } from '../time.ts';
import { DAY, HOUR, MINUTE } from '../time.ts';
import type { DayTokens, ModelTokens } from '../tokens/tokens.ts';
import { byModel } from '../tokens/tokens.ts';
import type { TaskFigures } from './task-figures.ts';
import { addTasks, NO_TASKS, taskFiguresOf } from './task-figures.ts';

/** What is counted. */
export interface Figures {
  /** Swaps away from the account. */
  readonly swaps: number;
  /** Limits believed at first sight. */
  readonly hitsInstant: number;
  /** Limits believed because they stood long enough. */
  readonly hitsConfirmed: number;
  /** Suspicions that were dropped. */
  readonly hitsVetoed: number;
  /** Limits that a swap answered. */
  readonly hitsConsumed: number;
  readonly recoveredHot: number;
  readonly recoveredRestart: number;
  readonly recoveredSelf: number;
  readonly handedOver: number;
  /** How long each recovery took that succeeded, ms, ascending. */
  readonly recoveryMs: readonly number[];
  /** How long it was the active account; for all together: how long any was. */
  readonly activeMs: number;
  /** Null: not counted in those days. */
  readonly tasks: TaskFigures | null;
  /** What models used, each once; null: not counted in those days, or its agent does not tell. */
  readonly models: readonly ModelTokens[] | null;
}

/** One account on one day; `account` null: all together. */
export interface DayFigures extends Figures {
  /** `YYYY-MM-DD`. */
  readonly day: string;
  readonly account: string | null;
}

/** The event types that are counted. */
export const STATS_EVENTS = [
  'quota_hit',
  'quota_suspected',
  'quota_cleared',
  'swap_prepared',
  'swap_flipped',
  'session_recovered',
  'session_handed_over',
  'task_done',
  'task_failed',
  'task_timeout',
] as const satisfies readonly EventType[];

export const STATS_PERIODS = ['today', 'last7d', 'last30d', 'all'] as const;

export type StatsPeriod = (typeof STATS_PERIODS)[number];

/** After a pause, this many days are made up for. */
export const CATCH_UP_DAYS = 30;

export interface StatsInput {
  /** Of the types in `STATS_EVENTS`, within the span. */
  readonly events: readonly JournalEvent[];
  readonly activations: readonly Activation[];
  /** By id of a swap, the account it left. */
  readonly leftBy: ReadonlyMap<string, string>;
  /** Of days within the span. */
  readonly tokens: readonly DayTokens[];
  /** Accounts that get a row although nothing happened on them. */
  readonly accounts: readonly StatsAccount[];
}

/** An account of the configuration. */
export interface StatsAccount {
  readonly name: string;
  /** Whether its agent writes down what its models used. */
  readonly tellsTokens: boolean;
}

const NONE: Figures = {
  swaps: 0,
  hitsInstant: 0,
  hitsConfirmed: 0,
  hitsVetoed: 0,
  hitsConsumed: 0,
  recoveredHot: 0,
  recoveredRestart: 0,
  recoveredSelf: 0,
  handedOver: 0,
  recoveryMs: [],
  activeMs: 0,
  tasks: null,
  models: null,
};

/** The figures from `from` (inclusive) to `to` (exclusive): all together first, then by account. */
export function figuresOf(input: StatsInput, day: string, from: EpochMs, to: EpochMs): readonly DayFigures[] {
  const spans = activeSpans(input.activations, from, to);
  const counted = input.events
    .filter(({ at }) => at >= from && at < to)
    .flatMap((event) => {
      const figures = countOf(event);
      return figures === null ? [] : [{ account: accountOf(event, input.leftBy), figures }];
    });
  const tokens = input.tokens.filter(
    (row) => startOfDay(row.day) >= startOfDay(dayOf(from)) && startOfDay(row.day) < to,
  );
  const names = new Set([
    ...input.accounts.map(({ name }) => name),
    ...spans.keys(),
    ...[...counted, ...tokens].map(({ account }) => account),
  ]);
  const ofAccount = [...names]
    .filter((name) => name !== null)
    .sort()
    .map((account) => ({
      ...total(counted.filter((one) => one.account === account).map((one) => one.figures)),
      activeMs: lengthOf(spans.get(account) ?? []),
      models: modelsOf(
        tokens.filter((row) => row.account === account),
        input.accounts.some(({ name, tellsTokens }) => name === account && tellsTokens),
      ),
      day,
      account,
    }));
  const all = {
    ...total(counted.map((one) => one.figures)),
    activeMs: lengthOf([...spans.values()].flat()),
    models: modelsOf(
      tokens,
      input.accounts.some(({ tellsTokens }) => tellsTokens),
    ),
  };
  return [{ ...all, day, account: null }, ...ofAccount];
}

function total(rows: readonly Figures[]): Figures {
  const { tasks, ...figures } = sum(rows);
  return { ...figures, tasks: tasks ?? NO_TASKS };
}

function modelsOf(rows: readonly DayTokens[], tellsTokens: boolean): readonly ModelTokens[] | null {
  return rows.length === 0 && !tellsTokens ? null : byModel(rows);
}

/** Several rows as one. */
export function sum(rows: readonly Figures[]): Figures {
  return rows.reduce<Figures>(
    (total, row) => ({
      swaps: total.swaps + row.swaps,
      hitsInstant: total.hitsInstant + row.hitsInstant,
      hitsConfirmed: total.hitsConfirmed + row.hitsConfirmed,
      hitsVetoed: total.hitsVetoed + row.hitsVetoed,
      hitsConsumed: total.hitsConsumed + row.hitsConsumed,
      recoveredHot: total.recoveredHot + row.recoveredHot,
      recoveredRestart: total.recoveredRestart + row.recoveredRestart,
      recoveredSelf: total.recoveredSelf + row.recoveredSelf,
      handedOver: total.handedOver + row.handedOver,
      recoveryMs: [...total.recoveryMs, ...row.recoveryMs].sort((a, b) => a - b),
      activeMs: total.activeMs + row.activeMs,
      tasks: addTasks(total.tasks, row.tasks),
      models: total.models === null ? row.models : byModel([...total.models, ...(row.models ?? [])]),
    }),
    NONE,
  );
}

/** The value below which this share of the sorted values lies (nearest rank); null: there are none. */
export function percentile(sorted: readonly number[], share: number): number | null {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
}

/** The day of UTC on which the instant lies, `YYYY-MM-DD`. */
export function dayOf(at: EpochMs): string {
  return new Date(at).toISOString().slice(0, 10);
}

export function startOfDay(day: string): EpochMs {
  return Date.parse(`${day}T00:00:00Z`);
}

/** The first day of a period that ends today; null: from the beginning. */
export function firstDayOf(period: StatsPeriod, now: EpochMs): string | null {
  const days = { today: 1, last7d: 7, last30d: 30, all: null }[period];
  return days === null ? null : dayOf(now - (days - 1) * DAY);
}

/**
 * The days that should have rows by now and have none, oldest first, at most the last 30.
 *
 * @param dailyAtMs  how long after midnight a day counts as closed
 * @param firstAt    when the oldest fact was written; null: there is none
 */
export function missingDays(
  aggregated: ReadonlySet<string>,
  firstAt: EpochMs | null,
  now: EpochMs,
  dailyAtMs: number,
): readonly string[] {
  if (firstAt === null) return [];
  const last = startOfDay(dayOf(now - dailyAtMs)) - DAY;
  const first = Math.max(startOfDay(dayOf(firstAt)), last - (CATCH_UP_DAYS - 1) * DAY);
  const days: string[] = [];
  for (let at = first; at <= last; at += DAY) if (!aggregated.has(dayOf(at))) days.push(dayOf(at));
  return days;
}

/** How long until `HH:MM` of UTC comes next. */
export function untilTimeOfDay(now: EpochMs, dailyAtMs: number): number {
  const next = startOfDay(dayOf(now)) + dailyAtMs;
  return next > now ? next - now : next + DAY - now;
}

/** `00:05` as ms after midnight; null: no time of day. */
export function timeOfDayMs(text: string): number | null {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  return match === null ? null : Number(match[1]) * HOUR + Number(match[2]) * MINUTE;
}

function countOf(event: JournalEvent): Figures | null {
  const { type, data } = event;
  switch (type) {
    case 'quota_hit':
      return data.decision === 'confirmed' ? { ...NONE, hitsConfirmed: 1 } : { ...NONE, hitsInstant: 1 };
    case 'quota_suspected':
      return data.decision === 'vetoed' ? { ...NONE, hitsVetoed: 1 } : null;
    case 'quota_cleared':
      return { ...NONE, hitsVetoed: 1 };
    case 'swap_prepared':
      return { ...NONE, hitsConsumed: typeof data.hits === 'number' ? data.hits : 0 };
    case 'swap_flipped':
      return { ...NONE, swaps: 1 };
    case 'session_handed_over':
      return { ...NONE, handedOver: 1 };
    case 'session_recovered': {
      const recoveryMs = typeof data.afterMs === 'number' ? [data.afterMs] : [];
      if (data.by === 'hot') return { ...NONE, recoveryMs, recoveredHot: 1 };
      return data.by === 'restart'
        ? { ...NONE, recoveryMs, recoveredRestart: 1 }
        : { ...NONE, recoveryMs, recoveredSelf: 1 };
    }
    default: {
      const tasks = taskFiguresOf(event);
      return tasks === null ? null : { ...NONE, tasks };
    }
  }
}

/** Whose event it is: what a swap brings with it is charged to the account that was left. */
function accountOf({ swap, account, data }: JournalEvent, leftBy: ReadonlyMap<string, string>): string | null {
  if (swap === null) return account;
  return leftBy.get(swap) ?? (typeof data.from === 'string' ? data.from : account);
}

export type Span = readonly [from: EpochMs, to: EpochMs];

/** By account: when it was the active one of its pool. @param activations of two at the same instant the later one last */
export function activeSpans(
  activations: readonly Activation[],
  from: EpochMs,
  to: EpochMs,
): ReadonlyMap<string, Span[]> {
  const spans = new Map<string, Span[]>();
  const ordered = [...activations].sort((a, b) => a.since - b.since);
  ordered.forEach((activation, i) => {
    const next = ordered.slice(i + 1).find(({ pool }) => pool === activation.pool);
    const [start, end] = [Math.max(from, activation.since), Math.min(to, next?.since ?? to)];
    if (start < end) spans.set(activation.account, [...(spans.get(activation.account) ?? []), [start, end]]);
  });
  return spans;
}

/** Time that two spans share counts once. */
function lengthOf(spans: readonly Span[]): number {
  let total = 0;
  let reached = Number.NEGATIVE_INFINITY;
  for (const [from, to] of [...spans].sort((a, b) => a[0] - b[0])) {
    total += Math.max(0, to - Math.max(from, reached));
    reached = Math.max(reached, to);
  }
  return total;
}
