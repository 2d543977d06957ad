/** How the switcher carries out what was asked for when the world has changed meanwhile. */
import { expect, test } from 'vitest';
import type { Wish } from '../../src/core/quota/policy.ts';
import { HOUR, SECOND } from '../../src/core/time.ts';
import type { PaneFinding } from '../../src/core/verdict/pane-finding.ts';
import type { SwitcherPorts } from '../../src/loops/switcher.ts';
import { createSwitcher } from '../../src/loops/switcher.ts';
import { anIncident } from '../store/support/rows.ts';
import { aSwap, NOON } from '../support/builders.ts';
import type { QuotaBench } from '../support/quota-bench.ts';
import { aQuietPane, aRefusedPane, byKey, quotaBench } from '../support/quota-bench.ts';
import { nobodyRuns } from '../support/stopping.ts';

const OVER: Wish = { kind: 'threshold', detail: '95 % of its 5-hour window' };

/** @param whenLocked what happens elsewhere between the decision and the flip, at each try */
function switcherPorts(
  bench: QuotaBench,
  whenLocked: (attempt: number) => Promise<void>,
  observing: string | null = null,
): SwitcherPorts {
  let attempts = 0;
  const unused = (): never => {
    throw new Error('nothing is to be brought back');
  };
  return {
    ...bench.ports,
    locks: {
      async acquire() {
        await whenLocked(++attempts);
        return { kind: 'held', locks: [], release: async () => undefined, compromised: () => null };
      },
      releaseLeftover: async () => 0,
    },
    stopping: nobodyRuns,
    sharedEntries: { ensure: async () => [], validate: async () => [] },
    allowUnshared: false,
    killSwitch: { reason: async () => null, endIfOver: async () => null },
    observing: () => observing,
    panes: { sweep: unused, observe: unused },
    keys: { paste: unused, press: unused },
    signals: { read: unused, readSession: unused },
    readScreen: unused,
    safetyHook: { deploy: unused },
  };
}

async function answer(
  bench: QuotaBench,
  wish: Wish,
  whenLocked: (attempt: number) => Promise<void>,
  observing: string | null = null,
): Promise<void> {
  const ports = switcherPorts(bench, whenLocked, observing);
  bench.board.ask({
    id: 'asked',
    pool: 'default',
    wish,
    requestedAt: bench.clock.now(),
    triggerPane: null,
    reason: 'over its threshold',
    resetAt: null,
    hits: [],
    screen: null,
    evidence: [],
  });
  await createSwitcher(ports, 'default').tick(bench.context());
}

async function overThreshold(): Promise<QuotaBench> {
  const bench = await quotaBench({ quota: { auto_pause: { default_5h: 0.9 } } });
  await bench.put({ account: 'a', used: 0.95 });
  return bench;
}

const exhaust = (bench: QuotaBench, account: string) =>
  bench.put({ account, used: 1, limitReached: true, resetAt: NOON + HOUR });

async function swaps(bench: QuotaBench) {
  const rows = await bench.store.local.swaps({ limit: 10 });
  return [...rows].reverse().map(({ to, phase, trigger }) => [to, phase, trigger]);
}

test('a target that becomes ineligible under the locks is not flipped to; another one is taken [R107]', async () => {
  const bench = await overThreshold();
  await answer(bench, OVER, async (attempt) => {
    if (attempt === 1) await exhaust(bench, 'b');
  });
  expect(bench.linkAt).toBe('c');
  expect((await swaps(bench)).sort()).toEqual([
    ['b', 'failed', 'threshold'],
    ['c', 'recovering', 'threshold'],
  ]);
  const failed = (await bench.store.local.swaps({ limit: 10 })).find(({ phase }) => phase === 'failed');
  expect(failed?.error).toBe('b became ineligible: 5-hour limit reached');
});

test('that is done once: when the second target is lost too, the pool stays where it is [R107]', async () => {
  const bench = await overThreshold();
  await answer(bench, OVER, (attempt) => exhaust(bench, attempt === 1 ? 'b' : 'c'));
  expect(bench.linkAt).toBe('a');
  expect((await swaps(bench)).map(([, phase]) => phase)).toEqual(['failed', 'failed']);
});

test('who named the target by hand is told, and no other account is taken instead [R57 R107]', async () => {
  const bench = await overThreshold();
  await answer(bench, { kind: 'manual', to: 'b', force: false }, () => exhaust(bench, 'b'));
  expect(bench.linkAt).toBe('a');
  expect(await swaps(bench)).toEqual([['b', 'failed', 'manual']]);
});

test('a threshold that is no longer crossed when the link is to move moves nothing [R107 R119]', async () => {
  const bench = await overThreshold();
  await bench.put({ account: 'a', used: 0.01, resetAt: NOON + 5 * HOUR });
  await answer(bench, OVER, async () => undefined);
  expect(bench.linkAt).toBe('a');
  expect(await bench.events()).toMatchObject([{ type: 'swap_refused', data: { reason: 'no_longer_wanted' } }]);
});

test('the way home is not taken once somebody else has moved the link there [R271]', async () => {
  const bench = await quotaBench({ pools: { default: { return_to: 'a' } } });
  await answer(bench, { kind: 'return', to: 'a' }, async () => undefined);
  expect(await swaps(bench)).toEqual([]);
  expect(bench.linkAt).toBe('a');
});

test.each([OVER, { kind: 'manual', to: 'b', force: true } as const])(
  'nothing is flipped for a wish from before the configuration said observe: $kind [R272]',
  async (wish) => {
    const bench = await overThreshold();
    await answer(bench, wish, async () => undefined, 'mode: observe');
    expect(bench.linkAt).toBe('a');
    expect(await swaps(bench)).toEqual([]);
    const [refused] = await bench.store.local.events({ types: ['swap_refused'], limit: 1 });
    expect(refused?.data).toMatchObject({ reason: 'observe' });
  },
);

test('a restart long after the flip does not call a swap done before it has seen the panes [R47 R262]', async () => {
  const bench = await overThreshold();
  await answer(bench, OVER, async () => undefined);
  const [swap] = await bench.store.local.swaps({ limit: 1 });
  await bench.clock.advance(60_000);
  const restarted = createSwitcher(
    switcherPorts(bench, async () => undefined),
    'default',
  );
  const phaseAfter = async (judged: boolean) => {
    if (judged) bench.board.postFindings(new Map());
    await restarted.tick(bench.context());
    return (await bench.store.local.swap(swap?.id ?? ''))?.phase;
  };
  expect(await phaseAfter(false)).toBe('recovering');
  expect(await phaseAfter(true)).toBe('recovering');
  expect(await phaseAfter(true)).toBe('done');
});

test('a session at the refused login of the account that was left for it is brought back, also after that swap has ended [R156]', async () => {
  const bench = await quotaBench({ quota: { swap_on_account_down: true } });
  const { local } = bench.store;
  const swap = aSwap({
    pool: 'default',
    trigger: 'down',
    from: 'a',
    to: 'b',
    flippedAt: NOON,
    finishedAt: NOON + SECOND,
  });
  await local.createSwap(swap, anIncident(swap.id, { pool: 'default' }), []);
  bench.linkAt = 'b';
  const gone = { ...switcherPorts(bench, async () => undefined).panes, observe: async () => null };
  const switcher = createSwitcher({ ...switcherPorts(bench, async () => undefined), panes: gone }, 'default');
  const look = async (...panes: readonly PaneFinding[]) => {
    bench.board.postFindings(byKey(...panes));
    await switcher.tick(bench.context());
    return (await local.recoveries(swap.id)).map(({ label }) => label);
  };
  expect(await look(aQuietPane(bench))).toEqual([]);
  expect(await look(aQuietPane(bench), aRefusedPane(bench, 2))).toEqual(['p2:0.0']);
  expect(await look(aQuietPane(bench), aRefusedPane(bench, 2))).toEqual(['p2:0.0']);
});
