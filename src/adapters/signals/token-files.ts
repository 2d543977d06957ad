/** The files in which agents write down what their models used, read from the beginning, a mebibyte at a time. */
import { createHash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { AgentKind } from '../../core/agents/profile.ts';
import { MINUTE } from '../../core/time.ts';
import type { Counted, TokenCursor, TokenFile } from '../../core/tokens/token-file.ts';
import { NOTHING_COUNTED, tokenFileKey } from '../../core/tokens/token-file.ts';
import type { Usage } from '../../core/tokens/tokens.ts';
import type { TokenFiles, TokenRead } from '../../ports/tokens.ts';
import type { Clock, Logger } from '../../ports.ts';
import { CLAUDE_NEEDLES, claudeUsage } from './claude-usage.ts';
import { CODEX_NEEDLES, codexUsage } from './codex-usage.ts';
import { soundTime } from './instants.ts';
import type { UsageRow } from './usage-fields.ts';

/** The most that one look reads, and the longest line that is not passed over. */
const MAX_READ = 1024 * 1024;
/** Bytes before the offset that must still be the same, or the file was written anew. */
const MARK_BYTES = 64;
/** A row may have been written down a little after its time; one from long before its file is a copy out of another one. */
const BORN_TOLERANCE_MS = MINUTE;
const MAX_SUBAGENTS = 1000;
const NEWLINE = 0x0a;

interface Rows {
  readonly needles: readonly string[];
  readonly read: (counted: Counted, value: unknown) => UsageRow;
}

const ROWS: Readonly<Partial<Record<AgentKind, Rows>>> = {
  claude: { needles: CLAUDE_NEEDLES, read: claudeUsage },
  codex: { needles: CODEX_NEEDLES, read: codexUsage },
};

export interface TokenFilesOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Files of others are passed over. */
  readonly ownUid: number;
  /** The most that one look reads; for tests. Default: one mebibyte. */
  readonly maxReadBytes?: number;
}

export function createTokenFiles({ clock, log, ownUid, maxReadBytes = MAX_READ }: TokenFilesOptions): TokenFiles {
  const isOurs = (stats: Stats): boolean => stats.isFile() && stats.uid === ownUid;

  return {
    async filesOf(path, agent) {
      if (agent !== 'claude') return [path];
      const session = path.replace(/\.jsonl$/, '');
      // Up to 2.0 subagents have their files beside those of the sessions.
      const found = await Promise.all([agentFiles(join(session, 'subagents')), agentFiles(dirname(path))]);
      return [path, ...found.flat()];
    },

    async look(path) {
      const stats = await stat(path).catch(() => null);
      return stats === null || !isOurs(stats) ? null : { size: stats.size, changedAt: Math.floor(stats.mtimeMs) };
    },

    async read(file, cursor) {
      let handle: FileHandle | null = null;
      try {
        // Without O_NONBLOCK opening a pipe would wait for a writer.
        handle = await open(file.path, constants.O_RDONLY | constants.O_NONBLOCK);
        const stats = await handle.stat();
        return isOurs(stats) ? await advance(handle, stats, file, cursor) : null;
      } catch {
        return null;
      } finally {
        await handle?.close().catch(() => {});
      }
    },
  };

  async function advance(
    handle: FileHandle,
    stats: Stats,
    file: TokenFile,
    before: TokenCursor | null,
  ): Promise<TokenRead> {
    const rows = ROWS[file.agent];
    const fresh = { key: tokenFileKey(file.path), offset: 0, mark: '', skipping: false, counted: NOTHING_COUNTED };
    const from = { ...fresh, ...before, ...file, readAt: clock.now() };
    const overlap = Math.min(from.offset, MARK_BYTES);
    const start = from.offset - overlap;
    const length = Math.max(0, Math.min(stats.size - start, overlap + maxReadBytes));
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, start);
    if (rows === undefined || bytesRead < overlap || !isMarked(buffer.subarray(0, overlap), from.mark)) {
      if (rows !== undefined)
        log.debug({ path: file.path }, 'a file was written anew: its tokens are counted from here on');
      // What stands there now may have been counted before.
      const cursor = { ...from, offset: stats.size, mark: '', skipping: stats.size > 0, counted: NOTHING_COUNTED };
      return { cursor, usages: [], isEnd: true };
    }

    const bytes = buffer.subarray(overlap, bytesRead);
    const bornAt = stats.birthtimeMs > 0 ? stats.birthtimeMs - BORN_TOLERANCE_MS : 0;
    const usages: Usage[] = [];
    let { skipping, counted } = from;
    let taken = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, taken)) {
      const line = bytes.subarray(taken, end);
      taken = end + 1;
      if (skipping) skipping = false;
      else if (rows.needles.some((needle) => line.includes(needle))) {
        const found = rows.read(counted, parse(line));
        counted = found.counted;
        if (found.usage !== null && found.usage.at >= bornAt)
          usages.push({ ...found.usage, at: soundTime(found.usage.at, from.readAt, stats.mtimeMs) });
      }
    }
    if (taken === 0 && bytes.length >= maxReadBytes) {
      skipping = true;
      taken = bytes.length;
    }
    const mark = markOf(buffer.subarray(0, overlap + taken).subarray(-MARK_BYTES));
    const cursor = { ...from, offset: from.offset + taken, mark, skipping, counted };
    return { cursor, usages, isEnd: taken === 0 || start + bytesRead >= stats.size };
  }
}

/** Not the bytes themselves, which may be somebody's words. */
function markOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}`;
}

/** An empty mark says nothing; its former kind was the end of the bytes itself, in hex. */
function isMarked(bytes: Buffer, mark: string): boolean {
  return mark === markOf(bytes) || bytes.toString('hex').endsWith(mark);
}

async function agentFiles(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch(() => []);
  return names
    .filter((name) => /^agent-.*\.jsonl$/.test(name))
    .slice(-MAX_SUBAGENTS)
    .map((name) => join(directory, name));
}

function parse(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString('utf8'));
  } catch {
    return null;
  }
}
