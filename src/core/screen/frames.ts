/** Rules, boxes, fences and shells: what looks the same on every agent's screen. */

export const RULE = /^(?:[─━═╌┄-]{8}|[─━]{2,7} [^─━]{1,60} [─━]{2})/;
export const BOX_TOP = /^ {0,2}╭[─━]/;
export const BOX_BOTTOM = /^ {0,2}╰[─━]/;
export const BOX_SIDES = '│┃|';
/** Commands that a person or an agent ran in a shell: what follows is that command's output. */
export const SHELL_PROMPT =
  /^(?:[\w.-]{1,40}@[\w.-]{1,60}(?:[:\s][\w~/.-]{0,80})? ?)?[$%#] (?!(?:claude|codex|gemini|opencode)\b)[a-z./~]|^➜ {1,2}\S+|^PS [A-Z]:\\/;
export const FENCE = /^ {0,3}(?:```|~~~)/;
