import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judgeDependencies, type Waiting } from '../../../src/core/queue/dependencies.ts';

const HOUR = 3_600_000;
const judge = (tasks: readonly Waiting[], done: readonly string[] = [], since: number | null = null, now = 0) =>
  judgeDependencies(
    tasks,
    (id) => done.includes(id),
    () => since,
    now,
    HOUR,
  );
const needs = (id: string, ...dependsOn: readonly string[]): Waiting => ({ id, dependsOn });

describe('[R84] [R85] dependencies', () => {
  test('a task is ready when all it needs is done', () => {
    const tasks = [needs('a'), needs('b', 'a'), needs('c', 'x', 'y')];
    expect([...judge(tasks, ['x', 'y']).values()].map(({ kind }) => kind)).toEqual(['ready', 'blocked', 'ready']);
    expect(judge(tasks, ['x']).get('c')).toEqual({ kind: 'blocked', by: ['y'], reason: 'waits for y' });
  });

  test('a long list is told in short', () => {
    expect(judge([needs('a', 'b', 'c', 'd', 'e', 'f')]).get('a')).toMatchObject({
      reason: 'waits for b, c, d and 2 more',
    });
  });

  test('a circle is told with its way; what only leads into it waits', () => {
    const verdicts = judge([needs('a', 'b'), needs('b', 'c', 'z'), needs('c', 'a'), needs('d', 'a'), needs('e', 'e')]);
    expect(verdicts.get('b')).toMatchObject({
      kind: 'cycle',
      path: ['b', 'c', 'a'],
      reason: 'its dependencies lead back to itself: b → c → a → b',
    });
    expect(verdicts.get('d')?.kind).toBe('blocked');
    expect(verdicts.get('e')).toMatchObject({ kind: 'cycle', path: ['e'] });
    // Once one of them is done there is no circle.
    expect(judge([needs('a', 'b'), needs('b', 'a')], ['a']).get('b')?.kind).toBe('ready');
  });

  test('what is blocked for too long will not start', () => {
    expect(judge([needs('a', 'x')], [], 0, HOUR).get('a')?.kind).toBe('blocked');
    expect(judge([needs('a', 'x')], [], 0, HOUR + 1).get('a')?.kind).toBe('expired');
    expect(judge([needs('a', 'x')], ['x'], 0, HOUR + 1).get('a')?.kind).toBe('ready');
  });

  test('ten thousand tasks in a row are judged, and ten thousand in a ring', () => {
    const row = Array.from({ length: 10_000 }, (_, i) => needs(String(i), String(i + 1)));
    expect([...judge(row).values()].every(({ kind }) => kind === 'blocked')).toBe(true);
    const ring = [...row.slice(0, -1), needs('9999', '0')];
    const verdicts = judge(ring.slice(0, 200).concat(needs('200', '0')));
    expect([...verdicts.values()].every(({ kind }) => kind === 'cycle')).toBe(true);
  });

  test('whatever they are: ready is exactly what needs nothing more, a circle exactly what can be reached from itself', () => {
    const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
    const graph = fc.tuple(...ids.map((id) => fc.subarray(ids).map((dependsOn) => needs(id, ...dependsOn))));
    fc.assert(
      fc.property(graph, fc.subarray(ids), (tasks, done) => {
        const verdicts = judge(tasks, done);
        const open = new Map(tasks.map(({ id, dependsOn }) => [id, dependsOn.filter((dep) => !done.includes(dep))]));
        const reaches = (from: string, to: string): boolean => {
          const seen = new Set<string>();
          const walk = [...(open.get(from) ?? [])];
          for (let at = walk.pop(); at !== undefined; at = walk.pop()) {
            if (at === to) return true;
            if (seen.has(at)) continue;
            seen.add(at);
            walk.push(...(open.get(at) ?? []));
          }
          return false;
        };
        for (const { id } of tasks) {
          const verdict = verdicts.get(id);
          const expected = open.get(id)?.length === 0 ? 'ready' : reaches(id, id) ? 'cycle' : 'blocked';
          expect(verdict?.kind).toBe(expected);
          if (verdict?.kind !== 'cycle') continue;
          const way = [...verdict.path, id];
          expect(way[0]).toBe(id);
          for (const [i, next] of way.slice(1).entries()) expect(open.get(way[i] ?? '')).toContain(next);
        }
      }),
    );
  });
});
