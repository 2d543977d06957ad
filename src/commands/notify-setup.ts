/** `notify setup telegram`: from a bot token to the lines of the configuration. The token is neither shown nor kept. */
import { randomInt } from 'node:crypto';
import { hostname } from 'node:os';
import { createTelegramApi } from '../adapters/channels/telegram-api.ts';
import { createTelegramDoor } from '../adapters/channels/telegram-door.ts';
import { CREDENTIALS } from '../app/channels.ts';
import { resolveSecret } from '../config/channel-secrets.ts';
import { findConfig } from '../config/find.ts';
import { type Config, toConfig } from '../config/schema.ts';
import { asChatHtml } from '../core/alerts/chat-text.ts';
import { FailoverError } from '../core/errors.ts';
import { MINUTE, SECOND } from '../core/time.ts';
import type { ChatDoor, ChatInput } from '../ports/chat.ts';
import type { CommandIo, GlobalOptions } from './io.ts';
import { EXIT } from './io.ts';
import { loadOffline } from './offline.ts';

const WAIT_MS = 10 * MINUTE;
const POLL_MS = 25 * SECOND;
const PAUSE_MS = 2 * SECOND;

/**
 * Checks the token, waits for a message with a number that only this terminal shows, and prints what to paste.
 *
 * @returns 0, 1 when nothing came or Telegram refused, 2 for another channel than telegram
 * @throws {ConfigError} there is a configuration and it is wrong
 * @throws {FailoverError} there is no token
 */
export async function notifySetup(channel: string, options: GlobalOptions, io: CommandIo): Promise<number> {
  if (channel !== 'telegram') {
    io.err('claude-failover: only telegram can be set up this way\nnext: docs/notifications.md shows the others\n');
    return EXIT.usage;
  }
  const { door, source } = openDoor(options, io);
  const opened = await door.open(io.signal);
  if (!opened.ok) return failed(opened.failure.reason, 'check the token: @BotFather shows it under /mybots', io);
  const code = String(randomInt(100_000, 1_000_000));
  io.err(
    `the bot @${opened.value} answers\n` +
      'send it this, in the chat that shall get the messages (add it to a group first):\n\n' +
      `  /start ${code}\n\n` +
      `for a private chat: https://t.me/${opened.value}?start=${code}\n` +
      'waiting for ten minutes at most; Ctrl-C ends it\n',
  );
  const found = await waitForCode(door, code, io);
  if (typeof found === 'string') return failed(found, 'run this again', io);
  const { chat, user } = found;
  const answer = await door.say(chat, asChatHtml([`Messages from ${hostname()} can come here.`]), {}, io.signal);
  if (!answer.ok) return failed(answer.failure.reason, 'let the bot write in that chat, and run this again', io);
  io.err(`\nchat ${chat}, user ${user}: put this into the configuration, with your other keys\n\n`);
  io.out(yamlOf(chat, user, source));
  io.err('\nnext: claude-failover config check, then claude-failover notify test --channel telegram\n');
  return EXIT.ok;
}

type Source = 'environment' | 'file' | 'configuration';

function openDoor(options: GlobalOptions, io: CommandIo): { readonly door: ChatDoor; readonly source: Source } {
  const config = configOf(options, io);
  const { token, apiBase } = config.notifications.telegram;
  const secret = resolveSecret(token, CREDENTIALS.telegram, config, io.env);
  if (secret.kind === 'missing') {
    throw new FailoverError('no_bot_token', `there is no bot token: ${secret.reason}`, {
      hint: `get one from @BotFather (/newbot), then: read -rs ${token.env} && export ${token.env}, and run this again`,
    });
  }
  const source = io.env[token.env]?.trim() ? 'environment' : token.inline === secret.value ? 'configuration' : 'file';
  return { door: createTelegramDoor(createTelegramApi({ token: secret.value, apiBase, clock: io.clock })), source };
}

/** Before there is a file, the defaults serve. */
function configOf(options: GlobalOptions, io: CommandIo): Config {
  if (findConfig({ path: options.config ?? null, env: io.env, home: io.home }) !== null)
    return loadOffline(options, io).config;
  return toConfig({}, io.env, io.home);
}

/** @returns who wrote the number and where; a text: why nobody did */
async function waitForCode(
  door: ChatDoor,
  code: string,
  { clock, signal }: CommandIo,
): Promise<{ readonly chat: number; readonly user: number } | string> {
  const endsAt = clock.monotonic() + WAIT_MS;
  let offset: number | null = null;
  while (clock.monotonic() < endsAt && !signal.aborted) {
    const answer = await door.receive(offset, POLL_MS, signal);
    if (signal.aborted) break;
    if (!answer.ok) {
      const { kind, reason } = answer.failure;
      if (kind === 'conflict') return `another program reads this bot: stop the daemon meanwhile (${reason})`;
      if (kind === 'unauthorized' || kind === 'refused') return reason;
      await clock.sleep(Math.max(PAUSE_MS, answer.failure.afterMs ?? 0), signal);
      continue;
    }
    for (const input of answer.value) {
      offset = input.id + 1;
      const { chat, user } = input;
      if (chat === null || user === null || !hasCode(input, code)) continue;
      // Confirmed, so that a daemon does not find it.
      await door.receive(offset, 0, signal);
      return { chat, user };
    }
  }
  return signal.aborted ? 'nothing was waited for any longer' : 'nobody sent the number';
}

/** Whoever else writes to the bot meanwhile does not know the number. */
function hasCode({ content }: ChatInput, code: string): boolean {
  return content.kind === 'text' && content.text.split(/\s+/).includes(code);
}

function yamlOf(chat: number, user: number, source: Source): string {
  const lines = [
    'notifications:',
    '  telegram:',
    '    enabled: true',
    `    chat_ids: [${chat}]`,
    `    allowed_users: [${user}]`,
    '    # commands: true   # this user may press buttons and send commands there',
  ];
  // The daemon seldom has the environment of this terminal.
  if (source === 'environment')
    lines.push(
      '    # token_file: ~/.config/claude-failover/telegram-token   # mode 0600, for a daemon without the variable',
    );
  return `${lines.join('\n')}\n`;
}

function failed(reason: string, next: string, io: CommandIo): number {
  io.err(`claude-failover: ${reason}\nnext: ${next}\n`);
  return EXIT.error;
}
