/** A Bot API on loopback: keeps chats in memory, and fails in every way that the real one and the network can. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the next calls of a method meet, one each; then it works again. `times: Infinity` for good. */
export type TelegramFault =
  | { readonly kind: 'answer'; readonly code: number; readonly description: string; readonly parameters?: object }
  /** A page of a proxy, not JSON. */
  | { readonly kind: 'page'; readonly status: number }
  /** Takes the request, does it, and closes the connection without an answer. */
  | { readonly kind: 'reset_after' }
  | { readonly kind: 'reset' }
  /** Takes the request and never answers. */
  | { readonly kind: 'hang' }
  /** Headers and half of a body, then silence. */
  | { readonly kind: 'half_open' }
  | { readonly kind: 'redirect'; readonly to: string };

export interface SentMessage {
  readonly chat: number;
  readonly id: number;
  text: string;
  parseMode: string | null;
  silent: boolean;
  noPreview: boolean;
  replyTo: number | null;
  buttons: readonly (readonly { readonly text: string; readonly callback_data: string }[])[];
  edits: number;
  deleted: boolean;
}

export interface TelegramCall {
  readonly method: string;
  readonly fields: Readonly<Record<string, string>>;
}

export interface TelegramServer {
  readonly url: string;
  readonly token: string;
  readonly calls: readonly TelegramCall[];
  readonly messages: readonly SentMessage[];
  readonly presses: readonly { readonly id: string; readonly text: string }[];
  /** How many `getUpdates` wait now. */
  waiting(): number;
  fail(method: string, fault: TelegramFault, times?: number): void;
  /** A person writes. @returns the update id */
  write(text: string, from?: { chat?: number; user?: number; ageMs?: number }): number;
  /** A person presses a button. @returns the id of the press */
  press(data: string, from?: { chat?: number; user?: number; messageId?: number }): string;
  /** An update exactly as given. */
  push(update: object): number;
  /** Updates that nobody confirmed yet. */
  unconfirmed(): number;
  stop(): Promise<void>;
}

export const TOKEN = '4711:AAF-canary_token-canary_token-canary';
export const CHAT = 9001;
export const USER = 9001;

export async function startTelegram(token = TOKEN): Promise<TelegramServer> {
  const calls: TelegramCall[] = [];
  const messages: SentMessage[] = [];
  const presses: { id: string; text: string }[] = [];
  const faults: { method: string; fault: TelegramFault; left: number }[] = [];
  let updates: { update_id: number }[] = [];
  let nextUpdate = 500;
  let nextMessage = 1;
  const waiters = new Set<() => void>();

  const server = createServer((request, response) => {
    request.on('error', () => undefined);
    void handle(request, response);
  });

  // After a stall the server would close a connection as idle although the next request is on its way.
  server.keepAliveTimeout = 0;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const [, bot = '', method = ''] = (request.url ?? '').split('/');
    const fields = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString('utf8')));
    if (bot !== `bot${token}`) return send(response, 401, { ok: false, error_code: 401, description: 'Unauthorized' });
    calls.push({ method, fields });
    const fault = takeFault(method);
    if (fault?.kind === 'hang') return;
    if (fault?.kind === 'reset') return void request.socket.destroy();
    if (fault?.kind === 'page') {
      response.writeHead(fault.status, { 'content-type': 'text/html' });
      return void response.end('<html>bad gateway</html>');
    }
    if (fault?.kind === 'redirect') return void response.writeHead(302, { location: fault.to }).end();
    if (fault?.kind === 'half_open') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      return void response.write('{"ok":true,');
    }
    if (fault?.kind === 'answer') {
      const { code, description, parameters } = fault;
      return send(response, code, { ok: false, error_code: code, description, ...(parameters && { parameters }) });
    }
    const answer = await perform(method, fields, response);
    if (answer === null) return;
    if (fault?.kind === 'reset_after') return void request.socket.destroy();
    send(response, answer.ok ? 200 : answer.error_code, answer);
  }

  function takeFault(method: string): TelegramFault | null {
    const found = faults.find((each) => each.method === method && each.left > 0);
    if (found === undefined) return null;
    found.left -= 1;
    return found.fault;
  }

  type Answer = { ok: true; result: unknown } | { ok: false; error_code: number; description: string };
  const ok = (result: unknown): Answer => ({ ok: true, result });
  const bad = (description: string): Answer => ({
    ok: false,
    error_code: 400,
    description: `Bad Request: ${description}`,
  });

  async function perform(
    method: string,
    fields: Readonly<Record<string, string>>,
    response: ServerResponse,
  ): Promise<Answer | null> {
    switch (method) {
      case 'getMe':
        return ok({ id: 4711, is_bot: true, first_name: 'Failover', username: 'failover_test_bot' });
      case 'setMyCommands':
        return ok(true);
      case 'getUpdates':
        return longPoll(fields, response);
      case 'sendMessage': {
        const problem = checkText(fields);
        if (problem !== null) return bad(problem);
        const message = { ...readMessage(fields), id: nextMessage++, edits: 0, deleted: false };
        messages.push(message);
        return ok({ message_id: message.id, chat: { id: message.chat }, date: 1, text: message.text });
      }
      case 'editMessageText': {
        const message = messages.find(
          ({ id, chat }) => String(id) === fields.message_id && String(chat) === fields.chat_id,
        );
        if (message === undefined || message.deleted) return bad('message to edit not found');
        const problem = checkText(fields);
        if (problem !== null) return bad(problem);
        const { text, parseMode, buttons, noPreview } = readMessage(fields);
        if (message.text === text && JSON.stringify(message.buttons) === JSON.stringify(buttons))
          return bad('message is not modified: specified new message content and reply markup are exactly the same');
        Object.assign(message, { text, parseMode, buttons, noPreview, edits: message.edits + 1 });
        return ok({ message_id: message.id, chat: { id: message.chat }, date: 1, text });
      }
      case 'answerCallbackQuery':
        presses.push({ id: fields.callback_query_id ?? '', text: fields.text ?? '' });
        return ok(true);
      default:
        return { ok: false, error_code: 404, description: 'Not Found' };
    }
  }

  /** As the real one: what lies before the offset is confirmed and gone; an older poll ends when a newer one comes. */
  async function longPoll(fields: Readonly<Record<string, string>>, response: ServerResponse): Promise<Answer | null> {
    const offset = Number(fields.offset ?? 0);
    updates = updates.filter(({ update_id }) => update_id >= offset);
    const limit = Number(fields.limit ?? 100);
    const endsAt = performance.now() + Number(fields.timeout ?? 0) * 1000;
    while (updates.length === 0 && performance.now() < endsAt && !response.destroyed) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 20);
        const wake = (): void => {
          clearTimeout(timer);
          waiters.delete(wake);
          resolve();
        };
        waiters.add(wake);
        setTimeout(() => waiters.delete(wake), 25).unref();
      });
    }
    return response.destroyed ? null : ok(updates.slice(0, limit));
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  const push = (update: object): number => {
    const id = nextUpdate++;
    updates.push({ update_id: id, ...update });
    for (const wake of [...waiters]) wake();
    return id;
  };
  return {
    url: `http://127.0.0.1:${port}`,
    token,
    calls,
    messages,
    presses,
    waiting: () => waiters.size,
    fail: (method, fault, times = 1) => void faults.push({ method, fault, left: times }),
    push,
    write: (text, { chat = CHAT, user = USER, ageMs = 0 } = {}) =>
      push({
        message: {
          message_id: nextMessage++,
          date: Math.floor((Date.now() - ageMs) / 1000),
          chat: { id: chat, type: chat < 0 ? 'supergroup' : 'private' },
          from: { id: user, is_bot: false, first_name: 'Ada' },
          text,
        },
      }),
    press(data, { chat = CHAT, user = USER, messageId = 1 } = {}) {
      const id = `press-${nextUpdate}`;
      const message = { message_id: messageId, date: 1, chat: { id: chat } };
      push({ callback_query: { id, data, from: { id: user, is_bot: false, first_name: 'Ada' }, message } });
      return id;
    },
    unconfirmed: () => updates.length,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function readMessage(fields: Readonly<Record<string, string>>) {
  const json = (text: string | undefined): Record<string, unknown> => (text === undefined ? {} : JSON.parse(text));
  return {
    chat: Number(fields.chat_id),
    text: fields.text ?? '',
    parseMode: fields.parse_mode ?? null,
    silent: fields.disable_notification === 'true',
    noPreview: json(fields.link_preview_options).is_disabled === true,
    replyTo: (json(fields.reply_parameters).message_id as number | undefined) ?? null,
    buttons: (json(fields.reply_markup).inline_keyboard ?? []) as SentMessage['buttons'],
  };
}

/** What Telegram refuses: empty or too long after the markup is read, markup it cannot read, buttons of more than 64 bytes. */
function checkText(fields: Readonly<Record<string, string>>): string | null {
  const { text, parseMode, buttons } = readMessage(fields);
  const plain = parseMode === 'HTML' ? plainOf(text) : text;
  if (plain === null) return "can't parse entities: unsupported start tag";
  if (plain.trim() === '') return 'message text is empty';
  if (plain.length > 4096) return 'message is too long';
  const sizes = buttons.flat().map((button) => Buffer.byteLength(button.callback_data));
  return sizes.some((size) => size < 1 || size > 64) ? 'BUTTON_DATA_INVALID' : null;
}

/** The text as people see it; null: the markup is broken. */
export function plainOf(html: string): string | null {
  const open: string[] = [];
  let plain = '';
  for (const [part] of html.matchAll(/<\/?[^<>]*>|&[a-z#0-9]*;?|[^<&]+|[<&]/g)) {
    const tag = /^<(\/?)(b|i|u|s|code|pre|blockquote)>$/.exec(part);
    if (tag?.[1] === '') open.push(tag[2] ?? '');
    else if (tag !== null) {
      if (open.pop() !== tag[2]) return null;
    } else if (part.startsWith('<')) return null;
    else if (part.startsWith('&')) {
      const known = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"' }[part];
      if (known === undefined) return null;
      plain += known;
    } else plain += part;
  }
  return open.length === 0 ? plain : null;
}

function send(response: ServerResponse, status: number, body: object): void {
  if (response.destroyed) return;
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
