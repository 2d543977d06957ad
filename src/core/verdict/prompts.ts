/** The prompts of a transcript: which of them begin a turn, and whether one still awaits its answer. */
import type { EpochMs } from '../time.ts';
import { SECOND } from '../time.ts';
import type { PromptRow, TranscriptTail } from './signals.ts';

/** A prompt that was interrupted stays unanswered: it counts no longer than this. */
const UNANSWERED_MS = 15 * SECOND;

/**
 * Whether a prompt was given just now and nothing has answered it yet. In its first moments a turn may not be seen on the
 * screen; the files tell of it already. What a clock that was set back dates far ahead does not count.
 *
 * @param since earlier prompts do not count
 */
export function awaitsAnswer(tail: TranscriptTail | null, now: EpochMs, since: EpochMs = 0): boolean {
  const prompt = tail === null ? null : unansweredPrompt(tail);
  return prompt !== null && prompt.at >= since && Math.abs(now - prompt.at) < UNANSWERED_MS;
}

/** The newest prompt that begins a turn, where no answer stands behind it. */
export function unansweredPrompt({ prompts, lastAssistant }: TranscriptTail): PromptRow | null {
  const newest = prompts.findLast(startsTurn) ?? null;
  // The rejected prompt's own row can be written after the rejection, but carries an earlier time.
  return newest !== null && newest.at > (lastAssistant?.at ?? Number.NEGATIVE_INFINITY) ? newest : null;
}

/** Commands that the CLI carries out itself, such as its limit menu, are written as prompts too, but nothing answers them. */
function startsTurn(prompt: PromptRow): boolean {
  return !/^\s*[</]/.test(prompt.text);
}
