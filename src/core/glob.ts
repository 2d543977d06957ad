/** Globs over names: `*`, `?`, `[a-z]`, `[!a-z]`. Never slower than pattern length times name length. */

/** Whether the whole name matches. A `[` without its `]` stands for itself; a backslash takes the next sign literally. */
export function matchesGlob(glob: string, name: string): boolean {
  const pattern = parseGlob(glob);
  const signs = [...name];
  let at = 0;
  let sign = 0;
  // One place to come back to is enough: what an earlier star could take, the latest star can take as well.
  let star = -1;
  let afterStar = 0;
  while (sign < signs.length) {
    const part = pattern[at];
    if (part === '*') {
      star = at++;
      afterStar = sign;
    } else if (part?.(signs[sign] ?? '')) {
      at++;
      sign++;
    } else if (star !== -1) {
      at = star + 1;
      sign = ++afterStar;
    } else {
      return false;
    }
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}

type Part = '*' | ((sign: string) => boolean);

function parseGlob(glob: string): readonly Part[] {
  const signs = [...glob];
  const parts: Part[] = [];
  for (let i = 0; i < signs.length; i++) {
    const sign = signs[i] ?? '';
    if (sign === '*') {
      if (parts.at(-1) !== '*') parts.push('*');
    } else if (sign === '?') {
      parts.push(() => true);
    } else if (sign === '[' && classEnd(signs, i) !== -1) {
      const end = classEnd(signs, i);
      parts.push(parseClass(signs.slice(i + 1, end)));
      i = end;
    } else {
      const literal = sign === '\\' ? (signs[++i] ?? '\\') : sign;
      parts.push((candidate) => candidate === literal);
    }
  }
  return parts;
}

/** Index of the `]` that closes the class opened at `start`; one that stands first is a member. -1: not closed. */
function classEnd(signs: readonly string[], start: number): number {
  const first = start + (isNegation(signs[start + 1]) ? 2 : 1);
  return signs.indexOf(']', first + 1);
}

function parseClass(body: readonly string[]): (sign: string) => boolean {
  const negated = isNegation(body[0]);
  const members = negated ? body.slice(1) : body;
  const ranges: (readonly [string, string])[] = [];
  for (let i = 0; i < members.length; i++) {
    const from = members[i] ?? '';
    const isRange = members[i + 1] === '-' && i + 2 < members.length;
    ranges.push([from, isRange ? (members[i + 2] ?? '') : from]);
    if (isRange) i += 2;
  }
  return (sign) => ranges.some(([from, to]) => codeOf(from) <= codeOf(sign) && codeOf(sign) <= codeOf(to)) !== negated;
}

function isNegation(sign: string | undefined): boolean {
  return sign === '!' || sign === '^';
}

function codeOf(sign: string): number {
  return sign.codePointAt(0) ?? -1;
}
