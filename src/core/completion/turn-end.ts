/** What the CLI's own files say of how a turn ended. */
import type { EpochMs } from '../time.ts';
import type { AssistantRow, SessionSignals } from '../verdict/signals.ts';
import type { Seen, WorkFacts, WorkingTask } from './work.ts';

/** The CLI's hook or its transcript says that the turn has ended well. */
export function toldByFiles(
  signals: SessionSignals | null,
  since: EpochMs,
): { readonly completion: 'hook' | 'transcript'; readonly seen: Seen } | null {
  const hook = signals?.hook ?? null;
  if (hook !== null && hook.event === 'Stop' && hook.at > since)
    return { completion: 'hook', seen: { source: 'hook', at: hook.at, detail: hook.id } };
  const last = lastRow(signals);
  const entry = signals?.entry ?? null;
  // The registry says idle, and has said so only since the last answer was written.
  const isIdle = entry?.status === 'idle' && (entry.updatedAt ?? 0) >= (last?.at ?? 0) - CLOCKS_MS;
  if (last === null || last.kind !== 'answer' || last.at <= since || !isIdle) return null;
  const prompts = signals?.transcript?.prompts ?? [];
  // A prompt that nothing has answered yet: the turn goes on.
  if (prompts.some((prompt) => prompt.at > last.at)) return null;
  return { completion: 'transcript', seen: { source: 'transcript', at: last.at, detail: last.id } };
}

/** Rows and registry are written by one program, but not in one step. */
const CLOCKS_MS = 1000;

/** The turn ended with an error that is no limit. */
export function errorSince(signals: SessionSignals | null, since: EpochMs): AssistantRow | null {
  const last = lastRow(signals);
  return last !== null && last.at > since && last.kind !== 'answer' && last.kind !== 'rejected' ? last : null;
}

/** The turn ended at a limit. */
export function isRejected(signals: SessionSignals | null, since: EpochMs): boolean {
  const last = lastRow(signals);
  return last !== null && last.at > since && last.kind === 'rejected';
}

function lastRow(signals: SessionSignals | null): AssistantRow | null {
  if (signals === null || signals.isGuess) return null;
  return (signals.transcript ?? signals.rollout ?? null)?.lastAssistant ?? null;
}

/** Work that a swap interrupted began again when its session was brought back. */
export function turnSince(task: WorkingTask, { recoveries }: WorkFacts): EpochMs {
  const back = recoveries.find(({ state, promptedAt }) => state === 'recovered' && promptedAt !== null);
  return Math.max(task.startedAt, back?.promptedAt ?? 0);
}
