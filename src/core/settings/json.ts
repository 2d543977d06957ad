/** Edits of a JSON text that leave everything else in it as it was written: order, blanks and line ends. */

/** A value with its place in the text. */
export type JsonNode = { readonly start: number; readonly end: number } & (
  | { readonly kind: 'object'; readonly entries: readonly JsonEntry[] }
  | { readonly kind: 'array'; readonly entries: readonly JsonEntry[] }
  | { readonly kind: 'plain'; readonly value: unknown }
);

/** A member of an object or an item of an array; `start` is that of its key. */
export interface JsonEntry {
  readonly key: string | number;
  readonly start: number;
  readonly value: JsonNode;
}

export type JsonPath = readonly (string | number)[];

/** @throws {SyntaxError} the text is no JSON; the message may quote it, so it must not be shown */
export function parseJson(text: string): JsonNode {
  JSON.parse(text);
  return readValue(text, skipBlanks(text, 0));
}

/** The value at this path; null: there is none. */
export function nodeAt(root: JsonNode, path: JsonPath): JsonNode | null {
  let node: JsonNode = root;
  for (const key of path) {
    const entry: JsonEntry | undefined =
      node.kind === 'plain' ? undefined : node.entries.findLast((candidate) => candidate.key === key);
    if (entry === undefined) return null;
    node = entry.value;
  }
  return node;
}

/** The plain value at this path, if it is a text. */
export function textAt(root: JsonNode, path: JsonPath): string | null {
  const node = nodeAt(root, path);
  return node?.kind === 'plain' && typeof node.value === 'string' ? node.value : null;
}

/** Sets a member or appends an item; what is missing on the way to it is made. A number past the end appends. */
export function setJson(text: string, path: JsonPath, value: unknown): string {
  const root = parseJson(text);
  const present = nodeAt(root, path);
  if (present !== null) return splice(text, present.start, present.end, JSON.stringify(value));
  let depth = path.length - 1;
  while (depth > 0 && nodeAt(root, path.slice(0, depth)) === null) depth--;
  const wrapped = path
    .slice(depth + 1)
    .reduceRight<unknown>((inner, key) => (typeof key === 'number' ? [inner] : { [key]: inner }), value);
  const container = nodeAt(root, path.slice(0, depth));
  if (container === null || container.kind === 'plain') throw new Error('the value there holds no others');
  return insert(text, container, depth, path[depth] ?? '', wrapped);
}

/** Removes a member or an item. */
export function removeJson(text: string, path: JsonPath): string {
  const parent = nodeAt(parseJson(text), path.slice(0, -1));
  if (parent === null || parent.kind === 'plain') return text;
  const { entries } = parent;
  const index = entries.findLastIndex((entry) => entry.key === path.at(-1));
  const [before, entry, after] = [entries[index - 1], entries[index], entries[index + 1]];
  if (entry === undefined) return text;
  if (before !== undefined) return splice(text, before.value.end, entry.value.end, '');
  if (after !== undefined) return splice(text, entry.start, after.start, '');
  return splice(text, parent.start, parent.end, parent.kind === 'object' ? '{}' : '[]');
}

function insert(
  text: string,
  container: JsonNode & { readonly entries: readonly JsonEntry[] },
  depth: number,
  key: string | number,
  value: unknown,
): string {
  const first = container.entries[0];
  const isInline = first === undefined ? isOneLine(text) : !text.slice(container.start, first.start).includes('\n');
  const unit = isInline ? '' : indentOf(text);
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const margin = (level: number): string => (isInline ? '' : newline + unit.repeat(level));
  const name = container.kind === 'array' ? '' : `${JSON.stringify(key)}:${isInline && !/": /.test(text) ? '' : ' '}`;
  const written = JSON.stringify(value, null, unit).replaceAll('\n', margin(depth + 1));
  const entry = margin(depth + 1) + name + written;
  const last = container.entries.at(-1);
  if (last !== undefined) return splice(text, last.value.end, last.value.end, `,${isInline ? ' ' : ''}${entry}`);
  const [open, close] = container.kind === 'object' ? '{}' : '[]';
  return splice(text, container.start, container.end, `${open}${entry}${margin(depth)}${close}`);
}

/** A whole file without a line break inside, other than an empty one. */
function isOneLine(text: string): boolean {
  return !text.trim().includes('\n') && !/^\s*\{\s*\}\s*$/.test(text);
}

function indentOf(text: string): string {
  return /^\s*[{[][^\S\n]*\r?\n([ \t]+)\S/.exec(text)?.[1] ?? '  ';
}

function splice(text: string, start: number, end: number, replacement: string): string {
  return text.slice(0, start) + replacement + text.slice(end);
}

/** Reads on from the first character of a value. The text is known to be JSON. */
function readValue(text: string, start: number): JsonNode {
  const opening = text[start];
  if (opening !== '{' && opening !== '[') {
    const end = opening === '"' ? endOfText(text, start) : endOfWord(text, start);
    return { kind: 'plain', start, end, value: JSON.parse(text.slice(start, end)) };
  }
  const closing = opening === '{' ? '}' : ']';
  const entries: JsonEntry[] = [];
  let at = skipBlanks(text, start + 1);
  while (text[at] !== closing) {
    const entryStart = at;
    let key: string | number = entries.length;
    if (opening === '{') {
      const keyEnd = endOfText(text, at);
      key = JSON.parse(text.slice(at, keyEnd));
      at = skipBlanks(text, skipBlanks(text, keyEnd) + 1);
    }
    const value = readValue(text, at);
    entries.push({ key, start: entryStart, value });
    at = skipBlanks(text, value.end);
    if (text[at] === ',') at = skipBlanks(text, at + 1);
  }
  return { kind: opening === '{' ? 'object' : 'array', start, end: at + 1, entries };
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++;
  return at;
}

function endOfText(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

function endOfWord(text: string, start: number): number {
  let at = start;
  while (at < text.length && !',]} \n\r\t'.includes(text[at] ?? ' ')) at++;
  return at;
}
