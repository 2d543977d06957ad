/** How the channels of messages do, as `/status` and `/health` say it. */
import type { EpochMs } from './time.ts';
import { formatDuration, MINUTE, toIso } from './time.ts';

/** How one channel of messages does. */
export interface ChannelFacts {
  readonly name: string;
  /** Messages in the outbox, and since when the oldest is there. */
  readonly waiting: number;
  readonly oldestWaitingAt: EpochMs | null;
  /** Since the daemon started. */
  readonly lastSentAt: EpochMs | null;
  /** Since when no message went through; null: the latest one did. */
  readonly failingSince: EpochMs | null;
  readonly lastError: string | null;
}

export interface ChannelView {
  readonly channel: string;
  readonly waiting: number;
  readonly oldest_waiting_at: string | null;
  readonly last_sent_at: string | null;
  readonly failing_since: string | null;
  readonly last_error: string | null;
}

export function channelView(channel: ChannelFacts): ChannelView {
  return {
    channel: channel.name,
    waiting: channel.waiting,
    oldest_waiting_at: toIso(channel.oldestWaitingAt),
    last_sent_at: toIso(channel.lastSentAt),
    failing_since: toIso(channel.failingSince),
    last_error: channel.lastError,
  };
}

/** A provider may be away this long before it is worth a word. */
const GRACE_MS = 5 * MINUTE;

/** @returns what is wrong with it; null: nothing */
export function channelTrouble({ name, failingSince, lastError }: ChannelFacts, now: EpochMs): string | null {
  if (failingSince === null || now - failingSince < GRACE_MS) return null;
  return `no message went through ${name} for ${formatDuration(now - failingSince)}: ${lastError ?? 'unknown'}`;
}
