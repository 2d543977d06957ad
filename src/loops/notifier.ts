/** The notifier: turns what the journal says into messages that wait for their channels. */
import type { Message } from '../core/alerts/message.ts';
import type { Notice } from '../core/alerts/notice.ts';
import { gathered } from '../core/alerts/notice.ts';
import type { TellPolicy } from '../core/alerts/plan.ts';
import { planTelling } from '../core/alerts/plan.ts';
import { DAY, HOUR, SECOND } from '../core/time.ts';
import type { Gather, Outbox } from '../ports/outbox.ts';
import type { Board, Clock, Loop, TickContext } from '../ports.ts';

export interface NotifierPorts {
  readonly outbox: Outbox;
  readonly board: Pick<Board, 'wake'>;
  readonly clock: Clock;
  readonly policy: (context: TickContext) => TellPolicy;
  readonly host: string;
  /** Waiting messages of all channels together; `MAX_WAITING` when absent. */
  readonly maxWaiting?: number;
}

/** Beyond that the lightest messages are told as a number. */
export const MAX_WAITING = 1_000;
/** Events of one transaction: it stays far below what a swap would notice. */
const BATCH = 100;
const BATCHES_A_TICK = 50;
const KEEP_MS = 7 * DAY;

/** Never called by a swap, and calls none: it only reads what was written down. */
export function createNotifier(ports: NotifierPorts): Loop {
  let prunedAt = 0;
  return {
    name: 'notifier',
    intervalMs: () => 2 * SECOND,
    async tick(context) {
      const policy = ports.policy(context);
      const gather = createGather(ports.host, ports.clock);
      const maxWaiting = Math.floor((ports.maxWaiting ?? MAX_WAITING) / Math.max(1, policy.routes.length));
      for (let batch = 0; batch < BATCHES_A_TICK && !context.signal.aborted; batch++) {
        const now = ports.clock.now();
        const read = await ports.outbox.take({
          limit: BATCH,
          now,
          maxWaiting,
          plan: (events, known) => planTelling(events, known, policy, now),
          gather,
        });
        if (read > 0) ports.board.wake('sender');
        if (read < BATCH) break;
      }
      if (context.now - prunedAt < HOUR) return;
      prunedAt = context.now;
      await ports.outbox.prune(context.now - KEEP_MS);
    },
  };
}

/** What becomes of messages that were kept back. */
export function createGather(host: string, clock: Pick<Clock, 'now'>): Gather {
  return (channel: string, before: Notice | null, messages: readonly Message[], why: 'held' | 'full'): Notice =>
    gathered(
      before,
      {
        key: why === 'held' ? `digest:${channel}` : `more:${channel}`,
        event: why === 'held' ? 'digest' : 'summary',
        title: (count) => (why === 'held' ? `${count} messages were kept back` : `${count} more`),
        needs: 'see claude-failover events',
      },
      messages,
      clock.now(),
      host,
    );
}
