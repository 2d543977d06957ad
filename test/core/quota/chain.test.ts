/** Accounts that are full, and the chain that a decision leaves. */
import { expect, test } from 'vitest';
import { decisionChain } from '../../../src/core/quota/chain.ts';
import { chooseTarget } from '../../../src/core/quota/selection.ts';
import { HOUR } from '../../../src/core/time.ts';
import { aLimitedAccount, anAccount, ELIGIBILITY, NOON } from '../../support/builders.ts';

test('a candidate that is full is passed over with its reason, and the next ones are tried until one is left [R194 R195]', () => {
  const accounts = [
    aLimitedAccount('active', NOON + HOUR),
    ...[1, 2, 3].map((i) => anAccount(`full-${i}`, { priority: i, leases: 2 + i, maxSessions: 3 })),
    anAccount('last', { priority: 99, leases: 2, maxSessions: 3 }),
  ];
  const selection = chooseTarget(accounts, 'active', 'priority', NOON, ELIGIBILITY);
  expect(selection).toMatchObject({ kind: 'chosen', to: 'last' });
  expect(decisionChain('last', selection.passedOver, NOON)).toEqual([
    { account: 'active', reason: 'excluded', at: NOON },
    { account: 'full-1', reason: 'at_capacity', at: NOON },
    { account: 'full-2', reason: 'at_capacity', at: NOON },
    { account: 'full-3', reason: 'at_capacity', at: NOON },
    { account: 'last', reason: 'selected', at: NOON },
  ]);
});

test('with every account full there is no target, and each reason is told [R194]', () => {
  const accounts = ['a', 'b'].map((name) => anAccount(name, { leases: 3, maxSessions: 3 }));
  const selection = chooseTarget(accounts, null, 'priority', NOON, ELIGIBILITY);
  expect(selection.kind).toBe('none');
  expect(selection.passedOver.map(({ reasons }) => reasons[0]?.code)).toEqual(['at_capacity', 'at_capacity']);
});
