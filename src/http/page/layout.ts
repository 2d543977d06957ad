/** What every page is made of: its head, its own sheet, and the headers under which it may load nothing else. */
import { createHash } from 'node:crypto';
import { raw } from 'hono/html';
import type { Markup } from './markup.ts';
import { markup, NOTHING } from './markup.ts';
import { STYLE } from './style.ts';

export interface PageParts {
  readonly title: string;
  /** The page asks for itself again after so many seconds; null: it stays. */
  readonly refreshS: number | null;
  readonly header: Markup;
  readonly main: Markup;
  readonly footer: Markup;
}

export function wholePage({ title, refreshS, header, main, footer }: PageParts): string {
  const refresh = refreshS === null ? NOTHING : markup`<meta http-equiv="refresh" content="${refreshS}">`;
  const page = markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width,initial-scale=1">
        ${refresh}
        <title>${title}</title>
        <style>${raw(STYLE)}</style>
      </head>
      <body>
        <header>${header}</header>
        <main>${main}</main>
        <footer>${footer}</footer>
      </body>
    </html>`;
  return `${page}\n`;
}

/** Nothing is loaded, run, framed or sent: only the sheet inside the page counts, by its digest. */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
};
