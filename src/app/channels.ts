/** Opens the channels that the configuration asks for; the library of one that is not asked for is never loaded. */
import { resolveSecret } from '../config/channel-secrets.ts';
import type { Config } from '../config/schema.ts';
import type { Channel, Clock, Logger } from '../ports.ts';
import type { Chat } from './chat.ts';

export interface ChannelSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'warn'>;
  /** Absent: no buttons, as where nobody would hear them. */
  readonly chat?: Pick<Chat, 'buttons' | 'moves'>;
}

/** Names of the credentials that systemd's LoadCredential= hands over. */
export const CREDENTIALS = {
  telegram: 'telegram-bot-token',
  email: 'resend-api-key',
  webhook: 'webhook-secret',
} as const;

/** One that cannot be used is left out, and that is logged once. */
export async function openChannels(config: Config, around: ChannelSurroundings): Promise<readonly Channel[]> {
  const chats = await openTelegram(config, around);
  const opened = await Promise.all([openEmail(config, around), openWebhook(config, around)]);
  return [...chats, ...opened.filter((channel) => channel !== null)];
}

/** One for each chat. */
async function openTelegram(
  config: Config,
  { env, clock, log, chat }: ChannelSurroundings,
): Promise<readonly Channel[]> {
  const { enabled, token, apiBase, chatIds } = config.notifications.telegram;
  if (!enabled) return [];
  const secret = resolveSecret(token, CREDENTIALS.telegram, config, env);
  const reason =
    secret.kind === 'missing'
      ? `there is no bot token: ${secret.reason}`
      : chatIds.length === 0
        ? 'notifications.telegram.chat_ids is empty'
        : null;
  if (reason !== null) log.warn({ channel: 'telegram', reason }, 'this channel stays silent');
  if (reason !== null || secret.kind === 'missing') return [];
  const [{ createTelegramApi }, { createTelegramChannels }, { openChatMoves }] = await Promise.all([
    import('../adapters/channels/telegram-api.ts'),
    import('../adapters/channels/telegram.ts'),
    import('../steps/chat-moves.ts'),
  ]);
  const api = createTelegramApi({ token: secret.value, apiBase, clock });
  const moves = chat?.moves ?? (await openChatMoves({ meta: async () => null, setMeta: async () => undefined }));
  return createTelegramChannels(chatIds, { api, moves, buttons: chat?.buttons ?? (() => []) });
}

async function openEmail(config: Config, { env, clock, log }: ChannelSurroundings): Promise<Channel | null> {
  const { enabled, apiKey, apiBase, from, to } = config.notifications.email;
  if (!enabled) return null;
  const silent = (reason: string): null => {
    log.warn({ channel: 'email', reason }, 'this channel stays silent');
    return null;
  };
  if (from === '' || to.length === 0) return silent('notifications.email.from or .to is empty');
  const secret = resolveSecret(apiKey, CREDENTIALS.email, config, env);
  if (secret.kind === 'missing') return silent(`there is no API key: ${secret.reason}`);
  const { createEmailChannel } = await import('../adapters/channels/email.ts');
  return createEmailChannel({ apiKey: secret.value, apiBase, from, to, clock });
}

async function openWebhook(config: Config, { env, clock, log }: ChannelSurroundings): Promise<Channel | null> {
  const { enabled, url, secret: place } = config.notifications.webhook;
  if (!enabled) return null;
  if (url === '') {
    log.warn({ channel: 'webhook', reason: 'notifications.webhook.url is empty' }, 'this channel stays silent');
    return null;
  }
  const secret = resolveSecret(place, CREDENTIALS.webhook, config, env);
  if (secret.kind === 'missing') log.warn({ channel: 'webhook', reason: secret.reason }, 'its messages are not signed');
  const { createWebhookChannel } = await import('../adapters/channels/webhook.ts');
  return createWebhookChannel({ url, secret: secret.kind === 'found' ? secret.value : null, clock });
}
