/** The file of the unix socket: only its owner can reach it, and a live daemon's is never taken. */
import { lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { errorCode } from '../core/error-code.ts';
import { FatalError } from '../core/errors.ts';

/** EX_CONFIG of sysexits.h. */
const EXIT_CONFIG = 78;

/**
 * Makes the path free for a new socket: its directory exists with mode 0700, and a socket that nobody listens on is gone.
 *
 * @throws {FatalError} others can reach the directory, something else stands there, or a daemon answers
 */
export async function claimSocketPath(path: string): Promise<void> {
  const directory = dirname(path);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new FatalError('socket_directory', `cannot make ${directory}: ${errorCode(cause)}`, {
      hint: 'set daemon.runtime_dir to a directory of your own',
      cause,
    });
  }
  const { uid, mode } = lstatSync(directory);
  const own = process.getuid?.() ?? uid;
  if (uid !== own) {
    throw new FatalError('socket_directory', `${directory} belongs to uid ${uid}, not to ${own}`, {
      hint: 'set daemon.runtime_dir to a directory of your own',
      exitCode: EXIT_CONFIG,
    });
  }
  if ((mode & 0o077) !== 0) {
    const octal = (mode & 0o777).toString(8).padStart(4, '0');
    throw new FatalError('socket_directory', `${directory} is open to others (mode ${octal})`, {
      hint: `chmod 700 '${directory}'`,
      exitCode: EXIT_CONFIG,
    });
  }
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new FatalError('socket_path', `${path} is not a socket`, {
      hint: 'move it away, or set http.socket to another path',
      exitCode: EXIT_CONFIG,
    });
  }
  if (await answers(path)) {
    throw new FatalError('daemon_running', `another daemon listens on ${path}`, {
      hint: 'run: claude-failover status',
    });
  }
  unlinkSync(path);
}

/** Whether a process listens there; a stopped one counts. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => {
      const code = errorCode(error);
      if (code === 'ECONNREFUSED' || code === 'ENOENT') resolve(false);
      // A full backlog is a live listener too.
      else if (code === 'EAGAIN') resolve(true);
      else
        reject(
          new FatalError('socket_path', `cannot tell whether a daemon listens on ${path}: ${code}`, { cause: error }),
        );
    });
  });
}
