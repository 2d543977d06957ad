/** Decides who is heard in a chat, carries out what was asked and answers; whatever else comes is counted, not read. */
import type { Config } from '../config/schema.ts';
import type { Button, ButtonWish, Mac } from '../core/alerts/callback.ts';
import { BUTTON_MS, readWish, refOf, signWish } from '../core/alerts/callback.ts';
import type { Asked } from '../core/alerts/chat-commands.ts';
import { admit, parseChatCommand, RATE } from '../core/alerts/chat-commands.ts';
import { asChatBlock, asChatHtml } from '../core/alerts/chat-text.ts';
import type { EpochMs } from '../core/time.ts';
import { HOUR, MINUTE } from '../core/time.ts';
import type { ChatDoor, ChatInput, ChatMoves } from '../ports/chat.ts';
import type { LocalStore, Logger, TickContext } from '../ports.ts';
import type { AnswerPorts, Reply } from './chat-answers.ts';
import { followButton, followCommand, subjectsOf } from './chat-answers.ts';
import { useButton } from './used-buttons.ts';

export interface DeskPorts extends AnswerPorts {
  readonly door: ChatDoor;
  readonly moves: ChatMoves;
  readonly local: Pick<LocalStore, 'meta' | 'setMeta' | 'append'>;
  readonly mac: Mac;
  /** 8 characters of base64url that were never given before. */
  readonly nonce: () => string;
}

/** Why something that came in was not followed. */
export type Refusal = 'stranger' | 'foreign' | 'forged' | 'expired' | 'replayed' | 'too_many' | 'not_written';

export interface Desk {
  /** Whether this comes from a chat and a user that are heard at all. Asks nothing and costs nothing. */
  hears(input: ChatInput, config: Config): boolean;
  /** Never throws. */
  handle(input: ChatInput, bot: string | null, context: TickContext): Promise<void>;
  /** How often each refusal happened since the start. */
  refused(): Readonly<Partial<Record<Refusal, number>>>;
}

/** What a button answers in the little window; nothing of it tells a stranger more than that. */
const WORDS: Readonly<Record<Exclude<Refusal, 'stranger'>, string>> = {
  foreign: 'This button is not for you.',
  forged: 'This button is not valid.',
  expired: 'This button is too old. Send /status, or use the command.',
  replayed: 'This was done already.',
  too_many: 'Too many at once: wait a minute.',
  not_written: 'Nothing was done: it could not be written down. Send the command instead.',
};

/** An order that lay about for longer may be wrong by now. */
const STALE_MS = 10 * MINUTE;
const TELL_EVERY_MS = HOUR;
/** People whose pace is remembered. */
const MOST_PEOPLE = 1_000;

export function createDesk(ports: DeskPorts): Desk {
  const counts: Partial<Record<Refusal, number>> = {};
  const told = new Map<Refusal, EpochMs>();
  const pace = new Map<number, Asked>();

  /** Counted always, told once an hour for each reason, never with any content. */
  async function refuse(refusal: Refusal, input: ChatInput, { now, log }: TickContext): Promise<void> {
    counts[refusal] = (counts[refusal] ?? 0) + 1;
    if (now - (told.get(refusal) ?? Number.NEGATIVE_INFINITY) < TELL_EVERY_MS) return;
    told.set(refusal, now);
    const facts = { reason: refusal, chat: input.chat, user: input.user, count: counts[refusal] };
    log.warn(facts, 'something in the chat was not followed');
    const detail = `not followed: ${refusal.replaceAll('_', ' ')}, ${counts[refusal]} since the start`;
    await ports.local.append([{ type: 'chat_refused', data: { ...facts, detail } }], now);
  }

  function admitted(user: number, now: EpochMs): 'answer' | 'slow_down' | 'ignore' {
    const { asked, verdict } = admit(pace.get(user) ?? [], now);
    if (pace.size >= MOST_PEOPLE) pace.clear();
    pace.set(user, asked);
    return verdict;
  }

  async function hearText(input: ChatInput, text: string, messageId: number, bot: string | null, context: TickContext) {
    const { now, signal } = context;
    const sender = allowed(input, context.config, ports.moves);
    if (sender === null) return refuse('stranger', input, context);
    const command = parseChatCommand(text, bot);
    if (command === null) return;
    const verdict = admitted(sender.user, now);
    if (verdict !== 'answer') {
      await refuse('too_many', input, context);
      if (verdict === 'slow_down') await ports.door.say(sender.chat, slowDown(), { replyTo: messageId }, signal);
      return;
    }
    if (input.sentAt !== null && now - input.sentAt > STALE_MS) {
      const lines = ['This was sent while nobody listened, and nothing was done. Send it again if it still holds.'];
      return say(ports, sender.chat, messageId, { lines }, context);
    }
    context.log.info({ command: command.kind, user: sender.user }, 'command by chat');
    await say(
      ports,
      sender.chat,
      messageId,
      await attempt(() => followCommand(ports, command, by(sender)), context),
      context,
    );
  }

  async function hearPress(input: ChatInput, press: Press, context: TickContext) {
    const { now, signal } = context;
    const answer = async (refusal: Exclude<Refusal, 'stranger'>): Promise<void> => {
      await ports.door.answerPress(press.pressId, WORDS[refusal], signal);
      await refuse(refusal, input, context);
    };
    const sender = allowed(input, context.config, ports.moves);
    if (sender === null) return answer('foreign');
    if (admitted(sender.user, now) !== 'answer') return answer('too_many');
    const read = readWish(press.data, sender.chat, now, ports.mac);
    if (read.kind === 'refused') return answer(read.reason);
    const subjects = subjectsOf(ports.api, read.action);
    const subject = subjects === null ? read.ref : subjects.find((each) => refOf(each, ports.mac) === read.ref);
    if (subject === undefined) return answer('expired');
    try {
      if (!(await useButton(ports.local, read.id, read.expiresAt, now))) return answer('replayed');
    } catch (err) {
      context.log.warn({ err }, 'a button could not be marked as used');
      return answer('not_written');
    }
    context.log.info({ button: read.action, user: sender.user }, 'button pressed');
    const wish: ButtonWish = { action: read.action, subject };
    const reply = await attempt(() => followButton(ports, wish, by(sender)), context);
    await ports.door.answerPress(press.pressId, reply.lines?.[0] ?? '', signal);
    // A question is over once it is answered; a message about an incident stays as it is.
    const isAnswer = wish.action === 'swap_now' || wish.action === 'keep';
    if (isAnswer && press.messageId !== null) {
      const replaced = await ports.door.replace(sender.chat, press.messageId, htmlOf(reply), signal);
      if (replaced.ok) return;
    }
    await say(ports, sender.chat, press.messageId, reply, context);
  }

  return {
    hears: (input, config) => allowed(input, config, ports.moves) !== null,
    refused: () => ({ ...counts }),
    async handle(input, bot, context) {
      const { content } = input;
      try {
        if (content.kind === 'text') await hearText(input, content.text, content.messageId, bot, context);
        else if (content.kind === 'press') await hearPress(input, content, context);
        else if (content.kind === 'moved') await follow(input, content.to, ports, context);
      } catch (err) {
        context.log.error({ err }, 'what came by chat could not be dealt with');
      }
    },
  };
}

/** Signs the wishes of a row of buttons for one chat. */
export function signButtons(
  rows: readonly (readonly { readonly label: string; readonly wish: ButtonWish }[])[],
  chat: number,
  now: EpochMs,
  { mac, nonce }: Pick<DeskPorts, 'mac' | 'nonce'>,
): readonly (readonly Button[])[] {
  return rows.map((row) =>
    row.map(({ label, wish }) => ({ label, data: signWish(wish, chat, now + BUTTON_MS, nonce(), mac) })),
  );
}

type Press = Extract<ChatInput['content'], { kind: 'press' }>;

interface Sender {
  readonly chat: number;
  readonly user: number;
}

/** Both must be named in the configuration, and acting by chat be allowed at all. */
function allowed(input: ChatInput, config: Config, moves: ChatMoves): Sender | null {
  const { commands, chatIds, allowedUsers } = config.notifications.telegram;
  const { chat, user } = input;
  if (!commands || chat === null || user === null || !allowedUsers.includes(user)) return null;
  return moves.configured(chat, chatIds) === null ? null : { chat, user };
}

/** Only a chat that is ours can say where it went. */
async function follow(input: ChatInput, to: number, ports: DeskPorts, { config, log }: TickContext): Promise<void> {
  const configured =
    input.chat === null ? null : ports.moves.configured(input.chat, config.notifications.telegram.chatIds);
  if (configured === null) return;
  await ports.moves.moved(configured, to);
  log.info({ from: configured, to }, 'the group became a supergroup; its new id is used');
}

async function say(
  ports: DeskPorts,
  chat: number,
  replyTo: number | null,
  reply: Reply,
  { now, signal, log }: TickContext,
): Promise<void> {
  const question = reply.question === undefined ? [] : [reply.question];
  const buttons = signButtons(question, chat, now, ports);
  const answer = await ports.door.say(chat, htmlOf(reply), { replyTo, buttons }, signal);
  if (!answer.ok) log.warn({ reason: answer.failure.reason }, 'an answer by chat was not delivered');
}

async function attempt(work: () => Promise<Reply>, { log }: { readonly log: Logger }): Promise<Reply> {
  try {
    return await work();
  } catch (err) {
    log.error({ err }, 'a wish by chat failed');
    return { lines: ['It did not work; the log of the daemon says why.'] };
  }
}

function htmlOf({ lines, block }: Reply): string {
  return block === undefined ? asChatHtml(lines ?? []) : asChatBlock(block);
}

function slowDown(): string {
  return asChatHtml([`Too many at once: at most ${RATE.perMinute} a minute are answered.`]);
}

function by({ user }: Sender): string {
  return `telegram user ${user}`;
}
