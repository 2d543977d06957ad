/** The section `notifications` but for Telegram: its keys, its form in the program, and what contradicts itself in it. */

import { z } from 'zod';
import { minutesOf } from '../core/alerts/quiet.ts';
import { EVENT_SEVERITY, type EventType } from '../core/events.ts';
import { isLoopback } from '../core/loopback.ts';
import { didYouMean, error, type Finding, type KeyPath, warning } from './finding.ts';
import type { NotificationsConfig } from './schema.ts';

const RESTART = { requiresRestart: true } as const;
const CHANNELS = ['telegram', 'email', 'webhook'] as const;

const severity = () => z.enum(['info', 'warning', 'critical']);
const ownSeverity = () =>
  severity()
    .nullable()
    .default(null)
    .describe('The least severe messages that go there. null: `notifications.min_severity`.');
const variable = (preset: string) =>
  z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of an environment variable, never the secret itself')
    .default(preset)
    .meta(RESTART);
const file = () => z.string().min(1).max(4096).nullable().default(null).meta(RESTART);
const inline = () => z.string().min(1).max(512).nullable().default(null).meta(RESTART);
const url = () => z.string().regex(/^https?:\/\/[^\s@#]+$/, 'expected an http or https URL without user and fragment');
const address = () => z.string().regex(/^[^\r\n]{0,200}@[^\s@]{1,200}$/, 'expected an e-mail address');
const timeOfDay = (preset: string) =>
  z
    .string()
    .regex(/^([01]?\d|2[0-3]):[0-5]\d$/, 'expected a time such as "22:00"')
    .default(preset);

const QuietHours = z.strictObject({
  enabled: z.boolean().default(false).describe('Whether there are quiet hours.'),
  from: timeOfDay('22:00').describe('Time of day at which they begin.'),
  to: timeOfDay('07:00').describe('Time of day at which they end; then what was kept back comes in one message.'),
  timezone: z.string().default('local').describe('`local`, or an IANA zone such as Europe/Berlin.'),
  allow: z.array(severity()).default(['critical']).describe('Severities that are told in quiet hours too.'),
});

const Email = z.strictObject({
  enabled: z.boolean().default(false).describe('Whether messages go out as e-mail, through Resend.').meta(RESTART),
  api_key_env: variable('RESEND_API_KEY').describe('Name of the environment variable that holds the API key.'),
  api_key_file: file().describe(
    'File that holds the API key; readable by its owner only. Without both, `$CREDENTIALS_DIRECTORY/resend-api-key` is tried.',
  ),
  api_key: inline().describe(
    'The API key itself: better in a file of its own; this file must be readable by its owner only then.',
  ),
  from: z.string().max(400).default('').describe('Sender: an address of a domain that Resend verified.').meta(RESTART),
  to: z.array(address()).max(20).default([]).describe('Recipients.').meta(RESTART),
  min_severity: ownSeverity(),
  api_base: url().default('https://api.resend.com').describe('Where the API of Resend is.').meta(RESTART),
});

const Webhook = z.strictObject({
  enabled: z.boolean().default(false).describe('Whether messages are posted to a URL as JSON.').meta(RESTART),
  url: z
    .union([z.literal(''), url()])
    .default('')
    .describe('Where they are posted; https unless it is on this machine.')
    .meta(RESTART),
  secret_env: variable('CLAUDE_FAILOVER_WEBHOOK_SECRET').describe(
    'Name of the environment variable that holds the key of the signature.',
  ),
  secret_file: file().describe(
    'File that holds the key; readable by its owner only. Without both, `$CREDENTIALS_DIRECTORY/webhook-secret` is tried.',
  ),
  secret: inline().describe(
    'The key itself: better in a file of its own; this file must be readable by its owner only then.',
  ),
  min_severity: ownSeverity(),
});

const Override = z.strictObject({
  severity: severity().nullable().default(null).describe('Told with this severity. null: its own.'),
  channels: z
    .array(z.string().min(1))
    .nullable()
    .default(null)
    .describe(
      'Exactly these (telegram, email, webhook), whatever their least severity; []: nobody is told. null: as usual.',
    ),
});

/** Everything below `notifications` but `telegram`. */
export const NOTIFICATION_KEYS = {
  min_severity: severity()
    .default('warning')
    .describe('The least severe messages that are sent, where a channel has none of its own.'),
  show_identities: z.boolean().default(false).describe('Whether e-mail addresses are written out in messages.'),
  quiet_hours: QuietHours.prefault({}).describe('When messages of little weight are kept back.'),
  rate_limit: z
    .strictObject({
      per_hour: z
        .int()
        .min(1)
        .max(10_000)
        .default(60)
        .describe(
          'Messages to one channel within an hour; the rest comes in one message. Critical ones are not counted out.',
        ),
    })
    .prefault({})
    .describe('Against floods.'),
  email: Email.prefault({}).describe('Messages as e-mail.'),
  webhook: Webhook.prefault({}).describe('Messages to a program of yours, signed.'),
  heartbeat_url: url()
    .nullable()
    .default(null)
    .describe('Asked for once a minute while the daemon is well, so that its silence is noticed elsewhere. null: none.')
    .meta(RESTART),
  events: z
    .record(z.string(), Override)
    .default({})
    .describe('By event type: another severity, or other channels, than usual.'),
};

type Values = z.output<z.ZodObject<typeof NOTIFICATION_KEYS>>;

export function toNotifications(
  values: Values,
  path: (text: string, at: KeyPath) => string,
): Omit<NotificationsConfig, 'telegram'> {
  const own = (text: string | null, ...at: string[]): string | null =>
    text === null ? null : path(text, ['notifications', ...at]);
  const { email, webhook, quiet_hours } = values;
  return {
    minSeverity: values.min_severity,
    showIdentities: values.show_identities,
    quietHours: { ...quiet_hours },
    rateLimit: { perHour: values.rate_limit.per_hour },
    email: {
      enabled: email.enabled,
      apiKey: { env: email.api_key_env, file: own(email.api_key_file, 'email', 'api_key_file'), inline: email.api_key },
      from: email.from,
      to: [...new Set(email.to)],
      minSeverity: email.min_severity ?? values.min_severity,
      apiBase: email.api_base.replace(/\/+$/, ''),
    },
    webhook: {
      enabled: webhook.enabled,
      url: webhook.url,
      secret: {
        env: webhook.secret_env,
        file: own(webhook.secret_file, 'webhook', 'secret_file'),
        inline: webhook.secret,
      },
      minSeverity: webhook.min_severity ?? values.min_severity,
    },
    heartbeatUrl: values.heartbeat_url,
    events: Object.fromEntries(
      Object.entries(values.events).filter((entry): entry is [EventType, (typeof entry)[1]] => isEventType(entry[0])),
    ),
  };
}

export function* checkNotifications(values: Values): Generator<Finding> {
  const at = (...keys: string[]): KeyPath => ['notifications', ...keys];
  for (const [name, { channels }] of Object.entries(values.events)) {
    if (!isEventType(name))
      yield error(at('events', name), 'is no event type', didYouMean(name, Object.keys(EVENT_SEVERITY)));
    for (const channel of channels ?? [])
      if (!CHANNELS.some((kind) => channel === kind || channel.startsWith(`${kind}:`)))
        yield error(at('events', name, 'channels'), 'names what is no channel', `known: ${CHANNELS.join(', ')}`);
  }
  const { email, webhook, quiet_hours, heartbeat_url } = values;
  if (quiet_hours.timezone !== 'local' && !isZone(quiet_hours.timezone))
    yield error(at('quiet_hours', 'timezone'), 'is no IANA time zone', 'such as Europe/Berlin, or local');
  if (quiet_hours.enabled && minutesOf(quiet_hours.from) === minutesOf(quiet_hours.to))
    yield warning(at('quiet_hours', 'to'), 'is the same as from: there are no quiet hours');
  for (const [key, text] of [
    ['email', email.api_base],
    ['webhook', webhook.url],
    ['heartbeat_url', heartbeat_url ?? ''],
  ] as const) {
    const place = key === 'email' ? at('email', 'api_base') : key === 'webhook' ? at('webhook', 'url') : at(key);
    if (text === '') continue;
    const target = URL.canParse(text) ? new URL(text) : null;
    if (target === null) yield error(place, 'is no URL');
    else if (target.protocol !== 'https:' && !isLoopback(target.hostname.replace(/^\[|\]$/g, '')))
      yield error(place, 'would go unencrypted to another machine', 'use https');
  }
  for (const [key, secret] of [
    ['email.api_key', email.api_key],
    ['webhook.secret', webhook.secret],
  ] as const)
    if (secret !== null)
      yield warning(
        at(...key.split('.')),
        'is a secret in the configuration file',
        'put it into a file of mode 0600 and name that',
      );
  if (email.enabled && (email.from === '' || email.to.length === 0))
    yield warning(at('email', email.from === '' ? 'from' : 'to'), 'is empty: no e-mail is sent');
  if (webhook.enabled && webhook.url === '') yield warning(at('webhook', 'url'), 'is empty: nothing is posted');
}

function isEventType(name: string): name is EventType {
  return Object.hasOwn(EVENT_SEVERITY, name);
}

function isZone(name: string): boolean {
  try {
    return Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
