/** What is done by hand to one account, and what becomes of an account that leaves the configuration. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { toConfig } from '../../src/config/schema.ts';
import { claude } from '../../src/core/agents/claude.ts';
import { isEligible } from '../../src/core/quota/eligibility.ts';
import { applyLimitHit } from '../../src/core/quota/record.ts';
import type { Board } from '../../src/ports.ts';
import { createBoard } from '../../src/runtime/board.ts';
import { actOnAccount } from '../../src/steps/account-actions.ts';
import { swapPolicyOf } from '../../src/steps/config-policy.ts';
import { setAsideRemoved } from '../../src/steps/removed-accounts.ts';
import type { OpenedStore } from '../../src/store/open.ts';
import { openStore } from '../../src/store/open.ts';
import { tempDir } from '../store/support/temp-dir.ts';
import { aHome, NOON } from '../support/builders.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLog } from '../support/recording-log.ts';

const HOUR = 3_600_000;
const ACCOUNTS = [
  { name: 'work', home: '/h/work' },
  { name: 'spare', home: '/h/spare' },
  { name: 'off', home: '/h/off', enabled: false },
];
const configOf = (accounts: readonly object[]) => toConfig({ accounts }, {}, '/home/ada');

let store: OpenedStore;
let stateDir: string;
let board: Board;
let woken: string[];
const clock = new FakeClock(new Date(NOON).toISOString());

beforeEach(async () => {
  stateDir = tempDir();
  store = await openStore({ stateDir, now: NOON });
  await store.pool.ensureAccounts(ACCOUNTS.map(({ name }) => ({ name, pool: 'default' })));
  woken = [];
  board = createBoard((name) => woken.push(name));
});
afterEach(() => store.close());

function hand(): Parameters<typeof actOnAccount>[0] {
  return {
    local: store.local,
    shared: store.pool,
    link: { read: async () => ({ kind: 'account', account: 'work', target: '/h/work' }) },
    homes: { inspect: async (_: unknown, home: string) => aHome({ home, realPath: home }) },
    board,
    clock,
    profiles: [claude],
    config: () => configOf(ACCOUNTS),
    host: 'here',
  } as unknown as Parameters<typeof actOnAccount>[0];
}

const statusOf = async (name: string) => (await store.pool.accounts()).find((row) => row.name === name)?.status;
const told = async (...types: Parameters<typeof store.local.events>[0]['types'] & object) =>
  (await store.local.events({ types, limit: 9 })).map(({ type, account }) => [type, account]);

describe('an account by hand', () => {
  test('disabled: it stays so over a restart, is no target, and is written down', async () => {
    expect(await actOnAccount(hand(), 'spare', 'disable')).toEqual({
      kind: 'done',
      changed: true,
      detail: 'spare is disabled and no longer a target',
    });
    await store.close();
    store = await openStore({ stateDir, now: NOON });
    expect(await statusOf('spare')).toBe('disabled');
    const facts = board
      .pools()
      .get('default')
      ?.pool.accounts.find(({ name }) => name === 'spare');
    const { eligibility } = swapPolicyOf(configOf(ACCOUNTS));
    expect(facts && isEligible(facts, NOON, eligibility, { purpose: 'swap' }).ok).toBe(false);
    expect(await told('account_disabled')).toEqual([['account_disabled', 'spare']]);
    expect(woken).toEqual(['quota-monitor', 'reconciler']);
  });

  test('disabled twice, enabled twice: the second changes nothing and is not written down', async () => {
    await actOnAccount(hand(), 'spare', 'disable');
    expect(await actOnAccount(hand(), 'spare', 'disable')).toMatchObject({ kind: 'done', changed: false });
    expect(await actOnAccount(hand(), 'spare', 'enable')).toMatchObject({ kind: 'done', changed: true });
    expect(await actOnAccount(hand(), 'spare', 'enable')).toMatchObject({ kind: 'done', changed: false });
    expect(await told('account_disabled', 'account_enabled')).toHaveLength(2);
  });

  test('the active one can be disabled; it is said that its sessions go on', async () => {
    await actOnAccount(hand(), 'spare', 'disable');
    const answer = await actOnAccount(hand(), 'work', 'disable');
    expect(answer.detail).toContain('it is the active account and its sessions go on');
  });

  test('what cannot be enabled says what to do instead', async () => {
    expect(await actOnAccount(hand(), 'off', 'enable')).toMatchObject({
      kind: 'refused',
      reason: 'disabled_in_config',
    });
    await store.pool.setStatus('spare', 'expired', 'gone', null);
    expect(await actOnAccount(hand(), 'spare', 'enable')).toMatchObject({ kind: 'refused', reason: 'login_needed' });
    expect(await statusOf('spare')).toBe('expired');
    for (const action of ['enable', 'disable', 'reset-quota'] as const)
      expect(await actOnAccount(hand(), 'nobody', action)).toMatchObject({
        kind: 'refused',
        reason: 'unknown_account',
      });
  });

  test('reset-quota forgets what is known of its limits, of no other account, and keeps what it was in the journal [R177]', async () => {
    for (const account of ['work', 'spare'])
      await store.pool.mergeQuota(account, '5h', (now) =>
        applyLimitHit(now, { account, window: '5h', resetAt: NOON + HOUR, source: 'banner' }, NOON, HOUR),
      );
    expect(await actOnAccount(hand(), 'spare', 'reset-quota')).toMatchObject({ kind: 'done', changed: true });
    expect(await store.pool.quota()).toMatchObject([
      { account: 'spare', limitReached: false, resetAt: null, used: null, verifyRequired: true, source: 'manual' },
      { account: 'work', limitReached: true },
    ]);
    const [event] = await store.local.events({ types: ['quota_reset_by_hand'], limit: 9 });
    expect(event).toMatchObject({
      account: 'spare',
      data: { windows: [{ window: '5h', used: 1, limitReached: true }] },
    });
    expect(await actOnAccount(hand(), 'spare', 'reset-quota')).toMatchObject({ kind: 'done', changed: false });
    expect(await statusOf('spare')).toBe('active');
  });
});

describe('an account that leaves the configuration [R172]', () => {
  const look = (accounts: readonly object[]) =>
    setAsideRemoved(
      { local: store.local, shared: store.pool, clock },
      {
        config: configOf(accounts),
        now: NOON,
        signal: new AbortController().signal,
        log: new RecordingLog(),
      },
    );

  test('is set aside with its quota and leases at the next look, once, and the journal keeps its name', async () => {
    await look(ACCOUNTS);
    const lease = { account: 'spare', session: 's', holder: 'h' };
    await store.pool.acquireLease(lease, { maxSessions: 0, ttlMs: HOUR }, NOON);
    await store.pool.mergeQuota('spare', '5h', () => ({
      account: 'spare',
      window: '5h',
      used: 0.5,
      limitReached: false,
      resetAt: NOON + HOUR,
      lockUntil: null,
      source: 'statusline',
      updatedAt: NOON,
      verifyRequired: false,
    }));
    const without = ACCOUNTS.filter(({ name }) => name !== 'spare');
    await look(without);
    await look(without);
    expect(await store.pool.leases(NOON)).toEqual([]);
    expect(await store.pool.quota()).toEqual([]);
    expect((await store.pool.accounts()).map(({ name }) => name)).toEqual(['off', 'work']);
    expect(await told('account_removed')).toEqual([['account_removed', 'spare']]);
  });

  test('comes back as it was: nothing that somebody may still need was deleted [R127]', async () => {
    await look(ACCOUNTS);
    await store.pool.setStatus('spare', 'disabled', 'by hand', null);
    await look(ACCOUNTS.slice(0, 1));
    await store.pool.ensureAccounts(ACCOUNTS.map(({ name }) => ({ name, pool: 'default' })));
    await look(ACCOUNTS);
    expect(await statusOf('spare')).toBe('disabled');
  });

  test('is only one that this host had in its configuration: those of others are not touched', async () => {
    await store.pool.ensureAccounts([{ name: 'elsewhere', pool: 'theirs' }]);
    await look(ACCOUNTS);
    await look(ACCOUNTS.slice(0, 2));
    expect((await store.pool.accounts()).map(({ name }) => name)).toEqual(['elsewhere', 'spare', 'work']);
  });
});
