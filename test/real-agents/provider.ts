/** A provider on loopback for the official Claude Code: it serves accounts, and refuses those that are over their limit. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How an account is answered. */
export type Scenario = 'ok' | 'five_hour' | 'seven_day' | 'server_error' | 'throttle';

export interface ServedRequest {
  readonly at: number;
  readonly account: string;
  readonly status: number;
  /** All that was said since the last answer, at most its last 20,000 characters; the CLI puts words of its own between. */
  readonly text: string;
}

export interface Provider {
  /** What `ANTHROPIC_BASE_URL` is set to. */
  readonly url: string;
  readonly requests: readonly ServedRequest[];
  /** @param after so many more requests with tools are answered first */
  set(account: string, scenario: Scenario, after?: number): void;
  close(): Promise<void>;
}

interface Body {
  readonly model?: string;
  readonly stream?: boolean;
  readonly tools?: readonly unknown[];
  readonly messages?: readonly { readonly role: string; readonly content: unknown }[];
}

const HOUR_S = 3600;
const UNIFIED = 'anthropic-ratelimit-unified-';
/** A prompt with these words makes the answer a shell command first. */
const TOOL = /please run: ([^"\\]+)/;

/** @param options.resetInS how far ahead a limit of five hours resets */
export async function startProvider(options: { readonly resetInS?: number } = {}): Promise<Provider> {
  const scenarios = new Map<string, { readonly scenario: Scenario; after: number }>();
  const requests: ServedRequest[] = [];
  const resetInS = options.resetInS ?? 2 * HOUR_S;
  let count = 0;
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const path = new URL(request.url ?? '/', 'http://x').pathname;
    if (request.method !== 'POST' || path !== '/v1/messages') {
      const known = path === '/v1/messages/count_tokens' ? { input_tokens: 42 } : {};
      send(response, 200, known);
      return;
    }
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}') as Body;
    const account = /made-up-(.+)-[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/.exec(
      request.headers.authorization ?? '',
    )?.[1];
    // The CLI may put messages of its own behind the prompt.
    const messages = body.messages ?? [];
    const answeredUpTo = messages.findLastIndex(({ role }) => role === 'assistant');
    const text = messages
      .slice(answeredUpTo + 1)
      .map(({ content }) => textOf(content))
      .join('\n');
    const mine = scenarios.get(account ?? '');
    const isSpared = mine !== undefined && mine.after > 0;
    if (isSpared && (body.tools?.length ?? 0) > 0) mine.after -= 1;
    const refusal =
      account === undefined ? unauthorized() : refuse(isSpared ? 'ok' : (mine?.scenario ?? 'ok'), resetInS);
    requests.push({
      at: Date.now(),
      account: account ?? '',
      status: refusal?.status ?? 200,
      text: text.slice(-20_000),
    });
    if (refusal !== null) send(response, refusal.status, refusal.body, refusal.headers);
    else await reply(response, body, { account: account ?? '', asked: askedIn(body), n: ++count, resetInS });
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    set: (account, scenario, after = 0) => scenarios.set(account, { scenario, after }),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

interface Refusal {
  readonly status: number;
  readonly body: object;
  readonly headers: Readonly<Record<string, string>>;
}

function refuse(scenario: Scenario, resetInS: number): Refusal | null {
  if (scenario === 'ok') return null;
  if (scenario === 'server_error') {
    const message = 'Internal server error: upstream said rate limit exceeded, usage limit reached';
    return { status: 500, body: failure('api_error', message), headers: {} };
  }
  if (scenario === 'throttle') {
    return { status: 429, body: failure('rate_limit_error', 'Error'), headers: { 'retry-after': '2' } };
  }
  const headers = unified(scenario, 'rejected', resetInS);
  const waitS = Number(headers[`${UNIFIED}reset`]) - nowS();
  const message = "This request would exceed your account's rate limit. Please try again later.";
  return {
    status: 429,
    body: failure('rate_limit_error', message),
    headers: { ...headers, 'retry-after': String(waitS), 'x-should-retry': 'false' },
  };
}

function unauthorized(): Refusal {
  return { status: 401, body: failure('authentication_error', 'Invalid bearer token'), headers: {} };
}

function unified(claim: 'five_hour' | 'seven_day', status: string, resetInS: number): Record<string, string> {
  const resets = { five_hour: nowS() + resetInS, seven_day: nowS() + 4 * 24 * HOUR_S };
  const used = (window: string): string => (status === 'rejected' && window === claim ? '1' : '0.3');
  const of = (window: string): string => (status === 'rejected' && window === claim ? 'rejected' : 'allowed');
  return {
    [`${UNIFIED}status`]: status,
    [`${UNIFIED}reset`]: String(resets[claim]),
    [`${UNIFIED}representative-claim`]: claim,
    [`${UNIFIED}5h-status`]: of('five_hour'),
    [`${UNIFIED}5h-reset`]: String(resets.five_hour),
    [`${UNIFIED}5h-utilization`]: used('five_hour'),
    [`${UNIFIED}7d-status`]: of('seven_day'),
    [`${UNIFIED}7d-reset`]: String(resets.seven_day),
    [`${UNIFIED}7d-utilization`]: used('seven_day'),
    [`${UNIFIED}overage-status`]: 'rejected',
    [`${UNIFIED}overage-disabled-reason`]: 'org_level_disabled',
  };
}

interface Turn {
  readonly account: string;
  /** What was said since the last answer: the CLI may put a message of its own behind the prompt. */
  readonly asked: string;
  readonly n: number;
  readonly resetInS: number;
}

async function reply(response: ServerResponse, body: Body, turn: Turn): Promise<void> {
  const text = `REPLY-${turn.n} from ${turn.account} after ${body.messages?.length ?? 0} messages`;
  const usage = { input_tokens: 10, output_tokens: 9, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 };
  const message = {
    id: `msg_${turn.n}`,
    type: 'message',
    role: 'assistant',
    model: body.model,
    content: [] as object[],
    stop_reason: null as string | null,
    stop_sequence: null,
    usage,
  };
  const headers = unified('five_hour', 'allowed', turn.resetInS);
  if (body.stream !== true) {
    send(response, 200, { ...message, content: [{ type: 'text', text }], stop_reason: 'end_turn' }, headers);
    return;
  }
  const command = body.tools?.length === 0 ? undefined : TOOL.exec(turn.asked)?.[1]?.trim();
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', ...headers });
  const event = (type: string, data: object): void => {
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  };
  event('message_start', { message });
  event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } });
  event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } });
  event('content_block_stop', { index: 0 });
  if (command !== undefined) {
    const input = JSON.stringify({ command, description: 'a command of the test' });
    event('content_block_start', {
      index: 1,
      content_block: { type: 'tool_use', id: `toolu_${turn.n}`, name: 'Bash', input: {} },
    });
    event('content_block_delta', { index: 1, delta: { type: 'input_json_delta', partial_json: input } });
    event('content_block_stop', { index: 1 });
  }
  event('message_delta', {
    delta: { stop_reason: command === undefined ? 'end_turn' : 'tool_use', stop_sequence: null },
    usage,
  });
  event('message_stop', {});
  response.end();
}

function send(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_made_up', ...headers });
  response.end(JSON.stringify(body));
}

function failure(type: string, message: string): object {
  return { type: 'error', error: { type, message }, request_id: 'req_made_up' };
}

function askedIn({ messages = [] }: Body): string {
  const from = messages.findLastIndex(({ role }) => role === 'assistant') + 1;
  return messages
    .slice(from)
    .map(({ content }) => textOf(content))
    .join('\n');
}

/** The text blocks of a message; results of tools have none. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  const blocks = content as readonly { readonly type?: string; readonly text?: string }[];
  return blocks.map((block) => (block.type === 'text' ? (block.text ?? '') : '')).join('\n');
}

const nowS = (): number => Math.floor(Date.now() / 1000);
