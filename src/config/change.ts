/** What differs between two configurations, and which of it has to wait for a restart. */

import { isObject } from '../core/json.ts';
import type { ConfigValues } from './file-schema.ts';
import type { KeyPath } from './finding.ts';
import { docOf, formatPath } from './key-docs.ts';

/** Keys with different values: `quota.poll_interval`, `accounts[work-1].enabled`, `pools.team` (added or removed). */
export function changedKeys(before: ConfigValues, after: ConfigValues): readonly string[] {
  return differences(before, after, '');
}

/** The new values, except that keys marked `requiresRestart` keep their old ones. */
export function keepRestartKeys(before: ConfigValues, after: ConfigValues): ConfigValues {
  return keep(before, after, []) as ConfigValues;
}

function keep(before: unknown, after: unknown, path: KeyPath): unknown {
  const doc = docOf(path);
  if (doc !== null && !doc.isSection && doc.requiresRestart) return before;
  if (!isObject(before) || !isObject(after)) return after;
  // Each pool has a switcher and a lock of its own from the start on: a pool comes or goes with a restart.
  const entries = Object.entries(isPools(path) ? { ...before, ...onlyIn(before, after) } : after).map(
    ([key, value]) => {
      const wasThere = Object.hasOwn(before, key);
      return [key, wasThere ? keep(before[key], value, [...path, key]) : value];
    },
  );
  return Object.fromEntries(entries);
}

function isPools(path: KeyPath): boolean {
  return path.length === 1 && path[0] === 'pools';
}

function onlyIn(before: Record<string, unknown>, after: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(after).filter(([key]) => Object.hasOwn(before, key)));
}

function differences(before: unknown, after: unknown, path: string): readonly string[] {
  if (isObject(before) && isObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys.flatMap((key) => differences(before[key], after[key], formatPath(path === '' ? [key] : [path, key])));
  }
  const [left, right] = [byName(before), byName(after)];
  if (left !== null && right !== null) {
    const names = [...new Set([...left.keys(), ...right.keys()])];
    const found = names.flatMap((name) => differences(left.get(name), right.get(name), `${path}[${name}]`));
    // The order counts as well: an account without a priority takes it from its position.
    const moved = found.length === 0 && [...left.keys()].join('\n') !== [...right.keys()].join('\n');
    return moved ? [path] : found;
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [path];
}

function byName(list: unknown): ReadonlyMap<string, unknown> | null {
  if (!Array.isArray(list)) return null;
  const entries: [string, unknown][] = [];
  for (const entry of list as unknown[]) {
    if (!isObject(entry) || typeof entry.name !== 'string') return null;
    entries.push([entry.name, entry]);
  }
  return new Map(entries);
}
