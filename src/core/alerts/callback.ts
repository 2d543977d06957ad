/** What a button under a chat message carries: a wish, signed for one chat and a short time, in Telegram's 64 bytes. */
import type { EpochMs } from '../time.ts';
import { MINUTE, SECOND } from '../time.ts';

/** `swap` asks back, `swap_now` and `keep` are the answers to that; `hold` and `pause` last an hour. */
export type ButtonAction = 'swap' | 'swap_now' | 'hold' | 'pause' | 'ack' | 'keep';

export interface ButtonWish {
  readonly action: ButtonAction;
  /** What it is about: a pool, `pool/account`, the id of an alert; empty for `pause`. */
  readonly subject: string;
}

/** One button of a message, with the data that comes back when it is pressed. */
export interface Button {
  readonly label: string;
  readonly data: string;
}

/** A keyed hash of a text: 16 bytes or more as base64url, without padding. */
export type Mac = (text: string) => string;

/** How long a button works. */
export const BUTTON_MS = 15 * MINUTE;
/** Telegram takes 1 to 64 bytes (core.telegram.org/bots/api#inlinekeyboardbutton). */
export const MAX_CALLBACK_BYTES = 64;

const CODES: Readonly<Record<ButtonAction, string>> = {
  swap: 's',
  swap_now: 'n',
  hold: 'h',
  pause: 'p',
  ack: 'a',
  keep: 'k',
};
const ACTIONS = new Map(Object.entries(CODES).map(([action, code]) => [code, action as ButtonAction]));
const MAC_CHARS = 22;
const NONCE_CHARS = 8;
const EXPIRY_CHARS = 7;
/** What is left for the subject; a longer one is replaced by its hash. */
const REF_CHARS = MAX_CALLBACK_BYTES - 1 - EXPIRY_CHARS - NONCE_CHARS - MAC_CHARS;

/**
 * @param chat   the id of the only chat from which it will be accepted
 * @param nonce  8 characters of base64url, never used before: two buttons of one wish are two
 * @throws {RangeError} the nonce or the hash is not what it must be
 */
export function signWish(wish: ButtonWish, chat: number, expiresAt: EpochMs, nonce: string, mac: Mac): string {
  const expiry = Math.floor(expiresAt / SECOND)
    .toString(36)
    .padStart(EXPIRY_CHARS, '0');
  if (!/^[\w-]{8}$/.test(nonce) || expiry.length !== EXPIRY_CHARS) throw new RangeError('nonce or expiry is malformed');
  const body = `${CODES[wish.action]}${expiry}${nonce}${refOf(wish.subject, mac)}`;
  const signature = sign(body, chat, mac);
  if (!/^[\w-]{22}$/.test(signature)) throw new RangeError('the hash is too short');
  return signature + body;
}

export type ReadWish =
  | {
      readonly kind: 'wish';
      readonly action: ButtonAction;
      /** Compare with `refOf` of what it may be about. */
      readonly ref: string;
      readonly expiresAt: EpochMs;
      /** Names this very button, for ever. */
      readonly id: string;
    }
  | { readonly kind: 'refused'; readonly reason: 'forged' | 'expired' };

/** Reads what came back. Whatever was not signed here for this chat is forged; the time is looked at only after that. */
export function readWish(data: string, chat: number, now: EpochMs, mac: Mac): ReadWish {
  const signature = data.slice(0, MAC_CHARS);
  const body = data.slice(MAC_CHARS);
  const match = /^([a-z])([0-9a-z]{7})[\w-]{8}([\x21-\x7e]*)$/.exec(body);
  // The hash is made for every input, so that the time it takes tells nothing.
  const isOurs = isEqual(signature, sign(body, chat, mac)) && data.length <= MAX_CALLBACK_BYTES;
  const action = ACTIONS.get(match?.[1] ?? '');
  if (!isOurs || match?.[2] === undefined || action === undefined) return { kind: 'refused', reason: 'forged' };
  const expiresAt = Number.parseInt(match[2], 36) * SECOND;
  if (expiresAt <= now) return { kind: 'refused', reason: 'expired' };
  return { kind: 'wish', action, ref: match[3] ?? '', expiresAt, id: signature };
}

/** A short printable name of a subject: itself where it fits, else its hash. */
export function refOf(subject: string, mac: Mac): string {
  const isPlain = /^[\x21-\x7d]*$/.test(subject) && subject.length <= REF_CHARS;
  return isPlain ? subject : `~${mac(`subject\n${subject}`).slice(0, REF_CHARS - 1)}`;
}

function sign(body: string, chat: number, mac: Mac): string {
  return mac(`button\n${chat}\n${body}`).slice(0, MAC_CHARS);
}

/** Without an early end. */
function isEqual(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < b.length; i++) difference |= (a.charCodeAt(i) || 0) ^ b.charCodeAt(i);
  return difference === 0;
}
