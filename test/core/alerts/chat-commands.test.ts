/** What people type, and how often. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { admit, CHAT_COMMANDS, parseChatCommand, RATE } from '../../../src/core/alerts/chat-commands.ts';
import { asChatBlock, asChatHtml, hideEmails } from '../../../src/core/alerts/chat-text.ts';
import { MINUTE } from '../../../src/core/time.ts';
import { NOON, PROPERTY_TIMEOUT_MS, RUNS } from '../../support/builders.ts';
import { plainOf } from '../../support/telegram-server.ts';

const parse = (text: string) => parseChatCommand(text, 'failover_bot');

describe('reading a command', () => {
  test.each([
    ['/status', { kind: 'status' }],
    ['  /Status@Failover_Bot  ', { kind: 'status' }],
    ['/start', { kind: 'help' }],
    ['/tasks', { kind: 'tasks' }],
    ['/quota', { kind: 'accounts' }],
    ['/swap', { kind: 'swap', account: null }],
    ['/swap work-2', { kind: 'swap', account: 'work-2' }],
    ['/pause', { kind: 'pause', forMs: null }],
    ['/pause 1h', { kind: 'pause', forMs: 60 * MINUTE }],
    ['/pause 90 m', { kind: 'pause', forMs: 90 * MINUTE }],
    ['/why', { kind: 'why', subject: 'last' }],
    ['/why main:0.0', { kind: 'why', subject: 'main:0.0' }],
    ['/ack 17', { kind: 'ack', id: '17' }],
  ])('%s', (text, command) => {
    expect(parse(text)).toEqual(command);
  });

  test.each(['/swap a b', '/pause soon', '/pause 10s', '/pause 8d', '/ack', '/drop', '/task'])(
    '%s is answered with what would be right',
    (text) => {
      expect(parse(text)).toMatchObject({ kind: 'wrong' });
    },
  );

  test.each(['hello', 'status', '/ status', '/status@other_bot', '', '/'])('"%s" is nothing for us', (text) => {
    expect(parse(text)).toBeNull();
  });

  test('every command of the list is understood', () => {
    for (const { name, usage } of CHAT_COMMANDS) {
      expect(usage.startsWith(`/${name}`)).toBe(true);
      expect(parse(`/${name} ${name === 'ack' ? '1' : ''}`)?.kind).toBe(name);
    }
  });
});

test('more than twenty a minute are told to wait once, then ignored, and heard again when they were quiet', () => {
  let asked: readonly number[] = [];
  const ask = (now: number) => {
    const answer = admit(asked, now);
    asked = answer.asked;
    return answer.verdict;
  };
  for (let i = 0; i < RATE.perMinute; i++) expect(ask(NOON + i)).toBe('answer');
  expect(ask(NOON + 100)).toBe('slow_down');
  expect(ask(NOON + 101)).toBe('ignore');
  expect(ask(NOON + MINUTE + 200)).toBe('answer');
});

describe('answers', () => {
  test(
    'whatever stands in them, Telegram can read them and they are not too long [R232]',
    () => {
      const hostile = fc.oneof(
        fc.string({ unit: 'grapheme', maxLength: 600 }),
        fc
          .constantFrom('<b>', '</pre>', '&amp', '&#x3c;', '<a href="x">', '\u202e', '\ud800', '&lt;b&gt;')
          .map((s) => s.repeat(90)),
      );
      fc.assert(
        fc.property(fc.array(hostile, { maxLength: 60 }), (lines) => {
          for (const html of [asChatHtml(lines), asChatBlock(lines.join('\n'))]) {
            const plain = plainOf(html);
            expect(plain).not.toBeNull();
            expect(html.length).toBeLessThanOrEqual(4096);
          }
        }),
        { numRuns: Math.min(RUNS, 5_000) },
      );
    },
    PROPERTY_TIMEOUT_MS,
  );

  test('neither a token nor the address of an account leaves [R232]', () => {
    const line =
      'ada.lovelace@example.com uses sk-ant-oat01-abcdefghijklmnop and 123456:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw';
    for (const html of [asChatHtml([line]), asChatBlock(line)]) {
      expect(html).not.toMatch(/lovelace|example\.com|sk-ant-oat01|AAHdq/);
      expect(html).toContain('ad…@e…');
    }
    expect(hideEmails('a@b is no address, main:0.0 neither')).toBe('a@b is no address, main:0.0 neither');
  });
});
