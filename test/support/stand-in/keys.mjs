/** Turns what arrives on a raw terminal into keys. */

/**
 * @typedef {{ key: 'text', text: string } | { key: 'paste', text: string }
 *   | { key: 'enter' | 'escape' | 'backspace' | 'interrupt' | 'kill-line' | 'other' }} Key
 */

const PASTE_START = '\x1b[200~';
const PASTE_END = '\x1b[201~';
const SEQUENCE = /^\x1b(?:\[[0-?]*[ -/]*[@-~]|O.)/;

/** @returns {(chunk: string) => Key[]} remembers a paste that comes in several chunks */
export function keyReader() {
  /** @type {string | null} */
  let pasting = null;
  return (chunk) => {
    /** @type {Key[]} */
    const keys = [];
    let rest = chunk;
    while (rest !== '') {
      if (pasting !== null) {
        pasting += rest;
        const end = pasting.indexOf(PASTE_END);
        if (end === -1) return keys;
        keys.push({ key: 'paste', text: pasting.slice(0, end).replaceAll('\r', '\n') });
        rest = pasting.slice(end + PASTE_END.length);
        pasting = null;
      } else if (rest.startsWith(PASTE_START)) {
        pasting = '';
        rest = rest.slice(PASTE_START.length);
      } else {
        const sequence = SEQUENCE.exec(rest)?.[0];
        const one = sequence ?? String.fromCodePoint(/** @type {number} */ (rest.codePointAt(0)));
        keys.push(sequence === undefined ? keyOf(one) : { key: 'other' });
        rest = rest.slice(one.length);
      }
    }
    return keys;
  };
}

/** @param {string} one @returns {Key} */
function keyOf(one) {
  if (one === '\r') return { key: 'enter' };
  if (one === '\x1b') return { key: 'escape' };
  if (one === '\x03') return { key: 'interrupt' };
  if (one === '\x15') return { key: 'kill-line' };
  if (one === '\x7f' || one === '\b') return { key: 'backspace' };
  if (one === '\n' || one >= ' ') return { key: 'text', text: one };
  return { key: 'other' };
}
