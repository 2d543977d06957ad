/** YAML text as plain values that remember where they stand. */

import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLError,
} from 'yaml';
import type { ConfigProblem } from '../core/errors.ts';
import type { KeyPath } from './finding.ts';
import { formatPath } from './key-docs.ts';

export interface YamlSource {
  /** Plain values; null when the text cannot be read at all. */
  readonly value: unknown;
  /** false: the text is no YAML, and `value` means nothing. */
  readonly isReadable: boolean;
  readonly problems: readonly ConfigProblem[];
  /** The place of a key or its value; of the nearest section around it where there is none. */
  at(path: KeyPath, part: 'key' | 'value'): { readonly line: number; readonly column: number };
}

/** No key of ours lies deeper than 5; this is only a bound for the recursion. */
const MAX_DEPTH = 20;
const MAX_PROBLEMS = 20;

/**
 * Reads one YAML document. Aliases, tags and duplicate keys are problems. No message repeats text of the file except
 * key names, because anything else may be a secret in the wrong place.
 */
export function readYaml(text: string): YamlSource {
  const lines = new LineCounter();
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    // Compares every key with every other one of its section; `plain` does it with a set.
    uniqueKeys: false,
    resolveKnownTags: false,
    logLevel: 'error',
  });
  if (document.errors.length > 0) {
    return {
      value: null,
      isReadable: false,
      problems: syntaxProblems(document.errors, text, place),
      at: () => place(0),
    };
  }
  const root = document.contents;
  const problems: ConfigProblem[] = [];
  const value = plain(root, [], (node, path, message, hint) => {
    if (problems.length < MAX_PROBLEMS)
      problems.push({ ...place(startOf(node)), path: formatPath(path), message, hint });
  });
  return { value, isReadable: true, problems, at: (path, part) => place(offsetOf(root, path, part)) };
}

type Report = (node: Node | null, path: KeyPath, message: string, hint: string | null) => void;

function plain(node: Node | null, path: KeyPath, report: Report): unknown {
  if (path.length > MAX_DEPTH) return report(node, path.slice(0, MAX_DEPTH), 'is nested too deeply', null);
  if (isAlias(node)) return report(node, path, 'aliases are not supported', 'write the value out');
  if (node?.tag !== undefined && !isStandardTag(node.tag))
    report(node, path, 'tags are not supported', 'remove the word with !');
  if (isScalar(node)) return node.value;
  if (isSeq<Node | null>(node)) return node.items.map((item, index) => plain(item, [...path, index], report));
  if (!isMap<Node, Node | null>(node)) return null;
  const entries = new Map<string, unknown>();
  for (const pair of node.items) {
    const key = keyOf(pair);
    const keyPath = [...path, key];
    if (key === '__proto__') report(pair.key, keyPath, 'unknown key', 'remove it');
    else if (entries.has(key)) report(pair.key, keyPath, 'is given twice', 'keep one of the two');
    else entries.set(key, plain(pair.value, keyPath, report));
  }
  return Object.fromEntries(entries);
}

function offsetOf(root: Node | null, path: KeyPath, part: 'key' | 'value'): number {
  let node = root;
  let offset = startOf(root);
  for (const [depth, step] of path.entries()) {
    if (isSeq<Node | null>(node) && typeof step === 'number' && step < node.items.length) {
      node = node.items[step] ?? null;
      offset = node === null ? offset : startOf(node);
      continue;
    }
    const pair = isMap<Node, Node | null>(node) ? node.items.find((item) => keyOf(item) === step) : undefined;
    if (pair === undefined) return offset;
    const isEmpty = pair.value === null || (isScalar(pair.value) && pair.value.value === null);
    offset = isEmpty || (part === 'key' && depth === path.length - 1) ? startOf(pair.key) : startOf(pair.value);
    node = pair.value;
  }
  return offset;
}

function keyOf(pair: Pair<Node, Node | null>): string {
  return isScalar(pair.key) ? String(pair.key.value) : '';
}

function startOf(node: Node | null): number {
  return node?.range?.[0] ?? 0;
}

function isStandardTag(tag: string): boolean {
  return /^tag:yaml\.org,2002:(map|seq|str|int|float|bool|null)$/.test(tag);
}

/** The first mistake of a line explains it; what follows on the same line are its consequences. */
function syntaxProblems(
  errors: readonly YAMLError[],
  text: string,
  place: (offset: number) => { line: number; column: number },
): ConfigProblem[] {
  const byLine = new Map<number, ConfigProblem>();
  for (const { code, pos } of errors) {
    const { line, column } = place(pos[0]);
    const isVariable = text.startsWith('${', pos[0] - 1);
    const [message, hint] = isVariable ? VARIABLE : (SYNTAX[code] ?? OTHER);
    if (!byLine.has(line)) byLine.set(line, { line, column, path: '', message, hint });
  }
  const problems = [...byLine.values()].sort((a, b) => a.line - b.line);
  // One deep nesting fails once for every level.
  return errors.some(({ code }) => code === 'RESOURCE_EXHAUSTION')
    ? problems.slice(0, 1)
    : problems.slice(0, MAX_PROBLEMS);
}

const OTHER = ['is not valid YAML here', 'check quotes, brackets and indentation'] as const;
const VARIABLE = ['is not valid YAML here', `quote values with \${…} inside { }`] as const;
const INDENT = 'indent each level by two spaces, and close every bracket and quote';

/** Own words for the parser's codes: its messages may quote the text. */
const SYNTAX: Readonly<Partial<Record<YAMLError['code'], readonly [string, string | null]>>> = {
  TAB_AS_INDENT: ['tabs cannot indent YAML', 'use spaces'],
  BAD_INDENT: ['wrong indentation, or a bracket that is not closed', INDENT],
  MISSING_CHAR: ['something is missing here: a closing quote or bracket, or the ": " after a key', null],
  BLOCK_AS_IMPLICIT_KEY: ['a second ": " on one line, or wrong indentation', 'put text that contains ": " in quotes'],
  MULTILINE_IMPLICIT_KEY: ['a key is not followed by ": "', INDENT],
  MULTIPLE_DOCS: ['a second document begins here', 'remove the line ---'],
  NON_STRING_KEY: ['a key must be plain text', null],
  BAD_SCALAR_START: ['this character cannot begin a value', 'put the value in quotes'],
  BAD_DQ_ESCAPE: ['unknown escape in double quotes', 'use single quotes, or double the backslash'],
  BAD_ALIAS: ['aliases are not supported', 'put text that begins with * in quotes'],
  BAD_DIRECTIVE: ['directives are not supported', 'remove the line that begins with %'],
  RESOURCE_EXHAUSTION: ['is nested too deeply', null],
};
