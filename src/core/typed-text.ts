/** What may be typed into a terminal, without any control character that it or the program would obey; how it is known again. */

const ESC = '\x1b';
const CSI = '\x9b';
const PASTE_MARKS = [`${ESC}[200~`, `${ESC}[201~`, `${CSI}200~`, `${CSI}201~`].map((mark) => [...mark]);

/**
 * Line ends become `\n`; C0 but tab and newline, DEL and C1 go; so do the marks of bracketed paste, also where they are
 * nested or split by other controls, so that no text can end its own paste. Linear in the length.
 */
export function typedText(text: string): string {
  const kept: string[] = [];
  for (const sign of text.replace(/\r\n?/g, '\n')) {
    if (isControl(sign) && sign !== ESC && sign !== CSI) continue;
    kept.push(sign);
    // Removing a mark as soon as it is complete also removes the one that its removal completes.
    if (sign === '~') dropPasteMark(kept);
  }
  return kept.filter((sign) => !isControl(sign)).join('');
}

/** By this a text is known again on the screen: where a line wraps, blanks are lost. */
export function withoutBlanks(text: string): string {
  return text.replace(/\s+/g, '');
}

function dropPasteMark(signs: string[]): void {
  for (const mark of PASTE_MARKS) {
    const start = signs.length - mark.length;
    if (start >= 0 && mark.every((sign, i) => signs[start + i] === sign)) signs.length = start;
  }
}

function isControl(sign: string): boolean {
  const code = sign.codePointAt(0) ?? 0;
  if (sign === '\t' || sign === '\n') return false;
  return code < 0x20 || (code >= 0x7f && code <= 0x9f);
}
