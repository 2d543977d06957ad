/** Prints how long the detector takes for one screen: the captured ones, the collected messages, and a full 200x50 pane. */
import { readdirSync, readFileSync } from 'node:fs';
import { readScreen } from '../src/core/screen/reading.ts';

const SCREENS = new URL('../test/screens/', import.meta.url);
const captures = readdirSync(new URL('captures/', SCREENS))
  .filter((name) => name.endsWith('.txt'))
  .map((name) => readFileSync(new URL(`captures/${name}`, SCREENS), 'utf8'));
const corpus = readFileSync(new URL('dev.jsonl', SCREENS), 'utf8')
  .trim()
  .split('\n')
  .map((line) => (JSON.parse(line) as { text: string }).text);
const words = 'the usage limit of this account resets in two hours after an API error that failed to log in ';
const output = Array.from({ length: 44 }, (_, i) => `     ${i} ${words.repeat(3)}`.slice(0, 200)).join('\n');
const rule = '─'.repeat(200);
const full = `● Bash(cat limits.md)\n  ⎿  ${words}\n${output}\n\n${rule}\n❯ \n${rule}\n  ⏵⏵ auto mode on`;
const plain = output.replace(/^ +/gm, '');

function measure(name: string, screens: readonly string[], rounds: number): void {
  const options = { now: Date.parse('2026-11-20T12:00:00Z'), zone: 'Europe/Berlin' };
  for (let i = 0; i < Math.max(5, rounds / 10); i++) for (const screen of screens) readScreen(screen, options);
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    for (const screen of screens) {
      const before = performance.now();
      readScreen(screen, options);
      times.push((performance.now() - before) * 1_000);
    }
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(0);
  console.log(
    `${name.padEnd(34)} p50 ${at(0.5)} µs   p99 ${at(0.99)} µs   max ${at(1)} µs   (${times.length} readings)`,
  );
}

measure('captured screens', captures, 100);
measure('collected messages', corpus, 50);
measure('200x50, tool output about limits', [full], 500);
measure('200x50, unmarked text about limits', [plain], 500);
measure('1 MB on one line', ['x '.repeat(500_000)], 20);
measure('1 MB on many lines', [`${words}\n`.repeat(10_000)], 5);
