/** Leases on the real file: rows from elsewhere, two writers that are killed, and what is left of it after a look. */
import { once } from 'node:events';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LeaseRow } from '../../src/core/quota/lease.ts';
import { planRepair } from '../../src/core/quota/lease.ts';
import type { PoolStore } from '../../src/ports.ts';
import { applySteps } from '../../src/store/migrate.ts';
import { SqlPoolStore } from '../../src/store/pool.ts';
import { sqlitePool } from '../../src/store/sqlite-pool.ts';
import { WriteQueue } from '../../src/store/write-queue.ts';
import { startChild } from '../support/child.ts';
import { openFor } from './support/open.ts';
import { NOON } from './support/rows.ts';
import { tempDir } from './support/temp-dir.ts';

const LONG = process.env.CF_LONG === '1';
const MINUTE = 60_000;
const WRITER = new URL('./support/lease-writer.ts', import.meta.url).href;

test('a row without a holder is released by whoever releases its session, and beside a holder it is left alone [R184]', async () => {
  const { pool, path } = await openFor(tempDir());
  await pool.ensureAccounts([{ name: 'work', pool: 'claude' }]);
  const db = new Database(path);
  const lay = (id: string, session: string) =>
    db
      .prepare(`insert into leases values (?, 'work', ?, null, ?, ?, ?, null, null)`)
      .run(id, session, NOON, NOON, NOON + MINUTE);
  lay('a', 's1');
  lay('b', 's2');
  const claim = (session: string, holder: string) => ({ account: 'work', session, holder });
  expect(await pool.releaseLease(claim('s1', 'anybody'), 'done', NOON)).toEqual({ released: true });
  expect(await pool.releaseLease(claim('s1', 'anybody'), 'done', NOON)).toEqual({ released: false });
  await pool.acquireLease(claim('s2', 'h1'), { maxSessions: 0, ttlMs: MINUTE }, NOON);
  expect(await pool.releaseLease(claim('s2', 'h2'), 'done', NOON)).toEqual({ released: false });
  expect(new Set((await pool.leases(NOON)).map(({ holder }) => holder))).toEqual(new Set([null, 'h1']));
  expect(await pool.releaseLease(claim('s2', 'h1'), 'done', NOON)).toEqual({ released: true });
  expect(await pool.releaseLease(claim('s2', 'h1'), 'done', NOON)).toEqual({ released: true });
  expect(await pool.leases(NOON)).toEqual([]);
  db.close();
});

/** Steps of one writer; whatever follows its kill does not happen. */
const step = fc.record({
  writer: fc.nat(1),
  does: fc.constantFrom('take', 'take', 'take', 'release', 'renew', 'kill', 'wait'),
  account: fc.constantFrom('work', 'spare'),
  session: fc.constantFrom('s1', 's2', 's3', 's4'),
  attempt: fc.nat(1),
});

async function repair(
  pool: PoolStore,
  real: readonly { account: string; session: string; holder: string }[],
  now: number,
) {
  const holdings = real.map((claim) => ({ ...claim, barred: null }));
  const plan = planRepair(await pool.leases(now), holdings);
  for (const { lease, reason } of plan.release) await pool.releaseLeases({ ids: [lease.id] }, reason, now);
  await pool.renewLeases(plan.keep, MINUTE, now);
  for (const claim of plan.take) await pool.acquireLease(claim, { maxSessions: 0, ttlMs: MINUTE }, now);
}

const namesOf = (leases: readonly Pick<LeaseRow, 'account' | 'session' | 'holder'>[]) =>
  leases.map(({ account, session, holder }) => `${account} ${session} ${holder}`).sort();

const HISTORIES = LONG ? 100_000 : 300;

test(`[R182 R183 R186 R200] ${HISTORIES} random histories of two writers and kills: nobody loses a lease to another, each is released once, what was renewed in time lives on, and after a look the leases are the holders`, {
  timeout: LONG ? 1_800_000 : 180_000,
}, async () => {
  const db = new Database(':memory:');
  applySteps(db);
  const pool = new SqlPoolStore(sqlitePool(db, new WriteQueue()), 'memory');
  await pool.ensureAccounts(['work', 'spare'].map((name) => ({ name, pool: 'claude' })));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 16, size: 'max' }), fc.nat(3), async (steps, limit) => {
      db.exec('delete from leases');
      let now = NOON;
      const dead = new Set<number>();
      /** What each living writer knows to hold, by name, with its end. */
      const held = new Map<string, { claim: { account: string; session: string; holder: string }; until: number }>();
      for (const { writer, does, account, session, attempt } of steps) {
        if (dead.has(writer)) continue;
        const claim = { account, session, holder: `w${writer}.${attempt}` };
        const name = `${account} ${session} ${claim.holder}`;
        const lives = (held.get(name)?.until ?? 0) > now;
        if (does === 'kill') dead.add(writer);
        else if (does === 'wait') now += MINUTE / 2;
        else if (does === 'take') {
          const grant = await pool.acquireLease(claim, { maxSessions: limit, ttlMs: MINUTE }, now);
          if (grant.allowed) held.set(name, { claim, until: now + MINUTE });
          expect(grant.allowed && grant.tracked).toBe(grant.allowed && !lives);
          if (limit > 0) expect(grant.count).toBeLessThanOrEqual(limit);
        } else if (does === 'release') {
          expect(await pool.releaseLease(claim, 'done', now)).toEqual({ released: lives });
          held.delete(name);
        } else {
          const mine = (await pool.leases(now)).filter(({ holder }) => holder?.startsWith(`w${writer}.`));
          await pool.renewLeases(
            mine.map(({ id }) => id),
            MINUTE,
            now,
          );
          for (const [key, entry] of held)
            if (entry.until > now && entry.claim.holder.startsWith(`w${writer}.`))
              held.set(key, { ...entry, until: now + MINUTE });
        }
        const live = [...held.values()].filter(({ until }) => until > now);
        expect(namesOf(await pool.leases(now))).toEqual(namesOf(live.map(({ claim: own }) => own)));
        const sessions = (on: string) =>
          new Set(live.filter((entry) => entry.claim.account === on).map((entry) => entry.claim.session));
        const counts = await pool.leaseCounts(now);
        for (const on of ['work', 'spare']) expect(counts.get(on) ?? 0).toBe(sessions(on).size);
      }
      // What runs in the end: one holder for each session of a writer that lives.
      const alive = [...held.values()].map(({ claim }) => claim).filter(({ holder }) => !dead.has(Number(holder[1])));
      const real = [...new Map(alive.map((claim) => [claim.session, claim])).values()];
      await repair(pool, real, now);
      expect(namesOf(await pool.leases(now))).toEqual(namesOf(real));
    }),
    { numRuns: HISTORIES },
  );
  db.close();
});

const KILLS = LONG ? 40 : 2;

test(`[R200 R205] ${KILLS} rounds of two processes on one file, both killed at work: no row is half, and after a look the leases are the holders`, {
  timeout: 60_000 + KILLS * 60_000,
}, async () => {
  const stateDir = tempDir();
  for (let round = 0; round < KILLS; round++) {
    const writers = ['a', 'b'].map((name, i) => startChild(WRITER, [stateDir, name, String(round * 2 + i + 1)]));
    for (const writer of writers) expect(await writer.line()).toBe('ready');
    // Each is killed in the middle of its work, at another point of it.
    await Promise.all(
      writers.map(async (writer, i) => {
        for (let did = 0; did < 5 + round + 7 * i; did++) await writer.line();
        writer.process.kill('SIGKILL');
        // Not `close`: lines that nobody reads any more hold its output open.
        await once(writer.process, 'exit');
      }),
    );
    const store = await openFor(stateDir);
    const left = await store.pool.leases(NOON);
    expect(new Set(namesOf(left)).size).toBe(left.length);
    const real = left
      .slice(0, 2)
      .filter(({ session }, i, all) => all.findIndex((other) => other.session === session) === i);
    const holders = real.map(({ account, session, holder }) => ({ account, session, holder: holder ?? '' }));
    await repair(store.pool, holders, NOON);
    expect(namesOf(await store.pool.leases(NOON))).toEqual(namesOf(holders));
    await store.close();
  }
});
