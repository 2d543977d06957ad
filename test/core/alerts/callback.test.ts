/** Buttons: what was not signed here, for this chat and this quarter of an hour, is nothing. */
import { createHmac, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ButtonWish, Mac } from '../../../src/core/alerts/callback.ts';
import { BUTTON_MS, MAX_CALLBACK_BYTES, readWish, refOf, signWish } from '../../../src/core/alerts/callback.ts';
import { NOON, PROPERTY_TIMEOUT_MS, RUNS } from '../../support/builders.ts';

const keyed =
  (key: string): Mac =>
  (text) =>
    createHmac('sha256', key).update(text).digest('base64url');
const mac = keyed('key of the daemon');
const CHAT = -1001234567890;
const nonce = () => randomBytes(6).toString('base64url');
const wish: ButtonWish = { action: 'swap_now', subject: 'work/work-2' };
const sign = (of: ButtonWish = wish, chat = CHAT) => signWish(of, chat, NOON + BUTTON_MS, nonce(), mac);

const anyWish = fc.record({
  action: fc.constantFrom<ButtonWish['action']>('swap', 'swap_now', 'hold', 'pause', 'ack', 'keep'),
  subject: fc.oneof(fc.string({ maxLength: 130 }), fc.stringMatching(/^[a-z][\w./@-]{0,129}$/)),
});

describe('what was signed here', () => {
  test(
    'comes back as it was, in at most 64 bytes, whatever it is about',
    () => {
      fc.assert(
        fc.property(anyWish, fc.integer({ min: -(2 ** 52), max: 2 ** 52 }), (of, chat) => {
          const data = signWish(of, chat, NOON + BUTTON_MS, nonce(), mac);
          expect(Buffer.byteLength(data)).toBeLessThanOrEqual(MAX_CALLBACK_BYTES);
          const read = readWish(data, chat, NOON, mac);
          expect(read).toMatchObject({ kind: 'wish', action: of.action, ref: refOf(of.subject, mac) });
        }),
        { numRuns: RUNS },
      );
    },
    PROPERTY_TIMEOUT_MS,
  );

  test('is good for a quarter of an hour', () => {
    const data = sign();
    expect(readWish(data, CHAT, NOON + BUTTON_MS - 1, mac).kind).toBe('wish');
    expect(readWish(data, CHAT, NOON + BUTTON_MS, mac)).toEqual({ kind: 'refused', reason: 'expired' });
  });

  test('is another button each time', () => {
    expect(sign()).not.toBe(sign());
  });

  test('names a long subject by its hash, so that two long ones are told apart', () => {
    const long = 'a'.repeat(60);
    expect(refOf(`${long}1`, mac)).not.toBe(refOf(`${long}2`, mac));
    expect(refOf('~', mac)).not.toBe('~');
  });
});

describe('what was not', () => {
  test(
    'any other chat, key, letter or length: 0 of all are accepted',
    () => {
      let accepted = 0;
      const tell = (data: string, chat = CHAT, key = mac) => {
        if (readWish(data, chat, NOON, key).kind === 'wish') accepted += 1;
      };
      const original = sign();
      for (let at = 0; at < original.length; at++) {
        for (const letter of ['a', 'A', '0', '_', '~', ' ']) {
          if (original[at] !== letter) tell(original.slice(0, at) + letter + original.slice(at + 1));
        }
        tell(original.slice(0, at));
        tell(original.slice(at + 1));
        tell(`${original.slice(0, at)}x${original.slice(at)}`);
      }
      fc.assert(
        fc.property(anyWish, fc.integer(), fc.string({ maxLength: 80 }), fc.nat(63), (of, chat, noise, cut) => {
          const data = signWish(of, CHAT, NOON + BUTTON_MS, nonce(), mac);
          if (chat !== CHAT) tell(data, chat);
          tell(data, CHAT, keyed('another key'));
          tell(noise);
          const cutOff = data.slice(0, cut) + noise;
          if (cutOff !== data) tell(cutOff);
          tell(signWish(of, CHAT, NOON + BUTTON_MS, nonce(), keyed(noise)));
          // The signature of one button over the body of another.
          tell(original.slice(0, 22) + data.slice(22));
        }),
        { numRuns: RUNS },
      );
      expect(accepted).toBe(0);
    },
    PROPERTY_TIMEOUT_MS,
  );

  test('a later end cannot be written into it', () => {
    const data = sign();
    const later = Math.ceil((NOON + 99 * BUTTON_MS) / 1000)
      .toString(36)
      .padStart(7, '0');
    const forged = `${data.slice(0, 23)}${later}${data.slice(30)}`;
    expect(forged).toHaveLength(data.length);
    expect(readWish(forged, CHAT, NOON, mac)).toEqual({ kind: 'refused', reason: 'forged' });
  });

  test('an old button of another chat is called forged, not expired: the time is read only from what is ours', () => {
    expect(readWish(sign(), CHAT + 1, NOON + 99 * BUTTON_MS, mac)).toEqual({ kind: 'refused', reason: 'forged' });
  });
});
