/** Which account is swapped to. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AccountFacts } from '../../../src/core/quota/eligibility.ts';
import { isEligible } from '../../../src/core/quota/eligibility.ts';
import type { Strategy } from '../../../src/core/quota/selection.ts';
import { chooseTarget } from '../../../src/core/quota/selection.ts';
import { HOUR, MINUTE } from '../../../src/core/time.ts';
import {
  aHome,
  aLimitedAccount,
  anAccount,
  anAccountRow,
  aRecord,
  ELIGIBILITY,
  NOON,
  PROPERTY_TIMEOUT_MS,
  RUNS,
} from '../../support/builders.ts';

const active = aLimitedAccount('active', NOON + 3 * HOUR);

function choose(others: readonly AccountFacts[], strategy: Strategy = 'priority') {
  return chooseTarget([active, ...others], 'active', strategy, NOON, ELIGIBILITY);
}

const used = (name: string, share: number, change: Partial<AccountFacts> = {}) =>
  anAccount(name, { quota: [aRecord({ account: name, used: share })], ...change });
const resetting = (name: string, resetAt: number, change: Partial<AccountFacts> = {}) =>
  anAccount(name, { quota: [aRecord({ account: name, resetAt })], ...change });
const left = (name: string, at: number) => anAccountRow({ name, leftAt: at });

test.each<readonly [Strategy, string, readonly AccountFacts[], string]>([
  ['priority', 'the best priority', [anAccount('a', { priority: 20 }), anAccount('b', { priority: 5 })], 'b'],
  ['priority', 'a tie by most headroom', [used('a', 0.6), used('b', 0.2)], 'b'],
  [
    'priority',
    'a second tie by the longest rest',
    [anAccount('a', { row: left('a', NOON - HOUR) }), anAccount('b', { row: left('b', NOON - 2 * HOUR) })],
    'b',
  ],
  ['priority', 'never used before used', [anAccount('a', { row: left('a', NOON - HOUR) }), anAccount('b')], 'b'],
  ['priority', 'the last tie by name', [anAccount('b'), anAccount('a')], 'a'],
  [
    'most_headroom',
    'the most headroom, before priority',
    [used('a', 0.6, { priority: 1 }), used('b', 0.2, { priority: 9 })],
    'b',
  ],
  ['most_headroom', 'a tie by priority', [used('a', 0.2, { priority: 9 }), used('b', 0.2, { priority: 1 })], 'b'],
  ['most_headroom', 'an account without figures counts as free', [used('a', 0.1), anAccount('b')], 'b'],
  [
    'earliest_reset',
    'the window that resets soonest, before priority',
    [resetting('a', NOON + 2 * HOUR, { priority: 1 }), resetting('b', NOON + HOUR, { priority: 9 })],
    'b',
  ],
  [
    'earliest_reset',
    'an account without a known reset comes last',
    [anAccount('a', { priority: 1 }), resetting('b', NOON + HOUR)],
    'b',
  ],
  ['earliest_reset', 'a tie by priority', [anAccount('a', { priority: 9 }), anAccount('b', { priority: 1 })], 'b'],
])('%s chooses by %s [R53]', (strategy, _, accounts, expected) => {
  expect(choose(accounts, strategy)).toMatchObject({ kind: 'chosen', to: expected });
  expect(choose([...accounts].reverse(), strategy)).toMatchObject({ to: expected });
});

test('the fullest window decides about headroom, and a window of one model is not one of the account [R53 R135]', () => {
  const a = anAccount('a', { quota: [aRecord({ used: 0.1 }), aRecord({ window: '7d', used: 0.9 })] });
  const b = anAccount('b', {
    quota: [aRecord({ used: 0.5 }), aRecord({ window: 'model', used: 1, limitReached: true })],
  });
  expect(choose([a, b], 'most_headroom')).toMatchObject({ to: 'b', why: 'eligible, 50 % free' });
});

test('with three paused accounts of the best priority and one healthy one of the worst, the healthy one is chosen [R106]', () => {
  const paused = ['a', 'b', 'c'].map((name) => aLimitedAccount(name, NOON + HOUR, { priority: 1 }));
  expect(choose([...paused, anAccount('z', { priority: 99 })])).toMatchObject({ kind: 'chosen', to: 'z' });
});

test('every account that was passed over is named with its reasons [R250]', () => {
  const result = choose([aLimitedAccount('a', NOON + HOUR), anAccount('b'), anAccount('c', { priority: 50 })]);
  expect(result.passedOver).toMatchObject([
    { account: 'active', reasons: [{ code: 'excluded' }, { code: 'limit_reached' }] },
    { account: 'a', reasons: [{ code: 'limit_reached', until: NOON + HOUR }] },
    { account: 'c', reasons: [{ code: 'ranked_lower', detail: 'behind b by priority' }] },
  ]);
});

test('pool-all-exhausted: none is chosen, and the earliest end is named [R54 R143]', () => {
  const others = [
    aLimitedAccount('a', NOON + 2 * HOUR),
    aLimitedAccount('b', NOON + HOUR, { row: left('b', NOON) }),
    aLimitedAccount('c', NOON + MINUTE, { enabled: false }),
  ];
  expect(choose(others)).toMatchObject({ kind: 'none', earliestAt: NOON + HOUR, earliest: 'b' });
});

test("the active account's own reset counts: it may be the next that lets work go on [R54]", () => {
  expect(choose([aLimitedAccount('a', NOON + 4 * HOUR)])).toMatchObject({
    kind: 'none',
    earliestAt: NOON + 3 * HOUR,
    earliest: 'active',
  });
});

test('an active account that could go on promises no time to a swap by hand: it is only the one to leave [R54]', () => {
  const accounts = [anAccount('active'), anAccount('a', { row: left('a', NOON - MINUTE) })];
  expect(chooseTarget(accounts, 'active', 'priority', NOON, ELIGIBILITY)).toMatchObject({
    kind: 'none',
    earliestAt: NOON + 4 * MINUTE,
    earliest: 'a',
  });
});

test('where every account needs somebody, no time is promised [R54]', () => {
  const broken = anAccount('a', { home: aHome({ credentials: 'missing' }) });
  const result = chooseTarget([broken], null, 'priority', NOON, ELIGIBILITY);
  expect(result).toMatchObject({ kind: 'none', earliestAt: null, earliest: null });
});

test(
  'never is an account chosen that the predicate refuses, and one is chosen whenever one is fit [R105 R106]',
  () => {
    const account = fc.record({
      enabled: fc.boolean(),
      priority: fc.integer({ min: 1, max: 3 }),
      limited: fc.boolean(),
      aheadMs: fc.integer({ min: -HOUR, max: HOUR }),
      leftAgoMs: fc.option(fc.integer({ min: 0, max: 10 * MINUTE })),
      usable: fc.boolean(),
    });
    const strategies: readonly Strategy[] = ['priority', 'most_headroom', 'earliest_reset'];
    fc.assert(
      fc.property(fc.array(account, { maxLength: 6 }), fc.constantFrom(...strategies), (list, strategy) => {
        const accounts = list.map((one, i) =>
          anAccount(`a${i}`, {
            enabled: one.enabled,
            priority: one.priority,
            home: aHome({ credentials: one.usable ? 'ok' : 'blanked' }),
            row: anAccountRow({ leftAt: one.leftAgoMs === null ? null : NOON - one.leftAgoMs }),
            quota: [aRecord({ limitReached: one.limited, resetAt: NOON + one.aheadMs })],
          }),
        );
        const fit = accounts.filter(
          ({ name }, i) =>
            name !== 'a0' && isEligible(accounts[i] as AccountFacts, NOON, ELIGIBILITY, { purpose: 'swap' }).ok,
        );
        const result = chooseTarget(accounts, 'a0', strategy, NOON, ELIGIBILITY);
        if (result.kind === 'none') expect(fit).toEqual([]);
        else expect(fit.map(({ name }) => name)).toContain(result.to);
        expect(result.passedOver).toHaveLength(accounts.length - (result.kind === 'chosen' ? 1 : 0));
      }),
      { numRuns: RUNS },
    );
  },
  PROPERTY_TIMEOUT_MS,
);

test('being the active account passes no check: it is never its own target, and its limit counts like any other [R108]', () => {
  const active = aLimitedAccount('work', NOON + HOUR);
  const chosen = chooseTarget(
    [active, aLimitedAccount('spare', NOON + 2 * HOUR)],
    'work',
    'priority',
    NOON,
    ELIGIBILITY,
  );
  expect(chosen).toMatchObject({ kind: 'none', earliest: 'work', earliestAt: NOON + HOUR });
  const alone = chooseTarget([anAccount('work')], 'work', 'priority', NOON, ELIGIBILITY);
  expect(alone).toMatchObject({ kind: 'none', passedOver: [{ account: 'work', reasons: [{ code: 'excluded' }] }] });
});
