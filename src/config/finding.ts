/** What is wrong with the values of a configuration, said in words a person can act on. */

import type { z } from 'zod';
import { NEVER_ANSWERED } from '../core/agents/dialog-answers.ts';
import { docOf, formatPath, keyDocs, keysBelow } from './key-docs.ts';

export type KeyPath = readonly (string | number)[];

/** One thing to tell about a key; its place in the file is looked up later. */
export interface Finding {
  readonly severity: 'error' | 'warning';
  readonly path: KeyPath;
  /** Which of the two to point at. */
  readonly part: 'key' | 'value';
  readonly message: string;
  readonly hint: string | null;
}

export function error(path: KeyPath, message: string, hint: string | null = null): Finding {
  return { severity: 'error', path, part: 'value', message, hint };
}

export function warning(path: KeyPath, message: string, hint: string | null = null): Finding {
  return { severity: 'warning', path, part: 'value', message, hint };
}

/**
 * The findings behind zod's issues. Values are never repeated: any of them may be a secret in the wrong place.
 *
 * @param raw  what was validated
 */
export function findingsOf(issues: readonly z.core.$ZodIssue[], raw: unknown): readonly Finding[] {
  return issues.flatMap((issue) => {
    const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(path, key));
    return [valueFinding(issue, path, valueAt(raw, path))];
  });
}

/** The candidate that was probably meant; null: none is near. At most a third of the letters may differ. */
export function didYouMean(text: string, candidates: readonly string[]): string | null {
  const limit = Math.max(1, Math.floor(text.length / 3));
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: editDistance(text.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.candidate ?? null;
}

function unknownKey(path: KeyPath, key: string): Finding {
  return {
    severity: 'error',
    path: [...path, key],
    part: 'key',
    message: 'unknown key',
    hint: unknownKeyHint(path, key),
  };
}

function unknownKeyHint(path: KeyPath, key: string): string | null {
  const siblings = keysBelow(path);
  const near = didYouMean(key.slice(0, 100), siblings);
  if (near !== null) return `did you mean ${near}?`;
  const elsewhere = keyDocs().find((doc) => doc.path.at(-1) === key);
  if (elsewhere !== undefined) return `there is ${formatPath(elsewhere.path)}; check the indentation`;
  return siblings.length === 0 ? null : `keys here: ${siblings.join(', ')}`;
}

function valueFinding(issue: z.core.$ZodIssue, path: KeyPath, value: unknown): Finding {
  switch (issue.code) {
    case 'invalid_type':
      if (value === undefined || value === null) return error(path, 'is missing', docOf(path)?.description ?? null);
      return error(
        path,
        `expected ${TYPES[issue.expected] ?? issue.expected}, got ${kindOf(value)}`,
        typeHint(issue.expected, path, value),
      );
    case 'invalid_value': {
      const choices = issue.values.map(String);
      const never = path[1] === 'auto_answers' && typeof value === 'string' ? NEVER_ANSWERED.get(value) : undefined;
      if (never !== undefined) return error(path, 'is never answered', never);
      const near = typeof value === 'string' ? didYouMean(value.slice(0, 100), choices) : null;
      const message = choices.length === 1 ? `must be ${choices[0]}` : `must be one of ${choices.join(', ')}`;
      return error(path, message, near === null ? null : `did you mean ${near}?`);
    }
    case 'too_small':
      if (issue.origin === 'string' || issue.origin === 'array') return error(path, 'must not be empty');
      return error(
        path,
        `must be ${issue.inclusive === false ? 'above' : 'at least'} ${issue.minimum}`,
        fractionHint(path),
      );
    case 'too_big':
      return error(
        path,
        issue.origin === 'string' ? `is longer than ${issue.maximum} characters` : `must be at most ${issue.maximum}`,
        fractionHint(path),
      );
    default:
      return error(path, issue.message, isDuration(path) ? durationHint(path) : null);
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a section with keys',
  record: 'a section with keys',
};

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'string':
      return 'text';
    case 'number':
      return Number.isInteger(value) ? 'a number' : 'a fraction';
    case 'boolean':
      return 'true or false';
    default:
      return 'a section with keys';
  }
}

function typeHint(expected: string, path: KeyPath, value: unknown): string | null {
  if (expected === 'string' && isDuration(path)) return durationHint(path);
  if (expected === 'string' && (typeof value === 'number' || typeof value === 'boolean')) return 'put it in quotes';
  if (expected === 'boolean') return 'write true or false, without quotes';
  if (expected === 'number' && fractionHint(path) !== null) return fractionHint(path);
  if ((expected === 'number' || expected === 'int') && typeof value === 'string') return 'write digits, without quotes';
  if (expected === 'array') return 'write [a, b], or one line for each beginning with "- "';
  return null;
}

function isDuration(path: KeyPath): boolean {
  return docOf(path)?.description.startsWith('Duration') === true;
}

/** A share is most often written as a percentage by mistake; null: this key takes no share. */
function fractionHint(path: KeyPath): string | null {
  const doc = docOf(path) ?? docOf(path.slice(0, -1));
  return doc?.description.startsWith('Fraction') === true ? 'use 0.95 for 95 %' : null;
}

function durationHint(path: KeyPath): string {
  return `write a number and its unit, such as ${docOf(path)?.default ?? '5m'}`;
}

/** What stands at this path; undefined: nothing. */
export function valueAt(raw: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, part) ? Reflect.get(value, part) : undefined,
    raw,
  );
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, substitution));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}
