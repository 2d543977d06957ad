/**
 * The provider's token server on loopback. The CLI speaks to a fixed address over TLS; it is told to use a proxy, which
 * leads that address here, and to trust a certificate made for this run.
 */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

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

/** Why it cannot be had here; null: it can. */
export function tokenServerLack(): string | null {
  try {
    execFileSync('openssl', ['version'], { stdio: 'pipe' });
    return null;
  } catch (error) {
    return `no certificate can be made: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Every refresh token is good for one use. @param logins what is good at the beginning */
export async function startTokenServer(logins: readonly Login[]): Promise<TokenServer> {
  const folder = mkdtempSync(join(tmpdir(), 'cf-tls-'));
  const certificate = makeCertificate(folder);
  const good = new Map(logins.map((login) => [login.account, login]));
  const refreshes: Refresh[] = [];
  let delayMs = 0;
  let waiting = 0;

  const tls = createTlsServer(certificate, (request, response) => {
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

  const proxy = createServer((_, response) => response.writeHead(403).end());
  proxy.on('connect', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    if (!HOSTS.includes((request.url ?? '').replace(/:443$/, ''))) {
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    const inner = connect((tls.address() as AddressInfo).port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      inner.write(head);
      inner.pipe(socket).pipe(inner);
    });
    inner.on('error', () => socket.destroy());
  });
  // A tunnel is no connection of a server's any more once it stands.
  const sockets = new Set<Socket>();
  for (const server of [tls, proxy]) {
    server.on('connection', (socket: Socket) => sockets.add(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  }
  const at = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;

  return {
    env: {
      HTTPS_PROXY: at,
      https_proxy: at,
      NO_PROXY: '127.0.0.1,localhost',
      no_proxy: '127.0.0.1,localhost',
      NODE_EXTRA_CA_CERTS: join(folder, 'cert.pem'),
    },
    refreshes,
    waiting: () => waiting,
    good: (account) => good.get(account),
    setDelay(ms) {
      delayMs = ms;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      for (const server of [proxy, tls]) await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function makeCertificate(folder: string): { readonly key: Buffer; readonly cert: Buffer } {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const names = HOSTS.map((host) => `DNS:${host}`).join(',');
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const subject = ['-subj', '/CN=loopback', '-addext', `subjectAltName=${names}`];
  execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', cert, ...subject], { stdio: 'pipe' });
  return { key: readFileSync(key), cert: readFileSync(cert) };
}

async function bodyOf(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return text.startsWith('{') ? JSON.parse(text) : Object.fromEntries(new URLSearchParams(text));
}
