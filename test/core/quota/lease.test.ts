/** Leases as pure rules: who counts, who may still come, and what makes them equal to the sessions. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Holding, LeaseRow } from '../../../src/core/quota/lease.ts';
import { admit, DEFAULT_TTL_MS, isLive, planRepair, problemOf, usableTtlMs } from '../../../src/core/quota/lease.ts';
import { MINUTE } from '../../../src/core/time.ts';
import { NOON } from '../../support/builders.ts';

let count = 0;
function aLease(change: Partial<LeaseRow> = {}): LeaseRow {
  return {
    id: `l${count++}`,
    account: 'work',
    session: 's1',
    holder: 'h1',
    acquiredAt: NOON,
    heartbeatAt: NOON,
    expiresAt: NOON + 5 * MINUTE,
    releasedAt: null,
    releaseReason: null,
    ...change,
  };
}

function aHolding(change: Partial<Holding> = {}): Holding {
  return { session: 's1', holder: 'h1', account: 'work', barred: null, ...change };
}

describe('admission', () => {
  const claim = { account: 'work', session: 's1', holder: 'h1' };

  test('the count of an account is the number of distinct sessions on it, not of holders [R178]', () => {
    const live = [aLease({ session: 's2' }), aLease({ session: 's2', holder: 'h2' }), aLease({ account: 'spare' })];
    expect(admit(live, claim, 0)).toEqual({ kind: 'new', count: 2 });
  });

  test('a session that is on the account goes on at the limit, a new one is refused [R179]', () => {
    const live = [aLease(), aLease({ session: 's2' })];
    expect(admit(live, { ...claim, holder: 'another' }, 2)).toEqual({ kind: 'new', count: 2 });
    expect(admit(live, claim, 2)).toEqual({ kind: 'held', leaseId: live[0]?.id, count: 2 });
    expect(admit(live, { ...claim, session: 's3' }, 2)).toEqual({ kind: 'full', count: 2 });
    expect(admit(live, { ...claim, session: 's3' }, 3)).toEqual({ kind: 'new', count: 3 });
    expect(admit(live, { ...claim, session: 's3' }, 0)).toEqual({ kind: 'new', count: 3 });
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('a time to live of %d is five minutes [R187]', (ttlMs) => {
    expect(usableTtlMs(ttlMs)).toBe(DEFAULT_TTL_MS);
  });

  test('a lease lives until its end and not a moment longer', () => {
    expect(isLive(aLease(), NOON + 5 * MINUTE - 1)).toBe(true);
    expect(isLive(aLease(), NOON + 5 * MINUTE)).toBe(false);
    expect(isLive(aLease({ releasedAt: NOON }), NOON)).toBe(false);
  });

  test.each(['account', 'session', 'holder'] as const)('a claim with an empty %s is named as wrong [R192]', (key) => {
    expect(problemOf({ ...claim, [key]: ' ' })).toBe(`the ${key} of a lease must not be empty`);
    expect(problemOf(claim)).toBeNull();
  });
});

describe('repair', () => {
  test('what agrees with reality is kept', () => {
    const lease = aLease();
    expect(planRepair([lease], [aHolding()])).toEqual({ keep: [lease.id], release: [], take: [] });
  });

  test.each([
    ['the session is gone', aLease(), [], 'session_ended'],
    ['another process runs there', aLease(), [aHolding({ holder: 'h2' })], 'agent_ended'],
    ['the row came without a holder', aLease({ holder: null }), [aHolding()], 'no_holder'],
    ['the session moved', aLease(), [aHolding({ account: 'spare' })], 'moved'],
    ['the account is exhausted', aLease(), [aHolding({ barred: 'account_exhausted' })], 'account_exhausted'],
  ] as const)('a lease ends when %s [R200]', (_, lease, holdings, reason) => {
    expect(planRepair([lease], holdings).release).toEqual([{ lease, reason }]);
  });

  test('a lease stays where nobody knows which account the session is on', () => {
    const lease = aLease();
    expect(planRepair([lease], [aHolding({ account: null })])).toEqual({ keep: [lease.id], release: [], take: [] });
  });

  test('after a repair the leases are the sessions, whatever they were before [R200]', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd');
    const account = fc.constantFrom('work', 'spare');
    const leases = fc.uniqueArray(
      fc.record({ session: name, account, holder: fc.option(fc.constantFrom('1', '2')) }).map((row) => aLease(row)),
      { selector: ({ session, account: on, holder }) => `${session} ${on} ${holder}` },
    );
    const holdings = fc.uniqueArray(
      fc.record({
        session: name,
        account: fc.option(account),
        holder: fc.constantFrom('1', '2'),
        barred: fc.option(fc.constant('account_exhausted'), { freq: 4 }),
      }),
      { selector: ({ session }) => session },
    );
    fc.assert(
      fc.property(leases, holdings, (before, real) => {
        const plan = planRepair(before, real);
        const kept = before.filter(({ id }) => plan.keep.includes(id));
        const after = [...kept, ...plan.take].map(({ account: on, session, holder }) => `${on} ${session} ${holder}`);
        const known = real.filter(({ account: on, barred }) => on !== null && barred === null);
        const unknown = new Set<string>(real.filter(({ account: on }) => on === null).map(({ session }) => session));
        const settled = after.filter((lease) => !unknown.has(lease.split(' ')[1] ?? ''));
        expect(settled.sort()).toEqual(
          known.map(({ account: on, session, holder }) => `${on} ${session} ${holder}`).sort(),
        );
        expect(plan.release.length + plan.keep.length).toBe(before.length);
      }),
      { numRuns: 2_000 },
    );
  });
});
