/** The interfaces of the outbox: messages that wait for their channels, and the sign of life. */
import type { Message } from '../core/alerts/message.ts';
import type { Notice } from '../core/alerts/notice.ts';
import type { KnownNotices, TellPlan } from '../core/alerts/plan.ts';
import type { JournalEvent } from '../core/events.ts';
import type { EpochMs } from '../core/time.ts';
import type { SendOptions } from '../ports.ts';

/** Tells somebody elsewhere that the daemon is well. */
export interface Heartbeat {
  /** Never throws. @returns what went wrong, without the URL; null: it got through */
  beat(signal: AbortSignal): Promise<string | null>;
}

/** A message on its way to one channel. */
export interface OutboxItem {
  readonly id: number;
  /** Key of its incident. */
  readonly key: string;
  readonly channel: string;
  readonly severity: Message['severity'];
  readonly mode: SendOptions['mode'];
  readonly message: Message;
  readonly createdAt: EpochMs;
  /** Tries so far. */
  readonly attempts: number;
  /** What the channel delivered of this incident last. */
  readonly previous: string | null;
}

/** One line of the outbox for a person. */
export interface OutboxLine {
  readonly id: number;
  readonly key: string;
  readonly channel: string;
  readonly severity: string;
  readonly title: string;
  readonly state: 'waiting' | 'sent' | 'gone' | 'given_up' | 'folded';
  readonly createdAt: EpochMs;
  readonly notBefore: EpochMs;
  readonly attempts: number;
  readonly finishedAt: EpochMs | null;
  readonly error: string | null;
}

/** Makes one message of several that were kept back, on top of what an earlier one gathered. */
export type Gather = (
  channel: string,
  before: Notice | null,
  messages: readonly Message[],
  why: 'held' | 'full',
) => Notice;

export interface TakeOptions {
  /** Events read at most. */
  readonly limit: number;
  readonly now: EpochMs;
  /** Waiting messages of one channel; more are gathered, the lightest and oldest first. */
  readonly maxWaiting: number;
  /** Pure; runs inside the transaction. */
  readonly plan: (events: readonly JournalEvent[], known: KnownNotices) => TellPlan;
  readonly gather: Gather;
}

/** Messages that wait for their channels; they outlive the process. */
export interface Outbox {
  /** From where the journal is told: what is older than `since` is not, unless it was waited for already. */
  begin(since: EpochMs): Promise<void>;
  /** Nobody is told anything: a later `begin` starts afresh. */
  forget(): Promise<void>;
  /** Reads on in the journal; notices, messages and the place reached are written in one transaction. @returns events read */
  take(options: TakeOptions): Promise<number>;
  /** Makes one message of several whose time of being held is over. @returns how many */
  foldHeld(channel: string, now: EpochMs, gather: Gather): Promise<number>;
  /** Due now: the worst first, then the oldest; one incident in its own order. */
  next(channel: string, now: EpochMs): Promise<OutboxItem | null>;
  /** Written before a try: from then on the content stays as it is. */
  trying(id: number): Promise<void>;
  finish(
    id: number,
    at: EpochMs,
    outcome: 'sent' | 'gone' | 'given_up',
    ref: string | null,
    error: string | null,
  ): Promise<void>;
  /** Not before `until`; with `all` nothing of this channel is. */
  postpone(item: OutboxItem, until: EpochMs, error: string, all: boolean): Promise<void>;
  /** Keeps back what is not critical and not tried yet. */
  hold(channel: string, until: EpochMs): Promise<void>;
  sentSince(channel: string, since: EpochMs): Promise<{ readonly count: number; readonly oldestAt: EpochMs | null }>;
  /**
   * Of how many incidents messages were made since then, by channel, whatever became of them. What only gathers others is
   * not counted once more, nor is the incident `except`.
   */
  toldSince(since: EpochMs, except: string): Promise<ReadonlyMap<string, number>>;
  waiting(channel: string): Promise<{ readonly count: number; readonly oldestAt: EpochMs | null }>;
  /** Newest first. */
  list(limit: number): Promise<readonly OutboxLine[]>;
  /** Forgets what was dealt with before `before`. */
  prune(before: EpochMs): Promise<void>;
}
