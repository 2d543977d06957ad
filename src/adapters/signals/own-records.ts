/** The small files that our own commands leave for the daemon, one or two for each session, in private directories. */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DAY } from '../../core/time.ts';
import type { Clock } from '../../ports.ts';

/** A file that has grown beyond this is set aside as `<name>.1` and begun anew. */
export const ROTATE_BYTES = 64 * 1024;
/** Nobody asks for a session that has been silent for so long. */
export const KEEP_MS = 14 * DAY;
/** A look for old files ends after so many. */
const MAX_LOOKED_AT = 5000;

/** Where each kind of record lies below the state directory. */
export function recordPath(stateDir: string, kind: 'hooks' | 'quota', sessionId: string): string {
  return join(stateDir, kind, kind === 'hooks' ? `${sessionId}.jsonl` : `${sessionId}.json`);
}

/** What `appendLine` makes of a file that has grown too long. */
export function rotatedPath(path: string): string {
  return `${path}.1`;
}

/**
 * Appends one line in a single write, so that lines of processes that write at once do not mix.
 *
 * @param line without its newline
 * @throws {Error} of the file system; also for a link, a pipe, or a file of another user
 */
export function appendLine(path: string, line: string, clock: Clock): void {
  makeFor(path, clock);
  // A second try where another process set the file aside between our opening and our writing.
  for (let attempt = 0; attempt < 2; attempt++) {
    const file = openSync(path, APPEND, 0o600);
    try {
      const stats = fstatSync(file);
      if (!stats.isFile() || stats.uid !== process.getuid?.()) throw new Error('not a file of our own');
      if (stats.size > ROTATE_BYTES && isAt(path, stats.ino)) {
        renameSync(path, rotatedPath(path));
        continue;
      }
      writeSync(file, `${endsOpen(file, stats.size) ? '\n' : ''}${line}\n`);
      if (isAt(path, stats.ino)) return;
    } finally {
      closeSync(file);
    }
  }
}

const APPEND = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Replaces a file in one step. @throws {Error} of the file system */
export function replaceFile(path: string, text: string, clock: Clock): void {
  makeFor(path, clock);
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      writeSync(file, text);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** The first record of a session is the moment to look after those of others. */
function makeFor(path: string, clock: Clock): void {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return;
  const directory = dirname(path);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(directory).slice(0, MAX_LOOKED_AT)) {
    const old = join(directory, name);
    const stats = lstatSync(old, { throwIfNoEntry: false });
    if (stats?.isFile() === true && clock.now() - stats.mtimeMs > KEEP_MS) rmSync(old, { force: true });
  }
}

function isAt(path: string, inode: number): boolean {
  return statSync(path, { throwIfNoEntry: false })?.ino === inode;
}

/** A writer that was killed inside a line must not spoil the next one. */
function endsOpen(file: number, size: number): boolean {
  if (size === 0) return false;
  const last = Buffer.alloc(1);
  return readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a;
}
