/**
 * Prints how long the detector takes for one screen: captures and messages of each agent, panes full of text, fuzzed noise.
 * A screen's time is the best of three readings: what the machine does beside is not the detector's.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { LanguageKind } from '../src/core/agents/screen-language.ts';
import { readScreen } from '../src/core/screen/reading.ts';
import { fuzzedScreens } from '../test/support/fuzzed-screens.ts';

type Screen = readonly [agent: LanguageKind, text: string];

const SCREENS = new URL('../test/screens/', import.meta.url);
const captures = readdirSync(new URL('captures/', SCREENS))
  .filter((name) => name.endsWith('.txt'))
  .map((name): Screen => {
    const agent = (['codex', 'gemini'] as const).find((kind) => name.startsWith(kind)) ?? 'claude';
    return [agent, readFileSync(new URL(`captures/${name}`, SCREENS), 'utf8')];
  });
const corpus = readFileSync(new URL('dev.jsonl', SCREENS), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { text: string; agent?: LanguageKind })
  .map(({ agent = 'claude', text }): Screen => [agent, text]);
const words = 'the usage limit of this account resets in two hours after an API error that failed to log in ';
const output = Array.from({ length: 44 }, (_, i) => `     ${i} ${words.repeat(3)}`.slice(0, 200)).join('\n');
const quiet = Array.from({ length: 44 }, (_, i) => `     ${i} ${'nothing here speaks of it '.repeat(9)}`.slice(0, 200));
const rule = '─'.repeat(200);
const framed = (text: string) =>
  `● Bash(cat limits.md)\n  ⎿  ${text}\n\n${rule}\n❯ \n${rule}\n  ⏵⏵ bypass permissions on`;
const fuzzed = [...fuzzedScreens(20_000, 1)];

function measure(name: string, screens: readonly Screen[], rounds: number): void {
  const options = { now: Date.parse('2026-11-20T12:00:00Z'), zone: 'Europe/Berlin' };
  const read = ([agent, text]: Screen) => readScreen(text, { ...options, agent });
  for (let i = 0; i < Math.max(1, rounds / 10); i++) for (const screen of screens) read(screen);
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    for (const screen of screens) {
      let best = Number.POSITIVE_INFINITY;
      for (let k = 0; k < 3; k++) {
        const before = performance.now();
        read(screen);
        best = Math.min(best, performance.now() - before);
      }
      times.push(best * 1_000);
    }
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(0);
  console.log(
    `${name.padEnd(34)} p50 ${at(0.5)} µs   p99 ${at(0.99)} µs   max ${at(1)} µs   (${times.length} screens)`,
  );
}

for (const agent of ['claude', 'codex', 'gemini'] as const) {
  measure(
    `captured screens of ${agent}`,
    captures.filter(([of]) => of === agent),
    100,
  );
}
measure('collected messages', corpus, 50);
measure('200x50, tool output about limits', [['claude', framed(output)]], 500);
measure('200x50, no word of a limit', [['claude', framed(quiet.join('\n'))]], 500);
measure('200x50, unmarked text about limits', [['claude', output.replace(/^ +/gm, '')]], 500);
measure('fuzzed screens', fuzzed, 1);
measure('1 MB on one line', [['claude', 'x '.repeat(500_000)]], 20);
measure('1 MB on many lines', [['claude', `${words}\n`.repeat(10_000)]], 5);
