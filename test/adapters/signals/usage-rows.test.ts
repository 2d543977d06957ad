/** What one row of a CLI's own files says that a model used. */
import { describe, expect, test } from 'vitest';
import { claudeUsage } from '../../../src/adapters/signals/claude-usage.ts';
import { codexUsage } from '../../../src/adapters/signals/codex-usage.ts';
import type { UsageRow } from '../../../src/adapters/signals/usage-fields.ts';
import type { Counted } from '../../../src/core/tokens/token-file.ts';
import { NOTHING_COUNTED } from '../../../src/core/tokens/token-file.ts';
import type { Usage } from '../../../src/core/tokens/tokens.ts';
import { captured } from '../../support/session-files.ts';
import { answerRow, rolloutRow, tokenCountRow, userRow } from '../../support/usage-rows.ts';

const AT = Date.parse('2026-11-20T10:00:00Z');

function usages(
  read: (counted: Counted, value: unknown) => UsageRow,
  rows: string,
): readonly (readonly [string, ...number[]])[] {
  let counted = NOTHING_COUNTED;
  const found: Usage[] = [];
  for (const row of rows.trim().split('\n')) {
    const one = read(counted, JSON.parse(row));
    counted = one.counted;
    if (one.usage !== null) found.push(one.usage);
  }
  return found.map(({ model, input, output, cacheRead, cacheWrite }) => [model, input, output, cacheRead, cacheWrite]);
}

describe('an answer of Claude Code', () => {
  test('that is written once for each of its parts counts once [R168]', () => {
    const part = answerRow(AT, 'msg_1', [10, 5, 100, 20]);
    const model = 'claude-opus-5-5';
    expect(usages(claudeUsage, part + userRow(AT, 'x') + part + part)).toEqual([[model, 10, 5, 100, 20]]);
  });

  test('that grows while it is written counts what it has at its end [R168]', () => {
    const rows = [1, 5, 3, 90].map((output) => answerRow(AT, 'msg_1', [10, output, 100, 0])).join('');
    const found = usages(claudeUsage, rows);
    expect(found.reduce((sum, [, , output = 0]) => sum + output, 0)).toBe(90);
    expect(found.reduce((sum, [, input = 0]) => sum + input, 0)).toBe(10);
  });

  test('among those of subagents in the same file is known again [R168]', () => {
    const ids = Array.from({ length: 10 }, (_, i) => `msg_${i}`);
    const rows = [1, 2, 3].flatMap((output) => ids.map((id) => answerRow(AT, id, [1, output, 0, 0])));
    expect(usages(claudeUsage, rows.join('')).reduce((sum, [, , output = 0]) => sum + output, 0)).toBe(30);
  });

  test('counts nothing where an error stands in its place, and nonsense is no number of tokens', () => {
    const error = JSON.parse(answerRow(AT, 'msg_1', [10, 5, 0, 0]));
    expect(usages(claudeUsage, JSON.stringify({ ...error, isApiErrorMessage: true }))).toEqual([]);
    const odd = [-1, 1.5, 1e12, '7'] as unknown as number[];
    expect(usages(claudeUsage, answerRow(AT, 'msg_2', odd))).toEqual([]);
    expect(usages(claudeUsage, answerRow(AT, 'msg_3', [1, 0, 0, 0], '\u001b[31m'))).toEqual([['unknown', 1, 0, 0, 0]]);
    for (const value of [null, 7, [], { type: 'assistant' }, { type: 'assistant', message: 7, timestamp: AT }])
      expect(claudeUsage(NOTHING_COUNTED, value).usage).toBeNull();
  });

  test.each([
    'claude-latest-q5h.transcript.jsonl',
    'claude-2.0.76-q7d.transcript.jsonl',
    'claude-1.0.128-q5h.transcript.jsonl',
  ])('of a real CLI is understood: %s [R168]', (name) => {
    const found = usages(claudeUsage, captured(name));
    expect(found.length).toBeGreaterThan(0);
    for (const [model, input, output] of found)
      expect([model.startsWith('claude-'), input, output]).toEqual([true, 10, 9]);
  });
});

describe('an answer of Codex', () => {
  const context = rolloutRow(AT, 'turn_context', { model: 'gpt-5.3-codex', cwd: '/src' });

  test('is what the last one used; what came from the cache is not counted as read anew [R168]', () => {
    const rows =
      context +
      tokenCountRow(AT, [1000, 800, 50], [1000, 800, 50]) +
      tokenCountRow(AT, [3000, 2600, 90], [2000, 1800, 40]);
    expect(usages(codexUsage, rows)).toEqual([
      ['gpt-5.3-codex', 200, 50, 800, 0],
      ['gpt-5.3-codex', 200, 40, 1800, 0],
    ]);
  });

  test('that is written again with other figures of the limits counts once [R168]', () => {
    const same = tokenCountRow(AT, [1000, 800, 50], [1000, 800, 50]);
    const none = rolloutRow(AT, 'event_msg', { type: 'token_count', info: null, rate_limits: {} });
    expect(usages(codexUsage, context + same + none + same + same)).toHaveLength(1);
  });

  test('of the session that this one was forked from is not counted again [R168]', () => {
    const meta = rolloutRow(AT, 'session_meta', { id: 'b', forked_from_id: 'a', cli_version: '0.169.0' });
    const copied =
      tokenCountRow(AT + 10, [1000, 0, 50], [1000, 0, 50]) + tokenCountRow(AT + 20, [3000, 0, 90], [2000, 0, 40]);
    const own = tokenCountRow(AT + 60_000, [3500, 0, 100], [500, 0, 10]);
    expect(usages(codexUsage, meta + context + copied + own)).toEqual([['gpt-5.3-codex', 500, 10, 0, 0]]);
  });

  test('in a session of thousands of millions is counted still', () => {
    const rows = tokenCountRow(AT, [5e9, 0, 1], [7, 0, 1]) + tokenCountRow(AT, [5e9 + 9, 0, 2], [9, 0, 1]);
    expect(usages(codexUsage, rows)).toEqual([
      ['unknown', 7, 1, 0, 0],
      ['unknown', 9, 1, 0, 0],
    ]);
  });
});
