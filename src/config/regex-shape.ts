/** The shape of a regular expression, as far as it tells whether matching can run away, and texts that would make it. */

/** One part of an expression. Anchors, look-around and back-references take no text of their own here. */
type Node =
  | { readonly kind: 'empty' }
  | { readonly kind: 'set'; readonly source: string }
  | { readonly kind: 'seq'; readonly parts: readonly Node[] }
  | { readonly kind: 'alt'; readonly options: readonly Node[] }
  | { readonly kind: 'repeat'; readonly body: Node; readonly min: number; readonly max: number };

/** Repeats up to this often cannot run away by themselves. */
const MANY = 20;
const MAX_PROBES = 24;
const MAX_SAMPLE = 64;
const MAX_PREFIX = 1024;
/** What a set may match, tried in this order. */
const CANDIDATES = ['a', 'x', '0', ' ', '-', '.', '!', '_', 'Z', '\t', 'é', '·'];

/**
 * The first repeat that holds nothing but another repeat, as in `(a+)+`: the two share one run of text in exponentially many
 * ways. Null: there is none.
 *
 * @param source  a source that compiles
 */
export function nestedRepeat(source: string): string | null {
  return findNested(parse(source)) ? source : null;
}

/** Texts of `length` characters, made to send this expression back as often as possible. */
export function pumpedProbes(source: string, length: number): readonly string[] {
  const root = parse(source);
  const probes = new Set<string>();
  const pump = (prefix: string, unit: string): void => {
    if (unit !== '')
      probes.add(`${(prefix + unit.repeat(Math.ceil(length / unit.length))).slice(0, length - 1)}\u0001`);
  };
  for (const { prefix, unit } of repeats(root, '')) {
    pump(prefix, unit);
    pump('', unit);
  }
  pump('', sample(root));
  for (const [word] of source.matchAll(/[a-z]{2,}/gi)) pump('', word);
  for (const unit of ['a', ' ', '0', 'a ']) pump('', unit);
  return [...probes].slice(0, MAX_PROBES);
}

function findNested(node: Node): boolean {
  switch (node.kind) {
    case 'empty':
    case 'set':
      return false;
    case 'seq':
      return node.parts.some(findNested);
    case 'alt':
      return node.options.some(findNested);
    case 'repeat':
      return (node.max > MANY && isOneRun(node.body)) || findNested(node.body);
  }
}

/** Whether a long repeat alone may make up all the text of this part. */
function isOneRun(node: Node): boolean {
  switch (node.kind) {
    case 'empty':
    case 'set':
      return false;
    case 'seq':
      return node.parts.some(
        (part, i) => isOneRun(part) && node.parts.every((other, j) => i === j || isNullable(other)),
      );
    case 'alt':
      return node.options.some(isOneRun);
    case 'repeat':
      return node.max > MANY || isOneRun(node.body);
  }
}

function isNullable(node: Node): boolean {
  switch (node.kind) {
    case 'empty':
      return true;
    case 'set':
      return false;
    case 'seq':
      return node.parts.every(isNullable);
    case 'alt':
      return node.options.some(isNullable);
    case 'repeat':
      return node.min === 0 || isNullable(node.body);
  }
}

/** Each long repeat with a text that leads to it and a text it repeats. */
function* repeats(node: Node, prefix: string): Generator<{ readonly prefix: string; readonly unit: string }> {
  if (node.kind === 'alt') for (const option of node.options) yield* repeats(option, prefix);
  if (node.kind === 'seq') {
    let before = prefix;
    for (const part of node.parts) {
      yield* repeats(part, before);
      before = (before + sample(part)).slice(-MAX_PREFIX);
    }
  }
  if (node.kind !== 'repeat') return;
  if (node.max > MANY) {
    const bodies = node.body.kind === 'alt' ? node.body.options : [node.body];
    for (const body of bodies) yield { prefix, unit: sample(body) };
  }
  yield* repeats(node.body, prefix);
}

/** A short text that this part matches. */
function sample(node: Node): string {
  switch (node.kind) {
    case 'empty':
      return '';
    case 'set': {
      const set = new RegExp(`^(?:${node.source})$`, 'i');
      return CANDIDATES.find((candidate) => set.test(candidate)) ?? node.source.slice(-1);
    }
    case 'seq':
      return node.parts.map(sample).join('').slice(0, MAX_SAMPLE);
    case 'alt':
      return sample(node.options[0] ?? { kind: 'empty' });
    case 'repeat':
      return sample(node.body)
        .repeat(Math.min(Math.max(1, node.min), MANY))
        .slice(0, MAX_SAMPLE);
  }
}

function parse(source: string): Node {
  return new Parser(source).alternatives();
}

/** Reads what `new RegExp` took already, so that it need not look for mistakes. */
class Parser {
  private at = 0;
  private readonly source: string;

  constructor(source: string) {
    this.source = source;
  }

  alternatives(): Node {
    const options = [this.sequence()];
    while (this.take('|')) options.push(this.sequence());
    return options.length === 1 && options[0] !== undefined ? options[0] : { kind: 'alt', options };
  }

  private sequence(): Node {
    const parts: Node[] = [];
    while (this.at < this.source.length && this.source[this.at] !== '|' && this.source[this.at] !== ')') {
      parts.push(this.quantified(this.atom()));
    }
    return { kind: 'seq', parts };
  }

  private atom(): Node {
    const opened = this.match(/\((?:\?(?::|<?[=!]|<[^>]*>))?/y);
    if (opened !== null) {
      const inner = this.alternatives();
      this.take(')');
      return /[=!]$/.test(opened) ? { kind: 'empty' } : inner;
    }
    if (this.match(/[$^]|\\[bB]|\\[1-9]\d*|\\k<[^>]*>/y) !== null) return { kind: 'empty' };
    const set = this.match(/\[(?:\\[\s\S]|[^\]\\])*\]|\\(?:x[\da-f]{2}|u[\da-f]{4}|c[a-z]|[\s\S])|[\s\S]/iy);
    return { kind: 'set', source: set ?? '' };
  }

  private quantified(body: Node): Node {
    const text = this.match(/(?:[*+?]|\{\d+(?:,\d*)?\})\??/y);
    if (text === null) return body;
    const [, least = '', comma = '', most = ''] = /\{(\d+)(,?)(\d*)\}/.exec(text) ?? [];
    if (least !== '') {
      const min = Number(least);
      return {
        kind: 'repeat',
        body,
        min,
        max: comma === '' ? min : most === '' ? Number.POSITIVE_INFINITY : Number(most),
      };
    }
    return {
      kind: 'repeat',
      body,
      min: text.startsWith('+') ? 1 : 0,
      max: text.startsWith('?') ? 1 : Number.POSITIVE_INFINITY,
    };
  }

  private take(character: string): boolean {
    if (this.source[this.at] !== character) return false;
    this.at += 1;
    return true;
  }

  private match(pattern: RegExp): string | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.source)?.[0] ?? null;
    this.at += found?.length ?? 0;
    return found;
  }
}
