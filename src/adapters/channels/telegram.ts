/** Messages to Telegram: one channel for each chat, a message that is edited while its incident develops. */
import type { InlineKeyboardMarkup } from 'node-telegram-bot-api';
import type { Button } from '../../core/alerts/callback.ts';
import { cutTo } from '../../core/alerts/escape.ts';
import type { Message } from '../../core/alerts/message.ts';
import { asTelegramHtml, asText, TELEGRAM_MAX } from '../../core/alerts/message.ts';
import type { ChatMoves } from '../../ports/chat.ts';
import type { Channel, SendOptions, SendResult } from '../../ports.ts';
import type { TelegramAnswer, TelegramApi, TelegramFailure } from './telegram-api.ts';

export interface TelegramChannelParts {
  readonly api: TelegramApi;
  readonly moves: ChatMoves;
  /** The buttons under a message to this chat, made anew for each try. */
  readonly buttons: (message: Message, chat: number) => readonly (readonly Button[])[];
}

/** One channel for each chat: that one of them is gone or slow does not touch the others. */
export function createTelegramChannels(chats: readonly number[], parts: TelegramChannelParts): readonly Channel[] {
  return chats.map((chat) => createTelegramChannel(chat, parts));
}

function createTelegramChannel(configured: number, parts: TelegramChannelParts): Channel {
  return {
    kind: 'telegram',
    name: `telegram:${configured}`,
    canEdit: true,
    async send(message, options) {
      const chat = parts.moves.current(configured);
      const first = await sendTo(chat, message, options, parts);
      if (first.ok) return { kind: 'sent', ref: first.value };
      const { movedTo } = first.failure;
      if (movedTo === null || movedTo === chat) return resultOf(first.failure);
      await parts.moves.moved(configured, movedTo);
      const second = await sendTo(movedTo, message, options, parts);
      return second.ok ? { kind: 'sent', ref: second.value } : resultOf(second.failure);
    },
  };
}

async function sendTo(
  chat: number,
  message: Message,
  options: SendOptions,
  parts: TelegramChannelParts,
): Promise<TelegramAnswer<string>> {
  const previous = options.previous === null ? null : readRef(options.previous);
  const known = previous !== null && previous.chat === chat ? previous.messageId : null;
  if (known !== null && options.mode === 'edit') {
    const edited = await edit(chat, known, message, options, parts);
    if (edited.ok || !isEditImpossible(edited.failure)) return edited;
  }
  return sendNew(chat, known, message, options, parts);
}

async function edit(
  chat: number,
  messageId: number,
  message: Message,
  { signal }: SendOptions,
  parts: TelegramChannelParts,
): Promise<TelegramAnswer<string>> {
  const markup = keyboard(parts.buttons(message, chat));
  const attempt = (body: Body) =>
    parts.api.call(
      (api, until) =>
        api.editMessageText(
          { chat_id: chat, message_id: messageId, ...body, ...PLAIN_LINKS, ...(markup && { reply_markup: markup }) },
          until,
        ),
      signal,
    );
  const answer = await withPlainFallback(message, attempt);
  const ref = makeRef(chat, messageId);
  if (answer.ok) return { ok: true, value: ref };
  // The same text again: the edit of an earlier try arrived.
  return answer.failure.description.includes('message is not modified') ? { ok: true, value: ref } : answer;
}

async function sendNew(
  chat: number,
  previous: number | null,
  message: Message,
  { signal }: SendOptions,
  parts: TelegramChannelParts,
): Promise<TelegramAnswer<string>> {
  const markup = keyboard(parts.buttons(message, chat));
  const reply = previous === null ? null : { message_id: previous, allow_sending_without_reply: true };
  const answer = await withPlainFallback(message, (body) =>
    parts.api.call(
      (api, until) =>
        api.sendMessage(
          {
            chat_id: chat,
            ...body,
            ...PLAIN_LINKS,
            disable_notification: message.severity === 'info',
            ...(reply && { reply_parameters: reply }),
            ...(markup && { reply_markup: markup }),
          },
          until,
        ),
      signal,
    ),
  );
  if (!answer.ok) return answer;
  const messageId: unknown = answer.value?.message_id;
  return { ok: true, value: typeof messageId === 'number' ? makeRef(chat, messageId) : '' };
}

interface Body {
  readonly text: string;
  readonly parse_mode?: string;
}

const PLAIN_LINKS = { link_preview_options: { is_disabled: true } } as const;

/** A message whose markup is refused must arrive all the same. */
async function withPlainFallback<T>(
  message: Message,
  attempt: (body: Body) => Promise<TelegramAnswer<T>>,
): Promise<TelegramAnswer<T>> {
  const answer = await attempt({ text: asTelegramHtml(message), parse_mode: 'HTML' });
  const isMarkup = !answer.ok && /can't parse entities|message is too long/.test(answer.failure.description);
  return isMarkup ? attempt({ text: cutTo(asText(message), TELEGRAM_MAX) }) : answer;
}

/** The message was deleted, is too old, or is not ours: then a new one says it. */
function isEditImpossible({ description }: TelegramFailure): boolean {
  return /message to edit not found|message can't be edited|message_id_invalid|message identifier/.test(description);
}

function resultOf({ kind, afterMs, reason }: TelegramFailure): SendResult {
  return kind === 'refused' ? { kind: 'gone', reason } : { kind: 'retry', afterMs, reason };
}

function makeRef(chat: number, messageId: number): string {
  return `${chat}:${messageId}`;
}

function readRef(ref: string): { readonly chat: number; readonly messageId: number } | null {
  const match = /^(-?\d{1,16}):(\d{1,16})$/.exec(ref);
  return match === null ? null : { chat: Number(match[1]), messageId: Number(match[2]) };
}

function keyboard(rows: readonly (readonly Button[])[]): InlineKeyboardMarkup | null {
  if (rows.length === 0) return null;
  return { inline_keyboard: rows.map((row) => row.map(({ label, data }) => ({ text: label, callback_data: data }))) };
}
