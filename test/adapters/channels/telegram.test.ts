/** Messages to Telegram over real HTTP: edited, silent, escaped, and every failure a value without the token. */
import diagnostics from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createTelegramChannels } from '../../../src/adapters/channels/telegram.ts';
import { createTelegramApi } from '../../../src/adapters/channels/telegram-api.ts';
import { systemClock } from '../../../src/adapters/clock.ts';
import type { Message } from '../../../src/core/alerts/message.ts';
import type { ChatMoves } from '../../../src/ports/chat.ts';
import type { Channel, SendOptions } from '../../../src/ports.ts';
import { openChatMoves } from '../../../src/steps/chat-moves.ts';
import { NOON } from '../../support/builders.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { collectGarbage } from '../../support/garbage.ts';
import { CHAT, plainOf, startTelegram, type TelegramServer, TOKEN } from '../../support/telegram-server.ts';
import { waitFor } from '../../support/wait.ts';

const GROUP = -100;
let server: TelegramServer;
let moves: ChatMoves;

beforeEach(async () => {
  server = await startTelegram();
  moves = await aMoves();
});
afterEach(() => server.stop());

async function aMoves(): Promise<ChatMoves> {
  const meta = new Map<string, string>();
  return openChatMoves({
    meta: async (key) => meta.get(key) ?? null,
    setMeta: async (key, value) => void (value === null ? meta.delete(key) : meta.set(key, value)),
  });
}

function channels(chats: readonly number[], change: { token?: string; url?: string; clock?: FakeClock } = {}) {
  const { token = TOKEN, url = server.url, clock = systemClock() } = change;
  const api = createTelegramApi({ token, apiBase: url, clock });
  const buttons = ({ severity }: Message) => (severity === 'info' ? [] : [[{ label: 'Hold', data: 'x'.repeat(64) }]]);
  return createTelegramChannels(chats, { api, moves, buttons });
}

function channel(change: Parameters<typeof channels>[1] = {}, chat = CHAT): Channel {
  const [only] = channels([chat], change);
  if (only === undefined) throw new Error('no channel');
  return only;
}

function aMessage(change: Partial<Message> = {}): Message {
  return {
    key: 'swap:1',
    event: 'swap_requested',
    severity: 'warning',
    revision: 1,
    since: NOON,
    at: NOON,
    settled: false,
    host: 'box',
    title: 'work-1 is at its limit',
    lines: ['swapping to work-2'],
    slots: [],
    quote: null,
    needs: null,
    subject: { pool: 'work', account: null, session: null, swap: '1', alert: null },
    ...change,
  };
}

const options = (change: Partial<SendOptions> = {}): SendOptions => ({
  previous: null,
  mode: 'edit',
  idempotencyKey: 'k',
  signal: new AbortController().signal,
  ...change,
});

describe('a message', () => {
  test('is sent as HTML without previews, with its buttons, aloud', async () => {
    const result = await channel().send(aMessage(), options());
    const [sent] = server.messages;
    expect(result).toEqual({ kind: 'sent', ref: `${CHAT}:${sent?.id}` });
    expect(sent).toMatchObject({ chat: CHAT, parseMode: 'HTML', silent: false, noPreview: true });
    expect(plainOf(sent?.text ?? '')).toContain('work-1 is at its limit');
    expect(sent?.buttons).toEqual([[{ text: 'Hold', callback_data: 'x'.repeat(64) }]]);
  });

  test('without urgency makes no sound', async () => {
    await channel().send(aMessage({ severity: 'info' }), options());
    expect(server.messages[0]).toMatchObject({ silent: true, buttons: [] });
  });

  test('is edited while its incident develops, and loses its buttons when they help no more [R281]', async () => {
    const telegram = channel();
    const first = await telegram.send(aMessage(), options());
    const previous = first.kind === 'sent' ? first.ref : '';
    const second = aMessage({ severity: 'info', title: 'pool work is on work-2', settled: true });
    expect(await telegram.send(second, options({ previous }))).toEqual(first);
    expect(server.messages).toHaveLength(1);
    expect(server.messages[0]).toMatchObject({ edits: 1, buttons: [] });
    expect(server.messages[0]?.text).toContain('pool work is on work-2');
  });

  test('whose edit arrived before is delivered, not sent again', async () => {
    const telegram = channel();
    const first = await telegram.send(aMessage(), options());
    const previous = first.kind === 'sent' ? first.ref : '';
    expect(await telegram.send(aMessage(), options({ previous }))).toEqual(first);
    expect(server.messages).toHaveLength(1);
  });

  test('that was deleted meanwhile is said anew', async () => {
    const telegram = channel();
    const first = await telegram.send(aMessage(), options());
    const [sent] = server.messages;
    if (sent) sent.deleted = true;
    const next = await telegram.send(
      aMessage({ title: 'done' }),
      options({ previous: first.kind === 'sent' ? first.ref : '' }),
    );
    expect(next).toEqual({ kind: 'sent', ref: `${CHAT}:${server.messages[1]?.id}` });
  });

  test('that follows another one answers it', async () => {
    const telegram = channel();
    await telegram.send(aMessage(), options());
    await telegram.send(aMessage({ title: 'done' }), options({ previous: `${CHAT}:1`, mode: 'follow' }));
    expect(server.messages[1]).toMatchObject({ replyTo: 1 });
  });

  test('of hostile text arrives as it was meant, within 4096 characters [R232]', async () => {
    const hostile = '<b>&amp;</b> </pre><script>'.repeat(400);
    const lines = Array.from({ length: 60 }, (_, i) => `${i} ${hostile}`);
    const result = await channel().send(aMessage({ title: hostile, quote: hostile, needs: hostile, lines }), options());
    expect(result.kind).toBe('sent');
    expect(server.messages[0]).toMatchObject({ parseMode: 'HTML' });
    expect(server.messages[0]?.text.length).toBeLessThanOrEqual(4096);
  });

  test('whose markup is refused arrives as plain text', async () => {
    server.fail('sendMessage', {
      kind: 'answer',
      code: 400,
      description: "Bad Request: can't parse entities: at byte 3",
    });
    expect((await channel().send(aMessage(), options())).kind).toBe('sent');
    expect(server.messages[0]).toMatchObject({ parseMode: null });
  });
});

describe('failures', () => {
  test('Telegram says how long it wants to be left alone [R229]', async () => {
    const limited = (seconds: number) =>
      server.fail('sendMessage', {
        kind: 'answer',
        code: 429,
        description: `Too Many Requests: retry after ${seconds}`,
        parameters: { retry_after: seconds },
      });
    for (const seconds of [1, 60, 3600]) {
      limited(seconds);
      expect(await channel().send(aMessage(), options())).toMatchObject({ kind: 'retry', afterMs: seconds * 1000 });
    }
    expect(server.messages).toEqual([]);
  });

  test.each([
    ['the chat is unknown', 400, 'Bad Request: chat not found'],
    ['the bot was blocked', 403, 'Forbidden: bot was blocked by the user'],
    ['the bot was thrown out', 403, 'Forbidden: bot was kicked from the supergroup chat'],
  ])('%s: this will never be delivered', async (_, code, description) => {
    server.fail('sendMessage', { kind: 'answer', code, description });
    expect(await channel().send(aMessage(), options())).toEqual({
      kind: 'gone',
      reason: `telegram: ${description} (${code})`,
    });
  });

  test.each([
    ['a server error', { kind: 'answer', code: 500, description: 'Internal Server Error' }],
    ['a page of a proxy', { kind: 'page', status: 502 }],
    ['a page that calls itself well', { kind: 'page', status: 200 }],
    ['a connection that breaks', { kind: 'reset' }],
    ['a connection that breaks after the deed', { kind: 'reset_after' }],
  ] as const)('%s: to be tried again', async (_, fault) => {
    server.fail('sendMessage', fault);
    expect(await channel().send(aMessage(), options())).toMatchObject({ kind: 'retry', afterMs: null });
    expect(server.calls).toHaveLength(1);
  });

  test.each(['hang', 'half_open'] as const)('%s: given up at the deadline, not before and not after', async (kind) => {
    server.fail('sendMessage', { kind });
    const clock = new FakeClock();
    const result = channel({ clock }).send(aMessage(), options());
    await waitFor(() => server.calls.length === 1);
    await clock.advance(10_000);
    expect(await result).toEqual({ kind: 'retry', afterMs: null, reason: 'no answer within 10 s' });
    expect(clock.pending).toBe(0);
  });

  test('half_open, and Node.js collects what it holds of the request meanwhile: given up at the deadline', async () => {
    server.fail('sendMessage', { kind: 'half_open' });
    const clock = new FakeClock();
    const hasHeaders = new Promise((resolve) => diagnostics.subscribe('undici:request:headers', resolve));
    const result = channel({ clock }).send(aMessage(), options());
    await hasHeaders;
    await waitFor(() => clock.pending > 0);
    // What waits for the headers still holds the request; it lets go some turns of the loop later.
    for (let turn = 0; turn < 20; turn++) {
      await new Promise(setImmediate);
      collectGarbage();
    }
    await clock.advance(10_000);
    expect(await result).toEqual({ kind: 'retry', afterMs: null, reason: 'no answer within 10 s' });
  });

  test('a hung chat does not delay another one', async () => {
    const [first, second] = channels([CHAT, GROUP]);
    server.fail('sendMessage', { kind: 'hang' });
    const hung = new AbortController();
    const slow = first?.send(aMessage(), options({ signal: hung.signal }));
    await waitFor(() => server.calls.length === 1);
    expect(await second?.send(aMessage(), options())).toMatchObject({ kind: 'sent' });
    hung.abort();
    expect(await slow).toMatchObject({ kind: 'retry' });
  });

  test('nobody listens: to be tried again', async () => {
    await server.stop();
    expect(await channel().send(aMessage(), options())).toMatchObject({
      kind: 'retry',
      reason: 'not reachable (ECONNREFUSED)',
    });
    server = await startTelegram();
  });

  test('a wrong token is tried again after minutes: only a person can mend it', async () => {
    const result = await channel({ token: '1:wrong' }).send(aMessage(), options());
    expect(result).toEqual({ kind: 'retry', afterMs: 300_000, reason: 'telegram refuses the bot token (401)' });
  });

  test('a group that became a supergroup is found under its new id, now and later', async () => {
    const to = -1009;
    server.fail('sendMessage', {
      kind: 'answer',
      code: 400,
      description: 'Bad Request: group chat was upgraded to a supergroup chat',
      parameters: { migrate_to_chat_id: to },
    });
    const group = channel({}, GROUP);
    expect(await group.send(aMessage(), options())).toEqual({ kind: 'sent', ref: `${to}:1` });
    // What was said in the old group cannot be edited in the new one.
    expect(await group.send(aMessage(), options({ previous: `${GROUP}:77` }))).toEqual({
      kind: 'sent',
      ref: `${to}:2`,
    });
    expect(moves.configured(to, [CHAT, GROUP])).toBe(GROUP);
    expect(server.messages.map(({ chat }) => chat)).toEqual([to, to]);
  });

  test('a redirect is not followed: the token would go with it', async () => {
    const other = await startTelegram();
    try {
      server.fail('sendMessage', { kind: 'redirect', to: `${other.url}/bot${TOKEN}/sendMessage` });
      expect(await channel().send(aMessage(), options())).toMatchObject({ kind: 'retry' });
      expect(other.calls).toEqual([]);
    } finally {
      await other.stop();
    }
  });

  test('the token is in no reason, whatever fails [R232]', async () => {
    const echo = {
      kind: 'answer',
      description: `what is bot${TOKEN}/sendMessage? ${encodeURIComponent(TOKEN)}`,
    } as const;
    for (const code of [400, 403, 409, 429, 500]) server.fail('sendMessage', { ...echo, code });
    const results: unknown[] = [];
    for (let i = 0; i < 5; i++) results.push(await channel().send(aMessage(), options()));
    results.push(await channel({ url: 'http://127.0.0.1:1' }).send(aMessage(), options()));
    results.push(await channel({ url: 'http://[bad' }).send(aMessage(), options()));
    expect(inspect(results, { depth: 9, showHidden: true })).not.toMatch(/canary/);
    expect(results).toHaveLength(7);
  });
});
