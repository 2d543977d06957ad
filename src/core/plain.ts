/** Words from a screen, a file or a record, made safe for a line of text. */
import { MAX_WORDS } from './record-view.ts';
import { snippet } from './redact.ts';

/** Of a whole line. */
const MAX_LINE = 1_000;

/** One line of safe text: what came from a screen or a file must not move the cursor. */
export function plain(words: string, keepBlanks = false): string {
  const safe = snippet(words, MAX_LINE).replace(/\n/g, ' ');
  return keepBlanks ? safe : safe.replace(/ {2,}/g, ' ').trim();
}

/** A value of a record whose shape is not known; empty when it is no simple one. */
export function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? plain(snippet(String(value), MAX_WORDS))
    : '';
}
