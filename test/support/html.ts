/** Reads a page of ours as strictly as it was written: its tags, its attributes, and the text that a person sees. */

export interface Tag {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface ReadPage {
  readonly tags: readonly Tag[];
  /** Of everything but the sheet, entities resolved; what blocks contain is parted by blanks. */
  readonly text: string;
  readonly style: string;
  /** Signs that can only be there because something was not escaped. */
  readonly flaws: readonly string[];
}

const TAG = /<(\/?)([a-z][a-z0-9]*)((?: [a-zA-Z-]+="[^"<>]*")*)\/?>/g;
const ATTRIBUTE = / ([a-zA-Z-]+)="([^"<>]*)"/g;
const ENTITY = /&(amp|lt|gt|quot|#39);/g;
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

export function readPage(page: string): ReadPage {
  const [, before = '', style = '', after = ''] = /^<!doctype html>(.*?)<style>(.*?)<\/style>(.*)$/s.exec(page) ?? [];
  const body = before + after;
  const tags = [...body.matchAll(TAG)].map(([, , name = '', attributes = '']) => ({
    name,
    attributes: Object.fromEntries(
      [...attributes.matchAll(ATTRIBUTE)].map(([, key = '', value = '']) => [key, resolved(value)]),
    ),
  }));
  const escaped = body.replace(TAG, ' ');
  const values = [...body.matchAll(ATTRIBUTE)].map(([, , value = '']) => value);
  return {
    tags,
    style,
    text: resolved(escaped).replace(/[ \n]+/g, ' '),
    flaws: [escaped, ...values].flatMap((text) => text.replace(ENTITY, '').match(/[<>&"']/g) ?? []),
  };
}

/** Tags that show, and none that loads, runs or sends. */
export const HARMLESS: ReadonlySet<string> = new Set(
  (
    'html head meta title body header main footer section h1 h2 h3 p b small span a code ul li dl dt dd pre ' +
    'table thead tbody tr th td time svg rect path'
  ).split(' '),
);

/** `style` is read apart from the others. */
export const HARMLESS_ATTRIBUTES: ReadonlySet<string> = new Set(
  (
    'lang charset name content http-equiv href class scope datetime data-is role viewBox preserveAspectRatio ' +
    'd width height'
  ).split(' '),
);

function resolved(text: string): string {
  return text.replace(ENTITY, (_all, name: string) => ENTITIES[name] ?? '');
}
