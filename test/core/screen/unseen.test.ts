/** Screens written down before the tables were tried on them: other versions, plans, vendors, and other people's words. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { LanguageKind } from '../../../src/core/agents/screen-language.ts';
import { detect } from '../../../src/core/screen/detect.ts';

interface Case {
  readonly id: string;
  readonly agent: LanguageKind;
  readonly class: string;
  readonly text: string;
  /** ISO 8601; null: none; absent: not looked at. */
  readonly reset?: string | null;
  readonly window?: string;
}

const now = Date.parse('2026-11-20T12:00:00Z');
const cases = readFileSync(new URL('../../screens/unseen.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Case);

describe('[R10] [R30] shapes that no table was made from', () => {
  test.each(cases)('$agent $class: $id', (one) => {
    const found = detect(one.text, { agent: one.agent, now, zone: 'UTC' });
    expect(found.class, found.reason).toBe(one.class);
    if (one.window !== undefined) expect(found.window).toBe(one.window);
    if (one.reset === undefined) return;
    expect(found.resetAt).toBe(one.reset === null ? null : Date.parse(one.reset));
  });

  test('the rest of a message that wraps right above a dialog belongs to the message', () => {
    const text = [
      "■ You've hit your usage limit. Try again",
      '  at 4:05 PM.',
      '',
      '  Approaching rate limits',
      '  Switch to gpt-5.6-luna?',
      '',
      '› 1. Switch to gpt-5.6-luna',
      '  2. Keep current model',
      '',
      '  Press enter to confirm or esc to go back',
    ].join('\n');
    const found = detect(text, { agent: 'codex', now, zone: 'UTC' });
    expect(found).toMatchObject({ class: 'quota', resetAt: Date.parse('2026-11-20T16:05:00Z') });
    expect(found.reading.dialog?.text).toMatch(/^Approaching rate limits/);
  });

  test('nothing but a limit is ever one, wherever its lines are cut', () => {
    const wrong: string[] = [];
    for (const one of cases.filter(({ class: kind }) => kind !== 'quota')) {
      for (const width of [44, 60, 72, 100]) {
        const cut = one.text
          .split('\n')
          .flatMap((line) =>
            /^[\s─═│╭╰╮╯┃╹]/.test(line) ? [line] : (line.match(new RegExp(`.{1,${width}}`, 'gu')) ?? ['']),
          )
          .join('\n');
        if (detect(cut, { agent: one.agent, now, zone: 'UTC' }).class === 'quota') wrong.push(`${one.id} at ${width}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});
