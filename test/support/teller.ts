/** A process that writes alerts and tells them, until it is killed or told to finish: then it ends when all are told. */

import { createEmailChannel } from '../../src/adapters/channels/email.ts';
import { createWebhookChannel } from '../../src/adapters/channels/webhook.ts';
import { systemClock } from '../../src/adapters/clock.ts';
import { policyOf } from '../../src/app/telling.ts';
import { toConfig } from '../../src/config/schema.ts';
import type { EventType, NewEvent } from '../../src/core/events.ts';
import { MINUTE } from '../../src/core/time.ts';
import { createGather, createNotifier } from '../../src/loops/notifier.ts';
import { createSender, SEND_DEADLINE_MS } from '../../src/loops/sender.ts';
import type { Channel, Clock, TickContext } from '../../src/ports.ts';
import { openStore } from '../../src/store/open.ts';
import { RecordingLog } from './recording-log.ts';

const [stateDir = '', emailUrl = '', webhookUrl = '', total = '0'] = process.argv.slice(2);
/** Time runs this much faster here, but for the deadline of a request. */
const SPEED = 300;
/** What a request gets, in real time: one that a starved provider answers later is told twice. Thousands of them must not take hours. */
const REQUEST_MS = process.env.CF_LONG === '1' ? 1_500 : 5_000;
const real = systemClock();
const clock: Clock = {
  ...real,
  now: () => 1_767_614_400_000 + Math.round((real.now() - 1_767_614_400_000) * SPEED),
  sleep: (ms, signal) => real.sleep(ms > SEND_DEADLINE_MS && ms < MINUTE ? 2 * REQUEST_MS : ms / SPEED, signal),
  deadline: (_ms, parent) => real.deadline(REQUEST_MS, parent),
};
/** Every twentieth alert is critical and of another account than any other. */
const TYPES: readonly EventType[] = ['billing_wall', 'account_not_usable', 'account_over_capacity', 'loop_degraded'];

function alert(number: number): NewEvent {
  const type = number % 20 === 0 ? 'login_needed' : (TYPES[number % TYPES.length] ?? 'drift');
  return { type, pool: 'default', account: `account-${number}`, data: { detail: `alert ${number}` } };
}

const store = await openStore({ stateDir, now: clock.now() });
const channels: readonly Channel[] = [
  createEmailChannel({ apiKey: 'k', apiBase: emailUrl, from: 'a@example.com', to: ['b@example.com'], clock }),
  createWebhookChannel({ url: webhookUrl, secret: 's', clock }),
];
await store.outbox.begin(0);
const config = toConfig({ accounts: [{ name: 'a', home: '/a' }], notifications: { min_severity: 'info' } }, {}, '/');
const gather = createGather('box', clock);
const notifier = createNotifier({
  outbox: store.outbox,
  board: { wake: () => {} },
  clock,
  host: 'box',
  policy: () => policyOf(config, channels, 'box', 'UTC'),
});
const senders = channels.map((channel) =>
  createSender({ outbox: store.outbox, clock, gather, host: 'box', paceMs: 0, perHour: () => 10_000 }, channel),
);
const signal = new AbortController().signal;
const context = (): TickContext => ({ config, now: clock.now(), signal, log: new RecordingLog() });

let written = (await store.local.events({ limit: 1 }))[0]?.id ?? 0;
let finishing = false;
process.stdin.on('end', () => {
  finishing = true;
});
process.stdin.resume();
process.stdout.write('ready\n');

const isAllTold = async (): Promise<boolean> => {
  if (written < Number(total)) return false;
  for (const { name } of channels) if ((await store.outbox.waiting(name)).count > 0) return false;
  return true;
};
const sending = senders.map(async (sender) => {
  while (!(finishing && (await isAllTold()))) {
    await sender.tick(context());
    await real.sleep(5);
  }
});
while (!(finishing && (await isAllTold()))) {
  const batch = Array.from({ length: Math.min(20, Number(total) - written) }, (_, i) => alert(written + i + 1));
  if (batch.length > 0) await store.local.append(batch, clock.now());
  written += batch.length;
  await notifier.tick(context());
  process.stdout.write(`${written}\n`);
  await real.sleep(5);
}
await Promise.all(sending);
await store.close();
// As the program does: a provider's answer that never ends would hold the process.
process.exit();
