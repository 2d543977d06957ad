/** Figures that sessions show become records of the accounts they belong to. */
import { expect, test } from 'vitest';
import { StoreError } from '../../src/core/errors.ts';
import type { QuotaSample } from '../../src/core/quota/sample.ts';
import { HOUR, MINUTE, SECOND } from '../../src/core/time.ts';
import type { PaneFinding } from '../../src/core/verdict/pane-finding.ts';
import type { QuotaFigure } from '../../src/core/verdict/signals.ts';
import type { QuotaChange } from '../../src/ports.ts';
import { mergeSamples, newSampleMemory, recordSamples } from '../../src/steps/record-samples.ts';
import { forgetWarnings } from '../../src/steps/warn-of-use.ts';
import { aFinding, aReading, aTranscript, NOON, signalsOf } from '../support/builders.ts';
import type { QuotaBench } from '../support/quota-bench.ts';
import { aQuietPane, byKey, quotaBench } from '../support/quota-bench.ts';

const SAID = "You've used 91% of your session limit · resets 2pm";
const warned = (text = SAID, window: '5h' | '7d' = '5h') =>
  aReading({ warnings: [aFinding({ class: 'warning', family: 'percent-used', text, window })] });

interface Figure {
  readonly usedPercent: number;
  readonly since: number;
  readonly window?: '5h' | '7d';
  readonly home?: string;
}

/** A pane whose own files report these figures. */
function reporting(bench: QuotaBench, figures: readonly Figure[], change: Partial<PaneFinding> = {}): PaneFinding {
  const reported = figures.map(
    (figure): QuotaFigure => ({
      window: '5h',
      resetAt: NOON + 2 * HOUR,
      source: 'statusline',
      at: bench.clock.now(),
      ...figure,
    }),
  );
  const signals = { ...signalsOf(null), figures: reported };
  return aQuietPane(bench, { signals, ...change });
}

async function look(bench: QuotaBench, memory = newSampleMemory(), ...panes: readonly PaneFinding[]): Promise<boolean> {
  const views = new Map([[bench.pool.name, await bench.view()]]);
  return recordSamples(bench.ports, memory, byKey(...panes), views, bench.context());
}

test('a warning that appears on a screen is recorded with its source and the time at which it appeared [R114]', async () => {
  const bench = await quotaBench();
  const memory = newSampleMemory();
  await look(bench, memory, aQuietPane(bench));
  await bench.clock.advance(SECOND);
  expect(await look(bench, memory, aQuietPane(bench, { reading: warned() }))).toBe(true);
  expect(await bench.record('a')).toMatchObject({
    used: 0.91,
    source: 'screen',
    updatedAt: NOON + SECOND,
    limitReached: false,
  });
  await bench.clock.advance(10 * MINUTE);
  expect(await look(bench, memory, aQuietPane(bench, { reading: warned() }))).toBe(false);
});

test('a warning that stood there at first sight is of unknown age and is not recorded', async () => {
  const bench = await quotaBench();
  const memory = newSampleMemory();
  for (let poll = 0; poll < 3; poll++) await look(bench, memory, aQuietPane(bench, { reading: warned() }));
  expect(await bench.record('a')).toBeUndefined();
});

test('figures from a CLI’s own files are recorded as old as they are, not as new as their report [R114 R117]', async () => {
  const bench = await quotaBench();
  await look(bench, undefined, reporting(bench, [{ usedPercent: 42, since: NOON - HOUR }]));
  expect(await bench.record('a')).toMatchObject({ used: 0.42, source: 'statusline', updatedAt: NOON - HOUR });
});

test('an idle session that repeats an old figure does not overwrite what a busy one reports [R117]', async () => {
  const bench = await quotaBench();
  const idle = reporting(bench, [{ usedPercent: 20, since: NOON - 2 * HOUR }]);
  const busy = aQuietPane(bench, reporting(bench, [{ usedPercent: 60, since: NOON - MINUTE }]), '%2');
  await look(bench, undefined, idle, { ...busy, view: aQuietPane(bench, {}, '%2').view });
  expect(await bench.record('a')).toMatchObject({ used: 0.6 });
});

test('a figure that was reported from another home than the charged one is nobody’s [R117]', async () => {
  for (const [home, used] of [
    ['/h/b', undefined],
    ['/h/a', 0.42],
  ] as const) {
    const bench = await quotaBench();
    await look(bench, undefined, reporting(bench, [{ usedPercent: 42, since: NOON - HOUR, home }]));
    expect((await bench.record('a'))?.used).toBe(used);
  }
});

test('a figure unchanged since before a flip is the old account’s [R117]', async () => {
  const bench = await quotaBench();
  await bench.store.local.recordActivation({ pool: 'default', account: 'b', since: NOON - HOUR, cause: 'swap' });
  bench.linkAt = 'b';
  await look(bench, undefined, reporting(bench, [{ usedPercent: 97, since: NOON - 2 * HOUR }]));
  expect(await bench.record('b')).toBeUndefined();
  expect(await bench.record('a')).toMatchObject({ used: 0.97 });
});

test('a figure that comes in just after a flip is nobody’s until the session’s own request tells [R117]', async () => {
  const bench = await quotaBench();
  await bench.store.local.recordActivation({ pool: 'default', account: 'b', since: NOON - MINUTE, cause: 'swap' });
  bench.linkAt = 'b';
  const memory = newSampleMemory();
  const pane = reporting(bench, [{ usedPercent: 97, since: NOON - 30 * SECOND }]);
  await look(bench, memory, pane);
  expect(await bench.store.pool.quota()).toEqual([]);
  const transcript = aTranscript({ requestAt: NOON - 40 * SECOND });
  await look(bench, memory, { ...pane, signals: { ...(pane.signals ?? signalsOf(null)), transcript } });
  expect(await bench.record('b')).toMatchObject({ used: 0.97 });
});

test.each<readonly [string, Partial<PaneFinding>]>([
  ['of no pool', { pool: null }],
  ['whose environment outranks the link', { notSwitchable: { reason: 'ANTHROPIC_API_KEY is set', ownLogin: true } }],
])('the figures of a pane %s are recorded for nobody [R117]', async (_, change) => {
  const bench = await quotaBench();
  await look(bench, undefined, reporting(bench, [{ usedPercent: 42, since: NOON - HOUR }], change));
  expect(await bench.store.pool.quota()).toEqual([]);
});

test('the figures of a home that is now somebody else’s login are not recorded [R117]', async () => {
  const bench = await quotaBench();
  await bench.store.pool.setIdentity('a', 'ada/org');
  bench.homes.set('a', { identity: 'bob/org' });
  await look(bench, undefined, reporting(bench, [{ usedPercent: 42, since: NOON - HOUR }]));
  expect(await bench.store.pool.quota()).toEqual([]);
});

test('an account that was taken out of the configuration while it was active gets no figures, and nothing fails', async () => {
  const bench = await quotaBench();
  const view = await bench.view();
  const rest = { ...view, pool: { ...view.pool, accounts: view.pool.accounts.filter(({ name }) => name !== 'a') } };
  const panes = byKey(reporting(bench, [{ usedPercent: 42, since: NOON - HOUR }]));
  await recordSamples(bench.ports, newSampleMemory(), panes, new Map([['default', rest]]), bench.context());
  expect(await bench.store.pool.quota()).toEqual([]);
});

test('a burst of a thousand samples is at most ten transactions, and the newest of each window is what stays [R151]', async () => {
  const bench = await quotaBench();
  let transactions = 0;
  const shared = {
    mergeQuotas: (changes: readonly QuotaChange[]) => {
      transactions++;
      return bench.store.pool.mergeQuotas(changes);
    },
  };
  const samples = Array.from({ length: 1000 }, (_, i): QuotaSample => {
    const account = ['a', 'b', 'c'][i % 3] ?? 'a';
    const window = i % 2 === 0 ? '5h' : '7d';
    return { account, window, usedPercent: i % 100, resetAt: NOON + HOUR, source: 'statusline', at: NOON - 1000 + i };
  });
  await mergeSamples({ ...bench.ports, shared }, samples, bench.context());
  expect(transactions).toBeLessThanOrEqual(10);
  expect(await bench.store.pool.quota()).toHaveLength(6);
  expect(await bench.record('a', '7d')).toMatchObject({ used: 0.99 });
});

test('a figure that the store did not take is recorded at the next look', async () => {
  const bench = await quotaBench();
  const memory = newSampleMemory();
  const pane = reporting(bench, [{ usedPercent: 96, since: NOON - HOUR }]);
  const views = new Map([[bench.pool.name, await bench.view()]]);
  const shared = { mergeQuotas: () => Promise.reject(new StoreError('store_locked', 'locked')) };
  await expect(recordSamples({ ...bench.ports, shared }, memory, byKey(pane), views, bench.context())).rejects.toThrow(
    'locked',
  );
  expect(await look(bench, memory, pane)).toBe(true);
  expect(await bench.record('a')).toMatchObject({ used: 0.96 });
});

test('a level is told once for its account, not by every pane and not again after a restart [R11 R150]', async () => {
  const bench = await quotaBench();
  for (const [i, usedPercent] of [79, 81, 85, 92].entries()) {
    const panes = ['%1', '%2', '%3'].map((id) => ({
      ...reporting(bench, [{ usedPercent, since: NOON - HOUR + i * MINUTE }]),
      view: aQuietPane(bench, {}, id).view,
    }));
    await look(bench, undefined, ...panes);
  }
  const told = (await bench.events()).filter(({ type }) => type === 'quota_warning');
  expect(told.map(({ account, severity, data }) => [account, severity, data.level])).toEqual([
    ['a', 'info', 0.8],
    ['a', 'warning', 0.9],
  ]);
});

test('what was told of an account that is no longer configured is forgotten [R150]', async () => {
  const bench = await quotaBench();
  await look(bench, undefined, reporting(bench, [{ usedPercent: 85, since: NOON - HOUR }]));
  expect(await bench.store.local.meta('quota_warned')).toContain('a/5h');
  const [pool] = bench.config.pools;
  if (pool === undefined) throw new Error('no pool');
  const without = { ...bench.config, pools: [{ ...pool, accounts: pool.accounts.filter(({ name }) => name !== 'a') }] };
  await forgetWarnings(bench.ports, without);
  expect(await bench.store.local.meta('quota_warned')).toBe('{}');
});
