import { chmodSync, lstatSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/adapters/clock.ts';
import { FatalError } from '../../src/core/errors.ts';
import type { HttpDoors, HttpOptions } from '../../src/http/server.ts';
import { startHttp } from '../../src/http/server.ts';
import { fetchFrom } from '../support/ask-http.ts';
import { FakeDaemon } from '../support/daemon-facts.ts';
import { silentLog } from '../support/panes.ts';

let dir: string;
let socketPath: string;
let daemon: FakeDaemon;
let doors: HttpDoors[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cf-'));
  socketPath = join(dir, 'run', 'api.sock');
  daemon = new FakeDaemon();
  doors = [];
});
afterEach(async () => {
  for (const door of doors) await door.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function open(change: Partial<HttpOptions> = {}): Promise<HttpDoors> {
  const options = {
    api: daemon,
    clock: systemClock(),
    log: silentLog,
    listen: null,
    socketPath,
    bearerToken: () => null,
    enableTrigger: () => false,
    version: '0.1.0',
  };
  const opened = await startHttp({ ...options, ...change });
  doors.push(opened);
  return opened;
}

const LOOPBACK = { host: '127.0.0.1', port: 0 };

/** What a server answers to bytes that no client library would send. */
function sendRaw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.setEncoding('utf8').on('data', (part) => {
      text += part;
    });
    socket.on('close', () => resolve(text));
    socket.on('error', (error) => (text === '' ? reject(error) : resolve(text)));
  });
}

function portOf(opened: HttpDoors): number {
  return opened.address?.port ?? 0;
}

test('[R287] the socket has mode 0600 in a directory of mode 0700, whatever the umask is', async () => {
  const before = process.umask(0);
  try {
    await open();
  } finally {
    process.umask(before);
  }
  expect(statSync(socketPath).mode & 0o777).toBe(0o600);
  expect(lstatSync(join(dir, 'run')).mode & 0o777).toBe(0o700);
  expect((await fetchFrom({ socketPath }, '/livez')).status).toBe(200);
});

test('[R287] the socket takes actions whatever enable_trigger says', async () => {
  await open({ enableTrigger: () => false });
  expect((await fetchFrom({ socketPath }, '/resume', { method: 'POST' })).status).toBe(202);
  expect(daemon.calls.map(({ name }) => name)).toEqual(['resume']);
});

test('a stop removes the socket, and the doors can be opened again', async () => {
  await (await open()).stop();
  expect(lstatSync(socketPath, { throwIfNoEntry: false })).toBeUndefined();
  await open();
  expect((await fetchFrom({ socketPath }, '/livez')).status).toBe(200);
});

test('the socket of a dead daemon is replaced', async () => {
  mkdirSync(join(dir, 'run'), { mode: 0o700 });
  await leaveStaleSocket(socketPath);
  await open();
  expect((await fetchFrom({ socketPath }, '/livez')).status).toBe(200);
});

test('the socket of a live daemon is refused and goes on answering', async () => {
  await open();
  await expect(open()).rejects.toThrow(/another daemon listens/);
  expect((await fetchFrom({ socketPath }, '/livez')).status).toBe(200);
});

test('a file where the socket should be is left alone', async () => {
  mkdirSync(join(dir, 'run'), { mode: 0o700 });
  writeFileSync(socketPath, 'precious');
  await expect(open()).rejects.toThrow(/is not a socket/);
  expect(lstatSync(socketPath).isFile()).toBe(true);
});

test('a directory that others can enter is refused with the command that mends it', async () => {
  mkdirSync(join(dir, 'run'));
  chmodSync(join(dir, 'run'), 0o755);
  const error = await open().catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(FatalError);
  expect(error).toMatchObject({ exitCode: 78, hint: expect.stringContaining('chmod 700') });
});

test('[R235] an address that others can reach is refused without a token', async () => {
  await expect(open({ listen: { host: '0.0.0.0', port: 0 } })).rejects.toMatchObject({
    code: 'http_without_token',
    exitCode: 78,
  });
  expect(lstatSync(socketPath, { throwIfNoEntry: false })).toBeUndefined();
});

test('a port that is taken is named, and the socket is closed again', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const address = taken.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await expect(open({ listen: { host: '127.0.0.1', port } })).rejects.toThrow(`127.0.0.1:${port}: EADDRINUSE`);
  expect(lstatSync(socketPath, { throwIfNoEntry: false })).toBeUndefined();
  taken.close();
});

test.each([
  ['127.0.0.1:PORT', 200],
  ['localhost:PORT', 200],
  ['LOCALHOST:PORT', 200],
  ['[::1]:PORT', 200],
  ['localhost', 403],
  ['127.0.0.1', 403],
  ['localhost:1', 403],
  ['localhost.:PORT', 403],
  ['127.evil.com:PORT', 403],
  ['127.0.0.1.evil.com:PORT', 403],
  ['evil.com:PORT', 403],
  ['evil.com', 403],
  ['127.1:PORT', 403],
  ['0.0.0.0:PORT', 403],
  ['2130706433:PORT', 403],
  ['[::ffff:127.0.0.1]:PORT', 403],
  ['::1:PORT', 403],
  ['localhost:PORT:PORT', 403],
])('[R235] the host name %s answers %i', async (name, status) => {
  const port = portOf(await open({ listen: LOOPBACK }));
  const host = name.replaceAll('PORT', String(port));
  expect((await fetchFrom({ host: '127.0.0.1', port }, '/status', { headers: { host } })).status).toBe(status);
});

test.each(['evil.com', 'user@localhost', 'localhost/', 'local host', ''])(
  'a host header of "%s" gets no facts',
  async (host) => {
    const port = portOf(await open({ listen: LOOPBACK }));
    const answer = await sendRaw(port, `GET /status HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 40[03] /);
    expect(answer).not.toContain('work-2');
  },
);

test('a foreign name in an absolute target does not help a good host header, nor the other way round', async () => {
  const port = portOf(await open({ listen: LOOPBACK }));
  const foreign = await sendRaw(
    port,
    `GET http://127.0.0.1:${port}/status HTTP/1.1\r\nHost: evil.com\r\nConnection: close\r\n\r\n`,
  );
  expect(foreign).not.toContain('work-2');
});

test('[R235] a body of more than 64 KiB is refused, with and without a stated length', async () => {
  await open();
  const body = JSON.stringify({ reason: 'x'.repeat(70_000) });
  const headers = { 'content-type': 'application/json' };
  const stated = await fetchFrom({ socketPath }, '/pause', {
    method: 'POST',
    body,
    headers: { ...headers, 'content-length': String(body.length) },
  });
  const chunked = await fetchFrom({ socketPath }, '/pause', {
    method: 'POST',
    body,
    headers: { ...headers, 'transfer-encoding': 'chunked' },
  });
  expect([stated.status, chunked.status]).toEqual([413, 413]);
  expect(JSON.parse(stated.text).error.code).toBe('body_too_large');
  expect(daemon.calls).toEqual([]);
});

test.each([
  ['POST', '/resume', {}, undefined, 202],
  ['POST', '/resume', { 'content-length': '0' }, undefined, 202],
  ['POST', '/pause', { 'content-type': 'application/json', 'transfer-encoding': 'chunked' }, '{"reason":"x"}', 202],
  ['DELETE', '/pause', {}, undefined, 405],
  ['PUT', '/pause', { 'transfer-encoding': 'chunked' }, '{}', 405],
  ['POST', '/health', {}, undefined, 405],
  ['POST', '/nowhere', {}, undefined, 404],
])('%s %s with headers %j and the body %j answers %i', async (method, path, headers, body, status) => {
  await open();
  const sent = { method, headers, ...(body === undefined ? {} : { body }) };
  expect((await fetchFrom({ socketPath }, path, sent)).status).toBe(status);
});

test('the token and enable_trigger are asked for at each request, so that a new configuration counts at once', async () => {
  let token = 'first';
  let isOpen = false;
  const port = portOf(await open({ listen: LOOPBACK, enableTrigger: () => isOpen, bearerToken: () => token }));
  const resume = async (): Promise<number> => {
    const headers = { host: `localhost:${port}`, authorization: 'Bearer first' };
    return (await fetchFrom({ host: '127.0.0.1', port }, '/resume', { method: 'POST', headers })).status;
  };
  expect(await resume()).toBe(403);
  isOpen = true;
  expect(await resume()).toBe(202);
  token = 'second';
  expect(await resume()).toBe(401);
});

test('headers of more than 8 KiB are refused', async () => {
  const port = portOf(await open({ listen: LOOPBACK }));
  const answer = await sendRaw(
    port,
    `GET /status HTTP/1.1\r\nHost: localhost:${port}\r\nX-Filler: ${'x'.repeat(20_000)}\r\n\r\n`,
  );
  expect(answer).toMatch(/^HTTP\/1\.1 431 /);
});

test('a request smuggled behind another is not carried out', async () => {
  const port = portOf(await open({ listen: LOOPBACK, enableTrigger: () => true, bearerToken: () => 'secret-token' }));
  const inner = `POST /pause HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Length: 0\r\n\r\n`;
  const answer = await sendRaw(
    port,
    `POST /resume HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner}`,
  );
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(daemon.calls).toEqual([]);
});

test('while strangers hold every TCP connection, the socket answers', async () => {
  const port = portOf(await open({ listen: LOOPBACK }));
  const held = Array.from({ length: 80 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
  await Promise.all(
    held.map((socket) => new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))),
  );
  expect((await fetchFrom({ socketPath }, '/status')).status).toBe(200);
  for (const socket of held) socket.destroy();
});

/** A socket file that nobody listens on any more: its server is closed after the file was moved, so it cannot remove it. */
async function leaveStaleSocket(path: string): Promise<void> {
  const { renameSync } = await import('node:fs');
  const server: Server = createServer().listen(`${path}.old`);
  await new Promise((resolve) => server.once('listening', resolve));
  renameSync(`${path}.old`, path);
  await new Promise((resolve) => server.close(resolve));
}
