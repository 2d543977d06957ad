import { once } from 'node:events';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { openStore } from '../../src/store/open.ts';
import { startChild } from '../support/child.ts';
import { waitFor } from '../support/wait.ts';
import { openFor } from './support/open.ts';
import { NOON } from './support/rows.ts';
import { tempDir } from './support/temp-dir.ts';
import { expectWhole } from './support/whole-swap.ts';

const WRITER = new URL('./support/swap-writer.ts', import.meta.url).href;
const QUOTA_WRITER = new URL('./support/quota-writer.ts', import.meta.url).href;
const KILLS = process.env.CF_LONG === '1' ? 300 : 30;
const CHAINS = 2;

describe('processes that write', () => {
  test(`[R205] ${KILLS} kills at random instants: the database opens whole, and no committed step is missing`, {
    timeout: 60_000 + KILLS * 8_000,
  }, async () => {
    const landed = await Promise.all(
      Array.from({ length: CHAINS }, async (_, chain) => {
        const stateDir = tempDir();
        let swaps = 0;
        for (let kill = 0; kill < KILLS / CHAINS; kill++) {
          const said = await writeUntilKilled(stateDir, `c${chain}k${kill}`, Math.floor(Math.random() * 20));
          swaps += await expectSound(stateDir, said);
        }
        return swaps;
      }),
    );
    // The kills must have met the writers at work, or nothing was proven.
    expect(Math.min(...landed)).toBeGreaterThan(KILLS / CHAINS / 3);
  });

  test('two processes that write at the same time never disturb each other', { timeout: 180_000 }, async () => {
    const stateDir = tempDir();
    const writers = ['left', 'right'].map((name) => startChild(WRITER, [stateDir, name, '40']));
    const codes = await Promise.all(
      writers.map(async (writer) => {
        const [code] = await once(writer.process, 'close');
        return code;
      }),
    );
    expect(codes).toEqual([0, 0]);
    const { local, pool } = await openFor(stateDir);
    const swaps = await local.swaps({ limit: 1_000 });
    expect(swaps.filter(({ phase }) => phase === 'done')).toHaveLength(80);
    for (const swap of swaps) await expectWhole(local, swap);
    expect((await pool.quota()).map(({ account, used }) => [account, used])).toEqual([
      ['left', 40],
      ['right', 40],
    ]);
  });

  test('three processes that change one record at the same time lose no change and meet no conflict', {
    timeout: 180_000,
  }, async () => {
    const stateDir = tempDir();
    const writers = [1, 2, 3].map(() => startChild(QUOTA_WRITER, [stateDir, '300']));
    for (const writer of writers) expect(await writer.line()).toBe('ready');
    for (const writer of writers) writer.finish();
    const codes = await Promise.all(writers.map(async (writer) => (await once(writer.process, 'close'))[0]));
    expect(codes).toEqual([0, 0, 0]);
    const { local, pool } = await openFor(stateDir);
    expect(await pool.quota()).toMatchObject([{ account: 'shared', used: 900 }]);
    expect(await local.events({ limit: 2_000 })).toHaveLength(900);
  });
});

/** Starts a writer, kills it some time after so many lines, and gives what it said to have committed: `<swap> <phase>` lines. */
async function writeUntilKilled(stateDir: string, prefix: string, afterLines: number): Promise<readonly string[]> {
  const writer = startChild(WRITER, [stateDir, prefix]);
  expect(await writer.line()).toBe('ready');
  const said: string[] = [];
  const reading = (async () => {
    for (;;) said.push(await writer.line());
  })().catch(() => undefined);
  // By its own progress first: how far it comes in a few milliseconds is up to the machine.
  await waitFor(() => said.length >= afterLines, { everyMs: 1 });
  const deadline = performance.now() + Math.random() * 10;
  while (performance.now() < deadline) await new Promise((resolve) => setImmediate(resolve));
  writer.process.kill('SIGKILL');
  await reading;
  return said;
}

async function expectSound(stateDir: string, said: readonly string[]): Promise<number> {
  const store = await openStore({ stateDir, now: NOON });
  try {
    expect(store.quarantined).toBeNull();
    const db = new Database(store.path, { readonly: true });
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(db.pragma('foreign_key_check')).toEqual([]);
    db.close();
    const last = new Map(said.map((line) => line.split(' ') as [string, string]));
    const order = ['prepared', 'flipped', 'recovering', 'done'];
    for (const [id, phase] of last) {
      const swap = await store.local.swap(id);
      expect(order.indexOf(swap?.phase ?? '')).toBeGreaterThanOrEqual(order.indexOf(phase));
    }
    for (const swap of await store.local.swaps({ limit: 20 })) await expectWhole(store.local, swap);
    return last.size;
  } finally {
    await store.close();
  }
}
