/** Opens the doors of the running daemon: a unix socket for its owner, and a narrower one on TCP. */
import { chmodSync } from 'node:fs';
import type { Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { ListenOptions } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { FatalError } from '../core/errors.ts';
import { isLoopback } from '../core/loopback.ts';
import { SECOND } from '../core/time.ts';
import type { DaemonApi } from '../ports/daemon.ts';
import type { Clock, Logger } from '../ports.ts';
import type { Door } from './guard.ts';
import { allowsHost, inUrl, SECURITY_HEADERS } from './guard.ts';
import { createRoutes } from './routes.ts';
import { claimSocketPath } from './socket-file.ts';

export interface HttpOptions {
  readonly api: DaemonApi;
  readonly clock: Clock;
  readonly log: Logger;
  /** Null: no TCP door. Port 0: any free one. */
  readonly listen: { readonly host: string; readonly port: number } | null;
  readonly socketPath: string;
  /** Asked at each request, as the next one. */
  readonly bearerToken: () => string | null;
  /** Whether anything can be changed through TCP. */
  readonly enableTrigger: () => boolean;
  /** Of this program. */
  readonly version: string;
}

export interface HttpDoors {
  /** Where TCP is listened on; null: nowhere. */
  readonly address: { readonly host: string; readonly port: number } | null;
  /** Takes no more requests, lets running ones end for a second, removes the socket. */
  stop(): Promise<void>;
}

/** @throws {FatalError} an address is taken, or would be open to strangers */
export async function startHttp(options: HttpOptions): Promise<HttpDoors> {
  const { listen, socketPath, log } = options;
  if (listen !== null && !isLoopback(listen.host) && options.bearerToken() === null) {
    throw new FatalError('http_without_token', `other machines can reach ${listen.host}, and there is no token`, {
      hint: 'listen on 127.0.0.1, or set http.bearer_token_file',
      exitCode: 78,
    });
  }
  await claimSocketPath(socketPath);
  const socket = openDoor(options, { kind: 'socket' }, 256);
  await listening(socket, { path: socketPath }, socketPath);
  // Until here the 0700 directory alone kept others out, whatever the umask made of the socket.
  chmodSync(socketPath, 0o600);
  log.info({ socket: socketPath }, 'socket open');

  let tcp: Server | null = null;
  let port = 0;
  if (listen !== null) {
    const { enableTrigger, bearerToken } = options;
    tcp = openDoor(options, { kind: 'tcp', host: listen.host, port: () => port, enableTrigger, bearerToken }, 64);
    try {
      await listening(tcp, { host: listen.host, port: listen.port, exclusive: true }, `${listen.host}:${listen.port}`);
    } catch (error) {
      await close(socket, options.clock);
      throw error;
    }
    const bound = tcp.address();
    port = typeof bound === 'object' && bound !== null ? bound.port : listen.port;
    const page = `http://${inUrl(listen.host)}:${port}/`;
    log.info({ host: listen.host, port, page, enableTrigger: enableTrigger() }, 'TCP door open');
  }
  return {
    address: listen === null ? null : { host: listen.host, port },
    async stop() {
      await Promise.all([close(socket, options.clock), ...(tcp === null ? [] : [close(tcp, options.clock)])]);
    },
  };
}

function openDoor(options: HttpOptions, door: Door, maxConnections: number): Server {
  const answer = getRequestListener(createRoutes(options, door).fetch, { overrideGlobalObjects: false });
  const server = createServer(
    {
      maxHeaderSize: 8192,
      headersTimeout: 10 * SECOND,
      requestTimeout: 10 * SECOND,
      keepAliveTimeout: 5 * SECOND,
      connectionsCheckingInterval: SECOND,
    },
    (request, response) => {
      if (door.kind === 'tcp' && !allowsHost(door, request.headers.host)) refuseHost(response);
      else void answer(request, response);
    },
  );
  server.maxConnections = maxConnections;
  return server;
}

/** Before the router sees the request: it would answer 400 to a name that is none. */
function refuseHost(response: ServerResponse): void {
  const body = { error: { code: 'host_not_allowed', message: 'this host name is not served here' } };
  response.writeHead(403, { ...SECURITY_HEADERS, 'content-type': 'application/json', connection: 'close' });
  response.end(`${JSON.stringify(body)}\n`);
}

function listening(server: Server, where: ListenOptions, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const hint =
        cause.code === 'EADDRINUSE'
          ? 'another program listens there: stop it, or change http.listen'
          : 'change http.listen or http.socket';
      reject(
        new FatalError('http_listen', `cannot listen on ${name}: ${cause.code ?? cause.message}`, { hint, cause }),
      );
    });
    server.listen(where, resolve);
  });
}

async function close(server: Server, clock: Clock): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  const over = new AbortController();
  await Promise.race([closed, clock.sleep(SECOND, over.signal)]);
  over.abort();
  server.closeAllConnections();
  await closed;
}
