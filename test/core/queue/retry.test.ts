import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AttemptError } from '../../../src/core/queue/retry.ts';
import { afterAttempt, MAX_REQUEUES, USES_UP_ATTEMPT } from '../../../src/core/queue/retry.ts';
import { ENDED, mayBecome, TASK_MOVES, TASK_STATUSES } from '../../../src/core/queue/task.ts';
import { MINUTE } from '../../../src/core/time.ts';

const POLICY = { maxAttempts: 3, retryBackoffMs: [MINUTE, 5 * MINUTE, 15 * MINUTE] };
const ERRORS = Object.keys(USES_UP_ATTEMPT) as AttemptError[];

describe('[R211] attempts', () => {
  test('pauses grow, and the last attempt is the last', () => {
    const next = (attempt: number, maxAttempts: number | null = null) =>
      afterAttempt({ attempt, requeues: 0, maxAttempts }, 'session_died', 'gone', 0, POLICY);
    expect(next(0)).toMatchObject({ status: 'retry_wait', attempt: 1, retryAt: MINUTE });
    expect(next(1)).toMatchObject({ status: 'retry_wait', attempt: 2, retryAt: 5 * MINUTE });
    expect(next(2)).toMatchObject({ status: 'failed', attempt: 3, reason: 'gone; that was attempt 3 of 3' });
    expect(next(7, 9)).toMatchObject({ retryAt: 15 * MINUTE, reason: 'gone; attempt 9 of 9 in 15 m' });
    expect(next(0, 1)).toMatchObject({ status: 'failed' });
  });

  test('whatever happens, it ends after as many attempts as it has, and a swap or a restart uses up none', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...ERRORS), { maxLength: 60 }),
        fc.integer({ min: 1, max: 5 }),
        (errors, most) => {
          let task = { attempt: 0, requeues: 0, maxAttempts: most };
          let usedUp = 0;
          let inARow = 0;
          for (const error of errors) {
            const next = afterAttempt(task, error, 'x', 0, POLICY);
            const counts = USES_UP_ATTEMPT[error] || inARow >= MAX_REQUEUES;
            usedUp += counts ? 1 : 0;
            inARow = counts ? 0 : inARow + 1;
            expect(next.attempt).toBe(usedUp);
            expect(next.status === 'retry_wait').toBe(usedUp < most);
            if (next.status !== 'retry_wait') {
              expect(next.status).toBe(error === 'timeout' ? 'timeout' : 'failed');
              return;
            }
            task = { ...next, maxAttempts: most };
          }
        },
      ),
    );
  });
});

describe('[R209] the states of a task', () => {
  test('every state can be reached and left by hand, and none that ended goes on by itself', () => {
    for (const status of TASK_STATUSES) {
      expect(mayBecome(status, status)).toBe(true);
      if (ENDED.includes(status)) expect(TASK_MOVES[status]).toEqual(['queued']);
      else expect(TASK_MOVES[status]).toContain('cancelled');
      const reached = TASK_STATUSES.some((from) => from !== status && mayBecome(from, status));
      expect(reached).toBe(true);
    }
    expect(mayBecome('blocked', 'running')).toBe(false);
    expect(mayBecome('queued', 'done')).toBe(false);
  });
});
