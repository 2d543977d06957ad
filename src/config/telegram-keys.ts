/** The section `notifications.telegram`: its keys, its form in the program, and what contradicts itself in it. */

import { z } from 'zod';
import { isLoopback } from '../core/loopback.ts';
import { error, type Finding, type KeyPath, warning } from './finding.ts';
import type { TelegramConfig } from './schema.ts';

const RESTART = { requiresRestart: true } as const;

/** Ids are whole numbers below 2^52 (core.telegram.org/bots/api#chat); those of groups are negative. */
const chatId = () =>
  z
    .int()
    .min(-(2 ** 52))
    .max(2 ** 52);

export const TelegramKeys = z.strictObject({
  enabled: z.boolean().default(false).describe('Whether messages go to Telegram.').meta(RESTART),
  token_env: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of an environment variable, never the token itself')
    .default('TELEGRAM_BOT_TOKEN')
    .describe('Name of the environment variable that holds the bot token.')
    .meta(RESTART),
  token_file: z
    .string()
    .min(1)
    .max(4096)
    .nullable()
    .default(null)
    .describe(
      'File that holds the bot token; readable by its owner only. Without both, `$CREDENTIALS_DIRECTORY/telegram-bot-token` is tried.',
    )
    .meta(RESTART),
  token: z
    .string()
    .min(1)
    .max(512)
    .nullable()
    .default(null)
    .describe('The bot token itself: better in a file of its own; this file must be readable by its owner only then.')
    .meta(RESTART),
  chat_ids: z
    .array(chatId())
    .max(20)
    .default([])
    .describe('The chats that get the messages; `claude-failover notify setup telegram` finds their ids.')
    .meta(RESTART),
  allowed_users: z
    .array(chatId())
    .max(100)
    .default([])
    .describe('Ids of the users who may press buttons and send commands, in these chats only.'),
  min_severity: z
    .enum(['info', 'warning', 'critical'])
    .default('info')
    .describe('The least severe messages that go there; `info` arrives without a sound.'),
  commands: z
    .boolean()
    .default(false)
    .describe('Whether buttons are shown, and buttons and commands of allowed users are followed.')
    .meta(RESTART),
  api_base: z
    .string()
    .regex(/^https?:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/, 'expected an http or https URL without user, query and fragment')
    .default('https://api.telegram.org')
    .describe('Where the Bot API is; a server of your own must use https unless it is on this machine.')
    .meta(RESTART),
});

export function toTelegram(
  values: z.output<typeof TelegramKeys>,
  path: (text: string, at: KeyPath) => string,
): TelegramConfig {
  return {
    enabled: values.enabled,
    token: {
      env: values.token_env,
      file: values.token_file === null ? null : path(values.token_file, ['notifications', 'telegram', 'token_file']),
      inline: values.token,
    },
    chatIds: [...new Set(values.chat_ids)],
    allowedUsers: [...new Set(values.allowed_users)],
    minSeverity: values.min_severity,
    commands: values.commands,
    apiBase: values.api_base.replace(/\/+$/, ''),
  };
}

export function* checkTelegram(telegram: TelegramConfig): Generator<Finding> {
  const at = (key: string): KeyPath => ['notifications', 'telegram', key];
  const base = URL.canParse(telegram.apiBase) ? new URL(telegram.apiBase) : null;
  if (base === null) yield error(at('api_base'), 'is no URL');
  else if (base.protocol !== 'https:' && !isLoopback(base.hostname.replace(/^\[|\]$/g, '')))
    yield error(at('api_base'), 'would send the token unencrypted to another machine', 'use https');
  if (telegram.token.inline !== null) {
    const hint = 'put it into a file of mode 0600 and name that';
    yield warning(at('token'), 'is a secret in the configuration file', hint);
  }
  if (!telegram.enabled) return;
  const setup = 'claude-failover notify setup telegram finds the ids';
  if (telegram.chatIds.length === 0) yield warning(at('chat_ids'), 'is empty: nothing is sent to Telegram', setup);
  if (telegram.commands && telegram.allowedUsers.length === 0)
    yield warning(at('allowed_users'), 'is empty: nobody may press a button or send a command', setup);
}
