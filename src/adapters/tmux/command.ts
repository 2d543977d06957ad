/** Runs one tmux client to its end: bounded in time and output, never starting a server, never harming one. */
import { execa } from 'execa';

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
 * @param env the whole environment of the client (PATH, TMUX_TMPDIR); absent: that of this process. The client hands its
 * environment to the server, so the daemon's own should not be in it.
 */
export function createTmuxCommand(binary: string, env?: Readonly<Record<string, string>>): TmuxCommand {
  const clientEnv = { ...env, LC_ALL: 'C.UTF-8', TERM: 'dumb', TMUX: undefined, TMUX_PANE: undefined };
  return async (server, args, call) => {
    const socket = server.includes('/') ? '-S' : '-L';
    const client = execa(binary, ['-u', socket, server, ...args], {
      ...(call.input === undefined ? { stdin: 'ignore' } : { input: call.input }),
      env: clientEnv,
      extendEnv: env === undefined,
      encoding: 'utf8',
      stripFinalNewline: false,
      timeout: call.timeoutMs,
      maxBuffer: call.maxBytes,
      cancelSignal: call.signal,
      killSignal: 'SIGKILL',
      reject: false,
    });
    // The client sends its pipes to the server, so in the queue of a hung one they stay open after the client's death.
    client.once('exit', (_code, killedBy) => {
      if (killedBy !== null) for (const pipe of client.stdio) pipe?.destroy();
    });
    const result = await client;
    if (result.isCanceled) return { kind: 'aborted', reason: 'the call was abandoned' };
    if (result.timedOut) return { kind: 'hung', reason: `no answer within ${call.timeoutMs} ms` };
    const stderr = typeof result.stderr === 'string' ? result.stderr : '';
    const stdout = typeof result.stdout === 'string' ? result.stdout : '';
    if (result.isMaxBuffer) return { kind: 'ran', exitCode: 1, stdout, stderr: 'too much output' };
    if (result.exitCode === undefined)
      return { kind: 'error', reason: spawnFailure(binary, result.code, result.signal) };
    if (result.exitCode !== 0) {
      const reason = stderr.trim().slice(0, 200);
      if (isAbsent(reason)) return { kind: 'absent', reason };
      if (isLost(reason)) return { kind: 'error', reason };
    }
    return { kind: 'ran', exitCode: result.exitCode, stdout, stderr };
  };
}

function spawnFailure(binary: string, code: string | undefined, signal: string | undefined): string {
  if (code === 'ENOENT') return `${binary} is not installed`;
  return `${binary} did not run: ${code ?? signal ?? 'unknown'}`;
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
