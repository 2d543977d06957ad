/** The way in from Telegram: what people write and press, by long polling, and the answers they get. */
import type { CallbackQuery, InlineKeyboardMarkup, Message } from 'node-telegram-bot-api';
import { CHAT_COMMANDS } from '../../core/alerts/chat-commands.ts';
import { cutTo } from '../../core/alerts/escape.ts';
import { SECOND } from '../../core/time.ts';
import type { ChatAnswer, ChatDoor, ChatInput } from '../../ports/chat.ts';
import type { TelegramApi } from './telegram-api.ts';

/** Beyond the time the server was asked to wait. */
const GRACE_MS = 10 * SECOND;
const BATCH = 20;
/** Longest text of the little window over the chat (core.telegram.org/bots/api#answercallbackquery). */
const MAX_TOAST = 200;

export function createTelegramDoor(api: TelegramApi): ChatDoor {
  return {
    id: api.id,
    async open(signal) {
      const me = await api.call((bot, until) => bot.getMe(until), signal);
      if (!me.ok) return me;
      const commands = CHAT_COMMANDS.map(({ name, does }) => ({ command: name, description: does }));
      // Only a convenience of the app: it may fail.
      await api.call((bot, until) => bot.setMyCommands({ commands }, until), signal);
      return { ok: true, value: String(me.value?.username ?? '') };
    },
    async receive(offset, waitMs, signal) {
      const answer = await api.call(
        (bot, until) =>
          bot.getUpdates(
            {
              ...(offset === null ? {} : { offset }),
              limit: BATCH,
              timeout: Math.round(waitMs / SECOND),
              allowed_updates: ['message', 'callback_query'],
            },
            until,
          ),
        signal,
        waitMs + GRACE_MS,
      );
      if (!answer.ok) return answer;
      const updates: unknown = answer.value;
      return { ok: true, value: Array.isArray(updates) ? updates.flatMap(toInput) : [] };
    },
    async say(chat, html, { buttons = [], replyTo = null }, signal) {
      const markup: InlineKeyboardMarkup | null =
        buttons.length === 0
          ? null
          : {
              inline_keyboard: buttons.map((row) =>
                row.map((each) => ({ text: each.label, callback_data: each.data })),
              ),
            };
      return nothingOf(
        await api.call(
          (bot, until) =>
            bot.sendMessage(
              {
                chat_id: chat,
                text: html,
                parse_mode: 'HTML',
                link_preview_options: { is_disabled: true },
                ...(replyTo !== null && {
                  reply_parameters: { message_id: replyTo, allow_sending_without_reply: true },
                }),
                ...(markup && { reply_markup: markup }),
              },
              until,
            ),
          signal,
        ),
      );
    },
    async replace(chat, messageId, html, signal) {
      return nothingOf(
        await api.call(
          (bot, until) =>
            bot.editMessageText({ chat_id: chat, message_id: messageId, text: html, parse_mode: 'HTML' }, until),
          signal,
        ),
      );
    },
    async answerPress(pressId, text, signal) {
      return nothingOf(
        await api.call(
          (bot, until) => bot.answerCallbackQuery({ callback_query_id: pressId, text: cutTo(text, MAX_TOAST) }, until),
          signal,
        ),
      );
    },
  };
}

function nothingOf(answer: ChatAnswer<unknown>): ChatAnswer<null> {
  return answer.ok ? { ok: true, value: null } : answer;
}

/** The part of an update that is looked at, field by field: a server may send anything. */
interface RawUpdate {
  readonly update_id?: unknown;
  readonly callback_query?: Partial<CallbackQuery>;
  readonly message?: Partial<Message>;
}

function toInput(update: RawUpdate | null): readonly ChatInput[] {
  const id = whole(update?.update_id);
  if (id === null) return [];
  const press = update?.callback_query;
  if (press !== undefined) {
    const { id: pressId, data } = press;
    if (typeof pressId !== 'string' || typeof data !== 'string') return [none(id)];
    const messageId = whole(press.message?.message_id);
    const content = { kind: 'press', pressId, data, messageId } as const;
    return [{ id, chat: whole(press.message?.chat?.id), user: whole(press.from?.id), sentAt: null, content }];
  }
  const message = update?.message;
  const date = whole(message?.date);
  const sentAt = date === null ? null : date * SECOND;
  const from = { id, chat: whole(message?.chat?.id), user: whole(message?.from?.id), sentAt };
  const to = whole(message?.migrate_to_chat_id);
  if (to !== null) return [{ ...from, content: { kind: 'moved', to } }];
  const messageId = whole(message?.message_id);
  // Words that were forwarded are somebody else's.
  if (typeof message?.text !== 'string' || messageId === null || message.forward_origin !== undefined)
    return [none(id)];
  return [{ ...from, content: { kind: 'text', text: message.text.slice(0, 4096), messageId } }];
}

function none(id: number): ChatInput {
  return { id, chat: null, user: null, sentAt: null, content: { kind: 'other' } };
}

function whole(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : null;
}
