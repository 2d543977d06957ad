/** Which account a hit is charged to. */
import { expect, test } from 'vitest';
import type { Activation } from '../../../src/core/swap/swap.ts';
import { HOUR, MINUTE } from '../../../src/core/time.ts';
import type { TurnFacts } from '../../../src/core/verdict/attribute.ts';
import { chargeTurn, startedUnder } from '../../../src/core/verdict/attribute.ts';
import { NOON } from '../../support/builders.ts';

const FLIP = NOON - 10 * MINUTE;
const history: readonly Activation[] = [
  { pool: 'main', account: 'new', since: FLIP, cause: 'swap' },
  { pool: 'main', account: 'old', since: NOON - 5 * HOUR, cause: 'adopted' },
];

function charge(change: Partial<TurnFacts>) {
  return chargeTurn({
    followsLink: true,
    turnAt: null,
    processStartedAt: NOON - HOUR,
    firstSeenAt: NOON,
    launchedUnder: 'launch',
    activations: history,
    ...change,
  });
}

test('a turn that began before the flip is charged to the old account [R17 R256]', () => {
  expect(charge({ turnAt: FLIP - 1 })).toEqual({ account: 'old', reason: 'active when its request was sent' });
});

test('a turn that began with or after the flip is charged to the new account [R17]', () => {
  expect(charge({ turnAt: FLIP })?.account).toBe('new');
  expect(charge({ turnAt: FLIP + 1 })?.account).toBe('new');
});

test('a turn from before the history is charged to nobody: who was active then is not known [R17]', () => {
  expect(charge({ turnAt: NOON - 6 * HOUR })).toBeNull();
  expect(charge({ launchedUnder: null, firstSeenAt: NOON - 6 * HOUR })).toBeNull();
  expect(charge({ followsLink: false, turnAt: NOON - 6 * HOUR })).toBeNull();
  const own = { followsLink: false, turnAt: NOON - 6 * HOUR, processStartedAt: NOON - 7 * HOUR };
  expect(charge(own)?.account).toBe('launch');
});

test('a CLI that keeps its account in memory is charged by its launch, whatever the link did since [R17]', () => {
  expect(charge({ followsLink: false, turnAt: NOON })?.account).toBe('launch');
  expect(charge({ followsLink: false, launchedUnder: null })).toBeNull();
});

test('a turn that ran in a process before this one is not charged to the account of this launch [R17]', () => {
  const resumed = { followsLink: false, processStartedAt: NOON - MINUTE, turnAt: FLIP - 1, launchedUnder: 'new' };
  expect(charge(resumed)?.account).toBe('old');
});

test('a limit that stood there at first sight is charged to the account recorded with the session, never simply to the active one [R17]', () => {
  expect(charge({ turnAt: null })?.account).toBe('launch');
});

test('without a recorded account the one that was active at first sight is charged [R17]', () => {
  expect(charge({ launchedUnder: null, firstSeenAt: FLIP - 1 })?.account).toBe('old');
  expect(charge({ launchedUnder: null })).toEqual({ account: 'new', reason: 'active when the limit was first seen' });
});

test('where nothing tells, nobody is charged', () => {
  expect(charge({ launchedUnder: null, activations: [] })).toBeNull();
});

test('an agent that no row knows was started under the account of that time, not under the one the link leads to since a flip [R17 R256]', () => {
  expect(startedUnder(FLIP - 1, history, 'new')).toBe('old');
  expect(startedUnder(FLIP, history, 'new')).toBe('new');
  expect(startedUnder(NOON - 6 * HOUR, history, 'new')).toBe('old');
  expect(startedUnder(NOON, [], 'new')).toBe('new');
});
