/** The sender of one channel: brings its waiting messages to the provider, one at a time, and never waits for another channel. */
import { GIVE_UP_AFTER_MS, retryDelayMs } from '../core/alerts/back-off.ts';
import type { ChannelFacts } from '../core/channel-view.ts';
import { redact, snippet } from '../core/redact.ts';
import type { EpochMs } from '../core/time.ts';
import { HOUR, SECOND } from '../core/time.ts';
import type { Gather, Outbox, OutboxItem } from '../ports/outbox.ts';
import type { Channel, Clock, Loop, SendResult, TickContext } from '../ports.ts';

export interface SenderPorts {
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly gather: Gather;
  /** Part of every idempotency key: two machines may share a provider's account. */
  readonly host: string;
  /** In [0, 1). */
  readonly random?: () => number;
  /** Between two messages; 1 s when absent, which every provider allows. */
  readonly paceMs?: number;
  readonly perHour: (context: TickContext) => number;
}

/** One try takes no longer. */
export const SEND_DEADLINE_MS = 10 * SECOND;
/** For a provider that ignores the signal. */
const HANG_MS = SECOND;
const TICK_MS = 30 * SECOND;

export function createSender(ports: SenderPorts, channel: Channel): Loop & { last(): ChannelFacts } {
  const { outbox, clock } = ports;
  const { random = Math.random, paceMs = SECOND } = ports;
  let failures = 0;
  let pausedUntil: EpochMs = 0;
  let facts: ChannelFacts = {
    name: channel.name,
    waiting: 0,
    oldestWaitingAt: null,
    lastSentAt: null,
    failingSince: null,
    lastError: null,
  };

  const sendOne = async (item: OutboxItem, context: TickContext): Promise<'on' | 'stop'> => {
    await outbox.trying(item.id);
    const result = await attempt(ports, channel, item, context.signal);
    const now = clock.now();
    if (result === 'stopped') return 'stop';
    if (result.kind === 'sent') {
      await outbox.finish(item.id, now, 'sent', result.ref, null);
      if (failures > 0) context.log.info({ channel: channel.name, failures }, 'the channel takes messages again');
      failures = 0;
      facts = { ...facts, lastSentAt: now, failingSince: null, lastError: null };
      return 'on';
    }
    const reason = snippet(redact(result.reason), 300);
    facts = { ...facts, failingSince: facts.failingSince ?? now, lastError: reason };
    if (result.kind === 'gone') {
      await outbox.finish(item.id, now, 'gone', null, reason);
      context.log.warn(
        { channel: channel.name, notice: item.key, reason },
        'the provider will never take this message',
      );
      return 'on';
    }
    failures++;
    const own = now + retryDelayMs(item.attempts + 1, random());
    pausedUntil = now + (result.afterMs ?? retryDelayMs(failures, random()));
    await outbox.postpone(item, Math.max(own, pausedUntil), reason, result.afterMs !== null);
    context.log[failures === 1 ? 'warn' : 'debug'](
      { channel: channel.name, notice: item.key, reason, attempts: item.attempts + 1, pauseMs: pausedUntil - now },
      'a message could not be sent; it stays in the outbox',
    );
    return 'stop';
  };

  return {
    name: `sender:${channel.name}`,
    intervalMs: () => 2 * SECOND,
    deadlineMs: TICK_MS + 3 * SEND_DEADLINE_MS,
    last: () => facts,
    async tick(context) {
      const startedAt = clock.monotonic();
      await outbox.foldHeld(channel.name, clock.now(), ports.gather);
      while (!context.signal.aborted && clock.now() >= pausedUntil && clock.monotonic() - startedAt < TICK_MS) {
        const now = clock.now();
        const item = await outbox.next(channel.name, now);
        if (item === null) break;
        if (item.severity !== 'critical') {
          if (now - item.createdAt >= GIVE_UP_AFTER_MS) {
            await outbox.finish(item.id, now, 'given_up', null, facts.lastError ?? 'not delivered within a day');
            context.log.warn({ channel: channel.name, notice: item.key }, 'a message was given up after a day');
            continue;
          }
          const sent = await outbox.sentSince(channel.name, now - HOUR);
          if (sent.count >= ports.perHour(context)) {
            const until = Math.max(now + SECOND, (sent.oldestAt ?? now) + HOUR);
            await outbox.hold(channel.name, until);
            // What was tried before keeps its content and is not gathered: it waits as it is.
            if (item.attempts > 0) await outbox.postpone(item, until, facts.lastError ?? 'rate limit', false);
            continue;
          }
        }
        if ((await sendOne(item, context)) === 'stop') break;
        if (paceMs > 0) await clock.sleep(paceMs, context.signal);
      }
      const waiting = await outbox.waiting(channel.name);
      facts = { ...facts, waiting: waiting.count, oldestWaitingAt: waiting.oldestAt };
    },
  };
}

/** @returns what the provider said; `stopped`: the daemon ends, and nobody knows */
async function attempt(
  ports: SenderPorts,
  channel: Channel,
  item: OutboxItem,
  parent: AbortSignal,
): Promise<SendResult | 'stopped'> {
  const { clock } = ports;
  const soft = clock.deadline(SEND_DEADLINE_MS, parent);
  const hard = new AbortController();
  const options = {
    previous: item.previous,
    mode: item.mode,
    idempotencyKey: idempotencyKey(ports.host, item),
    signal: soft.signal,
  };
  try {
    const hung = clock
      .sleep(SEND_DEADLINE_MS + HANG_MS, hard.signal)
      .then((): SendResult => ({ kind: 'retry', afterMs: null, reason: 'no answer' }));
    const result = await Promise.race([channel.send(item.message, options), hung]);
    return result.kind !== 'sent' && parent.aborted ? 'stopped' : result;
  } catch (error) {
    if (parent.aborted) return 'stopped';
    const reason = soft.signal.aborted ? `no answer within ${SEND_DEADLINE_MS / SECOND} s` : messageOf(error);
    return { kind: 'retry', afterMs: null, reason };
  } finally {
    soft.clear();
    hard.abort();
  }
}

/** The same for every try of one content: a content that was tried is never changed. */
function idempotencyKey(host: string, item: OutboxItem): string {
  const name = host.replace(/[^\w.-]/g, '-').slice(0, 100);
  return `cf/${name}/${item.createdAt}-${item.id}-${item.message.revision}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
