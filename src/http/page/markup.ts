/** The template of all pages: whatever is put in is masked, stripped of control characters and escaped. */
import { html } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';
import type { Instant, Phrase } from '../../core/phrase.ts';
import { sayInstant } from '../../core/phrase.ts';
import { snippet } from '../../core/redact.ts';
import type { EpochMs } from '../../core/time.ts';
import { isInstant } from '../../core/time.ts';

/** A piece of a page; what is put into another piece is not escaped again. */
export type Markup = HtmlEscapedString;

type Value = Markup | string | number | null | readonly Value[];

/** When a page is made, and on which clock its times are read. */
export interface Moment {
  readonly now: EpochMs;
  /** IANA name. */
  readonly zone: string;
}

/** The template's own line breaks and indentation are left out. */
export function markup(strings: TemplateStringsArray, ...values: readonly Value[]): Markup {
  const tight = strings.map((text) => text.replace(/\n\s*/g, ''));
  // It answers with a promise only where a value is one.
  return html(Object.assign(tight, { raw: tight }), ...values.map(safe)) as Markup;
}

export const NOTHING: Markup = markup``;

/** Longer than any text of a page. */
const MAX_TEXT = 65_536;

function safe(value: Value): Value {
  if (Array.isArray(value)) return value.map(safe);
  // A piece of a page is an object here, not a string.
  return typeof value === 'string' ? snippet(value, MAX_TEXT) : value;
}

export function table(heads: readonly string[], rows: readonly Markup[]): Markup {
  const cells = heads.map((head) => markup`<th scope="col">${head}</th>`);
  return markup`<table><thead><tr>${cells}</tr></thead><tbody>${rows}</tbody></table>`;
}

/** The first of these that fit into so many bytes, and how many do not. @param render is told how many bytes are left */
export function fitting<T>(
  items: readonly T[],
  maxBytes: number,
  render: (item: T, room: number) => Markup,
): { readonly rows: readonly Markup[]; readonly left: number } {
  const rows: Markup[] = [];
  let bytes = 0;
  for (const item of items) {
    const row = render(item, maxBytes - bytes);
    bytes += byteLength(row);
    if (bytes > maxBytes) break;
    rows.push(row);
  }
  return { rows, left: items.length - rows.length };
}

export function byteLength(piece: Markup): number {
  return Buffer.byteLength(piece.toString());
}

/** A sentence of which each text has at most `maxChars`. */
export function told(phrase: Phrase, moment: Moment, maxChars: number): readonly Markup[] {
  return phrase.map((part) =>
    typeof part === 'string' ? markup`${snippet(part, maxChars)}` : markup`${clockTime(part, moment)}`,
  );
}

/** As on the clock on the wall, and for programs. */
export function clockTime(instant: Instant, { now, zone }: Moment): Markup {
  if (!isInstant(instant.at)) return markup`-`;
  const iso = new Date(instant.at).toISOString().replace(/(?::00)?\.\d{3}Z$/, 'Z');
  return markup`<time datetime="${iso}">${sayInstant(instant, now, zone)}</time>`;
}

/** The same of what a view says; `-` for null. */
export function timeOf(iso: string | null, moment: Moment, as: Instant['as'] = 'time'): Markup {
  return clockTime({ at: Date.parse(iso ?? ''), as }, moment);
}

/** What does not fit, and the command that shows it. */
export function more(left: number, command: string): Markup {
  return left === 0 ? NOTHING : markup`<p class="more">and ${left} more: <code>${command}</code></p>`;
}

/** A way to a record; only its words where the id is none that could be one of ours. */
export function linkTo(path: '/incidents/' | '/swaps/', id: string, words: string): Markup {
  return /^[\w-]{1,64}$/.test(id) ? markup`<a href="${path}${id}">${words}</a>` : markup`${words}`;
}
