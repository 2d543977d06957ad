/** Leases kept equal to what runs: every way out, failures of the store, and what decisions are told. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { toConfig } from '../../src/config/schema.ts';
import { claude } from '../../src/core/agents/claude.ts';
import { StoreError } from '../../src/core/errors.ts';
import type { AccountFacts } from '../../src/core/quota/eligibility.ts';
import type { PoolView } from '../../src/core/status.ts';
import type { LeaseStore } from '../../src/ports/leases.ts';
import type { Board, SessionRow } from '../../src/ports.ts';
import { createBoard } from '../../src/runtime/board.ts';
import { terminateSession } from '../../src/steps/account-actions.ts';
import type { TaskHolder } from '../../src/steps/leases.ts';
import { createLeaseCounter, createLeaseKeeper } from '../../src/steps/leases.ts';
import type { OpenedStore } from '../../src/store/open.ts';
import { openStore } from '../../src/store/open.ts';
import { aSession } from '../store/support/rows.ts';
import { tempDir } from '../store/support/temp-dir.ts';
import { aHome, aLimitedAccount, anAccount, aPool, NOON } from '../support/builders.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLog } from '../support/recording-log.ts';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));
const HOUR = 3_600_000;
const config = toConfig(
  {
    accounts: [
      { name: 'work', home: '/h/work', max_sessions: 3 },
      { name: 'spare', home: '/h/spare' },
    ],
  },
  {},
  '/home/ada',
);

let store: OpenedStore;
let clock: FakeClock;
let board: Board;
let log: RecordingLog;
/** What the store refuses. */
let broken: Set<keyof LeaseStore>;
let holders: TaskHolder[];

beforeEach(async () => {
  store = await openStore({ stateDir: tempDir(), now: NOON });
  await store.pool.ensureAccounts(['work', 'spare'].map((name) => ({ name, pool: 'default' })));
  clock = new FakeClock(new Date(NOON).toISOString());
  board = createBoard(() => undefined);
  board.postSnapshot({ takenAt: NOON, servers: [], panes: [] });
  log = new RecordingLog();
  broken = new Set();
  holders = [];
  show('work');
});
afterEach(() => store.close());

/** The pool as the loops last saw it. */
function show(active: string | null, change: Partial<Record<'work' | 'spare', AccountFacts>> = {}): void {
  const accounts = [change.work ?? anAccount('work'), change.spare ?? anAccount('spare')];
  const view: PoolView = {
    pool: aPool({ pool: 'default', active, accounts }),
    agent: 'claude',
    link: '/h/link',
    linkState: { kind: 'missing' },
    partialReason: null,
    swapStateSince: null,
    asOf: NOON,
  };
  board.postPool(view, board.ticket());
}

/** A hot pane follows the link, a cold one stays where it was started. */
function pane(i: number, change: Partial<SessionRow> = {}): SessionRow {
  const label = `s${i}:0.0`;
  return aSession({
    id: `default 100.1 %${i} ${200 + i}`,
    label,
    sessionName: `s${i}`,
    paneId: `%${i}`,
    pool: 'default',
    version: '2.1.300',
    agentPid: 1000 + i,
    ...change,
  });
}

function shared(): LeaseStore {
  return new Proxy<LeaseStore>(store.pool, {
    get(target, name: keyof LeaseStore) {
      if (broken.has(name)) return async () => Promise.reject(new StoreError('store_locked', 'it is busy'));
      return target[name].bind(target);
    },
  });
}

function keeper(host = 'here') {
  const keep = createLeaseKeeper({
    local: store.local,
    shared: shared(),
    board,
    clock,
    profiles: [claude],
    host,
    taskHolders: async () => holders,
  });
  return () => keep({ config, now: clock.now(), signal: new AbortController().signal, log });
}

async function counts(): Promise<Record<string, number>> {
  return Object.fromEntries(await store.pool.leaseCounts(clock.now()));
}

const ended = () => log.lines.filter(({ message }) => message === 'lease released').map(({ fields }) => fields.reason);

test('every agent in a pool holds one lease on the account it runs under [R178]', async () => {
  await store.local.saveSessions([
    pane(1),
    pane(2, { version: '2.0.76', launchedUnder: 'spare' }),
    pane(3, { pool: null }),
    pane(4, { state: 'not_switchable' }),
    pane(5, { agentPid: null }),
    pane(6, { version: null, launchedUnder: null }),
  ]);
  await keeper()();
  expect((await store.pool.leases(NOON)).map(({ account, session, holder }) => [account, session, holder])).toEqual(
    expect.arrayContaining([
      ['work', 'here/default 100.1 %1 201', 'session:default 100.1 %1 201:1001.777'],
      ['spare', 'here/default 100.1 %2 202', 'session:default 100.1 %2 202:1002.777'],
    ]),
  );
  expect(await counts()).toEqual({ work: 1, spare: 1 });
  expect([...board.leases()]).toEqual([
    ['default 100.1 %1 201', 'work'],
    ['default 100.1 %2 202', 'spare'],
  ]);
});

describe('every way out releases what was taken, at the next look and not at its end [R180 R181 R199]', () => {
  const ways: readonly [string, string, () => Promise<unknown> | unknown, Record<string, number>][] = [
    ['the session died', 'session_ended', () => store.local.removeSession(pane(1).id), {}],
    [
      'its agent was started again',
      'agent_ended',
      () => store.local.saveSessions([pane(1, { agentPid: 7 })]),
      { work: 1 },
    ],
    ['a swap moved it', 'moved', () => show('spare'), { spare: 1 }],
    ['its pane left the pool', 'session_ended', () => store.local.saveSessions([pane(1, { pool: null })]), {}],
    [
      'it turned out that the link does not hold for it',
      'session_ended',
      () => store.local.saveSessions([pane(1, { state: 'not_switchable' })]),
      {},
    ],
    [
      'the account is exhausted',
      'account_exhausted',
      () => show('work', { work: aLimitedAccount('work', NOON + HOUR) }),
      {},
    ],
    [
      'the login of the account is gone',
      'account_failed',
      () => show('work', { work: anAccount('work', { home: aHome({ credentials: 'blanked' }) }) }),
      {},
    ],
  ];

  test.each(ways)('%s: %s', async (_, reason, happen, left) => {
    await store.local.saveSessions([pane(1)]);
    const look = keeper();
    await look();
    expect(await counts()).toEqual({ work: 1 });
    await happen();
    await look();
    expect(ended()).toEqual([reason]);
    expect(await counts()).toEqual(left);
    await look();
    expect(ended()).toEqual([reason]);
  });

  test('terminated by hand: all holders on every account, and what still runs is back at the next look [R196]', async () => {
    await store.local.saveSessions([pane(1)]);
    const look = keeper();
    await look();
    const session = `here/${pane(1).id}`;
    const terms = { maxSessions: 0, ttlMs: HOUR };
    await store.pool.acquireLease({ account: 'spare', session, holder: 'task:7' }, terms, NOON);
    const ports = { ...store, link: {}, homes: {}, shared: store.pool, board, clock, profiles: [claude], host: 'here' };
    const hand = { ...ports, config: () => config } as unknown as Parameters<typeof terminateSession>[0];
    expect(await terminateSession(hand, 's1')).toEqual({ released: 2, running: ['s1:0.0'] });
    expect(await counts()).toEqual({});
    expect(await terminateSession(hand, 'nobody')).toBeNull();
    expect(await store.local.events({ types: ['session_terminated'], limit: 9 })).toMatchObject([{ session: 's1' }]);
    await look();
    expect(await counts()).toEqual({ work: 1 });
  });

  test('the daemon stopped: the lease lives on and is taken up by the next daemon, or ends by itself [R187]', async () => {
    await store.local.saveSessions([pane(1)]);
    await keeper()();
    const [before] = await store.pool.leases(NOON);
    await clock.advance(60_000);
    await keeper()();
    const [after] = await store.pool.leases(clock.now());
    expect(after).toEqual({ ...before, heartbeatAt: NOON + 60_000, expiresAt: NOON + 360_000 });
    await clock.advance(300_000);
    expect(await counts()).toEqual({});
  });
});

test('a hundred sessions that fail over leave no lease on the old account within one look [R180]', async () => {
  await store.local.saveSessions(Array.from({ length: 100 }, (_, i) => pane(i)));
  const look = keeper();
  await look();
  expect(await counts()).toEqual({ work: 100 });
  show('spare', { work: aLimitedAccount('work', NOON + HOUR) });
  await look();
  expect(await counts()).toEqual({ spare: 100 });
});

test('a session goes on under an account that somebody switched off, and keeps its lease', async () => {
  await store.local.saveSessions([pane(1)]);
  const look = keeper();
  await look();
  const row = { ...anAccount('work').row, status: 'disabled' } as AccountFacts['row'];
  show('work', { work: anAccount('work', { row }) });
  await look();
  expect(await counts()).toEqual({ work: 1 });
});

test('both directions are repaired, and each repair is logged with account and session [R200]', async () => {
  await store.local.saveSessions([pane(1)]);
  const stray = { account: 'spare', session: 'here/gone', holder: 'session:gone' };
  await store.pool.acquireLease(stray, { maxSessions: 0, ttlMs: HOUR }, NOON);
  await keeper()();
  expect(log.lines.filter(({ level }) => level === 'info')).toEqual([
    {
      level: 'info',
      message: 'lease released',
      fields: { account: 'spare', session: 'here/gone', reason: 'session_ended' },
    },
    { level: 'info', message: 'lease taken', fields: { account: 'work', session: `here/${pane(1).id}`, count: 1 } },
  ]);
});

test('leases of other hosts are none of ours', async () => {
  const other = { account: 'work', session: 'there/default 1.1 %1 2', holder: 'session:x' };
  await store.pool.acquireLease(other, { maxSessions: 0, ttlMs: HOUR }, NOON);
  await keeper()();
  expect(await counts()).toEqual({ work: 1 });
});

test('before the first look at the panes nothing is released', async () => {
  await store.local.saveSessions([pane(1)]);
  await keeper()();
  await store.local.removeSession(pane(1).id);
  board = createBoard(() => undefined);
  await keeper()();
  expect(await counts()).toEqual({ work: 1 });
});

test('while nobody knows which account is active the leases stay as they are', async () => {
  await store.local.saveSessions([pane(1)]);
  const look = keeper();
  await look();
  show(null);
  await look();
  expect(await counts()).toEqual({ work: 1 });
});

test('more sessions than max_sessions go on and are told once', async () => {
  await store.local.saveSessions([1, 2, 3, 4, 5].map((i) => pane(i)));
  await keeper()();
  expect(await counts()).toEqual({ work: 5 });
  const [told, ...more] = await store.local.events({ types: ['account_over_capacity'], limit: 9 });
  expect(told?.data.detail).toBe('4 sessions run on work, more than its max_sessions 3; they go on');
  expect(more).toEqual([]);
});

describe('a store that fails', () => {
  test('a release that fails is logged with account and session and tried again, and stops nothing [R190 R191]', async () => {
    await store.local.saveSessions([pane(1)]);
    const look = keeper();
    await look();
    show('spare');
    broken.add('releaseLeases');
    await look();
    expect(log.lines.filter(({ level }) => level === 'warn')).toMatchObject([
      {
        message: 'a lease could not be released',
        fields: { account: 'work', session: `here/${pane(1).id}`, reason: 'moved' },
      },
    ]);
    broken.clear();
    await look();
    expect(await counts()).toEqual({ spare: 1 });
  });

  test('nothing is thrown when the leases cannot be read at all, and it is said once a minute [R189 R191]', async () => {
    const look = keeper();
    broken.add('leases');
    for (let i = 0; i < 5; i++) {
      await look();
      await clock.advance(15_000);
    }
    expect(log.at('warn')).toEqual(Array(2).fill('leases could not be compared with the sessions'));
  });

  test.each([
    ['deny', 'full'],
    ['allow', 'empty'],
  ] as const)(
    'with on_error: %s an account with max_sessions counts as %s, said once a minute and written down once [R189]',
    async (onError, counted) => {
      const leases = { ...config.leases, onError };
      const count = createLeaseCounter({
        shared: shared(),
        local: store.local,
        clock,
        log,
        config: () => ({ leases }),
      });
      expect(await count(NOON)).toEqual(new Map());
      broken.add('leaseCounts');
      for (let i = 0; i < 8; i++) {
        expect(await count(clock.now())).toBe(counted);
        await clock.advance(10_000);
      }
      expect(log.at('warn')).toHaveLength(2);
      const events = await store.local.events({ types: ['leases_unavailable'], limit: 9 });
      expect(events.map(({ severity }) => severity)).toEqual(['warning']);
      broken.clear();
      expect(await count(clock.now())).toEqual(new Map());
    },
  );
});

test('no step of a swap takes or releases a lease: bookkeeping comes after it [R191]', () => {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /^(steps|loops)\/.*\.ts$/.test(file),
  );
  const using = files.filter((file) =>
    /\.(?:acquireLease|renewLeases|releaseLeases?)\(/.test(readFileSync(join(SRC, file), 'utf8')),
  );
  // The steady store only hands them on.
  expect(using.sort()).toEqual([
    'steps/account-actions.ts',
    'steps/begin-tasks.ts',
    'steps/end-task.ts',
    'steps/leases.ts',
    'steps/removed-accounts.ts',
    'steps/steady-store.ts',
  ]);
  const importing = files.filter((file) => /from '\.[./a-z]*\/leases\.ts'/.test(readFileSync(join(SRC, file), 'utf8')));
  expect(importing.filter((file) => /swap|recover|ladder|repair-pool|partial-state/.test(file))).toEqual([]);
});

describe('a task under way', () => {
  const PANE_1 = 'default 100.1 %1 201';
  const holder = (change: Partial<TaskHolder> = {}): TaskHolder => ({
    pane: PANE_1,
    pool: 'default',
    holder: 'task:house:door#1',
    account: 'work',
    ...change,
  });
  const live = async () =>
    (await store.pool.leases(clock.now())).map(({ account, holder: who }) => `${account} ${who?.split(':')[0]}`).sort();

  test('keeps a lease of its own beside that of its agent, and both count as one session [R178 R219]', async () => {
    await store.local.saveSessions([pane(1)]);
    holders = [holder()];
    const look = keeper();
    await look();
    expect(await live()).toEqual(['work session', 'work task']);
    expect(await counts()).toEqual({ work: 1 });
    await look();
    expect(ended()).toEqual([]);
  });

  test('holds its account before its agent runs, and leaves no lease behind [R219]', async () => {
    await store.local.saveSessions([]);
    holders = [holder()];
    const look = keeper();
    await look();
    expect(await live()).toEqual(['work task']);
    holders = [];
    await look();
    expect(await live()).toEqual([]);
  });

  test('that has ended leaves no lease behind while its session lives on [R219]', async () => {
    await store.local.saveSessions([pane(1)]);
    holders = [holder()];
    const look = keeper();
    await look();
    holders = [];
    await look();
    expect(await live()).toEqual(['work session']);
    expect(ended()).toEqual(['task_ended']);
  });

  test('moves with its session to another account [R180]', async () => {
    await store.local.saveSessions([pane(1)]);
    holders = [holder()];
    const look = keeper();
    await look();
    show('spare');
    await look();
    expect(await live()).toEqual(['spare session', 'spare task']);
  });
});
