/** One swap over a real store and fake ports: what is done under which locks, and what a failure leaves behind. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { toConfig } from '../../src/config/schema.ts';
import type { LinkState } from '../../src/core/accounts.ts';
import { claude } from '../../src/core/agents/claude.ts';
import { StoreError } from '../../src/core/errors.ts';
import type { SwapRequest } from '../../src/core/swap/request.ts';
import type { SwapRow } from '../../src/core/swap/swap.ts';
import type { LocalStore, TickContext } from '../../src/ports.ts';
import { readPool } from '../../src/steps/read-pool.ts';
import { repairPool } from '../../src/steps/repair-pool.ts';
import { runSwap } from '../../src/steps/run-swap.ts';
import type { SwapPorts } from '../../src/steps/swap-ports.ts';
import { type OpenedStore, openStore } from '../../src/store/open.ts';
import { aHome, NOON } from '../support/builders.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { nobodyRuns } from '../support/stopping.ts';

const config = toConfig(
  {
    accounts: [
      { name: 'a', home: '/h/a' },
      { name: 'b', home: '/h/b' },
    ],
  },
  {},
  '/home/ada',
);
const [pool] = config.pools;
if (pool === undefined) throw new Error('the configuration has no pool');
const poolConfig = pool;

let dir: string;
let store: OpenedStore;
let clock: FakeClock;
/** What was done to the world, in order; `link → b*` where the CLI's locks were held. */
let calls: string[];
let linkAt: string;
let holds: number;
/** What a slow step adds to the monotonic clock. */
let stalledMs: number;
let faults: {
  lost?: string;
  slowMs?: number;
  slowTimes?: number;
  failFreshen?: boolean;
  failPhase?: string;
  contended?: boolean;
};

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'cf-'));
  store = await openStore({ stateDir: dir, now: NOON });
  await store.pool.ensureAccounts([
    { name: 'a', pool: 'default' },
    { name: 'b', pool: 'default' },
  ]);
  clock = new FakeClock(new Date(NOON).toISOString());
  [calls, linkAt, holds, stalledMs, faults] = [[], 'a', 0, 0, {}];
});

afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

function ports(): SwapPorts {
  const state = (): LinkState => ({ kind: 'account', account: linkAt, target: `/h/${linkAt}`, movedAt: NOON });
  const local: LocalStore = new Proxy(store.local, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver);
      if (typeof value !== 'function') return value;
      if (name !== 'updateSwap') return value.bind(target);
      return async (id: string, change: Partial<SwapRow>, also: never) => {
        if (faults.failPhase !== undefined && change.phase === faults.failPhase)
          throw new StoreError('store_full', 'no space');
        return target.updateSwap(id, change, also);
      };
    },
  });
  return {
    local,
    shared: store.pool,
    clock: {
      now: () => clock.now(),
      monotonic: () => clock.monotonic() + stalledMs,
      sleep: (ms, signal) => clock.sleep(ms, signal),
      deadline: (ms, parent) => clock.deadline(ms, parent),
      zone: () => clock.zone(),
    },
    allowUnshared: false,
    link: {
      read: async () => state(),
      async point(_link, target) {
        linkAt = target.slice('/h/'.length);
        calls.push(`link → ${linkAt}${holds > 0 ? '*' : ''}`);
      },
      targetFor: (_link, home) => home,
      sweepLeftovers: async () => 0,
      accountOf: async () => null,
    },
    homes: {
      inspect: async (_profile, home) => aHome({ home, realPath: home }),
      interruptedWrites: async () => [],
      async freshen(_profile, home) {
        if (faults.failFreshen === true && home === '/h/b') throw new Error('input/output error');
        calls.push(`freshen ${home}${holds > 0 ? '*' : ''}`);
        return clock.now() + 1;
      },
    },
    locks: {
      async acquire() {
        if (faults.contended === true) return { kind: 'contended', path: '/h/b/.lock', ageMs: 1000 };
        holds++;
        calls.push('lock');
        // A machine that slept, or a store that stalled, between the locks and the rename.
        const { slowTimes = Number.POSITIVE_INFINITY, slowMs = 0 } = faults;
        if (calls.filter((call) => call === 'lock').length <= slowTimes) stalledMs += slowMs;
        return {
          kind: 'held',
          locks: [{ path: '/h/a/.lock', inode: '1:2:3' }],
          async release() {
            holds--;
            calls.push('release');
          },
          compromised: () => faults.lost ?? null,
        };
      },
      releaseLeftover: async () => 0,
    },
    stopping: nobodyRuns,
    sharedEntries: { ensure: async () => [], validate: async () => [] },
  };
}

function context(): TickContext {
  return { config, now: clock.now(), signal: new AbortController().signal, log: new RecordingLog() };
}

async function swap(from: SwapPorts): Promise<SwapRow> {
  const request: SwapRequest = {
    id: 'one',
    pool: 'default',
    wish: { kind: 'manual', to: 'b', force: false },
    requestedAt: NOON,
    triggerPane: null,
    reason: 'by hand',
    resetAt: null,
    hits: [],
    screen: null,
    evidence: [],
  };
  const view = await readPool(from, poolConfig, claude, clock.now());
  return runSwap(
    from,
    poolConfig,
    claude,
    view,
    request,
    { kind: 'swap', to: 'b', why: 'asked for', passedOver: [] },
    [],
    context(),
  );
}

test('the link is moved and the credentials are freshened under the CLI’s locks, which are let go at once [R259 R261]', async () => {
  expect(await swap(ports())).toMatchObject({ phase: 'recovering', from: 'a', to: 'b' });
  expect(calls).toEqual(['lock', 'link → b*', 'freshen /h/b*', 'release']);
});

test('a swap is written down with its ends, its times and its reason, and no session is stopped before the flip [R39 R40]', async () => {
  await swap(ports());
  const row = await store.local.swap('one');
  expect(row).toMatchObject({ from: 'a', to: 'b', trigger: 'manual', reason: 'by hand', error: null, locks: [] });
  expect(row?.flippedAt).toBeGreaterThanOrEqual(row?.startedAt ?? Number.POSITIVE_INFINITY);
  const steps = (await store.local.incident('one'))?.steps.map(({ step }) => step);
  expect(steps).toEqual(['prepared', 'locked', 'flipped', 'released']);
  const types = (await store.local.events({ swap: 'one', limit: 10 })).map(({ type }) => type);
  expect(types.reverse()).toEqual(['swap_prepared', 'swap_flipped']);
});

test.each([
  ['were lost', { lost: 'the lock directory is another one' }],
  ['are held too long already', { slowMs: 5000 }],
])('under locks that %s nothing is moved: the swap is postponed [R259]', async (_name, fault) => {
  faults = fault;
  expect(await swap(ports())).toMatchObject({ phase: 'failed' });
  expect(linkAt).toBe('a');
  expect(calls.filter((call) => call !== 'lock' && call !== 'release')).toEqual([]);
  expect(holds).toBe(0);
  expect(await store.local.events({ types: ['swap_postponed'], limit: 5 })).toHaveLength(1);
});

test('locks that grew old before the flip are taken anew, and then the swap goes through [R259]', async () => {
  faults = { slowMs: 5000, slowTimes: 2 };
  expect(await swap(ports())).toMatchObject({ phase: 'recovering', to: 'b' });
  expect(calls).toEqual(['lock', 'release', 'lock', 'release', 'lock', 'link → b*', 'freshen /h/b*', 'release']);
});

test('a roll-back takes the locks anew before it puts the link back [R44 R259]', async () => {
  faults = { failFreshen: true };
  expect(await swap(ports())).toMatchObject({ phase: 'failed', error: 'input/output error' });
  expect(calls).toEqual(['lock', 'link → b*', 'release', 'lock', 'link → a*', 'freshen /h/a*', 'release']);
});

test('a roll-back that the CLI keeps out waits, and is done by a later repair, never without the locks, never under a pause [R44 R259 R272 R285]', async () => {
  const all = ports();
  faults = { failFreshen: true };
  const acquire = all.locks.acquire.bind(all.locks);
  let attempts = 0;
  const stubborn: SwapPorts = {
    ...all,
    locks: {
      ...all.locks,
      async acquire(profile, homes) {
        faults.contended = ++attempts > 1;
        if (faults.contended) stalledMs += 20_000;
        return acquire(profile, homes);
      },
    },
  };
  expect(await swap(stubborn)).toMatchObject({ phase: 'rolling_back' });
  expect(linkAt).toBe('b');
  faults = {};
  // Not while the daemon is paused or only looks on.
  await repairPool(all, poolConfig, claude, context(), false);
  expect(linkAt).toBe('b');
  expect(await store.local.swap('one')).toMatchObject({ phase: 'rolling_back' });
  await repairPool(all, poolConfig, claude, context());
  expect(linkAt).toBe('a');
  expect(calls.filter((call) => call.startsWith('link'))).toEqual(['link → b*', 'link → a*']);
  expect(await store.local.swap('one')).toMatchObject({ phase: 'failed' });
});

test.each(['flipped', 'recovering'])(
  'a disk that is full when %s is to be written does not put the link back: the repair goes forward [R205 R259]',
  async (phase) => {
    faults = { failPhase: phase };
    await swap(ports());
    expect(linkAt).toBe('b');
    expect(holds).toBe(0);
    faults = {};
    await repairPool(ports(), poolConfig, claude, context());
    expect(await store.local.swap('one')).toMatchObject({ phase: 'recovering', to: 'b' });
    expect((await store.local.activations('default', 5)).map(({ account }) => account)).toEqual(['b']);
    expect((await store.pool.accounts()).find(({ name }) => name === 'b')?.activeSince).not.toBeNull();
    expect(calls.filter((call) => call.startsWith('link'))).toEqual(['link → b*']);
  },
);

test('a swap whose plan cannot be written does not begin [R191]', async () => {
  const all = ports();
  const broken: SwapPorts = {
    ...all,
    local: Object.assign(Object.create(all.local) as LocalStore, {
      createSwap: () => Promise.reject(new StoreError('store_full', 'no space')),
      meta: all.local.meta,
      swaps: all.local.swaps,
    }),
  };
  await expect(swap(broken)).rejects.toThrow('no space');
  expect(calls).toEqual([]);
  expect(linkAt).toBe('a');
});
