/** Masks secrets in text that is shown or stored, and cuts text from a terminal to a safe piece. */

const MASK = '[masked]';

/** Keys whose value is a secret wherever a JSON text names them. */
const SECRET_KEYS =
  'access_?token|refresh_?token|id_?token|session_?token|auth_?token|bot_?token|api_?key|client_?secret|password';

/**
 * Each pattern starts at a place that cannot be inside its own match (look-behind, or a literal that its run does not
 * contain), so that hostile text costs linear time.
 */
const RULES: readonly (readonly [RegExp, string])[] = [
  // A value without its closing quote (a screen that was cut) is masked to the end.
  [new RegExp(`("(?:${SECRET_KEYS})\\\\?"\\s*:\\s*\\\\?")[^"]*`, 'gi'), `$1${MASK}`],
  [/(?<![\w-])(Bearer[ \t]{1,9})[\w.~+/=-]{16,}/gi, `$1${MASK}`],
  [/sk-ant-[\w-]*/g, MASK],
  [/(?<![\w-])sk-[\w-]{20,}/g, MASK],
  [/(?<![\w-])eyJ[\w-]{6,}\.[\w-]{6,}(?:\.[\w-]*)?/g, MASK],
  [/(?<!\d)\d+:[\w-]{30,}/g, MASK],
];

/** The text with API keys, web tokens, bearer headers, token fields of JSON and bot tokens masked. Applying it twice changes nothing. */
export function redact(text: string): string {
  return RULES.reduce((masked, [pattern, replacement]) => masked.replace(pattern, replacement), text);
}

/**
 * A piece of terminal text that is safe to store and to show: no escape sequences, no control or invisible characters but
 * the line feed, secrets masked, at most `maxChars` UTF-16 units.
 */
export function snippet(text: string, maxChars: number): string {
  // Stripped before masking, or a colour change inside a token would hide it; masked before cutting, or half of it would stay.
  const masked = redact(stripControls(text));
  if (masked.length <= maxChars) return masked;
  if (maxChars < 1) return '';
  return `${masked.slice(0, maxChars - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

const ESCAPE_SEQUENCES =
  /\x1b(?:\[[0-?]*[ -/]*[@-~]?|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-~]?)/g;
const CONTROLS = /[\x00-\x09\x0b-\x1f\x7f-\x9f]/g;
const INVISIBLE = /[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

function stripControls(text: string): string {
  return text.replace(ESCAPE_SEQUENCES, '').replace(/\t/g, ' ').replace(CONTROLS, '').replace(INVISIBLE, '');
}
