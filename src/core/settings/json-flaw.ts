/** Finds where a text stops being JSON, without quoting it: the message of JSON.parse quotes, and settings hold secrets. */

const TEXT = /"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/y;
const WORD = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/y;
const BLANKS = /[ \t\r\n]*/y;

/** @returns `line 3, column 7`, both from 1: where something else was expected */
export function placeOfFlaw(text: string): string {
  const before = text.slice(0, flawAt(text)).split('\n');
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

/** Steps through the tokens with the open brackets on a stack: settings may be nested as deep as they like. */
function flawAt(text: string): number {
  const open: ('{' | '[')[] = [];
  let at = 0;
  let next: 'value' | 'key' | 'colon' | 'comma' = 'value';
  /** An empty object or list may be closed where its first entry would stand. */
  let mayClose = false;
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    if (!pattern.test(text)) return false;
    at = pattern.lastIndex;
    return true;
  };
  for (;;) {
    take(BLANKS);
    const inside = open.at(-1);
    if (next === 'comma' && inside === undefined) return at;
    const closing = inside === '{' ? '}' : ']';
    if (inside !== undefined && (next === 'comma' || mayClose) && text[at] === closing) {
      at++;
      open.pop();
      next = 'comma';
      mayClose = false;
    } else if (next === 'comma') {
      if (text[at] !== ',') return at;
      at++;
      next = inside === '{' ? 'key' : 'value';
    } else if (next === 'colon') {
      if (text[at] !== ':') return at;
      at++;
      next = 'value';
    } else if (next === 'key') {
      mayClose = false;
      if (!take(TEXT)) return at;
      next = 'colon';
    } else if (text[at] === '{' || text[at] === '[') {
      const bracket = text[at] === '{' ? '{' : '[';
      open.push(bracket);
      at++;
      next = bracket === '{' ? 'key' : 'value';
      mayClose = true;
    } else {
      mayClose = false;
      if (!take(TEXT) && !take(WORD)) return at;
      next = 'comma';
    }
  }
}
