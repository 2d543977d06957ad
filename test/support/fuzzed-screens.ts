/** Endless screens made of the pieces that real ones are made of, put together at random; the same for the same seed. */
import { readFileSync } from 'node:fs';
import type { LanguageKind } from '../../src/core/agents/screen-language.ts';

const AGENTS: readonly LanguageKind[] = ['claude', 'codex', 'gemini', 'opencode', 'other'];
const MARKS = [
  ...[
    '● ',
    '⏺ ',
    '  ⎿  ',
    '❯ ',
    '> ',
    '› ',
    ' > ',
    '• ',
    '■ ',
    '⚠ ',
    '✦ ',
    '✕ ',
    'ℹ ',
    '┃  ',
    '  └ ',
    '│ ',
    '   ',
    '     ',
  ],
  ...['✻ ', '✽ Hatching… (3s)', ' ⠋ Thinking... (esc to cancel, 2s)', '• Working (2s • esc to interrupt)', '⬝⬝■■ '],
  ...[
    '╭────────╮',
    '╰────────╯',
    '────────────────────────',
    '```',
    '~~~',
    '$ ',
    '☐ ',
    '1. ',
    '❯ 1. ',
    '● 1. ',
    '\t',
    '',
  ],
];
const NOISE = [
  '\u001b[31m',
  '\u001b]0;',
  '\u0000',
  '\u200b',
  '\ufffd',
  '𝕏',
  '界',
  'e\u0301',
  '\r',
  '\u00a0',
  '|',
  '"',
  '\\',
  '\ud800',
];

/**
 * @param count how many
 * @param seed  a positive whole number
 */
export function* fuzzedScreens(count: number, seed: number): Generator<readonly [agent: LanguageKind, text: string]> {
  const next = randomNumbers(seed);
  const pick = <T>(from: readonly T[]): T => from[next(from.length)] as T;
  const words = pieces();
  for (let i = 0; i < count; i++) {
    const width = 20 + next(200);
    const lines = Array.from({ length: 1 + next(40) }, () => {
      let line = pick(MARKS);
      for (let k = next(9); k > 0 && line.length < width; k--)
        line += `${pick(words)}${next(30) === 0 ? pick(NOISE) : ' '}`;
      return next(3) === 0 ? line.slice(0, width) : line;
    });
    yield [pick(AGENTS), lines.join('\n')];
  }
}

/** Runs of one to six words of every collected message. */
function pieces(): readonly string[] {
  const texts = readFileSync(new URL('../screens/dev.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { text: string }).text);
  return texts.flatMap((text) => {
    const all = text.split(/\s+/).filter(Boolean).slice(0, 60);
    return all.flatMap((word, i) => (i % 3 === 0 ? [word, all.slice(i, i + 6).join(' ')] : []));
  });
}

/** A small generator of whole numbers below a bound (xorshift). */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
