/** One session tries an account whose limit is only thought to be over. */
import { expect, test } from 'vitest';
import type { RecoveryRow } from '../../src/core/swap/swap.ts';
import { HOUR, MINUTE, SECOND } from '../../src/core/time.ts';
import type { PaneFinding } from '../../src/core/verdict/pane-finding.ts';
import { probeFirst } from '../../src/steps/probe-first.ts';
import { anIncident } from '../store/support/rows.ts';
import { aRecovery, aRow, aSwap, aTranscript, NOON, PANE, signalsOf } from '../support/builders.ts';
import { paneRecord } from '../support/daemon-facts.ts';
import type { QuotaBench } from '../support/quota-bench.ts';
import { aQuietPane, quotaBench } from '../support/quota-bench.ts';

const SWAP = aSwap({ id: 'swap-1', pool: 'default', to: 'a', phase: 'recovering' });

/** Account `a`, whose limit ended an hour ago, and three panes that wait to go on with it. */
async function rolledOver(used = 1) {
  const bench = await quotaBench();
  await bench.put({ account: 'a', used, limitReached: used >= 1, resetAt: NOON - HOUR, updatedAt: NOON - 5 * HOUR });
  await bench.store.local.createSwap(SWAP, anIncident(SWAP.id, { pool: 'default' }), []);
  const panes = ['%1', '%2', '%3'].map((id) => aQuietPane(bench, {}, id));
  return { bench, panes };
}

async function probe(bench: QuotaBench, panes: readonly PaneFinding[]) {
  const { pool } = await bench.view();
  const account = pool.accounts.find(({ name }) => name === 'a');
  if (account === undefined) throw new Error('no account a');
  return probeFirst(bench.ports, SWAP, account, panes, panes, bench.context());
}

async function tried(bench: QuotaBench, change: Partial<RecoveryRow>): Promise<void> {
  await bench.store.local.saveRecovery(
    aRecovery({ swapId: SWAP.id, pane: { ...PANE, paneId: '%1' }, startedAt: NOON, promptedAt: NOON, ...change }),
  );
}

test('one pane goes first and the others wait [R142]', async () => {
  const { bench, panes } = await rolledOver();
  expect(await probe(bench, panes)).toEqual({ now: [panes[0]], isHolding: true });
  await tried(bench, { state: 'prompted' });
  expect(await probe(bench, panes)).toEqual({ now: [], isHolding: true });
});

test('when it has answered all go on, and the account needs no further proof [R142]', async () => {
  const { bench, panes } = await rolledOver();
  await tried(bench, { state: 'recovered', finishedAt: NOON + SECOND });
  const transcript = aTranscript({ lastAssistant: aRow({ at: NOON + 2 * SECOND }) });
  const [first, ...others] = panes;
  if (first === undefined) throw new Error('no pane');
  const after = [{ ...first, signals: signalsOf(transcript) }, ...others];
  expect(await probe(bench, after)).toEqual({ now: after, isHolding: false });
  expect(await bench.record('a')).toMatchObject({ verifyRequired: false, limitReached: false });
});

test('an answer from before it was asked proves nothing; the verify window without a limit does [R142]', async () => {
  const { bench, panes } = await rolledOver();
  await tried(bench, { state: 'recovered', finishedAt: NOON + SECOND });
  const transcript = aTranscript({ lastAssistant: aRow({ at: NOON - MINUTE }) });
  const old = panes.map((pane) => ({ ...pane, signals: signalsOf(transcript) }));
  expect(await probe(bench, old)).toMatchObject({ now: [], isHolding: true });
  await bench.clock.advance(2 * MINUTE + SECOND);
  expect(await probe(bench, old)).toMatchObject({ isHolding: false });
});

test('while the first one shows a limit again the others wait, however long that is [R142]', async () => {
  const { bench, panes } = await rolledOver();
  await tried(bench, { state: 'recovered', finishedAt: NOON + SECOND });
  const { decision } = paneRecord().finding;
  if (!('hit' in decision)) throw new Error('the builder shows a limit');
  const again = panes.map((pane, i) => (i === 0 ? { ...pane, decision } : pane));
  await bench.clock.advance(10 * MINUTE);
  expect(await probe(bench, again)).toMatchObject({ now: [], isHolding: true });
});

test('a session that was lost on the way proves nothing: the next one tries [R142]', async () => {
  const { bench, panes } = await rolledOver();
  await tried(bench, { state: 'gone', finishedAt: NOON + SECOND });
  expect(await probe(bench, panes)).toEqual({ now: [panes[1]], isHolding: true });
});

test('an account of which nothing is doubtful is used by all at once', async () => {
  const bench = await quotaBench();
  await bench.put({ account: 'a', used: 0.3 });
  const panes = ['%1', '%2'].map((id) => aQuietPane(bench, {}, id));
  expect(await probe(bench, panes)).toEqual({ now: panes, isHolding: false });
});
