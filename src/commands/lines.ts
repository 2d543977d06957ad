/** Lines of a stream of bytes, one at a time, with a bound on the length of each. */

export type Line = { readonly kind: 'line'; readonly text: string } | { readonly kind: 'too_long' };

const LINE_FEED = 0x0a;

/** A line of more than `maxBytes` is passed over to its end and reported, not kept. Invalid UTF-8 becomes U+FFFD. */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Line> {
  const decoder = new TextDecoder();
  let parts: Uint8Array[] = [];
  let size = 0;
  const take = (part: Uint8Array): void => {
    size += part.length;
    if (size > maxBytes) parts = [];
    else parts.push(part);
  };
  const end = (): Line => {
    const line: Line =
      size > maxBytes ? { kind: 'too_long' } : { kind: 'line', text: decoder.decode(Buffer.concat(parts)) };
    parts = [];
    size = 0;
    return line;
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, from)) {
      take(chunk.subarray(from, at));
      yield end();
      from = at + 1;
    }
    take(chunk.subarray(from));
  }
  if (size > 0) yield end();
}
