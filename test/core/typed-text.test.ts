/** What is left of a text before it is typed. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { typedText } from '../../src/core/typed-text.ts';
import { cpuMsOf } from '../support/cpu-time.ts';

const ESC = '\x1b';

describe('[R274] text to type', () => {
  it.each([
    ['plain text, tabs and lines', 'a\tb\nc – ü 👩‍💻', 'a\tb\nc – ü 👩‍💻'],
    ['line ends', 'a\r\nb\rc\n\rd', 'a\nb\nc\n\nd'],
    ['C0, DEL and C1', '\x00\x03a\x07\x08b\x7f\x80\x85\x9fc', 'abc'],
    ['an end of paste', `a${ESC}[201~b`, 'ab'],
    ['a begin of paste', `a${ESC}[200~b`, 'ab'],
    ['an end of paste in 8 bits', 'a\x9b201~b', 'ab'],
    ['a nested end of paste', `a${ESC}[20${ESC}[201~1~b`, 'ab'],
    ['an end of paste split by a control character', `a${ESC}[2\x0001~b`, 'ab'],
    ['an end of paste split by a line end that stays', `a${ESC}[2\r01~b`, 'a[2\n01~b'],
    ['another sequence, of which the harmless rest stays', `${ESC}[31mred`, '[31mred'],
    ['a tilde', 'cd ~', 'cd ~'],
  ])('keeps what is harmless of %s', (_name, text, expected) => {
    expect(typedText(text)).toBe(expected);
  });

  it('never contains a control character but tab and newline, and is stable', () => {
    const piece = fc.constantFrom(
      ESC,
      '\x9b',
      '[',
      '20',
      '0',
      '1',
      '~',
      '201~',
      `${ESC}[201~`,
      '\r',
      '\n',
      '\x00',
      'a',
    );
    const sign = fc.nat({ max: 0x2ff }).map((code) => String.fromCodePoint(code));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: sign }),
          fc.array(piece).map((all) => all.join('')),
        ),
        (text) => {
          const typed = typedText(text);
          expect(typed).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
          expect(typedText(typed)).toBe(typed);
        },
      ),
    );
  });

  it('leaves no mark of a paste behind, however it is nested', async () => {
    const depth = 20_000;
    const text = `${ESC}[20`.repeat(depth) + '1~'.repeat(depth);
    expect(await cpuMsOf(() => expect(typedText(text)).toBe(''))).toBeLessThan(1000);
  });
});
