/** Every form in which a reset is stated, against a frozen clock. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isZone, parseReset } from '../../../src/core/screen/reset-time.ts';

const at = (text: string, now: string, zone = 'UTC') => {
  const found = parseReset(text, { now: Date.parse(now), zone });
  return found === null ? null : new Date(found.at).toISOString().replace(':00.000Z', 'Z');
};
const NOON = '2026-09-10T12:00:00Z'; // a Thursday

describe('[R31] [R32] parseReset', () => {
  test.each([
    ['resets in 45 minutes', '2026-09-10T12:45Z'],
    ['resets in 1 hour and 5 minutes', '2026-09-10T13:05Z'],
    ['try again in 1 day, 2 hours and 3 minutes', '2026-09-11T14:03Z'],
    ['resets in 1.5 hours', '2026-09-10T13:30Z'],
    ['resets in 2 hours', '2026-09-10T14:00Z'],
    ['resets in 1h 32m', '2026-09-10T13:32Z'],
    ['resets in 1h32m', '2026-09-10T13:32Z'],
    ['resets in 3 days', '2026-09-13T12:00Z'],
    ['try again in 5 days 22 hours 11 minutes.', '2026-09-16T10:11Z'],
    ['resets in an hour', '2026-09-10T13:00Z'],
    ['resets 8pm', '2026-09-10T20:00Z'],
    ['resets at 11:30pm', '2026-09-10T23:30Z'],
    ['resets 5:10pm (Europe/Paris)', '2026-09-10T15:10Z'],
    ['resets 20:00', '2026-09-10T20:00Z'],
    ['resets 3:00 PM', '2026-09-10T15:00Z'],
    ['resets 3 p.m.', '2026-09-10T15:00Z'],
    ['resets 12am', '2026-09-11T00:00Z'],
    ['resets 12pm (America/New_York)', '2026-09-10T16:00Z'],
    ['resets Sep 15 at 7pm', '2026-09-15T19:00Z'],
    ['resets Oct 31, 9am', '2026-10-31T09:00Z'],
    ['resets Oct 31, 9am (UTC) ·', '2026-10-31T09:00Z'],
    ['resets May 31 at 5pm (Asia/Shanghai)', '2026-05-31T09:00Z'],
    ['Your limit will reset at 3pm', '2026-09-10T15:00Z'],
    ['resets May 28 at 19:00 (Europe/Madrid)', '2026-05-28T17:00Z'],
    ['try again at Oct 3rd, 2026 5:01 PM.', '2026-10-03T17:01Z'],
    ['resets Oct 24', '2026-10-24T00:00Z'],
    ['resets 24 Oct at 9am', '2026-10-24T09:00Z'],
    ['Reinicia dom., 13 de set., 6:00', '2026-09-13T06:00Z'],
    ['se restablece a las 15:30', '2026-09-10T15:30Z'],
    ['se réinitialise le 12 sept. à 09:00', '2026-09-12T09:00Z'],
    ['wird am 25. Okt. um 9:00 zurückgesetzt', '2026-10-25T09:00Z'],
    ['try again at 10 de jul. de 2026, 11:52', '2026-07-10T11:52Z'],
    ['try again at 24 nov. 2026, 11:52', '2026-11-24T11:52Z'],
    ['try again at 24.11.2026, 11:52', '2026-11-24T11:52Z'],
    ['try again at 24/11/2026 11:52', '2026-11-24T11:52Z'],
    ['try again at 10/11/2026 11:52', null],
    ['"resets_at": 1789052400,', '2026-09-10T15:00Z'],
    ['Access resets at 1:30 PM GMT+5:30.', '2026-09-11T08:00Z'],
    ['Access resets at 3:40 PM AEST.', '2026-09-11T05:40Z'],
    ['resets Mon 12:00am', '2026-09-14T00:00Z'],
    ['resets Thursday at 9am', '2026-09-17T09:00Z'],
    ['resets Thursday 1pm', '2026-09-10T13:00Z'],
    ['resets tomorrow at 9am', '2026-09-11T09:00Z'],
    ['Resets by 4:00 AM Friday Apr 24', '2026-04-24T04:00Z'],
    ['You will regain access on 2026-10-01 at 00:00 UTC.', '2026-10-01T00:00Z'],
    ['resets 2026-10-01T07:30:00+02:00', '2026-10-01T05:30Z'],
    ['limit reached|1789000000', '2026-09-10T00:26:40.000Z'],
    ['limit reached|1789000000123', '2026-09-10T00:26:40.123Z'],
    ['monthly spend limit · your session limit resets 2:40pm (Asia/Jakarta)', '2026-09-11T07:40Z'],
    ['Continuing automatically at 3:45pm · Esc to cancel', '2026-09-10T15:45Z'],
    ['8pm', '2026-09-10T20:00Z'],
  ])('reads "%s"', (text, expected) => {
    expect(at(text, NOON)).toBe(expected);
  });

  test.each([
    ['resets 1pm (Etc/GMT+5)', '2026-09-10T18:00Z', 'five hours behind, against its sign'],
    ['resets 8:30pm (Asia/Calcutta)', '2026-09-10T15:00Z', 'an alias'],
    ['resets 1pm (America/Cordoba)', '2026-09-10T16:00Z', 'an alias'],
    ['resets 9am (US/Pacific)', '2026-09-10T16:00Z', 'an alias'],
    ['resets 9am (america/los_angeles)', '2026-09-10T16:00Z', 'any case'],
    ['resets 9am (America/ Los_Angeles)', '2026-09-10T16:00Z', 'cut by a wrap'],
    ['resets 9am (PDT)', '2026-09-10T16:00Z', 'an abbreviation'],
    ['resets 9pm (GMT+5:30)', '2026-09-10T15:30Z', 'an offset with its plain sign'],
    ['resets 7:30 PM GMT+5:30.', '2026-09-10T14:00Z', 'an offset outside of parentheses'],
    ['resets 9pm (Mars/Olympus)', '2026-09-10T19:00Z', 'no zone at all: the local one'],
    ['resets 9pm (my laptop)', '2026-09-10T19:00Z', 'no zone at all: the local one'],
    ['resets 9pm (America/Los_An…', '2026-09-10T19:00Z', 'cut off: the local one'],
  ])('[R32] honours the zone in "%s" (%s; %s)', (text, expected) => {
    expect(at(text, NOON, 'Europe/Berlin')).toBe(expected);
  });

  test('[R33] a time of day means its next occurrence, strictly after now', () => {
    expect(at('resets 12pm', NOON)).toBe('2026-09-11T12:00Z');
    expect(at('resets 12:01pm', NOON)).toBe('2026-09-10T12:01Z');
    expect(at('resets 11:59am', NOON)).toBe('2026-09-11T11:59Z');
    expect(at('resets 11am (Asia/Seoul)', '2026-09-20T11:19:00+09:00')).toBe('2026-09-21T02:00Z');
  });

  test('[R34] a date that has just passed stays in the past; one after New Year lies ahead', () => {
    expect(at('resets Sep 9 at 7pm', NOON)).toBe('2026-09-09T19:00Z');
    expect(at('resets Jan 2, 9am', '2026-12-30T12:00:00Z')).toBe('2027-01-02T09:00Z');
    expect(at('resets Dec 31, 9am', '2027-01-01T12:00:00Z')).toBe('2026-12-31T09:00Z');
    expect(at('resets Feb 29, 9am', '2028-02-20T12:00:00Z')).toBe('2028-02-29T09:00Z');
  });

  test('[R32] a clock change takes the later instant', () => {
    // 2:30 does not exist in New York on 2026-03-08; it is read as 3:30.
    expect(at('resets 2:30am (America/New_York)', '2026-03-08T05:00:00Z')).toBe('2026-03-08T07:30Z');
    // 1:30 exists twice on 2026-11-01; the second one is meant.
    expect(at('resets 1:30am (America/New_York)', '2026-11-01T04:00:00Z')).toBe('2026-11-01T06:30Z');
    expect(at('resets 7pm (America/New_York)', '2026-03-08T02:00:00Z')).toBe('2026-03-08T23:00Z');
  });

  test.each(['', 'resets', 'resets soon', 'resets 25:00', 'resets 9', 'resets 13:75', 'resets Feb 30', 'resets 99pm'])(
    'reads nothing in "%s"',
    (text) => {
      expect(at(text, NOON)).toBeNull();
    },
  );

  test('says which words it read and what kind they are', () => {
    const read = (text: string) => parseReset(text, { now: Date.parse(NOON), zone: 'UTC' });
    expect(read('You hit it · resets at 3:45pm (Asia/Jakarta) · /upgrade')).toMatchObject({
      raw: '3:45pm (Asia/Jakarta)',
      kind: 'clock',
    });
    expect(read('resets Oct 24')).toMatchObject({ raw: 'Oct 24', kind: 'dated' });
    expect(read('resets in 2h')).toMatchObject({ raw: 'in 2h', kind: 'relative' });
    expect(read('reached|1789000000')).toMatchObject({ raw: '1789000000', kind: 'epoch' });
  });

  test('never throws, whatever the text, the zone and the clock', () => {
    const words = fc.constantFrom(
      'resets',
      'at',
      'Feb',
      '30',
      '31',
      '12am',
      '99:99',
      '(UTC)',
      '(A/B)',
      'in',
      '9h',
      ',',
      'Mon',
      '|',
      '1789000000',
      '9999999999999',
      '2026-13-45',
      'T',
      '+99:99',
      '0',
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 8 }), fc.string(), fc.integer(), (parts, zone, now) => {
        const found = parseReset(parts.join(' '), { now, zone });
        return found === null || Number.isFinite(found.at);
      }),
      { numRuns: 3_000 },
    );
  });

  test('knows which zones exist', () => {
    expect(['UTC', 'Europe/Paris', 'Etc/GMT+5', 'Mars/Olympus', ''].map(isZone)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});
