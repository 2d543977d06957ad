/** The notifier and its senders over a real database, with channels that a test gives and a clock that it moves. */

import type { Message } from '../../src/core/alerts/message.ts';
import type { TellPolicy } from '../../src/core/alerts/plan.ts';
import type { NewEvent } from '../../src/core/events.ts';
import { createGather, createNotifier } from '../../src/loops/notifier.ts';
import { createSender } from '../../src/loops/sender.ts';
import type { Channel, SendOptions, SendResult, TickContext } from '../../src/ports.ts';
import type { OpenedStore } from '../../src/store/open.ts';
import type { FakeClock } from './fake-clock.ts';
import { RecordingLog } from './recording-log.ts';
import { aPolicy } from './telling.ts';

export interface Sent extends Pick<SendOptions, 'previous' | 'mode' | 'idempotencyKey'> {
  readonly message: Message;
  readonly at: number;
}

/** Takes everything unless told otherwise, and remembers each try. */
export class FakeChannel implements Channel {
  readonly kind: Channel['kind'];
  readonly name: string;
  readonly canEdit: boolean;
  readonly tries: Sent[] = [];
  readonly sent: Sent[] = [];
  answer: (sent: Sent, signal: AbortSignal) => SendResult | Promise<SendResult> = () => ({ kind: 'sent', ref: '' });
  readonly #clock: FakeClock;

  constructor(kind: Channel['kind'], clock: FakeClock) {
    this.kind = kind;
    this.name = kind;
    this.canEdit = kind === 'telegram';
    this.#clock = clock;
  }

  async send(message: Message, { previous, mode, idempotencyKey, signal }: SendOptions): Promise<SendResult> {
    const sent = { message, previous, mode, idempotencyKey, at: this.#clock.now() };
    this.tries.push(sent);
    const result = await this.answer(sent, signal);
    if (result.kind === 'sent') this.sent.push(sent);
    return result.kind === 'sent' && result.ref === '' ? { kind: 'sent', ref: `ref-${this.sent.length}` } : result;
  }
}

export class Desk {
  readonly log = new RecordingLog();
  readonly store: OpenedStore;
  readonly clock: FakeClock;
  readonly channels: readonly FakeChannel[];
  readonly senders: readonly ReturnType<typeof createSender>[];
  readonly #notifier: ReturnType<typeof createNotifier>;

  constructor(
    store: OpenedStore,
    clock: FakeClock,
    channels: readonly FakeChannel[],
    more: { readonly policy?: Partial<TellPolicy>; readonly perHour?: number; readonly maxWaiting?: number } = {},
  ) {
    this.store = store;
    this.clock = clock;
    this.channels = channels;
    const routes = channels.map(({ name, kind, canEdit }) => ({ name, kind, canEdit, minSeverity: 'info' as const }));
    const gather = createGather('box', clock);
    this.#notifier = createNotifier({
      outbox: store.outbox,
      board: { wake: () => {} },
      clock,
      host: 'box',
      ...(more.maxWaiting === undefined ? {} : { maxWaiting: more.maxWaiting }),
      policy: () => aPolicy({ routes, ...more.policy }),
    });
    this.senders = channels.map((channel) =>
      createSender(
        {
          outbox: store.outbox,
          clock,
          gather,
          host: 'box',
          random: () => 0,
          paceMs: 0,
          perHour: () => more.perHour ?? 60,
        },
        channel,
      ),
    );
  }

  context(signal = new AbortController().signal): TickContext {
    return { config: {}, now: this.clock.now(), signal, log: this.log } as unknown as TickContext;
  }

  happens(...events: readonly NewEvent[]): Promise<void> {
    return this.store.local.append(events, this.clock.now());
  }

  async read(): Promise<void> {
    await this.#notifier.tick(this.context());
  }

  /** One tick of everything, in which no time passes. */
  async tick(): Promise<void> {
    await this.read();
    await Promise.all(this.senders.map((sender) => sender.tick(this.context())));
  }

  /** Ticks every `everyMs` for so long. */
  async pass(forMs: number, everyMs = 10_000): Promise<void> {
    for (let passed = 0; passed < forMs; passed += everyMs) {
      await this.clock.advance(everyMs);
      await this.tick();
    }
  }
}
