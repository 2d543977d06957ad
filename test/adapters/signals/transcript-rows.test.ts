import { describe, expect, it } from 'vitest';
import { type ClassifyText, readRow } from '../../../src/adapters/signals/transcript-rows.ts';
import type { AssistantRow } from '../../../src/core/verdict/signals.ts';
import { captured } from '../../support/session-files.ts';

/** Stands for the pure detector: as trusting of words as it can be. */
const classifyText: ClassifyText = (text) => {
  if (/rate limit/i.test(text) && !/usage limit/i.test(text)) return { class: 'throttle', window: null, resetAt: null };
  if (/limit/i.test(text) && !/temporarily/.test(text))
    return { class: 'quota', window: '7d', resetAt: 1_795_512_000_000 };
  if (/cap reached/i.test(text)) return { class: 'quota', window: 'unknown', resetAt: null };
  return /balance/i.test(text) ? { class: 'billing', window: null, resetAt: null } : null;
};

/** The last assistant row of a capture. */
function lastAssistant(capture: string): AssistantRow | undefined {
  return captured(`${capture}.transcript.jsonl`)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => readRow(JSON.parse(line), classifyText))
    .filter((found) => found?.kind === 'assistant')
    .map((found) => found?.row as AssistantRow)
    .at(-1);
}

function assistant(fields: Readonly<Record<string, unknown>>, text = 'some text'): AssistantRow {
  const message = { role: 'assistant', content: [{ type: 'text', text }] };
  const row = { type: 'assistant', uuid: 'u', timestamp: '2026-11-20T09:35:00Z', message, ...fields };
  const found = readRow(row, classifyText);
  if (found?.kind !== 'assistant') throw new Error('no assistant row');
  return found.row;
}

describe('rows of the real CLI', () => {
  it.each([
    ['claude-latest-q5h', { kind: 'rejected', window: '5h', resetAt: 1_795_178_067_000 }],
    ['claude-latest-qopus', { kind: 'rejected', window: 'model', resetAt: 1_795_512_901_000 }],
    ['claude-2.0.76-q7d', { kind: 'rejected', window: '7d', resetAt: 1_795_512_000_000 }],
    ['claude-1.0.128-q5h', { kind: 'rejected', window: null, resetAt: null }],
  ])('a limit in %s is a rejection with its window and reset [R251] [R252]', (capture, expected) => {
    expect(lastAssistant(capture)).toMatchObject(expected);
  });

  it.each([
    ['claude-latest-r429bare', 'throttle'],
    ['claude-2.0.76-r429bare', 'throttle'],
    ['claude-latest-e500rl', 'error'],
    ['claude-2.0.76-e500rl', 'error'],
    ['claude-latest-e400bal', 'billing'],
    ['claude-1.0.128-e400bal', 'billing'],
    ['claude-latest-e401', 'auth'],
    ['claude-2.0.76-e401', 'auth'],
    ['claude-latest-warn5h', 'answer'],
  ])('%s is no rejection but %s [R252]', (capture, kind) => {
    expect(lastAssistant(capture)).toMatchObject({ kind, window: null, resetAt: null });
  });
});

describe('one assistant row', () => {
  const error = { isApiErrorMessage: true, error: 'rate_limit' };

  it.each([
    ['five_hour', '5h'],
    ['seven_day', '7d'],
    ['seven_day_overage_included', '7d'],
    ['seven_day_opus', 'model'],
    ['seven_day_sonnet', 'model'],
    ['overage', 'monthly'],
    ['seven_day_fable', 'model'],
    ['something_new', null],
    [undefined, null],
  ])('with the limit %s tells the window %s', (rateLimitType, window) => {
    expect(assistant({ ...error, quotaLimits: { status: 'rejected', rateLimitType } })).toMatchObject({
      kind: 'rejected',
      window,
      resetAt: null,
    });
  });

  it('with a limit of an unknown kind tells the window that its text names', () => {
    for (const rateLimitType of ['something_new', undefined]) {
      const quotaLimits = { status: 'rejected', rateLimitType };
      expect(assistant({ ...error, quotaLimits }, 'Weekly limit reached').window).toBe('7d');
      expect(assistant({ ...error, quotaLimits }, 'Cap reached').window).toBeNull();
    }
    const known = { status: 'rejected', rateLimitType: 'five_hour' };
    expect(assistant({ ...error, quotaLimits: known }, 'Weekly limit reached').window).toBe('5h');
  });

  it('is no rejection when the error is transient, whatever else it says', () => {
    const transient = { ...error, apiErrorIsTransient: true, quotaLimits: { status: 'rejected' } };
    expect(assistant(transient, 'usage limit reached')).toMatchObject({ kind: 'throttle' });
  });

  it('is no rejection when the limits allowed it, whatever the text says', () => {
    const allowed = { ...error, quotaLimits: { status: 'allowed_warning' } };
    expect(assistant(allowed, 'usage limit reached')).toMatchObject({ kind: 'throttle' });
  });

  it('is an answer when the words of a limit are the model’s own [R252]', () => {
    expect(assistant({}, "You've hit your session limit · resets 6pm")).toMatchObject({ kind: 'answer' });
    expect(assistant({ quotaLimits: { status: 'rejected' } }, 'quoted')).toMatchObject({ kind: 'answer' });
  });

  it('reads a limit in the text of an error row without status fields [R252]', () => {
    expect(assistant({ isApiErrorMessage: true }, 'Weekly limit reached')).toMatchObject({
      kind: 'rejected',
      window: '7d',
    });
    expect(assistant({ ...error, apiErrorStatus: 429 }, 'Weekly limit reached')).toMatchObject({ kind: 'rejected' });
  });

  it.each([
    [{ error: 'server_error' }, 'error'],
    [{ error: 'unknown' }, 'error'],
    [{ error: 'invalid_request', apiErrorStatus: 400 }, 'error'],
    [{ apiErrorStatus: 500 }, 'error'],
    [{ error: 'overloaded' }, 'throttle'],
    [{ error: 'server_error', apiErrorStatus: 529 }, 'throttle'],
    [{ error: 'account_on_hold' }, 'auth'],
    [{ apiErrorStatus: 403 }, 'auth'],
    [{ error: 'rate_limit', apiError: 'model_requires_usage_credits' }, 'billing'],
  ])('with %j is %s although its text names a limit', (fields, kind) => {
    expect(assistant({ isApiErrorMessage: true, ...fields }, 'usage limit reached')).toMatchObject({ kind });
  });

  it('keeps at most 400 characters of text', () => {
    expect(assistant({}, 'x'.repeat(1_000)).text).toHaveLength(400);
  });
});

describe('other rows', () => {
  const at = { timestamp: '2026-11-20T09:35:00Z', uuid: 'u' };
  const user = (content: unknown, fields: Readonly<Record<string, unknown>> = {}) =>
    readRow({ type: 'user', ...at, message: { role: 'user', content }, ...fields }, classifyText);

  it('are left out when they belong to a sidechain, have no time or are no rows [R252]', () => {
    for (const row of [
      { type: 'assistant', ...at, isSidechain: true },
      { type: 'assistant' },
      null,
      7,
      'text',
      [],
      {},
    ]) {
      expect(readRow(row, classifyText)).toBeNull();
    }
  });

  it('are prompts when a person gave them', () => {
    expect(user('continue')).toMatchObject({ kind: 'prompt', row: { text: 'continue', isMeta: false } });
    expect(user([{ type: 'text', text: 'go on' }], { origin: { kind: 'human' } })).toMatchObject({
      row: { text: 'go on', isMeta: false },
    });
  });

  it('are marked when the CLI wrote them itself', () => {
    expect(user('x', { isMeta: true })).toMatchObject({ row: { isMeta: true } });
    expect(user('x', { isCompactSummary: true })).toMatchObject({ row: { isMeta: true } });
    expect(user('x', { origin: { kind: 'auto-continuation' } })).toMatchObject({ row: { isMeta: true } });
    expect(user('[Request interrupted by user]')).toMatchObject({ row: { isMeta: true } });
  });

  it('are no prompts when they carry the result of a tool', () => {
    expect(user([{ type: 'tool_result', content: "You've hit your limit" }])).toMatchObject({ kind: 'tool-result' });
  });
});
