/** A provider on loopback for the official Codex: it serves accounts, and refuses those that are over their limit. */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ServedRequest } from './provider.ts';
import { openTlsDoor } from './tls-door.ts';

export interface OpenAiProvider {
  /** The base URL of its model provider. */
  readonly url: string;
  /** What the CLI's environment must hold. */
  readonly env: Readonly<Record<string, string>>;
  /** Requests for a turn. */
  readonly requests: readonly (ServedRequest & { readonly items: number })[];
  /** @param window null: it is served again */
  limit(account: string, window: 'primary' | 'secondary' | null): void;
  close(): Promise<void>;
}

const HOUR_S = 3600;
const HOSTS = ['chatgpt.com', 'api.openai.com', 'auth.openai.com'];

interface Body {
  readonly model?: string;
  readonly input?: readonly { readonly role?: string; readonly content?: unknown }[];
}

/** A JSON web token without a signature, as the CLI reads it. */
export function webToken(claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.c2ln`;
}

/** An account's login, as `auth.json` keeps it. */
export function codexLogin(account: string): object {
  const claims = {
    name: account,
    sub: `auth0|${account}`,
    email: `${account}@example.test`,
    email_verified: true,
    iat: nowS(),
    exp: nowS() + 10 * 24 * HOUR_S,
    'https://api.openai.com/auth': {
      chatgpt_plan_type: 'plus',
      chatgpt_account_id: `acct-${account}`,
      chatgpt_user_id: `user-${account}`,
      user_id: `user-${account}`,
      organizations: [],
    },
  };
  const token = webToken(claims);
  const tokens = {
    id_token: token,
    access_token: token,
    refresh_token: `made-up-${account}`,
    account_id: `acct-${account}`,
  };
  return { auth_mode: 'chatgpt', OPENAI_API_KEY: null, tokens, last_refresh: new Date().toISOString() };
}

export async function startOpenAiProvider(): Promise<OpenAiProvider> {
  const limits = new Map<string, 'primary' | 'secondary'>();
  const requests: (ServedRequest & { items: number })[] = [];
  let count = 0;

  const answer: RequestListener = (request, response) => {
    answerOne(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  };

  async function answerOne(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const path = new URL(request.url ?? '/', 'http://x').pathname;
    const account = accountOf(request);
    if (path.endsWith('/responses') && request.method === 'POST') {
      const body = JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}') as Body;
      turn(account, body, response);
    } else if (path.endsWith('/accounts/check')) {
      send(response, 200, accountsCheck(`acct-${account}`));
    } else if (path.endsWith('/usage')) {
      send(response, 200, usage(limits.get(account)));
    } else if (path.endsWith('/models')) {
      send(response, 200, { models: [], data: [] });
    } else {
      send(response, 404, {});
    }
  }

  function turn(account: string, body: Body, response: ServerResponse): void {
    const window = limits.get(account);
    const status = window === undefined ? 200 : 429;
    const items = body.input?.length ?? 0;
    const text = JSON.stringify(body.input?.at(-1)?.content ?? '').slice(-2000);
    requests.push({ at: Date.now(), account, status, text, items });
    if (window !== undefined) {
      const resetsInS = window === 'primary' ? 2 * HOUR_S : 4 * 24 * HOUR_S;
      const error = {
        type: 'usage_limit_reached',
        message: 'The usage limit has been reached',
        plan_type: 'plus',
        resets_at: nowS() + resetsInS,
        resets_in_seconds: resetsInS,
      };
      send(response, 429, { error }, headers(window));
      return;
    }
    stream(response, body, `REPLY-${++count} from ${account} after ${items} items`, `made_up_${count}`);
  }

  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const door = await openTlsDoor(HOSTS, answer);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `${url}/backend-api/codex`,
    env: {
      ...door.env,
      CODEX_CA_CERTIFICATE: door.certificate,
      CODEX_REFRESH_TOKEN_URL_OVERRIDE: `${url}/oauth/token`,
    },
    requests,
    limit(account, window) {
      if (window === null) limits.delete(account);
      else limits.set(account, window);
    },
    async close() {
      await door.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function accountOf(request: IncomingMessage): string {
  const token = request.headers.authorization?.replace(/^Bearer /, '').split('.')[1] ?? '';
  try {
    return String(JSON.parse(Buffer.from(token, 'base64url').toString('utf8')).name);
  } catch {
    return '';
  }
}

function stream(response: ServerResponse, body: Body, text: string, name: string): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', ...headers(undefined) });
  const event = (type: string, data: object): void => {
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  };
  const id = `resp_${name}`;
  const content = [{ type: 'output_text', text, annotations: [] }];
  const item = { id: `msg_${name}`, type: 'message', role: 'assistant', status: 'completed', content };
  const whole = { id, object: 'response', model: body.model };
  event('response.created', { response: { ...whole, status: 'in_progress', output: [] } });
  event('response.output_item.added', { output_index: 0, item: { ...item, status: 'in_progress', content: [] } });
  event('response.output_text.delta', { item_id: item.id, output_index: 0, content_index: 0, delta: text });
  event('response.output_item.done', { output_index: 0, item });
  const used = {
    input_tokens: 10,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 9,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 19,
  };
  event('response.completed', { response: { ...whole, status: 'completed', output: [item], usage: used } });
  response.end();
}

function headers(limited: 'primary' | 'secondary' | undefined): Record<string, string> {
  return {
    'x-codex-primary-used-percent': limited === 'primary' ? '100' : '12',
    'x-codex-primary-window-minutes': '300',
    'x-codex-primary-reset-at': String(nowS() + 2 * HOUR_S),
    'x-codex-secondary-used-percent': limited === 'secondary' ? '100' : '34',
    'x-codex-secondary-window-minutes': '10080',
    'x-codex-secondary-reset-at': String(nowS() + 4 * 24 * HOUR_S),
    'x-codex-plan-type': 'plus',
    'x-codex-credits-has-credits': 'false',
    'x-codex-credits-unlimited': 'false',
  };
}

function usage(limited: 'primary' | 'secondary' | undefined): object {
  const window = (name: string, seconds: number, resetS: number): object => ({
    used_percent: limited === name ? 100 : 12,
    limit_window_seconds: seconds,
    reset_after_seconds: resetS,
    reset_at: nowS() + resetS,
  });
  const rateLimit = {
    allowed: limited === undefined,
    limit_reached: limited !== undefined,
    primary_window: window('primary', 5 * HOUR_S, 2 * HOUR_S),
    secondary_window: window('secondary', 7 * 24 * HOUR_S, 4 * 24 * HOUR_S),
  };
  return { plan_type: 'plus', rate_limit: rateLimit, credits: null };
}

function accountsCheck(id: string): object {
  const account = {
    id,
    name: 'Made Up',
    structure: 'personal',
    plan_type: 'plus',
    can_access_with_session: true,
    sso_connection_name: null,
    is_deactivated: false,
    is_fedramp_compliant_workspace: false,
    workspace_backend_origin: 'https://chatgpt.com',
    account_routing_override: 'us',
    profile_picture_url: null,
  };
  return { accounts: [account], default_account_id: id, account_ordering: [id] };
}

function send(
  response: ServerResponse,
  status: number,
  body: object,
  more: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...more });
  response.end(JSON.stringify(body));
}

const nowS = (): number => Math.floor(Date.now() / 1000);
