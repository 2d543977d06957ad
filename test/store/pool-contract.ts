/** What every pool store promises, whichever database is behind it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { QuotaRecord } from '../../src/core/quota/record.ts';
import { applyLimitHit } from '../../src/core/quota/record.ts';
import type { PoolStore } from '../../src/ports.ts';
import { runLeaseContract } from './lease-contract.ts';
import { aQuotaRecord, NOON } from './support/rows.ts';

const HOUR = 3_600_000;
const ACCOUNTS = [
  { name: 'work', pool: 'claude' },
  { name: 'spare', pool: 'claude' },
  { name: 'other', pool: 'second' },
];

/** `open` gives an empty store; whoever opens it also closes it after the test. */
export function runPoolStoreContract(name: string, open: () => Promise<PoolStore>): void {
  runLeaseContract(name, open);
  const filled = async () => {
    const store = await open();
    await store.ensureAccounts(ACCOUNTS);
    return store;
  };
  const account = async (store: PoolStore, wanted: string) =>
    (await store.accounts()).find((row) => row.name === wanted);

  describe(`the pool store on ${name}`, () => {
    test('an account that is new is active, of no known identity, and not the one in use', async () => {
      expect(await account(await filled(), 'work')).toEqual({
        name: 'work',
        pool: 'claude',
        status: 'active',
        statusReason: null,
        identity: null,
        activeSince: null,
        leftAt: null,
        credentialsMtimeMs: null,
      });
    });

    test('naming the accounts again changes nothing and removes none', async () => {
      const store = await filled();
      await store.setStatus('work', 'disabled', 'by hand', null);
      await store.ensureAccounts(ACCOUNTS.slice(0, 1));
      expect((await store.accounts()).map((row) => [row.name, row.status])).toEqual([
        ['other', 'active'],
        ['spare', 'active'],
        ['work', 'disabled'],
      ]);
    });

    test('an account that moved to another pool is not the one in use there', async () => {
      const store = await filled();
      await store.markActive('work', null, NOON);
      await store.ensureAccounts([{ name: 'work', pool: 'second' }]);
      expect(await account(store, 'work')).toMatchObject({ pool: 'second', activeSince: null });
    });

    test('a status keeps its reason and the exact time of the credentials file', async () => {
      const store = await filled();
      await store.setStatus('work', 'expired', 'login ended', 1_767_600_000_123.4568);
      expect(await account(store, 'work')).toMatchObject({
        status: 'expired',
        statusReason: 'login ended',
        credentialsMtimeMs: 1_767_600_000_123.4568,
      });
    });

    test('[R134] a status that is not a rotation mark is refused', async () => {
      const store = await filled();
      await expect(store.setStatus('work', 'rate_limited' as 'active', null, null)).rejects.toThrow();
      expect(await account(store, 'work')).toMatchObject({ status: 'active' });
    });

    test('[R134] a status never changes quota, and quota never a status', async () => {
      const store = await filled();
      await store.mergeQuota('work', '5h', () => aQuotaRecord({ limitReached: true, used: 1 }));
      await store.setStatus('work', 'banned', 'said so', null);
      expect(await store.quota()).toEqual([aQuotaRecord({ limitReached: true, used: 1 })]);
      await store.mergeQuota('work', '5h', () => aQuotaRecord());
      expect(await account(store, 'work')).toMatchObject({ status: 'banned', statusReason: 'said so' });
    });

    test('an identity is kept', async () => {
      const store = await filled();
      await store.setIdentity('spare', 'a/b');
      expect(await account(store, 'spare')).toMatchObject({ identity: 'a/b' });
    });

    test('a change of an account that is not stored is an error that names it', async () => {
      const store = await filled();
      await expect(store.setStatus('nobody', 'active', null, null)).rejects.toThrow(
        'no account named nobody is stored',
      );
      await expect(store.setIdentity('nobody', 'x')).rejects.toThrow('nobody');
      await expect(store.markActive('nobody', 'work', NOON)).rejects.toThrow('nobody');
    });

    test('after a switch one account of the pool is in use and the other one was left then', async () => {
      const store = await filled();
      await store.markActive('work', null, NOON);
      await store.markActive('other', null, NOON);
      await store.markActive('spare', 'work', NOON + HOUR);
      expect(await account(store, 'work')).toMatchObject({ activeSince: null, leftAt: NOON + HOUR });
      expect(await account(store, 'spare')).toMatchObject({ activeSince: NOON + HOUR, leftAt: null });
      expect(await account(store, 'other')).toMatchObject({ activeSince: NOON });
    });

    test('there is never more than one account in use, even when nobody knows which one it was', async () => {
      const store = await filled();
      await store.markActive('work', null, NOON);
      await store.markActive('spare', null, NOON + HOUR);
      const inUse = (await store.accounts()).filter((row) => row.activeSince !== null && row.pool === 'claude');
      expect(inUse.map((row) => row.name)).toEqual(['spare']);
    });

    test('an account that is marked again is not left', async () => {
      const store = await filled();
      await store.markActive('work', 'work', NOON);
      expect(await account(store, 'work')).toMatchObject({ activeSince: NOON, leftAt: null });
    });

    test('every record comes back as it was merged', async () => {
      const instant = fc.option(fc.integer({ min: 0, max: 4_102_444_800_000 }));
      const records = fc.record({
        account: fc.constantFrom('work', 'spare'),
        window: fc.constantFrom('5h', '7d', 'model', 'daily', 'monthly', 'unknown'),
        used: fc.option(fc.double({ min: 0, max: 2, noNaN: true }).map((used) => used + 0)),
        limitReached: fc.boolean(),
        resetAt: instant,
        lockUntil: instant,
        source: fc.constantFrom('banner', 'transcript', 'statusline', 'rollout', 'manual'),
        updatedAt: fc.integer({ min: 0, max: 4_102_444_800_000 }),
        verifyRequired: fc.boolean(),
      }) as fc.Arbitrary<QuotaRecord>;
      const store = await filled();
      await fc.assert(
        fc.asyncProperty(records, async (record) => {
          expect(await store.mergeQuota(record.account, record.window, () => record)).toEqual(record);
          const stored = await store.quota();
          expect(stored.filter(({ account: a, window }) => a === record.account && window === record.window)).toEqual([
            record,
          ]);
        }),
        { numRuns: 40 },
      );
    });

    test('an instant with a fraction is stored as a whole millisecond', async () => {
      const store = await filled();
      await store.mergeQuota('work', '5h', () => aQuotaRecord({ resetAt: NOON + 0.6, updatedAt: NOON + 0.4 }));
      expect(await store.quota()).toEqual([aQuotaRecord({ resetAt: NOON + 1 })]);
    });

    test('a merge sees what is stored; null or the same record writes nothing', async () => {
      const store = await filled();
      const seen: (QuotaRecord | null)[] = [];
      const first = aQuotaRecord();
      const noting = (answer: (current: QuotaRecord | null) => QuotaRecord | null) => (current: QuotaRecord | null) => {
        seen.push(current);
        return answer(current);
      };
      expect(
        await store.mergeQuota(
          'work',
          '5h',
          noting(() => null),
        ),
      ).toBeNull();
      expect(await store.quota()).toEqual([]);
      await store.mergeQuota('work', '5h', () => first);
      expect(
        await store.mergeQuota(
          'work',
          '5h',
          noting(() => null),
        ),
      ).toEqual(first);
      expect(
        await store.mergeQuota(
          'work',
          '5h',
          noting((current) => current),
        ),
      ).toEqual(first);
      expect(seen).toEqual([null, first, first]);
      expect(await store.quota()).toEqual([first]);
    });

    test('[R136] a hit on an account that is not stored is no hit', async () => {
      const store = await filled();
      const merged = await store.mergeQuota('nobody', '5h', () => aQuotaRecord({ account: 'nobody' }));
      expect(merged).toBeNull();
      expect(await store.quota()).toEqual([]);
    });

    test('[R136] a hit through the store never shrinks a later reset', async () => {
      const store = await filled();
      const hit = (resetAt: number) => (current: QuotaRecord | null) =>
        applyLimitHit(current, { account: 'work', window: '5h', resetAt, source: 'banner' }, NOON, HOUR);
      await store.mergeQuota('work', '5h', hit(NOON + 2 * HOUR));
      await store.mergeQuota('work', '5h', hit(NOON + HOUR));
      expect(await store.quota()).toMatchObject([{ limitReached: true, resetAt: NOON + 2 * HOUR }]);
    });

    test('a merge that throws or answers for another account leaves the record alone, and the store usable', async () => {
      const store = await filled();
      await store.mergeQuota('work', '5h', () => aQuotaRecord());
      const broken = () => {
        throw new Error('no');
      };
      await expect(store.mergeQuota('work', '5h', broken)).rejects.toThrow('no');
      await expect(store.mergeQuota('work', '5h', () => aQuotaRecord({ account: 'spare' }))).rejects.toThrow(
        'a merge of work 5h answered with spare 5h',
      );
      expect(await store.quota()).toEqual([aQuotaRecord()]);
    });

    test('[R151] many records change in one transaction: all of them, or none', async () => {
      const store = await filled();
      const [work, spare] = ['work', 'spare'].map((name) => aQuotaRecord({ account: name, used: 0.3 }));
      if (work === undefined || spare === undefined) throw new Error('no records');
      const answers = await store.mergeQuotas([
        { account: 'work', window: '5h', merge: () => work },
        { account: 'spare', window: '5h', merge: () => spare },
        { account: 'nobody', window: '5h', merge: () => aQuotaRecord({ account: 'nobody' }) },
      ]);
      expect(answers).toEqual([work, spare, null]);
      const refused = store.mergeQuotas([
        { account: 'work', window: '5h', merge: () => ({ ...work, used: 0.9 }) },
        { account: 'spare', window: '5h', merge: () => aQuotaRecord({ account: 'other' }) },
      ]);
      await expect(refused).rejects.toThrow('answered with other');
      expect((await store.quota()).map(({ used }) => used)).toEqual([0.3, 0.3]);
      expect(await store.mergeQuotas([])).toEqual([]);
    });

    test('many merges at once lose none', async () => {
      const store = await filled();
      await Promise.all(
        Array.from({ length: 50 }, () =>
          store.mergeQuota('work', '5h', (current) => aQuotaRecord({ used: (current?.used ?? 0) + 1 })),
        ),
      );
      expect(await store.quota()).toMatchObject([{ used: 50 }]);
    });
  });
}
