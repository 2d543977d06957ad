/** Words on lines of a width. */

/** Breaks at single blanks, never within a word; every line after the first begins with `indent`. */
export function wrapped(head: string, words: string, width: number, indent: string): string[] {
  const lines: string[] = [];
  let line = head;
  let isEmpty = true;
  for (const word of words.split(' ')) {
    if (!isEmpty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = indent;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line];
}
