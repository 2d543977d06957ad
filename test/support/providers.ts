/** Loopback providers of messages: real HTTP servers that take messages, and fail in every way a provider does. */
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** `hang`: the request is taken and never answered. `half-open`: the headers come, the body never. `reset-after`: taken, then cut off. */
export type Mood =
  | { readonly kind: 'well' }
  | { readonly kind: 'down' }
  | { readonly kind: 'status'; readonly status: number; readonly body?: string; readonly retryAfter?: string }
  | { readonly kind: 'hang' }
  | { readonly kind: 'half-open' }
  | { readonly kind: 'reset-after' }
  | { readonly kind: 'redirect'; readonly to: string };

export interface Taken {
  readonly answered: Mood['kind'];
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface Provider {
  readonly url: string;
  /** Every request that arrived as a whole. */
  readonly requests: readonly Taken[];
  /** Those that were accepted, one for each idempotency key, in order. */
  readonly accepted: readonly Taken[];
  feel(mood: Mood): void;
  close(): Promise<void>;
}

/**
 * Accepts everything at any path. Like Resend it keeps idempotency keys: a key that was accepted is answered as before and
 * delivers nothing twice; the same key with another body is refused.
 *
 * @param mood  how it begins; called for each request when it is a function
 */
export async function startProvider(mood: Mood | (() => Mood) = { kind: 'well' }): Promise<Provider> {
  let felt: () => Mood = typeof mood === 'function' ? mood : () => mood;
  const requests: Taken[] = [];
  const accepted: Taken[] = [];
  const byKey = new Map<string, string>();
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (part: string) => {
      body += part;
    });
    request.on('error', () => {});
    request.on('end', () => {
      const now = felt();
      const { method = '', url = '', headers } = request;
      const taken = { answered: now.kind, method, path: url, headers, body };
      requests.push(taken);
      const json = { 'content-type': 'application/json' };
      const accept = (): boolean => {
        const key = String(request.headers['idempotency-key'] ?? '');
        const before = byKey.get(key);
        if (key !== '' && before !== undefined) return before === body;
        byKey.set(key, body);
        accepted.push(taken);
        return true;
      };
      switch (now.kind) {
        case 'well':
          if (accept()) response.writeHead(200, json).end(JSON.stringify({ id: `m-${accepted.length}` }));
          else
            response
              .writeHead(409, json)
              .end(JSON.stringify({ name: 'invalid_idempotent_request', statusCode: 409, message: 'another body' }));
          return;
        case 'status':
          response
            .writeHead(now.status, {
              ...json,
              ...(now.retryAfter === undefined ? {} : { 'retry-after': now.retryAfter }),
            })
            .end(now.body ?? '{}');
          return;
        case 'redirect':
          response.writeHead(307, { location: now.to }).end();
          return;
        case 'hang':
          return;
        case 'half-open':
          response.writeHead(200, { ...json, 'content-length': '1000' });
          response.write('{"id":');
          return;
        case 'reset-after':
          accept();
          request.socket.resetAndDestroy();
          return;
        case 'down':
          request.socket.resetAndDestroy();
      }
    });
  });
  // After a stall the server would close a connection as idle although the next request is on its way.
  server.keepAliveTimeout = 0;
  server.on('connection', (socket) => {
    if (felt().kind === 'down') {
      socket.resetAndDestroy();
      return;
    }
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    accepted,
    feel(next) {
      felt = () => next;
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
