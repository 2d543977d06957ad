import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { retryDelayMs } from '../../../src/core/alerts/back-off.ts';
import {
  asEmailHtml,
  asJson,
  asSubject,
  asTelegramHtml,
  asText,
  TELEGRAM_MAX,
} from '../../../src/core/alerts/message.ts';
import { planTelling } from '../../../src/core/alerts/plan.ts';
import { aMessage, anEvent, aPolicy, KnownByHeart, NOON } from '../../support/telling.ts';

const HOSTILE = [
  '<b>bold</b>',
  '<script>alert(1)</script>',
  '</blockquote><a href="https://evil.example">log in</a>',
  '&lt;b&gt;',
  '"\' onload=x',
  '\u001b[31mred\u001b[0m',
  '\u202egpj.exe',
  'a\u0000b\r\nBcc: all@example.com',
  '\ud83d',
  '*_`[]()~>#+-=|{}.!',
  '\u2028',
];

const hostile = fc
  .array(fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' })), {
    maxLength: 8,
  })
  .map((parts) => parts.join(''));

/** Everything a pane or a file could have put into a message. */
const message = fc
  .record({ title: hostile, line: hostile, quote: hostile, needs: hostile, host: hostile, key: hostile })
  .map(({ title, line, quote, needs, host, key }) => aMessage({ title, lines: [line, line], quote, needs, host, key }));

const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/;

describe('hostile text in the four renderings', () => {
  test('Telegram gets no tag but ours, every other sign escaped, and never too much [R232]', () => {
    fc.assert(
      fc.property(message, (said) => {
        const html = asTelegramHtml(said);
        const bare = html.replace(/<\/?(?:b|i|blockquote)>/g, '');
        expect(bare).not.toMatch(/[<>]/);
        expect(bare.replace(/&(?:amp|lt|gt);/g, '')).not.toContain('&');
        expect(html.match(/<b>/g)).toHaveLength(1);
        expect(html).not.toMatch(CONTROL);
        expect(html.length).toBeLessThanOrEqual(TELEGRAM_MAX);
        expect(Buffer.from(html, 'utf8').toString('utf8')).toBe(html);
      }),
    );
  });

  test('an e-mail gets no tag and no attribute but ours', () => {
    fc.assert(
      fc.property(message, (said) => {
        const own = /<(?:!doctype html|\/?(?:html|h3|ul|li|blockquote|code|p|b)|(?:body|p) style="[^"<>]*"|\/body)>/g;
        const bare = asEmailHtml(said).replace(own, '');
        expect(bare).not.toMatch(/[<>"']/);
        expect(bare).not.toMatch(CONTROL);
      }),
    );
  });

  test('the subject is one line, and plain text forges no line of ours', () => {
    fc.assert(
      fc.property(message, (said) => {
        expect(asSubject(said)).not.toMatch(/[\r\n]/);
        expect(asSubject(said).length).toBeLessThanOrEqual(180);
        const lines = asText(said).split('\n');
        expect(asText(said)).not.toMatch(CONTROL);
        expect(lines.filter((line) => line.startsWith('- '))).toHaveLength(2 + (lines[0]?.startsWith('- ') ? 1 : 0));
      }),
    );
  });

  test('JSON comes back as it went', () => {
    fc.assert(
      fc.property(message, (said) => {
        const sent = JSON.stringify(asJson(said));
        expect(JSON.parse(sent)).toMatchObject({ version: 1, severity: 'warning' });
        expect(sent).not.toMatch(/[\u0000-\u001f]/);
      }),
    );
  });

  test('what a pane shows, in whatever event, brings no tag into any of them', () => {
    fc.assert(
      fc.property(
        hostile,
        fc.constantFrom('login_needed', 'billing_wall', 'swap_requested', 'loop_degraded'),
        (text, type) => {
          const event = anEvent(type, {
            account: text,
            session: text,
            pane: text,
            data: { snippet: text, detail: text },
          });
          for (const { message: said } of planTelling([event], new KnownByHeart(), aPolicy(), NOON).letters) {
            expect(asTelegramHtml(said).replace(/<\/?(?:b|i|blockquote)>/g, '')).not.toMatch(/[<>]/);
            expect(asEmailHtml(said)).not.toMatch(/<(?:script|a|img)\b/i);
            expect(asText(said)).not.toMatch(CONTROL);
          }
        },
      ),
    );
  });
});

test('the longest message fits into a chat, and says what was left out [R232]', () => {
  const html = asTelegramHtml(
    aMessage({ title: '&'.repeat(900), lines: Array.from({ length: 80 }, () => '<'.repeat(900)) }),
  );
  expect(html.length).toBeLessThanOrEqual(TELEGRAM_MAX);
  expect(html).toMatch(/… \d+ more lines/);
});

test('a try waits 1 s · 2^n with some spread, at most five minutes [R229]', () => {
  expect([1, 2, 3, 4].map((failures) => retryDelayMs(failures, 0))).toEqual([1_000, 2_000, 4_000, 8_000]);
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.double({ min: 0, max: 0.999, noNaN: true }), (failures, random) => {
      const ms = retryDelayMs(failures + 1, random);
      expect(ms).toBeGreaterThanOrEqual(1_000);
      expect(ms).toBeLessThanOrEqual(300_000);
    }),
  );
});
