/** What every pool store promises about leases, whichever database is behind it. */
import { describe, expect, test } from 'vitest';
import type { LeaseGrant } from '../../src/core/quota/lease.ts';
import type { PoolStore } from '../../src/ports.ts';
import { NOON } from './support/rows.ts';

const MINUTE = 60_000;
const ANY = { maxSessions: 0, ttlMs: 5 * MINUTE };

/** `open` gives an empty store; whoever opens it also closes it after the test. */
export function runLeaseContract(name: string, open: () => Promise<PoolStore>): void {
  const filled = async () => {
    const store = await open();
    await store.ensureAccounts(['work', 'spare'].map((account) => ({ name: account, pool: 'claude' })));
    return store;
  };
  const claim = (session: string, holder = 'h1', account = 'work') => ({ account, session, holder });
  const counts = async (store: PoolStore, at = NOON) => Object.fromEntries(await store.leaseCounts(at));

  describe(`leases on ${name}`, () => {
    test('a new claim makes a row and tells its id, the same claim again only renews it [R178 R179]', async () => {
      const store = await filled();
      const first = await store.acquireLease(claim('s1'), ANY, NOON);
      expect(first).toEqual({ allowed: true, tracked: true, count: 1, leaseId: expect.stringMatching(/./) });
      const again = await store.acquireLease(claim('s1'), ANY, NOON + MINUTE);
      expect(again).toEqual({ allowed: true, tracked: false, count: 1, leaseId: first.leaseId });
      expect(await store.leases(NOON + MINUTE)).toEqual([
        {
          id: first.leaseId,
          account: 'work',
          session: 's1',
          holder: 'h1',
          acquiredAt: NOON,
          heartbeatAt: NOON + MINUTE,
          expiresAt: NOON + 6 * MINUTE,
          releasedAt: null,
          releaseReason: null,
        },
      ]);
    });

    test('at the limit a session that is there goes on, a new one is refused and leaves nothing to release [R179 R183]', async () => {
      const store = await filled();
      const two = { ...ANY, maxSessions: 2 };
      await store.acquireLease(claim('s1'), two, NOON);
      await store.acquireLease(claim('s2'), two, NOON);
      const refused: LeaseGrant = { allowed: false, tracked: false, count: 2, leaseId: null };
      expect(await store.acquireLease(claim('s3'), two, NOON)).toEqual(refused);
      expect(await store.releaseLease(claim('s3'), 'never held', NOON)).toEqual({ released: false });
      expect(await store.acquireLease(claim('s1', 'h2'), two, NOON)).toMatchObject({ allowed: true, count: 2 });
      expect(await store.acquireLease(claim('s3', 'h1', 'spare'), two, NOON)).toMatchObject({
        allowed: true,
        count: 1,
      });
      expect(await counts(store)).toEqual({ work: 2, spare: 1 });
    });

    test('claims at the same moment never pass the limit [R179]', async () => {
      const store = await filled();
      const grants = await Promise.all(
        Array.from({ length: 20 }, (_, i) => store.acquireLease(claim(`s${i}`), { ...ANY, maxSessions: 7 }, NOON)),
      );
      expect(grants.filter(({ allowed }) => allowed)).toHaveLength(7);
      expect(await counts(store)).toEqual({ work: 7 });
    });

    test('two interleaved holders: the session counts until the last one has released, and none releases the other [R182 R197]', async () => {
      const store = await filled();
      await store.acquireLease(claim('s1', 'first'), ANY, NOON);
      await store.acquireLease(claim('s1', 'second'), ANY, NOON);
      expect(await store.releaseLease(claim('s1', 'first'), 'done', NOON)).toEqual({ released: true });
      expect(await counts(store)).toEqual({ work: 1 });
      await store.acquireLease(claim('s1', 'third'), ANY, NOON);
      expect(await store.releaseLease(claim('s1', 'second'), 'done', NOON)).toEqual({ released: true });
      expect((await store.leases(NOON)).map(({ holder }) => holder)).toEqual(['third']);
      expect(await store.releaseLease(claim('s1', 'third'), 'done', NOON)).toEqual({ released: true });
      expect(await counts(store)).toEqual({});
    });

    test('a release is consumed once: the second finds nothing, and a new claim of the same holder counts anew [R183 R193]', async () => {
      const store = await filled();
      await store.acquireLease(claim('s1'), ANY, NOON);
      expect(await store.releaseLease(claim('s1'), 'failed', NOON)).toEqual({ released: true });
      expect(await store.releaseLease(claim('s1'), 'failed', NOON)).toEqual({ released: false });
      expect(await store.releaseLeases({ account: 'work' }, 'failed', NOON)).toBe(0);
      expect(await store.acquireLease(claim('s1'), ANY, NOON)).toMatchObject({ tracked: true, count: 1 });
    });

    test('what has expired is not counted, not renewed by a reader, and ends with the next claim [R186 R187]', async () => {
      const store = await filled();
      const at = NOON + 5 * MINUTE;
      const { leaseId } = await store.acquireLease(claim('s1'), { maxSessions: 1, ttlMs: 5 * MINUTE }, NOON);
      expect(await counts(store, at)).toEqual({});
      expect(await store.leases(at)).toEqual([]);
      expect(await store.releaseLease(claim('s1'), 'late', at)).toEqual({ released: false });
      expect(await store.acquireLease(claim('s2'), { maxSessions: 1, ttlMs: 5 * MINUTE }, at)).toMatchObject({
        allowed: true,
        count: 1,
      });
      expect(await store.renewLeases([leaseId ?? ''], MINUTE, at)).toBe(0);
    });

    test('of a session whose membership expired no old holder is counted again [R185]', async () => {
      const store = await filled();
      for (const holder of ['a', 'b', 'c']) await store.acquireLease(claim('s1', holder), ANY, NOON);
      const at = NOON + 6 * MINUTE;
      expect(await store.acquireLease(claim('s1', 'd'), ANY, at)).toMatchObject({ tracked: true, count: 1 });
      expect((await store.leases(at)).map(({ holder }) => holder)).toEqual(['d']);
      expect(await store.releaseLease(claim('s1', 'd'), 'done', at)).toEqual({ released: true });
      expect(await counts(store, at)).toEqual({});
    });

    test('a lease that is renewed as it expires lives on, with the holders beside it [R186]', async () => {
      const store = await filled();
      const first = await store.acquireLease(claim('s1', 'a'), ANY, NOON);
      await store.acquireLease(claim('s1', 'b'), ANY, NOON + MINUTE);
      const at = NOON + 5 * MINUTE;
      expect(await store.renewLeases([first.leaseId ?? ''], 5 * MINUTE, at)).toBe(1);
      expect((await store.leases(at)).map(({ holder, expiresAt }) => [holder, expiresAt])).toEqual([
        ['a', at + 5 * MINUTE],
        ['b', NOON + 6 * MINUTE],
      ]);
    });

    test.each([0, 1, 2, 3, 4, 6])(
      'beside claims and releases that clear what has expired, a lease that is renewed at that moment (%i queries later) lives on with all holders of its session, or was gone before [R186]',
      async (later) => {
        const store = await filled();
        const ids = await Promise.all(
          ['a', 'b'].map(async (holder) => (await store.acquireLease(claim('s1', holder), ANY, NOON)).leaseId ?? ''),
        );
        for (let i = 2; i < 30; i++) await store.acquireLease(claim(`s${i}`), ANY, NOON);
        const at = NOON + 5 * MINUTE;
        const others = [0, 1, 2].flatMap((i) => [
          () => store.acquireLease(claim(`new${i}`), ANY, at),
          () => store.releaseLease(claim('s2'), 'done', at),
        ]);
        let renewed: number | null = null;
        const renew = async () => {
          for (let i = 0; i < later; i++) await store.leases(at);
          renewed = await store.renewLeases(ids, ANY.ttlMs, at);
        };
        await Promise.all([...others, renew].map((act) => act()));
        const left = (await store.leases(at)).flatMap(({ session, holder }) => (session === 's1' ? [holder] : []));
        expect([renewed, left.sort()]).toEqual(renewed === 0 ? [0, []] : [2, ['a', 'b']]);
      },
    );

    test('a late release by a former holder leaves its successor alone [R126]', async () => {
      const store = await filled();
      const one = { maxSessions: 1, ttlMs: MINUTE };
      await store.acquireLease(claim('s1', 'former'), one, NOON);
      const at = NOON + 2 * MINUTE;
      await store.acquireLease(claim('s1', 'successor'), one, at);
      expect(await store.releaseLease(claim('s1', 'former'), 'late', at)).toEqual({ released: false });
      expect((await store.leases(at)).map(({ holder }) => holder)).toEqual(['successor']);
    });

    test.each([0, -5, Number.NaN])('a time to live of %d clears nothing: it is five minutes [R187]', async (ttlMs) => {
      const store = await filled();
      const { leaseId } = await store.acquireLease(claim('s1'), { maxSessions: 0, ttlMs }, NOON);
      expect(await store.leases(NOON)).toMatchObject([{ expiresAt: NOON + 5 * MINUTE }]);
      await store.renewLeases([leaseId ?? ''], ttlMs, NOON + MINUTE);
      expect(await store.leases(NOON + MINUTE)).toMatchObject([{ expiresAt: NOON + 6 * MINUTE }]);
    });

    test('all leases of an account or of a session end at once, with their reason, and no others [R180 R196]', async () => {
      const store = await filled();
      for (let i = 0; i < 100; i++) await store.acquireLease(claim(`s${i}`), ANY, NOON);
      await store.acquireLease(claim('s1', 'h2', 'spare'), ANY, NOON);
      await store.acquireLease(claim('s2', 'h2', 'spare'), ANY, NOON);
      expect(await store.releaseLeases({ session: 's1' }, 'terminated', NOON)).toBe(2);
      expect(await counts(store)).toEqual({ work: 99, spare: 1 });
      expect(await store.releaseLeases({ account: 'work' }, 'account_exhausted', NOON)).toBe(99);
      expect(await counts(store)).toEqual({ spare: 1 });
      expect(await store.releaseLeases({ ids: [] }, 'nothing', NOON)).toBe(0);
      expect(await counts(store)).toEqual({ spare: 1 });
    });

    test.each([
      ['account', { account: '', session: 's', holder: 'h' }],
      ['session', { account: 'work', session: '', holder: 'h' }],
      ['holder', { account: 'work', session: 's', holder: ' ' }],
    ])('a claim without %s is refused before the database is asked [R192]', async (key, wrong) => {
      const store = await filled();
      const code = { code: 'lease_invalid', message: `the ${key} of a lease must not be empty` };
      await expect(store.acquireLease(wrong, ANY, NOON)).rejects.toMatchObject(code);
      await expect(store.releaseLease(wrong, 'x', NOON)).rejects.toMatchObject(code);
    });

    test('a claim on an account that is not stored is refused with its name, and the store goes on [R192]', async () => {
      const store = await filled();
      await expect(store.acquireLease(claim('s1', 'h', 'nobody'), ANY, NOON)).rejects.toMatchObject({
        code: 'account_unknown',
        message: 'no account named nobody is stored',
      });
      expect(await store.acquireLease(claim('s1'), ANY, NOON)).toMatchObject({ allowed: true });
    });

    test('an account that was removed shows nothing, takes no claim, and is as it was when it is named again [R172]', async () => {
      const store = await filled();
      const record = {
        account: 'work',
        window: '5h',
        used: 0.5,
        limitReached: false,
        resetAt: NOON + MINUTE,
        lockUntil: null,
        source: 'statusline',
        updatedAt: NOON,
        verifyRequired: false,
      } as const;
      await store.mergeQuota('work', '5h', () => record);
      await store.setStatus('work', 'disabled', 'by hand', null);
      expect(await store.removeAccounts(['work', 'nobody'], NOON)).toEqual(['work']);
      expect(await store.removeAccounts(['work'], NOON)).toEqual([]);
      expect((await store.accounts()).map((row) => row.name)).toEqual(['spare']);
      expect(await store.quota()).toEqual([]);
      expect(await store.mergeQuota('work', '5h', () => ({ ...record, used: 0.9 }))).toBeNull();
      await expect(store.acquireLease(claim('s1'), ANY, NOON)).rejects.toMatchObject({ code: 'account_unknown' });
      await store.ensureAccounts([{ name: 'work', pool: 'claude' }]);
      expect(await store.accounts()).toMatchObject([{ name: 'spare' }, { name: 'work', status: 'disabled' }]);
      expect(await store.quota()).toEqual([record]);
    });
  });
}
