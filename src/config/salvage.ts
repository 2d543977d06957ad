/** What remains of a faulty configuration, so that all its problems can be told at once and not one a day. */

import type { z } from 'zod';
import { ConfigFile, type ConfigValues } from './file-schema.ts';
import { valueAt } from './finding.ts';

export interface Salvaged {
  readonly values: ConfigValues;
  /** The place an entry of `accounts` or `dedicated` had in the file, before faulty ones were left out. */
  position(list: string, index: number): number;
}

/** The input without what the issues point at; null: nothing useful remains. Only for further checks, never to run on. */
export function salvage(input: unknown, issues: readonly z.core.$ZodIssue[]): Salvaged | null {
  const copy: unknown = structuredClone(input);
  const dropped = { accounts: new Set<number>(), dedicated: new Set<number>() };
  for (const issue of issues) {
    const path = issue.path as (string | number)[];
    const [first, second, third] = path;
    if (first === 'accounts' && typeof second === 'number') dropped.accounts.add(second);
    else if (first === 'sessions' && second === 'dedicated' && typeof third === 'number') dropped.dedicated.add(third);
    else if (issue.code === 'unrecognized_keys') for (const key of issue.keys) remove(copy, [...path, key]);
    else remove(copy, path);
  }
  const positions = {
    accounts: dropEntries(valueAt(copy, ['accounts']), dropped.accounts),
    dedicated: dropEntries(valueAt(copy, ['sessions', 'dedicated']), dropped.dedicated),
  };
  const parsed = ConfigFile.safeParse(copy);
  if (!parsed.success) return null;
  return {
    values: parsed.data,
    position: (list, index) => positions[list === 'accounts' ? 'accounts' : 'dedicated'][index] ?? index,
  };
}

/** Removes entries in place. @returns for each that remains, its former position */
function dropEntries(list: unknown, dropped: ReadonlySet<number>): readonly number[] {
  if (!Array.isArray(list)) return [];
  const kept = [...list.keys()].filter((index) => !dropped.has(index));
  const entries = kept.map((index) => list[index] as unknown);
  list.splice(0, list.length, ...entries);
  return kept;
}

function remove(root: unknown, path: readonly (string | number)[]): void {
  const parent = valueAt(root, path.slice(0, -1));
  const key = path.at(-1);
  if (key === undefined || typeof parent !== 'object' || parent === null) return;
  if (Array.isArray(parent) && typeof key === 'number') parent.splice(key, 1);
  else Reflect.deleteProperty(parent, key);
}
