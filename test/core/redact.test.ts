import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { redact, snippet } from '../../src/core/redact.ts';
import { cpuMsOf } from '../support/cpu-time.ts';

const word = (alphabet: string, minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength, maxLength });
const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789_-';
const body = word(ALPHABET, 32, 120);
const shaped = fc.oneof(
  body.map((text) => ({ secret: text, shown: `sk-ant-oat01-${text}` })),
  body.map((text) => ({ secret: text, shown: `Authorization: Bearer ${text}` })),
  body.map((text) => ({ secret: text, shown: `{"accessToken":"${text}"}` })),
  body.map((text) => ({ secret: text, shown: JSON.stringify(`{"refresh_token": "${text}"}`) })),
  body.map((text) => ({ secret: text, shown: `https://api.telegram.org/bot123456789:${text}/getMe` })),
  fc
    .tuple(body, body)
    .map(([payload, sign]) => ({ secret: payload, shown: `eyJhbGciOiJIUzI1NiJ9.${payload}.${sign}` })),
);
/** What may stand around a secret: anything that is not a part of the secret's own alphabet. */
const around = fc.string({ unit: fc.constantFrom(...' \n.,;()[]{}"\'=/äß€'), maxLength: 20 });

describe('redact', () => {
  test('no secret survives, whatever stands around it', () => {
    fc.assert(
      fc.property(around, shaped, around, (before, { secret, shown }, after) => {
        expect(redact(before + shown + after)).not.toContain(secret);
      }),
    );
  });

  test('masking twice is masking once', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            around,
            fc.string(),
            shaped.map(({ shown }) => shown),
          ),
        ),
        (parts) => {
          const once = redact(parts.join(''));
          expect(redact(once)).toBe(once);
        },
      ),
    );
  });

  test.each([
    'Claude usage limit reached. Your limit will reset at 3pm (Europe/Berlin).',
    'src/store/lock.ts:120 took 12:30:45 and 1767600000:ok',
    'mail to someone@example.org about the bearer of news',
    '{"account":"work","tokens":1200}',
  ])('ordinary text stays letter for letter: %s', (text) => {
    expect(redact(text)).toBe(text);
  });

  test('a token field that the screen cut off is masked to the end', () => {
    expect(redact('{"accessToken":"sk-part\nand-more')).toBe('{"accessToken":"[masked]');
  });

  test.each(['eyJ', 'Bearer ', '1', '"accessToken":', 'sk-', '\x1b[', '\x1b]', 'eyJ-'])(
    'a hostile screen made of %j costs linear time',
    async (piece) => {
      const text = piece.repeat(400_000 / piece.length);
      expect(await cpuMsOf(() => snippet(text, 1_000))).toBeLessThan(1_000);
    },
  );
});

describe('snippet', () => {
  test('is never longer than asked, has no control characters but line feeds, and no half of a character', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\x1b[31m', '\x1b]0;t\x07', '\u202e', '\x9b'),
    );
    fc.assert(
      fc.property(fc.array(hostile), fc.nat(60), (parts, maxChars) => {
        const piece = snippet(parts.join(''), maxChars);
        expect(piece.length).toBeLessThanOrEqual(maxChars);
        expect(piece).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u200b]/);
        expect(Buffer.from(piece).toString()).toBe(piece);
      }),
    );
  });

  test('a colour change inside a token does not hide it, nor does the cut leave half of it', () => {
    const token = `sk-ant-oat01-${'A'.repeat(20)}\x1b[1m${'B'.repeat(20)}`;
    expect(snippet(`key ${token} end`, 100)).toBe('key [masked] end');
    expect(snippet(`key ${token} end`, 30)).not.toContain('AAAA');
  });

  test('a cut is marked', () => {
    expect(snippet('0123456789', 5)).toBe('0123…');
    expect(snippet('01234', 5)).toBe('01234');
    expect(snippet('01234', 0)).toBe('');
  });
});
