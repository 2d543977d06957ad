/** A thousand tasks at once: what it costs to look at them, to take them and to look again. */
import { expect, test } from 'vitest';
import type { TaskStore } from '../../src/ports/queue.ts';
import { NOW, Projects, queueBench } from '../support/queue-bench.ts';

test('a thousand tasks dropped at once are looked at together, read once, and given out in their order [R73] [R76]', async () => {
  const projects = new Projects('api', 'web');
  for (let i = 0; i < 1000; i++) {
    const head = `---\npriority: ${i % 100 === 0 ? 'critical' : 'default'}\n---\n`;
    // Times have fractions of a millisecond.
    projects.drop(
      i % 2 === 0 ? 'api' : 'web',
      `t${String(i).padStart(4, '0')}`,
      `${head}${'work '.repeat(2000)}`,
      i + 0.000_123,
    );
  }
  let written = 0;
  const bench = await queueBench(projects, {
    wrap: ({ dir, tasks }) => {
      const save: TaskStore['save'] = (rows, ...more) => {
        written += rows.length;
        return tasks.save(rows, ...more);
      };
      return {
        dir,
        tasks: new Proxy(tasks, { get: (target, name) => (name === 'save' ? save : bound(target, name)) }),
      };
    },
  });
  const outcome = await bench.queue.scan(NOW);
  const [first] = await bench.queue.next(NOW, 1);
  if (first === undefined) throw new Error('nothing is due');
  const claimed = await bench.queue.claim(first, { session: 's', account: null }, NOW);
  expect(claimed.kind).toBe('claimed');
  expect(first.taskId).toBe('t0000');
  expect(outcome).toMatchObject({ isPartial: false, settlesAt: null });
  expect((await bench.tasks.counts()).byStatus).toMatchObject({ queued: 999, claimed: 1 });

  // From the second look on nothing is read and nothing is written.
  const before = await bench.local.events({ limit: 10_000 });
  for (let look = 1; look <= 5; look++) await bench.queue.scan(NOW + look);
  expect(await bench.local.events({ limit: 10_000 })).toHaveLength(before.length);
  expect(before).toHaveLength(1001);
  expect(written).toBe(1000);
  expect((await bench.queue.next(NOW, 11)).map(({ taskId }) => taskId).slice(0, 9)).toEqual(
    Array.from({ length: 9 }, (_, i) => `t${String((i + 1) * 100).padStart(4, '0')}`),
  );
});

function bound(target: object, name: string | symbol): unknown {
  const member = Reflect.get(target, name) as unknown;
  return typeof member === 'function' ? member.bind(target) : member;
}
