/**
 * Fixed addresses of a provider, led to this machine: the CLI is told to use a proxy on loopback, which knows nothing but
 * them, and to trust a certificate made for this run.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TlsDoor {
  /** The proxy variables of the CLI's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Path of the authority's certificate. */
  readonly certificate: string;
  close(): Promise<void>;
}

/** Why it cannot be had here; null: it can. */
export function tlsDoorLack(): string | null {
  try {
    execFileSync('openssl', ['version'], { stdio: 'pipe' });
    return null;
  } catch (error) {
    return `no certificate can be made: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** @param hosts whose requests are answered; every other one is refused */
export async function openTlsDoor(hosts: readonly string[], answer: RequestListener): Promise<TlsDoor> {
  const folder = mkdtempSync(join(tmpdir(), 'cf-tls-'));
  const tls = createTlsServer(makeCertificate(folder, hosts), answer);
  const proxy = createServer((_, response) => response.writeHead(403).end());
  proxy.on('connect', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    if (!hosts.includes((request.url ?? '').replace(/:443$/, ''))) {
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
  const here = '127.0.0.1,localhost';
  return {
    env: { HTTPS_PROXY: at, https_proxy: at, NO_PROXY: here, no_proxy: here },
    certificate: join(folder, 'authority.pem'),
    async close() {
      for (const socket of sockets) socket.destroy();
      for (const server of [proxy, tls]) await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** An authority of one run, and a certificate of its making: some CLIs take none that vouches for itself. */
function makeCertificate(folder: string, hosts: readonly string[]): { readonly key: Buffer; readonly cert: Buffer } {
  const at = (name: string): string => join(folder, name);
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const make = (name: string, ...more: string[]): void => {
    const files = ['-keyout', at(`${name}.key`), '-out', at(`${name}.pem`), '-subj', `/CN=${name} on loopback`];
    execFileSync('openssl', ['req', '-x509', ...kind, ...files, ...more], { stdio: 'pipe' });
  };
  make('authority');
  const names = hosts.map((host) => `DNS:${host}`).join(',');
  const leaf = ['-addext', `subjectAltName=${names}`, '-addext', 'basicConstraints=critical,CA:FALSE'];
  make('server', '-CA', at('authority.pem'), '-CAkey', at('authority.key'), ...leaf);
  return { key: readFileSync(at('server.key')), cert: readFileSync(at('server.pem')) };
}
