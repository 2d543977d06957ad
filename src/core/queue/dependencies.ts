/** Whether a task's dependencies let it start: all done, some missing, or a circle that never ends. */
import type { EpochMs } from '../time.ts';
import { formatDuration } from '../time.ts';
import type { TaskRow } from './task.ts';

export type Readiness =
  | { readonly kind: 'ready' }
  | { readonly kind: 'blocked'; readonly by: readonly string[]; readonly reason: string }
  /** The tasks of the circle, in its order, beginning with this one. */
  | { readonly kind: 'cycle'; readonly path: readonly string[]; readonly reason: string }
  | { readonly kind: 'expired'; readonly by: readonly string[]; readonly reason: string };

export type Waiting = Pick<TaskRow, 'id' | 'dependsOn'>;

/**
 * Judges all tasks that wait.
 *
 * @param isDone      `project:task_id` of a dependency that was done
 * @param blockedSince since when a task has been blocked; null: it was not
 * @param timeoutMs   blocked longer than this, it never starts
 */
export function judgeDependencies(
  tasks: readonly Waiting[],
  isDone: (dependency: string) => boolean,
  blockedSince: (id: string) => EpochMs | null,
  now: EpochMs,
  timeoutMs: number,
): ReadonlyMap<string, Readiness> {
  const missing = new Map(
    tasks.map(({ id, dependsOn }) => [id, dependsOn.filter((dependency) => !isDone(dependency))]),
  );
  const inCircle = circles(missing);
  return new Map(tasks.map(({ id }) => [id, judge(id)]));

  function judge(id: string): Readiness {
    const by = missing.get(id) ?? [];
    if (by.length === 0) return { kind: 'ready' };
    if (inCircle.has(id)) {
      const path = circleFrom(id, missing);
      return { kind: 'cycle', path, reason: `its dependencies lead back to itself: ${[...path, id].join(' → ')}` };
    }
    const since = blockedSince(id);
    if (since !== null && now - since > timeoutMs) {
      const reason = `it was blocked for more than ${formatDuration(timeoutMs)}, by ${shown(by)}`;
      return { kind: 'expired', by, reason };
    }
    return { kind: 'blocked', by, reason: `waits for ${shown(by)}` };
  }
}

/** Every task from which a way along missing dependencies leads back to itself. Tarjan's components, without recursion. */
function circles(edges: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const found = new Set<string>();
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();
  const known = (id: string): readonly string[] => (edges.get(id) ?? []).filter((next) => edges.has(next));

  for (const root of edges.keys()) {
    if (index.has(root)) continue;
    const walk = [enter(root)];
    for (let step = walk.at(-1); step !== undefined; step = walk.at(-1)) {
      const { id, nexts } = step;
      const next = nexts.pop();
      if (next === undefined) {
        walk.pop();
        const parent = walk.at(-1)?.id;
        if (parent !== undefined) lower(parent, low.get(id) ?? 0);
        if (low.get(id) === index.get(id)) close(id);
      } else if (!index.has(next)) walk.push(enter(next));
      else if (onStack.has(next)) lower(id, index.get(next) ?? 0);
    }
  }
  return found;

  function enter(id: string): { readonly id: string; readonly nexts: string[] } {
    index.set(id, index.size);
    low.set(id, index.size - 1);
    stack.push(id);
    onStack.add(id);
    return { id, nexts: [...known(id)] };
  }

  function lower(id: string, to: number): void {
    low.set(id, Math.min(low.get(id) ?? to, to));
  }

  function close(id: string): void {
    const members: string[] = [];
    for (let member = stack.pop(); member !== undefined; member = stack.pop()) {
      onStack.delete(member);
      members.push(member);
      if (member === id) break;
    }
    if (members.length > 1 || known(id).includes(id)) for (const member of members) found.add(member);
  }
}

/** The shortest way from a task back to itself. */
function circleFrom(id: string, edges: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const cameFrom = new Map<string, string>();
  const queue = [id];
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    for (const next of edges.get(at) ?? []) {
      if (next === id) return trace(at);
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, at);
      queue.push(next);
    }
  }
  return [id];

  function trace(from: string): readonly string[] {
    const path = [from];
    for (let at = from; at !== id; at = path[0] ?? id) path.unshift(cameFrom.get(at) ?? id);
    return path;
  }
}

function shown(ids: readonly string[]): string {
  return ids.length <= 3 ? ids.join(', ') : `${ids.slice(0, 3).join(', ')} and ${ids.length - 3} more`;
}
