/** Asks a question on the terminal and waits for one line. */
import type { CommandIo } from '../io.ts';

/** @returns whether the answer was `y` or `yes`; anything else, and the end of the input, is a no */
export async function isYes(question: string, io: CommandIo): Promise<boolean> {
  io.err(`${question} [y/N] `);
  return /^y(?:es)?$/i.test((await readLine(io)).trim());
}

async function readLine(io: CommandIo): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of io.stdin ?? []) {
    text += decoder.decode(chunk, { stream: true });
    const end = text.indexOf('\n');
    if (end >= 0) return text.slice(0, end);
    if (text.length > 1000) return '';
  }
  return text;
}
