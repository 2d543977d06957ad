import { describe, expect, test } from 'vitest';
import { quietUntil } from '../../../src/core/alerts/quiet.ts';

const at = (iso: string): number => Date.parse(iso);
const night = { enabled: true, from: '22:00', to: '07:00', zone: 'UTC' } as const;

describe('quiet hours [R231]', () => {
  test.each([
    ['2026-01-05T21:59:59Z', null],
    ['2026-01-05T22:00:00Z', '2026-01-06T07:00:00Z'],
    ['2026-01-06T03:30:15.250Z', '2026-01-06T07:00:00Z'],
    ['2026-01-06T06:59:59Z', '2026-01-06T07:00:00Z'],
    ['2026-01-06T07:00:00Z', null],
  ])('around midnight, %s is quiet until %s', (now, until) => {
    expect(quietUntil(night, at(now))).toBe(until === null ? null : at(until));
  });

  test('they follow the wall clock of their zone', () => {
    expect(quietUntil({ ...night, zone: 'America/New_York' }, at('2026-01-06T04:00:00Z'))).toBe(
      at('2026-01-06T12:00:00Z'),
    );
  });

  test('within a day, switched off, and without length', () => {
    expect(quietUntil({ ...night, from: '9:00', to: '10:00' }, at('2026-01-06T09:30:00Z'))).toBe(
      at('2026-01-06T10:00:00Z'),
    );
    expect(quietUntil({ ...night, enabled: false }, at('2026-01-05T23:00:00Z'))).toBeNull();
    expect(quietUntil({ ...night, to: '22:00' }, at('2026-01-05T23:00:00Z'))).toBeNull();
  });
});
