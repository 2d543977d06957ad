/** Checks that a stored JSON value is a message. */

import type { Message } from '../core/alerts/message.ts';
import { asObject } from '../core/json.ts';
import { asListOf } from './json.ts';

/** The message, or null when the value is none. */
export function asMessage(value: unknown): Message | null {
  const record = asObject(value);
  if (record === null || asObject(record.subject) === null) return null;
  const texts = [record.key, record.event, record.severity, record.host, record.title];
  const numbers = [record.revision, record.since, record.at];
  const lists = [record.lines, record.slots].map((list) =>
    asListOf(list, (line) => (typeof line === 'string' ? line : null)),
  );
  const isWhole =
    texts.every((text) => typeof text === 'string') &&
    numbers.every((number) => typeof number === 'number') &&
    lists.every((list) => list !== null) &&
    typeof record.settled === 'boolean' &&
    [record.quote, record.needs].every((text) => text === null || typeof text === 'string');
  return isWhole ? (value as Message) : null;
}
