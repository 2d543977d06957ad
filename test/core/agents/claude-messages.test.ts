/** The table of Claude Code's messages: every row proves itself with its own example. */
import { describe, expect, test } from 'vitest';
import { claudeMessages } from '../../../src/core/agents/claude-messages.ts';
import { matchMessage } from '../../../src/core/screen/messages.ts';
import { cpuMsOf } from '../../support/cpu-time.ts';

const context = { now: Date.parse('2026-09-10T12:00:00Z'), zone: 'UTC' };
const { patterns: MESSAGES, prefilter: PREFILTER, toolThrottle } = claudeMessages;
const all = [...MESSAGES, ...(toolThrottle === null ? [] : [toolThrottle])];

describe('[R258] the table of messages', () => {
  test.each(MESSAGES)('$id is the first row that its example matches', ({ id, class: kind, example }) => {
    expect(PREFILTER.test(example)).toBe(true);
    const found = matchMessage(example, 'row', context);
    expect(found?.pattern.id).toBe(id);
    expect(found?.pattern.class).toBe(kind);
  });

  test('every expression is anchored to the start of a message', () => {
    expect(all.filter(({ regex }) => !regex.source.startsWith('^(?:') || regex.multiline)).toEqual([]);
  });

  test('ids are unique', () => {
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  });

  test.each(['rate limit', 'quota', '429', 'Rate limit reached', 'quota exceeded for project', 'HTTP 429'])(
    '[R9] the bare words "%s" are no limit',
    (text) => {
      for (const place of ['bullet', 'plain', 'row'] as const) {
        expect(matchMessage(text, place, context)?.pattern.class).not.toBe('quota');
      }
    },
  );

  test('[R9] the typed 429 of the wire alone is throttling', () => {
    const body =
      '{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your account\'s rate limit."}}';
    expect(matchMessage(`API Error: 429 ${body}`, 'row', context)?.pattern.class).toBe('throttle');
    expect(matchMessage(body, 'row', context)?.pattern.class).toBe('throttle');
  });

  test.each([
    ['hit your', '5h', "You've hit your 5-hour limit · resets 3pm"],
    ['reached your', '7d', 'You have reached your weekly usage limit. Try again later.'],
    ['a model of tomorrow', 'model', "You've reached your Saga 7 limit. Run /usage-credits to continue."],
    ['a model of tomorrow, the other way round', 'model', 'Saga weekly limit reached ∙ resets Oct 9, 9am'],
    ['for a model', 'model', "You've hit your limit for Opus · resets 3pm"],
    ['an organisation', 'monthly', "You've hit your org's monthly usage limit"],
    ['a team', 'monthly', 'Your team has reached its monthly spend limit · ask your admin'],
    ['a dated reset', '7d', "You've hit your limit · resets Oct 9, 9am"],
    ['a plain limit', 'unknown', "You've hit your limit · resets 3pm"],
    ['credits without a reset', 'monthly', "You've run out of usage credits"],
    [
      'another limit than the one in the head',
      '5h',
      "You've hit your monthly spend limit · your session limit resets 2:40pm",
    ],
    ['Portuguese', '7d', 'Limite de uso semanal atingido · Reinicia dom., 7 de jun., 6:00'],
  ])('[R10] [R12] drifting words are read by their shape: %s', (_name, window, text) => {
    expect(matchMessage(text, 'row', context)).toMatchObject({ pattern: { class: 'quota' }, window });
  });

  test.each([
    "You've hit your rate limit",
    "You've hit your context limit",
    "You've hit your fast limit · resets in 1h 5m",
    'Context limit reached · /compact or /clear to continue',
    'Recursion limit reached',
    'File size limit exceeded',
    'Memory limit reached',
    'Request limit exceeded',
    "You've used 99% of your weekly limit · resets Mon 12:00am",
    'Approaching 5-hour limit',
  ])('[R11] "%s" is no hit', (text) => {
    for (const place of ['bullet', 'plain', 'row'] as const) {
      expect(matchMessage(text, place, context)?.pattern.class).not.toBe('quota');
    }
  });

  test('no expression runs away on text made against it', async () => {
    const pieces = [
      "you've hit your ",
      'a ',
      'limit ',
      'api error: ',
      'error: ',
      '· ',
      '(',
      '1',
      ' ',
      '\u00a0',
      'resets ',
      'retrying in ',
      '"',
      'x@',
      '…',
      '%',
    ];
    const slow: string[] = [];
    for (const piece of pieces) {
      for (const start of ['', "you've hit your", 'api error: ', 'claude ', 'approaching ', '99% ']) {
        const text = (start + piece.repeat(10_000)).slice(0, 10_000);
        for (const { id, regex } of all) {
          // A guard against exponential or cubic growth, not a measurement.
          if ((await cpuMsOf(() => regex.test(text))) > 50) slow.push(`${id} on ${start}${piece}`);
        }
      }
    }
    expect(slow).toEqual([]);
  });
});
