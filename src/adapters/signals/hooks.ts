/** Reads what `claude-failover hook` wrote of a session: how its turn stands. */
import { snippet } from '../../core/redact.ts';
import { MINUTE } from '../../core/time.ts';
import type { HookRecord } from '../../core/verdict/signals.ts';
import type { Clock, Logger } from '../../ports.ts';
import { instantOf, soundTime } from './instants.ts';
import { createJsonlTail, type NoFileReason, type SkipReason } from './jsonl-tail.ts';
import { recordPath, rotatedPath } from './own-records.ts';

export interface HookLook {
  /** Null: there is none. */
  readonly record: HookRecord | null;
  readonly skipped: Readonly<Partial<Record<SkipReason | NoFileReason | 'bad_record', number>>>;
}

export interface HookReader {
  /** The newest record of a turn's begin or end. Never throws. @param sessionId a checked one: it becomes a file name */
  read(sessionId: string): Promise<HookLook>;
}

interface Newest {
  record: HookRecord | null;
  badRecords: number;
}

export function createHookReader(deps: {
  readonly stateDir: string;
  readonly ownUid: number;
  readonly clock: Clock;
  readonly log: Logger;
}): HookReader {
  const { clock, log, ownUid } = deps;
  const tail = createJsonlTail<Newest>({
    what: 'a hook file',
    fresh: () => ({ record: null, badRecords: 0 }),
    take(newest, value, mtimeMs) {
      const found = readLine(value);
      if (found === null) return;
      if (found === 'bad') {
        newest.badRecords += 1;
        return;
      }
      const now = clock.now();
      const record = { ...found, at: soundTime(found.at, now, mtimeMs) };
      if (isNewer(record, newest.record, now)) newest.record = record;
    },
    ownUid,
    followLinks: false,
    log,
  });

  return {
    async read(sessionId) {
      const path = recordPath(deps.stateDir, 'hooks', sessionId);
      let record: HookRecord | null = null;
      const skipped: Record<string, number> = {};
      const count = (reason: string, times: number): void => {
        if (times > 0) skipped[reason] = (skipped[reason] ?? 0) + times;
      };
      // The older one first: what the newer one says of the same instant was written later.
      for (const file of [rotatedPath(path), path]) {
        const look = await tail.read(file);
        if (look.kind === 'none') {
          if (look.reason !== 'missing') count(look.reason, 1);
          continue;
        }
        const found = look.state.record;
        if (found?.sessionId === sessionId && isNewer(found, record, clock.now())) record = found;
        count('bad_record', look.state.badRecords);
        for (const [reason, times] of Object.entries(look.skipped)) count(reason, times);
      }
      return { record, skipped };
    },
  };
}

/** Once the clock was set back, what is written after a record of the future is still newer than it. */
function isNewer(record: HookRecord, than: HookRecord | null, now: number): boolean {
  return than === null || record.at >= than.at || than.at > now + MINUTE;
}

const TURNS: Readonly<Record<string, HookRecord['event']>> = {
  StopFailure: 'StopFailure',
  Stop: 'Stop',
  UserPromptSubmit: 'UserPromptSubmit',
};

/** @returns null for a record that says nothing of a turn */
function readLine(value: unknown): HookRecord | 'bad' | null {
  if (typeof value !== 'object' || value === null) return 'bad';
  const fields: Readonly<Record<string, unknown>> = { ...value };
  const at = instantOf(fields.at);
  if (typeof fields.event !== 'string' || typeof fields.session_id !== 'string' || at === null) return 'bad';
  const event = Object.hasOwn(TURNS, fields.event) ? TURNS[fields.event] : undefined;
  if (event === undefined) return null;
  const words = (text: unknown, max: number): string | null =>
    typeof text === 'string' && text !== '' ? snippet(text.slice(0, 4 * max), max) : null;
  return {
    id: `${event}@${at}`,
    event,
    at,
    sessionId: fields.session_id,
    error: words(fields.error, 200),
    details: words(fields.error_details, 200),
    text: words(fields.last_assistant_message, 400),
  };
}
