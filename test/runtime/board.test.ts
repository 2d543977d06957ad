/** The board: one outstanding request per pool. */
import { expect, test } from 'vitest';
import type { SwapRequest } from '../../src/core/swap/request.ts';
import { createBoard } from '../../src/runtime/board.ts';

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
