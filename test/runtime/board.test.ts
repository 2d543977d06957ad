/** The board: one outstanding request per pool, and of two views of it the newer one. */
import { expect, test } from 'vitest';
import type { PoolView } from '../../src/core/status.ts';
import type { SwapRequest } from '../../src/core/swap/request.ts';
import { createBoard } from '../../src/runtime/board.ts';
import { refreshPool } from '../../src/steps/refresh-pool.ts';
import { anAccount, aPool, NOON } from '../support/builders.ts';
import { poolView } from '../support/daemon-facts.ts';

function request(pool: string, id: string): SwapRequest {
  return {
    id,
    pool,
    wish: { kind: 'manual', to: null, force: false },
    requestedAt: 0,
    triggerPane: null,
    reason: '',
    resetAt: null,
    hits: [],
    screen: null,
    evidence: [],
  };
}

test('a second request of a pool is dropped while one is outstanding, and another pool is not held up by it [R26 R268]', () => {
  const board = createBoard(() => undefined);
  expect(board.ask(request('work', 'one'))).toBe(true);
  expect(board.ask(request('work', 'two'))).toBe(false);
  expect(board.ask(request('home', 'three'))).toBe(true);
  expect(board.request('work')?.id).toBe('one');
  board.answer('work');
  expect(board.request('work')).toBeNull();
  expect(board.ask(request('work', 'four'))).toBe(true);
});

function view(active: string): PoolView {
  return poolView({ ...aPool({ accounts: [anAccount('work'), anAccount('spare')] }), active });
}

test('of two rebuilds that overlap the one begun later wins, also when it ends first [R125]', () => {
  const board = createBoard(() => undefined);
  const [early, late] = [board.ticket(), board.ticket()];
  expect(board.postPool(view('new'), late)).toBe(true);
  expect(board.postPool(view('old'), early)).toBe(false);
  expect(board.pools().get('main')?.pool.active).toBe('new');
  expect(board.postPool(view('newest'), board.ticket())).toBe(true);
  expect(board.pools().get('main')?.pool.active).toBe('newest');
});

test('the version of a view is taken before its first fact is read: a slow rebuild never undoes a fast one [R125]', async () => {
  const board = createBoard(() => undefined);
  /** Lets the first of the two readers go on only after the second has ended. */
  let goOn: () => void = () => undefined;
  const isHeld = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const ports = (account: string, before: Promise<void>) => ({
    board,
    clock: { now: () => NOON },
    link: {
      read: async () => {
        await before;
        return { kind: 'account', account, target: '/h' };
      },
    },
    homes: { inspect: async () => anAccount('work').home },
    local: { meta: async () => null, swaps: async () => [] },
    shared: { accounts: async () => [], quota: async () => [], leaseCounts: async () => new Map() },
  });
  const config = {
    name: 'main',
    link: '/l',
    agent: 'claude',
    strategy: 'priority',
    accounts: [{ name: 'work', home: '/h' }],
  };
  const refresh = (account: string, before: Promise<void>) =>
    refreshPool(...([ports(account, before), config, {}] as unknown as Parameters<typeof refreshPool>));
  const slow = refresh('as it was', isHeld);
  await refresh('as it is', Promise.resolve());
  goOn();
  expect((await slow).pool.active).toBe('as it was');
  expect(board.pools().get('main')?.pool.active).toBe('as it is');
});

test('a view without accounts is one that was not loaded: the one before stays [R128]', () => {
  const board = createBoard(() => undefined);
  const empty = poolView(aPool({ accounts: [] }));
  expect(board.postPool(empty, board.ticket())).toBe(false);
  expect(board.pools().size).toBe(0);
  board.postPool(view('work'), board.ticket());
  expect(board.postPool(empty, board.ticket())).toBe(false);
  expect(board.pools().get('main')?.pool.accounts).toHaveLength(2);
});

test('a view that was superseded stays whole for whoever still reads it [R127]', () => {
  const board = createBoard(() => undefined);
  board.postPool(view('work'), board.ticket());
  const held = board.pools().get('main');
  const text = JSON.stringify(held);
  for (let i = 0; i < 100; i++) board.postPool(view(`next-${i}`), board.ticket());
  expect(JSON.stringify(held)).toBe(text);
  expect(held?.pool.active).toBe('work');
});
