import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareTasks, dueTasks } from '../../../src/core/queue/order.ts';
import type { TaskPriority, TaskRow } from '../../../src/core/queue/task.ts';
import { TASK_PRIORITIES, TASK_STATUSES } from '../../../src/core/queue/task.ts';
import { aTask } from '../../support/fake-tasks.ts';

const some = (stem: string, change: Partial<TaskRow> = {}): TaskRow =>
  aTask({ id: `api:${stem}`, stem, taskId: stem, priority: 'default', createdAt: 100, ...change });

describe('[R76] the order of tasks', () => {
  test('priority, then the earliest not_before, then age, then name', () => {
    const tasks = [
      some('b'),
      some('a'),
      some('old', { createdAt: 1 }),
      some('due', { notBeforeAt: 50, createdAt: 1 }),
      some('low', { priority: 'low', createdAt: 0 }),
      some('critical', { priority: 'critical', notBeforeAt: 90 }),
      some('high', { priority: 'high', createdAt: 999 }),
    ];
    expect(dueTasks(tasks, 100).map(({ stem }) => stem)).toEqual(['critical', 'high', 'old', 'a', 'b', 'due', 'low']);
  });

  test('is the same whatever order they were found in', () => {
    const task = fc
      .record({
        priority: fc.constantFrom<TaskPriority>(...TASK_PRIORITIES),
        notBeforeAt: fc.option(fc.integer({ min: 1, max: 3 })),
        createdAt: fc.integer({ min: 0, max: 3 }),
        stem: fc.constantFrom('a', 'b', 'é', '😀'),
        project: fc.constantFrom('x', 'y', 'z'),
      })
      .map(({ project, ...change }) => aTask({ ...change, id: `${project}:${change.stem}` }));
    const tasks = fc.uniqueArray(task, { selector: ({ id }) => id, maxLength: 12 });
    fc.assert(
      fc.property(
        tasks.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
        ([list, shuffled]) => {
          expect([...shuffled].sort(compareTasks)).toEqual([...list].sort(compareTasks));
        },
      ),
    );
  });

  test('only what is queued and has its time, and what waited for its next attempt long enough, is due', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...TASK_STATUSES),
        fc.option(fc.integer({ min: 0, max: 4 })),
        fc.option(fc.integer({ min: 0, max: 4 })),
        (status, notBeforeAt, retryAt) => {
          const isDue = dueTasks([aTask({ status, notBeforeAt, retryAt })], 2).length === 1;
          const expected =
            status === 'queued' ? (notBeforeAt ?? 0) <= 2 : status === 'retry_wait' && (retryAt ?? 0) <= 2;
          expect(isDue).toBe(expected);
        },
      ),
    );
  });
});
