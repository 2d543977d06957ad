/** Which buttons stand under which message. */
import { expect, test } from 'vitest';
import { buttonsFor } from '../../../src/core/alerts/buttons.ts';
import type { Message } from '../../../src/core/alerts/message.ts';
import { NOON } from '../../support/builders.ts';

const SUBJECT: Message['subject'] = { pool: 'work', account: null, session: null, swap: null, alert: null };

function labels(change: Partial<Message>): readonly (readonly string[])[] {
  const message: Message = {
    key: 'k',
    event: 'swap_failed',
    severity: 'critical',
    revision: 1,
    since: NOON,
    at: NOON,
    settled: true,
    host: 'box',
    title: 't',
    lines: [],
    slots: [],
    quote: null,
    needs: null,
    subject: SUBJECT,
    ...change,
  };
  return buttonsFor(message).map((row) => row.map(({ label }) => label));
}

test('what is wrong with a pool can be swapped away, held or paused, and its alert acknowledged', () => {
  expect(labels({})).toEqual([['Swap', 'Hold 1 h', 'Pause 1 h']]);
  expect(labels({ subject: { ...SUBJECT, alert: '7' } })).toEqual([['Swap', 'Hold 1 h', 'Pause 1 h'], ['Acknowledge']]);
});

test('a swap under way cannot be asked for again, and a partial one needs hands', () => {
  const underWay = { ...SUBJECT, swap: '1' };
  expect(labels({ event: 'swap_requested', severity: 'info', settled: false, subject: underWay })).toEqual([
    ['Hold 1 h', 'Pause 1 h'],
  ]);
  expect(labels({ event: 'partial_swap', subject: underWay })).toEqual([['Hold 1 h', 'Pause 1 h']]);
});

test('what belongs to no pool can only be paused; what needs nobody has no buttons', () => {
  expect(labels({ event: 'store_quarantined', subject: { ...SUBJECT, pool: null } })).toEqual([['Pause 1 h']]);
  expect(labels({ event: 'swap_completed', severity: 'info', subject: { ...SUBJECT, swap: '1' } })).toEqual([]);
  for (const event of ['test', 'digest', 'summary'] as const) expect(labels({ event })).toEqual([]);
});
