/** Kept sessions and checkpoints in a real database: what is written is read back, and nothing comes between. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Checkpoint } from '../../src/core/sessions/checkpoint.ts';
import { LIFECYCLE_STATES, type LifecycleRow } from '../../src/core/sessions/lifecycle.ts';
import { NOON, PANE } from '../support/builders.ts';
import { aSession } from '../support/kept.ts';
import { openFor } from './support/open.ts';
import { tempDir } from './support/temp-dir.ts';

const anyRow: fc.Arbitrary<LifecycleRow> = fc
  .record({
    kind: fc.constantFrom('dedicated' as const, 'autonomous' as const),
    state: fc.constantFrom(...LIFECYCLE_STATES),
    cause: fc.string(),
    previous: fc.constantFrom('working' as const, null),
    pane: fc.constantFrom(PANE, null),
    isOurs: fc.boolean(),
    taskId: fc.constantFrom('p:t', null),
    lost: fc.constantFrom({ taskId: 'p:u', reason: 'account_swap' as const, detail: 'd', at: NOON }, null),
    launch: fc.constantFrom({ argv: ['claude', "it's"], cwd: '/p', configDir: '/link' }, null),
    typing: fc.record({ what: fc.constantFrom('nothing' as const, 'exit' as const), at: fc.nat(), keys: fc.nat() }),
    launchedAt: fc.constantFrom(NOON, null),
    idleSince: fc.constantFrom(NOON, null),
    crashedAt: fc.constantFrom(NOON, null),
    restarts: fc.array(fc.nat()),
    heldUntil: fc.constantFrom(NOON, null),
  })
  .map((change) => aSession({ server: PANE.server, ...change }));

test('a row is read back as it was written [R63]', async () => {
  const { lifecycles } = await openFor(tempDir());
  await lifecycles.addLifecycle(aSession());
  await fc.assert(
    fc.asyncProperty(anyRow, async (row) => {
      await lifecycles.changeLifecycle(row.session, () => ({ row, effects: [] }), NOON);
      expect(await lifecycles.lifecycle(row.session)).toEqual(row);
    }),
    { numRuns: 50 },
  );
});

test('a row that is there is not written over, and one that is not there is not changed', async () => {
  const { lifecycles } = await openFor(tempDir());
  await lifecycles.addLifecycle(aSession({ cause: 'first' }));
  await lifecycles.addLifecycle(aSession({ cause: 'second' }));
  expect((await lifecycles.lifecycles()).map(({ cause }) => cause)).toEqual(['first']);
  expect(await lifecycles.changeLifecycle('nobody', (row) => ({ row, effects: [] }), NOON)).toBeNull();
  expect((await lifecycles.changeLifecycle('w-1', () => null, NOON))?.cause).toBe('first');
  await lifecycles.removeLifecycle('w-1');
  expect(await lifecycles.lifecycle('w-1')).toBeNull();
});

test('a row and what follows from it are one transaction', async () => {
  const { lifecycles, local } = await openFor(tempDir());
  await lifecycles.addLifecycle(aSession());
  const changes = Array.from({ length: 20 }, (_, i) =>
    lifecycles.changeLifecycle(
      'w-1',
      (row) => ({
        row: { ...row, restarts: [...row.restarts, i] },
        effects: [{ type: 'session_failed', session: 'w-1', data: { seen: row.restarts.length } }],
      }),
      NOON,
    ),
  );
  await Promise.all(changes);
  expect((await lifecycles.lifecycle('w-1'))?.restarts).toHaveLength(20);
  const events = await local.events({ types: ['session_failed'], limit: 100 });
  expect(events.map(({ data }) => data.seen).sort((a, b) => Number(a) - Number(b))).toEqual(
    Array.from({ length: 20 }, (_, i) => i),
  );
});

describe('checkpoints [R222]', () => {
  const checkpoint = (n: number, change: Partial<Checkpoint> = {}): Checkpoint => ({
    session: 'w-1',
    at: NOON + n,
    taskId: 'p:t',
    cwd: '/p',
    lines: `line ${n}`,
    hash: `h${n}`,
    ...change,
  });

  test('only the newest of each session are kept', async () => {
    const { lifecycles } = await openFor(tempDir());
    await lifecycles.saveCheckpoint(checkpoint(0, { session: 'w-2' }), 3);
    for (let n = 1; n <= 9; n++) await lifecycles.saveCheckpoint(checkpoint(n), 3);
    const kept = await lifecycles.checkpoints({ session: 'w-1', limit: 10 });
    expect(kept).toEqual([checkpoint(9), checkpoint(8), checkpoint(7)]);
    expect(await lifecycles.checkpoints({ taskId: 'p:t', limit: 1 })).toEqual([checkpoint(9)]);
    expect(await lifecycles.checkpoints({ session: 'w-2', limit: 10 })).toHaveLength(1);
  });

  test('one that shows nothing new only gets a newer time', async () => {
    const { lifecycles } = await openFor(tempDir());
    await lifecycles.saveCheckpoint(checkpoint(1), 3);
    await lifecycles.saveCheckpoint(checkpoint(5, { hash: 'h1' }), 3);
    expect(await lifecycles.checkpoints({ limit: 10 })).toEqual([checkpoint(1, { at: NOON + 5 })]);
    await lifecycles.saveCheckpoint(checkpoint(6, { hash: 'h1', taskId: 'p:u' }), 3);
    expect(await lifecycles.checkpoints({ limit: 10 })).toHaveLength(2);
  });

  test('those beyond the number or the age are pruned', async () => {
    const { lifecycles } = await openFor(tempDir());
    for (let n = 1; n <= 5; n++) await lifecycles.saveCheckpoint(checkpoint(n), 9);
    await lifecycles.saveCheckpoint(checkpoint(0, { session: 'w-2' }), 9);
    expect(await lifecycles.pruneCheckpoints(3, NOON + 1)).toBe(3);
    expect(await lifecycles.pruneCheckpoints(3, NOON + 1)).toBe(0);
    expect(await lifecycles.checkpoints({ limit: 10 })).toHaveLength(3);
  });
});
