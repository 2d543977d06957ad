import { describe, expect, it } from 'vitest';
import { decisionsAtClaim, decisionsAtSwap, extendDecisions } from '../../../src/core/queue/decisions.ts';
import { HOUR } from '../../../src/core/time.ts';
import { aHome, aLimitedAccount, anAccount, ELIGIBILITY, NOON } from '../../support/builders.ts';

describe('the chain of a task', () => {
  it('names every account of the pool, with what spoke against it, and the one that got it last [R194 R195]', () => {
    const accounts = [
      aLimitedAccount('limited', NOON + HOUR),
      anAccount('broken', { home: aHome({ problem: 'missing' }) }),
      anAccount('off', { enabled: false }),
      anAccount('spare'),
      anAccount('work'),
    ];
    expect(decisionsAtClaim(accounts, 'work', NOON, ELIGIBILITY)).toEqual([
      { account: 'limited', reason: 'limit', at: NOON },
      { account: 'broken', reason: 'failed', at: NOON },
      { account: 'spare', reason: 'superseded', at: NOON },
      { account: 'work', reason: 'selected', at: NOON },
    ]);
  });

  it.each([
    ['limit', 'limit'],
    ['threshold', 'auto_paused'],
    ['manual', 'superseded'],
    [null, 'superseded'],
  ] as const)('a swap for %s takes the task along: %s, selected [R195]', (trigger, reason) => {
    expect(decisionsAtSwap('a', 'b', trigger, NOON)).toEqual([
      { account: 'a', reason, at: NOON },
      { account: 'b', reason: 'selected', at: NOON },
    ]);
  });

  it('does not say the same of an account again and again, and stays bounded [R195]', () => {
    const refused = { account: 'a', reason: 'limit', at: NOON } as const;
    const chain = extendDecisions([], [refused]);
    expect(extendDecisions(chain, [{ ...refused, at: NOON + 1 }])).toBe(chain);
    let long = chain;
    for (let at = 0; at < 500; at++) long = extendDecisions(long, decisionsAtSwap('a', 'b', 'limit', at));
    expect(long).toHaveLength(100);
    expect(long.at(-1)).toEqual({ account: 'b', reason: 'selected', at: 499 });
  });
});
