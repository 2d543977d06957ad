/** Lays out what commands print: safe words, tables, wrapped lines. Nothing that came from a pane moves the cursor. */

import { snippet } from '../core/redact.ts';
import { wrapped } from '../core/wrapped.ts';

/** One line of printable text. */
export function clean(value: string | null | undefined): string {
  return snippet(value ?? '', 2_000)
    .replace(/\s+/g, ' ')
    .trim();
}

/** Columns as wide as their widest cell; the last one goes on below itself where the page ends. */
export function table(rows: readonly (readonly string[])[], width: number, indent = '  '): string {
  const cells = rows.map((row) => row.map(clean));
  const count = Math.max(0, ...cells.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, i) => Math.max(...cells.map((row) => (row[i] ?? '').length)));
  return cells
    .map((row) => {
      const head =
        indent +
        widths
          .slice(0, -1)
          .map((wide, i) => `${(row[i] ?? '').padEnd(wide)}  `)
          .join('');
      return wrap(head, row[count - 1] ?? '', width, ' '.repeat(Math.min(head.length, Math.max(0, width - NARROWEST))));
    })
    .join('');
}

/** A last column that would be narrower begins further left on its following lines. */
const NARROWEST = 20;

/** At most `width` characters; of a longer text the beginning and the end. */
export function shortened(text: string, width: number): string {
  if (text.length <= width) return text;
  const tail = Math.floor((width - 1) / 2);
  return `${text.slice(0, width - 1 - tail)}…${text.slice(text.length - tail)}`;
}

/** Joins parts with a middle dot; a part that would pass the width begins a new, indented line. */
export function joinParts(parts: readonly string[], width: number, indent = '  '): string {
  const lines: string[] = [];
  let line = '';
  for (const part of parts.map(clean)) {
    const longer = line === '' ? part : `${line} · ${part}`;
    if (longer.length <= width || line === '') line = longer;
    else {
      lines.push(line);
      line = `${indent}${part}`;
    }
  }
  return [...lines, line].join('\n');
}

/** Wraps words at blanks; every line after the first begins with `indent`. */
export function wrap(head: string, words: string, width: number, indent: string): string {
  const lines = wrapped(head, clean(words), width, indent);
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}
