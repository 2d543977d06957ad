/** Makes hostile text harmless for the places where messages are shown. */

/** Telegram's `parse_mode: HTML` knows exactly these three (core.telegram.org/bots/api#html-style). */
export function escapeTelegram(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** For text and quoted attributes. */
export function escapeHtml(text: string): string {
  return escapeTelegram(text).replaceAll('"', '&quot;').replaceAll("'", '&#39;');
}

const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g;
const INVISIBLE = /[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;
const HALF_A_PAIR = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;

/** One line without control, direction and invisible characters, and without half of a surrogate pair. */
export function oneLine(text: string): string {
  return text.replace(CONTROLS, ' ').replace(INVISIBLE, '').replace(HALF_A_PAIR, '\ufffd').trim();
}

/** At most `max` UTF-16 units; what was cut ends in an ellipsis, never within a surrogate pair. */
export function cutTo(text: string, max: number): string {
  if (text.length <= max) return text;
  return `${text.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
