/** The tail of transcripts, read a little at a time: each look reads at most one mebibyte of what was added. */
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type EpochMs, MINUTE } from '../../core/time.ts';
import type { AssistantRow, PromptRow, TranscriptTail } from '../../core/verdict/signals.ts';
import type { Clock, Logger } from '../../ports.ts';
import { type ClassifyText, readRow } from './transcript-rows.ts';

/** The most that one look reads, and the longest line that is not skipped. */
const MAX_READ = 1024 * 1024;
/** So far behind, the reader gives up catching up and starts again at the tail. */
const MAX_BEHIND = 4 * MAX_READ;
/** Bytes before the offset that must still be the same, or the file was written anew. */
const MARK_BYTES = 64;
const MAX_FILES = 256;
const MAX_PROMPTS = 20;
/** Instants of user rows that are kept, to find the last one before a rejection. */
const MAX_USER_ROWS = 50;
const NEWLINE = 0x0a;

export interface TranscriptReader {
  /** @returns null when there is no regular file to read. Never throws. */
  read(path: string, sessionId: string): Promise<TranscriptTail | null>;
}

/** Where reading stopped in one file, and what was learned so far. */
interface Progress {
  readonly identity: string;
  offset: number;
  mark: Buffer;
  /** The rest of the present line is passed over. */
  skipping: boolean;
  /** Size and mtime at the last look that reached the end; empty: there is more to read. */
  seen: string;
  skippedLines: number;
  lastAssistant: AssistantRow | null;
  prompts: readonly PromptRow[];
  /** Of prompts and of results of tools, oldest first. */
  userRowsAt: readonly EpochMs[];
  version: string | null;
  versionAt: EpochMs;
}

export function createTranscriptReader(deps: {
  readonly clock: Clock;
  readonly log: Logger;
  readonly classifyText: ClassifyText;
}): TranscriptReader {
  const { clock, log, classifyText } = deps;
  const files = new Map<string, Progress>();
  const running = new Map<string, Promise<TranscriptTail | null>>();

  return {
    async read(path, sessionId) {
      // Two panes may look at the same file at once; they share one look.
      const look = running.get(path) ?? lookAt(path, sessionId).finally(() => running.delete(path));
      running.set(path, look);
      return look;
    },
  };

  async function lookAt(path: string, sessionId: string): Promise<TranscriptTail | null> {
    let file: FileHandle | null = null;
    try {
      // Without O_NONBLOCK opening a pipe would wait for a writer.
      file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
      const stats = await file.stat();
      if (!stats.isFile()) return forget(path);
      const progress = await advance(path, file, stats);
      remember(path, progress);
      const { lastAssistant, prompts, userRowsAt, version } = progress;
      const requestAt = userRowsAt.findLast((at) => at <= (lastAssistant?.at ?? 0)) ?? null;
      return { path, sessionId, lastAssistant, requestAt, prompts, version };
    } catch {
      return forget(path);
    } finally {
      await file?.close().catch(() => {});
    }
  }

  async function advance(path: string, file: FileHandle, stats: Stats): Promise<Progress> {
    const known = files.get(path);
    const seen = `${stats.size}:${stats.mtimeMs}`;
    let progress = known !== undefined && isSameFile(known, stats) ? known : atTail(stats);
    if (progress.seen === seen) return progress;

    let bytes = await readAt(file, progress, stats.size);
    if (bytes === null) {
      progress = atTail(stats);
      bytes = (await readAt(file, progress, stats.size)) ?? Buffer.alloc(0);
    }
    const before = progress.skippedLines;
    progress.seen = progress.offset + bytes.length >= stats.size ? seen : '';
    take(progress, bytes, stats.mtimeMs);
    if (progress.skippedLines > before) {
      log.debug({ path, skippedLines: progress.skippedLines }, 'lines of a transcript were skipped');
    }
    return progress;
  }

  /** Reads complete lines; a line without its end waits for the next look. */
  function take(progress: Progress, bytes: Buffer, mtimeMs: number): void {
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      if (progress.skipping) progress.skipping = false;
      else takeLine(progress, bytes.toString('utf8', start, end), mtimeMs);
      start = end + 1;
    }
    if (start === 0 && (progress.skipping || bytes.length >= MAX_READ - MARK_BYTES)) {
      if (!progress.skipping) progress.skippedLines += 1;
      progress.skipping = true;
      start = bytes.length;
    }
    const taken = bytes.subarray(Math.max(0, start - MARK_BYTES), start);
    progress.mark = Buffer.concat([progress.mark, taken]).subarray(-MARK_BYTES);
    progress.offset += start;
  }

  function takeLine(progress: Progress, line: string, mtimeMs: number): void {
    if (line.trim() === '') return;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      progress.skippedLines += 1;
      return;
    }
    const found = readRow(value, classifyText);
    if (found === null) return;
    // A row from the future would stay the latest for good; it cannot be younger than the file.
    const at = 'row' in found ? found.row.at : found.at;
    const now = clock.now();
    const soundAt = at <= now ? at : Math.min(now, Math.floor(mtimeMs));
    if (found.version !== null && soundAt >= progress.versionAt) {
      progress.version = found.version;
      progress.versionAt = soundAt;
    }
    const lastAt = progress.lastAssistant?.at ?? 0;
    // Once the clock was set back, what is written after a row of the future is still newer than it.
    if (found.kind === 'assistant' && (soundAt >= lastAt || lastAt > now + MINUTE)) {
      progress.lastAssistant = { ...found.row, at: soundAt };
    }
    if (found.kind === 'prompt' || found.kind === 'tool-result') {
      progress.userRowsAt = [...progress.userRowsAt, soundAt].sort((a, b) => a - b).slice(-MAX_USER_ROWS);
    }
    if (found.kind === 'prompt') {
      const others = progress.prompts.filter((prompt) => prompt.id !== found.row.id);
      progress.prompts = [...others, { ...found.row, at: soundAt }].sort((a, b) => a.at - b.at).slice(-MAX_PROMPTS);
    }
  }

  function remember(path: string, progress: Progress): void {
    files.delete(path);
    files.set(path, progress);
    for (const oldest of files.keys()) {
      if (files.size <= MAX_FILES) break;
      files.delete(oldest);
    }
  }

  function forget(path: string): null {
    files.delete(path);
    return null;
  }
}

/** A reader that has read nothing yet and begins one read before the end of the file. */
function atTail(stats: Stats): Progress {
  const offset = Math.max(0, stats.size - (MAX_READ - MARK_BYTES));
  return {
    identity: identityOf(stats),
    offset,
    mark: Buffer.alloc(0),
    // The line it lands in has lost its beginning.
    skipping: offset > 0,
    seen: '',
    skippedLines: 0,
    lastAssistant: null,
    prompts: [],
    userRowsAt: [],
    version: null,
    versionAt: 0,
  };
}

function identityOf(stats: Stats): string {
  return `${stats.dev}:${stats.ino}`;
}

function isSameFile(progress: Progress, stats: Stats): boolean {
  const behind = stats.size - progress.offset;
  return progress.identity === identityOf(stats) && behind >= 0 && behind <= MAX_BEHIND;
}

/** The bytes after the offset; null: what stands before it is not what was read. */
async function readAt(file: FileHandle, progress: Progress, size: number): Promise<Buffer | null> {
  const from = progress.offset - progress.mark.length;
  const length = Math.min(size - from, MAX_READ);
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, from);
  const bytes = buffer.subarray(0, bytesRead);
  const mark = progress.mark.length;
  if (bytesRead < mark || !bytes.subarray(0, mark).equals(progress.mark)) return null;
  return bytes.subarray(mark);
}
