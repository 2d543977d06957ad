/** The tail of files of JSON lines, read a little at a time: each look reads at most one mebibyte of what was added. */
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { errorCode } from '../../core/error-code.ts';
import type { Logger } from '../../ports.ts';

/** The most that one look reads, and the longest line that is not skipped. */
const MAX_READ = 1024 * 1024;
/** So far behind, the reader gives up catching up and starts again at the tail. */
const MAX_BEHIND = 4 * MAX_READ;
/** Bytes before the offset that must still be the same, or the file was written anew. */
const MARK_BYTES = 64;
const MAX_FILES = 256;
const NEWLINE = 0x0a;

export type SkipReason = 'bad_json' | 'too_long';
export type NoFileReason = 'missing' | 'link' | 'not_a_file' | 'foreign_owner' | 'unreadable';

export type TailLook<State> =
  | { readonly kind: 'read'; readonly state: State; readonly skipped: Readonly<Partial<Record<SkipReason, number>>> }
  | { readonly kind: 'none'; readonly reason: NoFileReason };

export interface JsonlTail<State> {
  /** Reads on in this file. Never throws. */
  read(path: string): Promise<TailLook<State>>;
}

export interface JsonlTailParts<State> {
  /** For the log: `a transcript`. */
  readonly what: string;
  /** What is known of a file of which nothing was read. */
  readonly fresh: () => State;
  /** Takes in one line. */
  readonly take: (state: State, value: unknown, mtimeMs: number) => void;
  /** The only owner whose files are read; null: any. */
  readonly ownUid: number | null;
  /** Whether a file that is itself a symbolic link is read. */
  readonly followLinks: boolean;
  readonly log: Logger;
}

/** Where reading stopped in one file, and what was learned so far. */
interface Progress<State> {
  readonly identity: string;
  readonly state: State;
  offset: number;
  mark: Buffer;
  /** The rest of the present line is passed over. */
  skipping: boolean;
  /** Size and mtime at the last look that reached the end; empty: there is more to read. */
  seen: string;
  readonly skipped: Partial<Record<SkipReason, number>>;
}

export function createJsonlTail<State>(parts: JsonlTailParts<State>): JsonlTail<State> {
  const files = new Map<string, Progress<State>>();
  const running = new Map<string, Promise<TailLook<State>>>();
  // Without O_NONBLOCK opening a pipe would wait for a writer.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (parts.followLinks ? 0 : constants.O_NOFOLLOW);

  return {
    async read(path) {
      // Two panes may look at the same file at once; they share one look.
      const look = running.get(path) ?? lookAt(path).finally(() => running.delete(path));
      running.set(path, look);
      return look;
    },
  };

  async function lookAt(path: string): Promise<TailLook<State>> {
    let file: FileHandle | null = null;
    try {
      file = await open(path, flags);
      const stats = await file.stat();
      if (!stats.isFile()) return forget(path, 'not_a_file');
      if (parts.ownUid !== null && stats.uid !== parts.ownUid) return forget(path, 'foreign_owner');
      const progress = await advance(path, file, stats);
      remember(path, progress);
      return { kind: 'read', state: progress.state, skipped: { ...progress.skipped } };
    } catch (error) {
      return forget(path, REASONS[errorCode(error)] ?? 'unreadable');
    } finally {
      await file?.close().catch(() => {});
    }
  }

  async function advance(path: string, file: FileHandle, stats: Stats): Promise<Progress<State>> {
    const known = files.get(path);
    const seen = `${stats.size}:${stats.mtimeMs}`;
    let progress = known !== undefined && isSameFile(known, stats) ? known : atTail(stats, parts.fresh());
    if (progress.seen === seen) return progress;

    let bytes = await readAt(file, progress, stats.size);
    if (bytes === null) {
      progress = atTail(stats, parts.fresh());
      bytes = (await readAt(file, progress, stats.size)) ?? Buffer.alloc(0);
    }
    const before = sum(progress.skipped);
    progress.seen = progress.offset + bytes.length >= stats.size ? seen : '';
    take(progress, bytes, stats.mtimeMs);
    const skippedLines = sum(progress.skipped);
    if (skippedLines > before) parts.log.debug({ path, skippedLines }, `lines of ${parts.what} were skipped`);
    return progress;
  }

  /** Reads complete lines; a line without its end waits for the next look. */
  function take(progress: Progress<State>, bytes: Buffer, mtimeMs: number): void {
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      if (progress.skipping) progress.skipping = false;
      else takeLine(progress, bytes.toString('utf8', start, end), mtimeMs);
      start = end + 1;
    }
    if (start === 0 && (progress.skipping || bytes.length >= MAX_READ - MARK_BYTES)) {
      if (!progress.skipping) skip(progress, 'too_long');
      progress.skipping = true;
      start = bytes.length;
    }
    const taken = bytes.subarray(Math.max(0, start - MARK_BYTES), start);
    progress.mark = Buffer.concat([progress.mark, taken]).subarray(-MARK_BYTES);
    progress.offset += start;
  }

  function takeLine(progress: Progress<State>, line: string, mtimeMs: number): void {
    if (line.trim() === '') return;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      skip(progress, 'bad_json');
      return;
    }
    parts.take(progress.state, value, mtimeMs);
  }

  function skip(progress: Progress<State>, reason: SkipReason): void {
    progress.skipped[reason] = (progress.skipped[reason] ?? 0) + 1;
  }

  function remember(path: string, progress: Progress<State>): void {
    files.delete(path);
    files.set(path, progress);
    for (const oldest of files.keys()) {
      if (files.size <= MAX_FILES) break;
      files.delete(oldest);
    }
  }

  function forget(path: string, reason: NoFileReason): TailLook<State> {
    files.delete(path);
    return { kind: 'none', reason };
  }
}

const REASONS: Readonly<Record<string, NoFileReason>> = {
  ENOENT: 'missing',
  ENOTDIR: 'missing',
  ELOOP: 'link',
  ENXIO: 'not_a_file',
};

function sum(counts: Readonly<Partial<Record<SkipReason, number>>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

/** A reader that has read nothing yet and begins one read before the end of the file. */
function atTail<State>(stats: Stats, state: State): Progress<State> {
  const offset = Math.max(0, stats.size - (MAX_READ - MARK_BYTES));
  return {
    identity: identityOf(stats),
    state,
    offset,
    mark: Buffer.alloc(0),
    // The line it lands in has lost its beginning.
    skipping: offset > 0,
    seen: '',
    skipped: {},
  };
}

function identityOf(stats: Stats): string {
  return `${stats.dev}:${stats.ino}`;
}

function isSameFile(progress: Progress<unknown>, stats: Stats): boolean {
  const behind = stats.size - progress.offset;
  return progress.identity === identityOf(stats) && behind >= 0 && behind <= MAX_BEHIND;
}

/** The bytes after the offset; null: what stands before it is not what was read. */
async function readAt(file: FileHandle, progress: Progress<unknown>, size: number): Promise<Buffer | null> {
  const from = progress.offset - progress.mark.length;
  const length = Math.min(size - from, MAX_READ);
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, from);
  const bytes = buffer.subarray(0, bytesRead);
  const mark = progress.mark.length;
  if (bytesRead < mark || !bytes.subarray(0, mark).equals(progress.mark)) return null;
  return bytes.subarray(mark);
}
