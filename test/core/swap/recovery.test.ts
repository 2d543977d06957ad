/** What is done at start with a swap that was cut short: every phase with every state of the link. */
import { expect, test } from 'vitest';
import type { LinkState } from '../../../src/core/accounts.ts';
import { describeLink, planRepair } from '../../../src/core/swap/recovery.ts';
import type { SwapPhase } from '../../../src/core/swap/swap.ts';
import { UNFINISHED_PHASES } from '../../../src/core/swap/swap.ts';
import { aSwap } from '../../support/builders.ts';

const at = (account: string): LinkState => ({ kind: 'account', account, target: `/home/ada/.claude-${account}` });

const LINKS: Readonly<Record<string, LinkState>> = {
  target: at('spare'),
  source: at('work'),
  'a third account': at('third'),
  'a foreign place': { kind: 'foreign', target: '/elsewhere' },
  'nowhere, dangling': { kind: 'dangling', target: '/gone', account: null },
  'a target that has vanished': { kind: 'dangling', target: '/home/ada/.claude-spare', account: 'spare' },
  'itself, a loop': { kind: 'loop', target: '.claude' },
  'a real directory': { kind: 'directory' },
  'a file': { kind: 'file' },
  'nothing: it is missing': { kind: 'missing' },
  'what cannot be read': { kind: 'unreadable', reason: 'EACCES' },
};

/** Phase → repair with the link at the target, and at the source. Everywhere else: partial. */
const AT_TARGET: Readonly<Partial<Record<SwapPhase, string>>> = {
  prepared: 'finish',
  stopping: 'finish',
  flipped: 'finish',
  recovering: 'finish',
  rolling_back: 'undo',
};

const cells = UNFINISHED_PHASES.flatMap((phase) => Object.keys(LINKS).map((link) => [phase, link] as const));

test.each(cells)('a swap found in %s with the link at %s [R47]', (phase, where) => {
  const link = LINKS[where] as LinkState;
  const repair = planRepair(aSwap({ phase }), link);
  const atSource = phase === 'stopping' ? 'continue' : 'abandon';
  const expected = where === 'target' ? AT_TARGET[phase] : where === 'source' ? atSource : 'partial';
  expect(repair.kind).toBe(expected);
  expect(repair.reason).not.toBe('');
});

test('several links that point at both ends are put back, unless the flip was written down already [R47]', () => {
  const split: LinkState = { kind: 'split', accounts: ['spare', 'work'] };
  for (const phase of ['prepared', 'stopping', 'rolling_back'] as const)
    expect(planRepair(aSwap({ phase, flippedAt: null }), split)).toEqual({
      kind: 'undo',
      reason: 'stopped between two links: split: its files point at spare and work',
    });
  expect(planRepair(aSwap({ phase: 'recovering', flippedAt: 1 }), split).kind).toBe('partial');
  const third: LinkState = { kind: 'split', accounts: ['spare', 'third'] };
  expect(planRepair(aSwap({ phase: 'prepared', flippedAt: null }), third).kind).toBe('partial');
});

test('the repair of a partial swap names where the link is [R47]', () => {
  const reasons = Object.entries(LINKS)
    .filter(([where]) => where !== 'target' && where !== 'source')
    .map(([, link]) => planRepair(aSwap({ phase: 'flipped' }), link).reason);
  expect(reasons).toEqual([
    'the link points at third, which is neither end of the swap',
    'the link is at /elsewhere, which is no configured home',
    'the link is dangling (/gone)',
    'the link is dangling (/home/ada/.claude-spare)',
    'the link is a loop',
    'the link is a real directory',
    'the link is a file',
    'the link is missing',
    'the link is unreadable (EACCES)',
  ]);
});

test('a link at an account is named by it', () => {
  expect(describeLink(at('work'))).toBe('at work');
});
