/** What is taken over of a former program's state file, and what is left. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readFormerState } from '../../../src/core/quota/former-state.ts';
import type { ImportFacts } from '../../../src/core/quota/import-plan.ts';
import { planImport } from '../../../src/core/quota/import-plan.ts';
import type { QuotaRecord } from '../../../src/core/quota/record.ts';
import { DAY, HOUR, MINUTE } from '../../../src/core/time.ts';
import { anAccountRow, aRecord, NOON } from '../../support/builders.ts';

const iso = (at: number) => new Date(at).toISOString();

function plan(account: object, facts: Partial<ImportFacts> = {}) {
  const state = readFormerState({ accounts: [{ name: 'work', ...account }] });
  if (state === null) throw new Error('no state');
  return planImport(
    state,
    { names: ['work'], rows: [anAccountRow()], quota: [], savedAt: NOON - HOUR, ...facts },
    NOON,
  );
}

const until = iso(NOON + 2 * HOUR);
const limited: Partial<QuotaRecord> = { limitReached: true, used: 1, resetAt: NOON + 2 * HOUR, source: 'manual' };

describe('the lock that stood beside the quota [R146]', () => {
  test.each([
    [
      'in the future, with no quota, becomes a record',
      { rate_limited_until: until },
      {},
      [{ ...limited, window: 'unknown' }],
    ],
    [
      'newer than the quota beside it becomes a record',
      {
        rate_limited_until: until,
        rate_limited_at: iso(NOON - MINUTE),
        quota: { '5h': { used: 0.2, reset_at: iso(NOON + HOUR), updated_at: iso(NOON - HOUR) } },
      },
      {},
      [
        { window: '5h', used: 0.2, limitReached: false },
        { ...limited, window: 'unknown' },
      ],
    ],
    [
      'older than the quota beside it is dropped',
      {
        rate_limited_until: until,
        rate_limited_at: iso(NOON - HOUR),
        quota: { '5h': { used: 0.2, reset_at: iso(NOON + HOUR), updated_at: iso(NOON - MINUTE) } },
      },
      {},
      [{ window: '5h', used: 0.2, limitReached: false }],
    ],
    [
      'that ends with the window beside it is that window',
      {
        rate_limited_until: until,
        rate_limited_at: iso(NOON - MINUTE),
        quota: { five_hour: { used_percentage: 97, resets_at: until, updated_at: iso(NOON - HOUR) } },
      },
      {},
      [{ ...limited, window: '5h' }],
    ],
    ['older than what is known here is dropped', { rate_limited_until: until }, { quota: [aRecord()] }, []],
    ['in the past is dropped', { rate_limited_until: iso(NOON - 1) }, {}, []],
    ['of the year 1 is none', { rate_limited_until: '0001-01-01T00:00:00Z' }, {}, []],
    ['that would last for months is dropped', { rate_limited_until: iso(NOON + 90 * DAY) }, {}, []],
    [
      'in epoch seconds is read',
      { rate_limited_until: (NOON + 2 * HOUR) / 1000 },
      {},
      [{ ...limited, window: 'unknown' }],
    ],
    ['that is no time is dropped', { rate_limited_until: 'tomorrow' }, {}, []],
  ])('%s', (_, account, facts, records) => {
    expect(plan(account, facts).records).toMatchObject(records);
  });
});

test.each([
  ['rate_limited', []],
  ['LIMITED', []],
  ['active', []],
  ['standby', []],
  ['disabled', [{ account: 'work', status: 'disabled' }]],
  ['needs-login', [{ account: 'work', status: 'expired' }]],
  ['banned', [{ account: 'work', status: 'banned' }]],
  ['asleep', []],
  [7, []],
])('the status %j is coerced to one that is known here [R146]', (status, statuses) => {
  expect(plan({ status }).statuses).toEqual(statuses);
});

test('a mark that is here already is the newer one', () => {
  const rows = [anAccountRow({ status: 'banned' })];
  expect(plan({ status: 'disabled' }, { rows })).toMatchObject({
    statuses: [],
    left: ['work.status: it is banned here'],
  });
});

test.each([
  [{ used: -1, reset_at: until }],
  [{ used: 'much', reset_at: until }],
  [{ used_percent: 950, reset_at: until }],
  [{ used: 0.5 }],
  [{ used: 0.5, reset_at: iso(NOON - 1) }],
  [{ reset_at: until }],
  [7],
])('a window that says %j is left, with the reason', (window) => {
  const { records, left } = plan({ quota: { '5h': window } });
  expect(records).toEqual([]);
  expect(left.join()).toContain('work.quota.5h: ');
});

test('our own state.json is read as well', () => {
  const account = {
    state: 'limited',
    quota: { '7d': { used: 1, reset_at: until, limit_reached: true } },
    lock_until: null,
  };
  expect(plan(account).records).toMatchObject([{ ...limited, window: '7d' }]);
});

test('whatever the file holds, every record is one of a configured account that ends, and nothing throws', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.jsonValue(), fc.jsonValue(), (whole, lock, quota) => {
      for (const value of [whole, { accounts: [{ name: 'work', rate_limited_until: lock, quota }] }]) {
        const state = readFormerState(value);
        if (state === null) continue;
        const facts = { names: ['work'], rows: [], quota: [], savedAt: NOON };
        for (const { account, resetAt } of planImport(state, facts, NOON).records) {
          expect(account).toBe('work');
          expect(resetAt).toBeGreaterThan(NOON);
        }
      }
    }),
    { numRuns: 500 },
  );
});
