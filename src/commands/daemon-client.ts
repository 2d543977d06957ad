/** Asks the running daemon over its unix socket. */

import { request as httpRequest } from 'node:http';
import { FailoverError } from '../core/errors.ts';
import { asObject } from '../core/json.ts';
import type { CommandIo } from './io.ts';
import { EXIT } from './io.ts';

/** `not_running`: nobody listens. `no_answer`: somebody does, but did not answer as a daemon should. */
export type DaemonReply =
  | { readonly kind: 'answer'; readonly status: number; readonly body: unknown }
  | { readonly kind: 'not_running'; readonly reason: string }
  | { readonly kind: 'no_answer'; readonly reason: string };

export interface DaemonRequest {
  /** `POST` when there is a body. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** Longest silence; default 5 s. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 16 * 1024 * 1024;

/** Never rejects. */
export function askDaemon(socketPath: string, path: string, options: DaemonRequest = {}): Promise<DaemonReply> {
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const body = options.body === undefined ? null : JSON.stringify(options.body);
  return new Promise((resolve) => {
    const request = httpRequest({
      socketPath,
      path,
      method: body === null ? 'GET' : 'POST',
      agent: false,
      timeout: timeoutMs,
      headers: {
        host: 'localhost',
        connection: 'close',
        ...(body === null ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      },
    });
    const fail = (reason: string): void => {
      resolve({ kind: 'no_answer', reason });
      request.destroy();
    };
    request.on('timeout', () => fail(`no answer within ${timeoutMs / 1000} s`));
    request.on('error', (error: NodeJS.ErrnoException) => {
      const isAbsent = error.code === 'ENOENT' || error.code === 'ECONNREFUSED' || error.code === 'ENOTDIR';
      const reason = `${socketPath}: ${error.code ?? error.message}`;
      resolve({ kind: isAbsent ? 'not_running' : 'no_answer', reason });
    });
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_BYTES) fail('the answer is too long');
        else chunks.push(chunk);
      });
      response.on('error', (error) => fail(error.message));
      response.on('end', () => {
        try {
          resolve({
            kind: 'answer',
            status: response.statusCode ?? 0,
            body: JSON.parse(Buffer.concat(chunks).toString('utf8')),
          });
        } catch {
          fail('the answer is no JSON: is this the socket of claude-failover?');
        }
      });
    });
    request.end(body ?? undefined);
  });
}

/** What to do about a daemon that listens and says nothing. */
export const NEXT_SILENT =
  'look at its log (journalctl --user -u claude-failover), then restart it (systemctl --user restart claude-failover)';

/** Says that the daemon does not run and what to do. @returns the exit code */
export function reportNoDaemon(reply: Exclude<DaemonReply, { kind: 'answer' }>, io: Pick<CommandIo, 'err'>): number {
  if (reply.kind === 'not_running') {
    io.err(`claude-failover: the daemon is not running (${reply.reason})\nnext: start it: claude-failover run\n`);
    return EXIT.notRunning;
  }
  io.err(`claude-failover: the daemon does not answer (${reply.reason})\nnext: ${NEXT_SILENT}\n`);
  return EXIT.error;
}

export interface ApiError {
  readonly code: string;
  readonly message: string;
  readonly until: string | null;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The `error` of an answer; null when it has none. */
export function errorOf(body: unknown): ApiError | null {
  const error = asRecord(asRecord(body).error);
  if (typeof error.code !== 'string') return null;
  return {
    code: error.code,
    message: typeof error.message === 'string' ? error.message : error.code,
    until: typeof error.until === 'string' ? error.until : null,
    body: error,
  };
}

/** The answer as the shape that this program's own daemon sends. @throws {FailoverError} it is an error, or of a daemon of another version */
export function expectAnswer<T extends object>(
  reply: Extract<DaemonReply, { kind: 'answer' }>,
  keys: readonly (keyof T & string)[],
): T {
  const error = errorOf(reply.body);
  if (error !== null) throw new FailoverError(error.code, error.message);
  const body = asRecord(reply.body);
  if (isShape<T>(body, keys)) return body;
  throw new FailoverError(
    'unexpected_answer',
    `the daemon answered ${reply.status} without ${keys.filter((key) => !(key in body)).join(', ')}`,
    {
      hint: 'restart the daemon: it is of another version than this command',
    },
  );
}

export function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return asObject(value) ?? {};
}

function isShape<T extends object>(body: object, keys: readonly (keyof T & string)[]): body is T {
  return keys.every((key) => key in body);
}
