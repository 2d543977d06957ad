/** The token server of Claude Code's provider, on loopback: it rotates tokens, and each refresh token is good for one use. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { openTlsDoor } from './tls-door.ts';

const HOSTS = ['platform.claude.com', 'console.anthropic.com', 'api.anthropic.com', 'claude.ai'];

export interface Refresh {
  readonly account: string;
  /** Epoch ms. */
  readonly askedAt: number;
  readonly answeredAt: number;
  /** The token had been used before. */
  readonly isRefused: boolean;
}

export interface TokenServer {
  /** What the CLI's environment must hold. */
  readonly env: Readonly<Record<string, string>>;
  /** Answered ones, oldest first. */
  readonly refreshes: readonly Refresh[];
  /** How many wait for their answer. */
  waiting(): number;
  /** The pair of tokens that is good for this account now. */
  good(account: string): Login | undefined;
  setDelay(ms: number): void;
  close(): Promise<void>;
}

interface Login {
  readonly account: string;
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** Every refresh token is good for one use. @param logins what is good at the beginning */
export async function startTokenServer(logins: readonly Login[]): Promise<TokenServer> {
  const good = new Map(logins.map((login) => [login.account, login]));
  const refreshes: Refresh[] = [];
  let delayMs = 0;
  let waiting = 0;

  const door = await openTlsDoor(HOSTS, (request, response) => {
    const send = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (request.method !== 'POST' || !/\/oauth\/token$/.test(request.url ?? '')) return send(404, {});
    refresh(request).then(
      (body) => send('error' in body ? 400 : 200, body),
      (error: unknown) => send(500, { error: String(error) }),
    );
  });

  async function refresh(request: IncomingMessage): Promise<object> {
    const askedAt = Date.now();
    const posted = (await bodyOf(request)).refresh_token;
    const login = [...good.values()].find(({ refreshToken }) => refreshToken === posted);
    const account = login?.account ?? 'unknown';
    // From here on the old one is used up, whether the answer arrives or not.
    const fresh = {
      account,
      accessToken: `sk-ant-oat01-made-up-${account}-${randomUUID()}`,
      refreshToken: `sk-ant-ort01-made-up-${account}-${randomUUID()}`,
    };
    if (login !== undefined) good.set(account, fresh);
    waiting++;
    await pause(delayMs);
    waiting--;
    refreshes.push({ account, askedAt, answeredAt: Date.now(), isRefused: login === undefined });
    if (login === undefined) return { error: 'invalid_grant', error_description: 'Refresh token not found or invalid' };
    return {
      token_type: 'Bearer',
      access_token: fresh.accessToken,
      refresh_token: fresh.refreshToken,
      expires_in: 28_800,
      scope: 'user:inference user:profile',
    };
  }

  return {
    env: { ...door.env, NODE_EXTRA_CA_CERTS: door.certificate },
    refreshes,
    waiting: () => waiting,
    good: (account) => good.get(account),
    setDelay(ms) {
      delayMs = ms;
    },
    close: () => door.close(),
  };
}

async function bodyOf(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return text.startsWith('{') ? JSON.parse(text) : Object.fromEntries(new URLSearchParams(text));
}
