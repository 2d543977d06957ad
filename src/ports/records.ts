/** The interfaces of what is kept about the daemon's own days: alerts, statistics, and what is forgotten of both. */
import type {
  Alert,
  AlertAction,
  AlertSeverity,
  AlertStatus,
  AlertStep,
  AlertType,
  Firing,
} from '../core/alerts/alert.ts';
import type { AlertThresholds } from '../core/alerts/rules.ts';
import type { DayFigures, StatsInput, StatsPeriod } from '../core/alerts/stats.ts';
import type { StatsView } from '../core/alerts/stats-view.ts';
import type { EventType, JournalEvent } from '../core/events.ts';
import type { EpochMs } from '../core/time.ts';

export interface AlertFilter {
  readonly types?: readonly AlertType[];
  readonly severities?: readonly AlertSeverity[];
  readonly statuses?: readonly AlertStatus[];
  /** Newest first, at most this many. */
  readonly limit: number;
}

export interface AlertReads {
  list(filter: AlertFilter): Promise<readonly Alert[]>;
  /** Active and acknowledged ones. */
  countOpen(): Promise<number>;
}

export interface AlertStore extends AlertReads {
  /** Events of these types, oldest first; of each type at most the newest thousand. */
  eventsSince(types: readonly EventType[], sinceAt: EpochMs): Promise<readonly JournalEvent[]>;
  /** One run of the rules: alerts and their events change in one transaction. @returns what changed or stayed open */
  run(firings: readonly Firing[], now: EpochMs, cooldownMs: number): Promise<readonly AlertStep[]>;
  /** `ended`: nothing is left to be done by hand. */
  change(id: number, action: AlertAction, by: string, now: EpochMs): Promise<Alert | 'unknown' | 'ended'>;
}

export interface StatsReads {
  /** Stored rows from this day on; null: all. */
  days(fromDay: string | null): Promise<readonly DayFigures[]>;
  /** What the figures of a span are made of. */
  facts(from: EpochMs, to: EpochMs): Promise<Omit<StatsInput, 'accounts'>>;
  /** When the oldest event that is left was written; null: there is none. */
  firstAt(): Promise<EpochMs | null>;
}

export interface StatsStore extends StatsReads {
  /** Rows that are there already stay as they are. */
  saveDays(rows: readonly DayFigures[]): Promise<void>;
}

export interface PruneEvents {
  /** Events before this are old; null: none is for its age. */
  readonly beforeAt: EpochMs | null;
  /** So many of the oldest go whatever their age. */
  readonly excess: number;
  /** Events from here on are not in the statistics yet: those that will be counted stay. */
  readonly uncountedFrom: EpochMs;
  /** Where the batch before ended; 0: from the beginning. */
  readonly afterId: number;
  /** Rows that are looked at. */
  readonly limit: number;
}

export interface PrunedEvents {
  readonly removed: number;
  readonly lastId: number;
  /** Nothing behind `lastId` is to be removed. */
  readonly isEnd: boolean;
}

/** Old records. Each call is one short transaction; the caller measures it and chooses the next size. */
export interface RetentionStore {
  /** How many events there are beyond this number. */
  excessEvents(maxRecords: number): Promise<number>;
  pruneEvents(wish: PruneEvents): Promise<PrunedEvents>;
  /** @returns how many were removed, as the next two */
  pruneHits(beforeAt: EpochMs, limit: number): Promise<number>;
  pruneAlerts(beforeAt: EpochMs, limit: number): Promise<number>;
  /** Rows of tasks that ended and whose file was put away; those that failed have a limit of their own. */
  pruneTasks(beforeAt: EpochMs, failedBeforeAt: EpochMs, limit: number): Promise<number>;
  /** Sums of tokens before this day, and how far files were read that nobody read since. */
  pruneTokens(beforeDay: string, beforeAt: EpochMs, limit: number): Promise<number>;
  /** Swaps that ended, each with its incident and its recoveries; never the newest of a pool, never a partial one. */
  pruneSwaps(beforeAt: EpochMs, limit: number): Promise<number>;
  /** Gives free pages back to the file system. @returns how many */
  vacuum(pages: number): Promise<number>;
  checkpoint(): Promise<void>;
}

/** The file system under a directory. */
export interface DiskSpace {
  /** Bytes that this user may still fill; null: it does not tell. */
  freeBytes(directory: string): Promise<number | null>;
}

/** The part of the running daemon that its doors ask about its days. */
export interface RecordsApi {
  alerts(filter: AlertFilter): Promise<readonly Alert[]>;
  /** The thresholds in force. */
  thresholds(): AlertThresholds;
  changeAlert(id: number, action: AlertAction, by: string): Promise<Alert | 'unknown' | 'ended'>;
  stats(period: StatsPeriod): Promise<StatsView>;
}
