/** The tail of Claude Code's transcripts. */
import type { TranscriptTail } from '../../core/verdict/signals.ts';
import type { Clock, Logger } from '../../ports.ts';
import { createJsonlTail, type NoFileReason, type SkipReason } from './jsonl-tail.ts';
import { type ClassifyText, readRow } from './transcript-rows.ts';
import { noTurns, tailOf, takeTurn } from './turns.ts';

export interface TranscriptReader {
  /** @returns null when there is no regular file to read. Never throws. */
  read(path: string, sessionId: string): Promise<TranscriptTail | null>;
  /** Why lines, or the file as a whole, were passed over at the last look. */
  skipped(path: string): Readonly<Partial<Record<SkipReason | NoFileReason, number>>>;
}

const MAX_SKIPS = 256;

export function createTranscriptReader(deps: {
  readonly clock: Clock;
  readonly log: Logger;
  readonly classifyText: ClassifyText;
  /** The only owner whose transcripts are read; absent: any. */
  readonly ownUid?: number;
}): TranscriptReader {
  const { clock, log, classifyText } = deps;
  const skips = new Map<string, Readonly<Partial<Record<SkipReason | NoFileReason, number>>>>();
  const tail = createJsonlTail({
    what: 'a transcript',
    fresh: noTurns,
    take(turns, value, mtimeMs) {
      const found = readRow(value, classifyText);
      if (found !== null) takeTurn(turns, found, clock.now(), mtimeMs);
    },
    ownUid: deps.ownUid ?? null,
    followLinks: true,
    log,
  });

  return {
    async read(path, sessionId) {
      const look = await tail.read(path);
      skips.delete(path);
      skips.set(path, look.kind === 'none' ? { [look.reason]: 1 } : look.skipped);
      for (const oldest of skips.keys()) {
        if (skips.size <= MAX_SKIPS) break;
        skips.delete(oldest);
      }
      return look.kind === 'none' ? null : tailOf(look.state, path, sessionId);
    },
    skipped: (path) => skips.get(path) ?? {},
  };
}
