/** Runs one tmux client to its end: bounded in time and output, never starting a server, never harming one. */
import { type ExecFileException, execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** How the client ended. `hung`: no answer in time, the client was killed. `absent`: nothing listens on the socket. */
export type TmuxReply =
  | { readonly kind: 'ran'; readonly exitCode: number; readonly stdout: string; readonly stderr: string }
  | { readonly kind: 'absent' | 'hung' | 'aborted' | 'error'; readonly reason: string };

export interface TmuxCall {
  readonly input?: string;
  readonly timeoutMs: number;
  /** Output beyond this is cut off and the client is killed. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

/** @param server a socket name (`tmux -L`), or a path (`tmux -S`): a path contains a slash */
export type TmuxCommand = (server: string, args: readonly string[], call: TmuxCall) => Promise<TmuxReply>;

export const MIB = 1024 * 1024;

/**
 * @param binary a bare name or an absolute path
 * @param env the environment of the client: PATH, and TMUX_TMPDIR for named sockets; absent: that of this process. The
 * client hands it to the server, so what the daemon alone should know does not belong there.
 * @param words what follows the program on its command line before tmux's own options: it runs tmux then
 */
export function createTmuxCommand(
  binary: string,
  env?: Readonly<Record<string, string>>,
  words: readonly string[] = [],
): TmuxCommand {
  let program: string | null = null;
  return (server, args, call) => {
    program ??= findProgram(binary, env?.PATH);
    const options = {
      ...(env === undefined ? {} : { env: { LC_ALL: 'C.UTF-8', TERM: 'dumb', ...env } }),
      timeout: call.timeoutMs,
      maxBuffer: call.maxBytes,
      signal: call.signal,
      killSignal: 'SIGKILL',
    } as const;
    return new Promise((resolve) => {
      // The client sends its pipes to the server, so in the queue of a hung one they stay open after the client's death.
      // execFile closes them itself when the time is over.
      const client = execFile(
        program ?? binary,
        [...words, '-u', socketFlag(server), server, ...args],
        options,
        (error, stdout, stderr) => {
          if (error?.code === 'ENOENT') program = null;
          resolve(replyOf(binary, call, error, stdout, stderr));
        },
      );
      client.stdin?.on('error', () => undefined).end(call.input ?? '');
    });
  };
}

/** Found once: a search through a long PATH at every poll costs more than the client's own work. Null: let the system say so. */
function findProgram(binary: string, path: string | undefined): string | null {
  if (binary.includes('/')) return binary;
  const places = (path ?? '').split(delimiter).filter((place) => place !== '');
  return places.map((place) => join(place, binary)).find((file) => existsSync(file)) ?? null;
}

function socketFlag(server: string): '-S' | '-L' {
  return server.includes('/') ? '-S' : '-L';
}

function replyOf(
  binary: string,
  call: TmuxCall,
  error: ExecFileException | null,
  stdout: string,
  stderr: string,
): TmuxReply {
  if (error === null) return { kind: 'ran', exitCode: 0, stdout, stderr };
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') {
    return { kind: 'ran', exitCode: 1, stdout, stderr: 'too much output' };
  }
  if (call.signal.aborted) return { kind: 'aborted', reason: 'the call was abandoned' };
  if (error.killed === true) return { kind: 'hung', reason: `no answer within ${call.timeoutMs} ms` };
  if (error.code === 'ENOENT') return { kind: 'error', reason: `${binary} is not installed` };
  if (typeof error.code !== 'number') {
    return { kind: 'error', reason: `${binary} did not run: ${error.code ?? error.signal ?? 'unknown'}` };
  }
  const reason = stderr.trim().slice(0, 200);
  if (isAbsent(reason)) return { kind: 'absent', reason };
  if (isLost(reason)) return { kind: 'error', reason };
  return { kind: 'ran', exitCode: error.code, stdout, stderr };
}

/** tmux client.c: the socket is missing, or nothing listens on it. */
function isAbsent(stderr: string): boolean {
  if (stderr.startsWith('no server running on ')) return true;
  return (
    stderr.startsWith('error connecting to ') && /\((No such file or directory|Connection refused)\)$/.test(stderr)
  );
}

/** tmux client.c: the server went away or refused the client while it was connected. */
function isLost(stderr: string): boolean {
  return /^(error connecting to |access not allowed|server exited|lost server|protocol version mismatch)/.test(stderr);
}
