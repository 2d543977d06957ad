/** `hook`: keeps what a hook of Claude Code tells of a turn. Silent, quick, and never in the way of the CLI that runs it. */
import { hookLine, writeHookLine } from '../adapters/signals/hook-record.ts';
import { readPayload } from './hook-payload.ts';
import type { CommandIo, GlobalOptions } from './io.ts';
import { EXIT } from './io.ts';
import { locate } from './locate.ts';

const LIMITS = { maxBytes: 4 * 1024 * 1024, patienceMs: 2000 };

/** @returns 0 whatever happens: any other code would stand in the user's conversation, or stop their prompt */
export async function hook(options: GlobalOptions, io: CommandIo): Promise<number> {
  try {
    const now = io.clock.now();
    if (io.stdin === undefined) return EXIT.ok;
    const line = hookLine(await readPayload(io.stdin, io.clock, LIMITS), now);
    if (line !== null) writeHookLine((await locate(options, io)).stateDir, line, io.clock);
  } catch {
    // A full disk or a missing directory is for `doctor` to tell, not for the conversation.
  }
  return EXIT.ok;
}
