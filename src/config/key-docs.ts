/** What is known of every configuration key, read from the schema: for did-you-mean, restart marks and the documents. */

import { z } from 'zod';
import { ConfigFile } from './file-schema.ts';

export interface KeyDoc {
  /** `*` stands for a chosen name, `[]` for a position in a list: `['accounts', '[]', 'home']`. */
  readonly path: readonly string[];
  readonly description: string;
  /** The default as the file would write it; undefined: the key must be given. */
  readonly default: unknown;
  /** A change takes effect at the next start only. */
  readonly requiresRestart: boolean;
  /** Has keys of its own below it. */
  readonly isSection: boolean;
}

/** The part of JSON Schema (draft 7) that our own schema leads to. */
export interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly description?: string;
  readonly default?: unknown;
  readonly requiresRestart?: boolean;
}

/** The schema for editors (draft 7). */
export function jsonSchema(): JsonSchema {
  return z.toJSONSchema(ConfigFile, { io: 'input', target: 'draft-7' }) as JsonSchema;
}

let cached: readonly KeyDoc[] | undefined;

/** All keys, in the order of the schema; a section stands before its keys. */
export function keyDocs(): readonly KeyDoc[] {
  cached ??= [...walk(jsonSchema(), [], false)];
  return cached;
}

/** The doc of a concrete path such as `['pools', 'work', 'link']`; null: there is no such key. */
export function docOf(path: readonly (string | number)[]): KeyDoc | null {
  return keyDocs().find((doc) => matches(doc.path, path)) ?? null;
}

/** Names of the keys that may stand directly below this path. */
export function keysBelow(path: readonly (string | number)[]): readonly string[] {
  return keyDocs()
    .filter((doc) => doc.path.length === path.length + 1 && matches(doc.path.slice(0, -1), path))
    .map((doc) => doc.path.at(-1) ?? '');
}

/** A path as people write it: `accounts[0].home`, `pools.work.link`. */
export function formatPath(path: readonly (string | number)[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    if (part === '[]') return `${text}[]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

function matches(pattern: readonly string[], path: readonly (string | number)[]): boolean {
  return (
    pattern.length === path.length &&
    pattern.every((part, i) => (part === '[]' ? typeof path[i] === 'number' : part === '*' || part === path[i]))
  );
}

function* walk(schema: JsonSchema, path: readonly string[], inheritsRestart: boolean): Generator<KeyDoc> {
  for (const [name, child] of children(schema)) {
    const childPath = [...path, name];
    const requiresRestart = inheritsRestart || child.requiresRestart === true;
    // The entries of a map or list have no key of their own to document.
    if (name !== '*' && name !== '[]') {
      yield {
        path: childPath,
        description: child.description ?? '',
        default: child.default,
        requiresRestart,
        isSection: children(child).length > 0,
      };
    }
    yield* walk(child, childPath, requiresRestart);
  }
}

function children(schema: JsonSchema): [string, JsonSchema][] {
  const named = Object.entries(schema.properties ?? {});
  if (typeof schema.additionalProperties === 'object') named.push(['*', schema.additionalProperties]);
  if (schema.items?.properties !== undefined) named.push(['[]', schema.items]);
  return named;
}
