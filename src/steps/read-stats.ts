/** Closes days of the statistics, and tells a period of them: stored days, and what has no row yet computed live. */
import type { DayFigures, StatsAccount, StatsPeriod } from '../core/alerts/stats.ts';
import { CATCH_UP_DAYS, dayOf, figuresOf, firstDayOf, missingDays, startOfDay } from '../core/alerts/stats.ts';
import type { StatsView } from '../core/alerts/stats-view.ts';
import { statsView } from '../core/alerts/stats-view.ts';
import type { EpochMs } from '../core/time.ts';
import { DAY } from '../core/time.ts';
import type { StatsReads, StatsStore } from '../ports/records.ts';

/** Writes a row for each account and one for all together, for each of these days. @returns those that were written */
export async function closeDays(
  store: StatsStore,
  days: readonly string[],
  accounts: readonly StatsAccount[],
  now: EpochMs,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const closed: string[] = [];
  for (const day of days) {
    if (signal.aborted) break;
    await store.saveDays(await figuresOfDay(store, day, accounts, now));
    closed.push(day);
  }
  return closed;
}

/** From when on events are not in the stored rows yet. */
export async function uncountedFrom(store: StatsReads, now: EpochMs): Promise<EpochMs> {
  const [first] = await openDays(store, now, 0);
  return startOfDay(first ?? dayOf(now));
}

/** @param accounts those of the configuration */
export async function readStats(
  store: StatsReads,
  period: StatsPeriod,
  accounts: readonly StatsAccount[],
  now: EpochMs,
): Promise<StatsView> {
  const today = dayOf(now);
  const first = firstDayOf(period, now);
  const rows: DayFigures[] = [...(await store.days(first))].filter(({ day }) => day !== today);
  const live = (await openDays(store, now, 0)).filter((day) => first === null || day >= first);
  for (const day of [...live, today]) rows.push(...(await figuresOfDay(store, day, accounts, now)));
  const from = first ?? rows.map(({ day }) => day).sort()[0] ?? today;
  return statsView(
    rows,
    period,
    { from, to: today },
    accounts.map(({ name }) => name),
  );
}

/** Days before today without rows, as far back as they are made up for. */
export async function openDays(store: StatsReads, now: EpochMs, dailyAtMs: number): Promise<readonly string[]> {
  const stored = await store.days(dayOf(now - (CATCH_UP_DAYS + 1) * DAY));
  return missingDays(new Set(stored.map(({ day }) => day)), await store.firstAt(), now, dailyAtMs);
}

async function figuresOfDay(
  store: StatsReads,
  day: string,
  accounts: readonly StatsAccount[],
  now: EpochMs,
): Promise<readonly DayFigures[]> {
  const from = startOfDay(day);
  // Nobody was active yet in what is left of today.
  const to = Math.min(from + DAY, Math.max(from, now + 1));
  return figuresOf({ ...(await store.facts(from, to)), accounts }, day, from, to);
}
