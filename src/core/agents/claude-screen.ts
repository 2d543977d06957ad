/** How a Claude Code screen is laid out: the marks that divide it, its menus and dialogs, as data. */
import type { DialogKind } from '../screen/finding.ts';

/** The head of a tool call: `Bash(…)`, `Web Search(…)`, `github - search_issues (MCP)(…)`, `plugin:x:y - tool (MCP)(…)`. */
export const TOOL_CALL =
  /^(?:[\w.:-]{1,80}\(|[A-Z]\w{1,20} [A-Z]\w{1,20}\(|[\w.:-]{1,60}(?: [\w.:-]{1,40}){0,5} \(MCP\)|update todos$)/;

export const BULLET = /^ ?[●⏺⬤]\s?/;
export const ROW = /^ {0,4}⎿\s?/;
export const PROMPT = /^ ?[❯>›](?:\s|$)/;
/** A shell command that the user ran from the composer; its output is not the CLI's word. */
export const SHELL_MODE = /^ ?(?:[❯>›]\s)?!\s?\S/;
export const NOTICE_MARK = /^(?:[⚠✗✘⛔❗🛑🚫ℹ■✖×]|\[!\])\uFE0F?\s*/u;
export const RULE = /^(?:[─━═╌┄-]{8}|[─━]{2,7} [^─━]{1,60} [─━]{2})/;
export const BOX_TOP = /^ {0,2}╭[─━]/;
export const BOX_BOTTOM = /^ {0,2}╰[─━]/;
export const BOX_SIDES = '│┃|';
/** The first line of the session: nothing above it belongs to the CLI. */
export const WELCOME =
  /^(?:[ *]{0,3}[▐▝▘▛▜█▌▟▙✻][^\n]{0,30}|[ *]{0,2}|[╭─ ]{1,12}|│ ✻ Welcome to )Claude Code(?: v\d|!)/;
/** `✽ Hatching… (6m 1s · ↓ 73.2k tokens)`. */
export const SPINNER = /^ ?[·✢✣✳✴✵✶✷✸✹✺✻✼✽✾∗*⚹] \S[^…]{0,80}?(?:…|\.\.\.)(?:\s*$|\s*[(\d·])/;
/** `✻ 429 Error · retrying in 3s · attempt 3/10`. */
export const RETRY_SPINNER = /^ ?[·✢✣✳✴✵✶✷✸✹✺✻✼✽✾∗*⚹] (?=.{0,250}\bretrying in \d)/i;
/** `✻ Churned for 36s · done 11:20 AM`. */
export const TURN_END = /^[✢✣✳✴✵✶✷✸✹✺✻✼✽✾⚹] \S/;
/** A list of tasks or a hint that stands below a message without belonging to it. */
export const TASK_LINE = /^(?:[◼◻☐☒☑✔✓▪▫□■◯○◐◌…⧉]|\d{1,4} tasks?\b|(?:next|tip|todos?):)/i;
export const INTERRUPT_HINT = /\besc to interrupt\b|\bctrl\+c to interrupt\b/i;
/** What the CLI's own notices below the composer say; a status line of the user's own looks much the same. */
export const FOOTER_NOTICE = /\blimit resets\b|\bcontinu|\/[a-z]+-[a-z]+|clau\.de|when it resets|usage limit reached/i;
/** Commands that a person or an agent ran in a shell: what follows is that command's output. */
export const SHELL_PROMPT =
  /^(?:[\w.-]{1,40}@[\w.-]{1,60}(?:[:\s][\w~/.-]{0,80})? ?)?[$%#] (?!claude\b)[a-z./~]|^➜ {1,2}\S+|^PS [A-Z]:\\/;
export const FENCE = /^ {0,3}(?:```|~~~)/;
/** Text that the empty composer shows; exactly these words of a person cannot be told from it. */
export const PLACEHOLDER =
  /^(?:Try "[^"]{1,200}"|(?:Once fixed, )?re-?send your message.{0,40}|Press (?:up|↑) to edit queued messages.{0,20}|Message @.{0,60}|Type (?:a|your) (?:message|prompt).{0,40}|Ask Claude.{0,40}|Queue another message…?|\? for shortcuts)$/i;
export const FOOTER_LINE =
  /^(?: {2,}\S|\s*\? for shortcuts|\s*[⏵⏸⚠◐◑◒◓]|\s*-- (?:INSERT|NORMAL|VISUAL)|\s*(?:bypass permissions|auto mode|plan mode|accept edits)|\s*[─━]{8,})/;

// -- Menus and dialogs ------------------------------------------------------------------------------------------------

/** A choice under the cursor, or a line that tells the keys. */
export const DIALOG_SIGN =
  /^ {0,4}[❯>›] ?\d{1,2}[.)] \S|\benter to (?:confirm|select|continue|submit)\b|\besc(?:ape)? to (?:cancel|exit|close|go back|dismiss)\b|\(tab to cycle\)\s*$|\bpress enter to continue\b|^\s*paste code here if prompted/i;
/** The CLI waits by itself: a key is named, but nothing is asked. */
export const WAITING = /\bcontinuing\b|\bthe wait\b/i;
export const CHOICE = /^\s{0,6}(?:[❯>›] ?)?(?:\d{1,2}[.)] )?/;
export const LIMIT_MENU_TITLE = /^what do you want to do\?$/i;
export const LIMIT_MENU_CHOICE =
  /^(?:stop and wait for (?:the |your )?(?:usage )?limits? to reset|wait here, then continue automatically|continue now at lower priority)/i;
/** The menu's own row names the time of the reset. */
export const LIMIT_MENU_WAIT = /wait here, then continue automatically(.{0,80})/i;
/** The keys of a question that the model asked; its choices are the model's words. */
export const MODEL_QUESTION = /\benter to select\b|\btab\/arrow keys\b|\btype something\b/i;

export const DIALOGS: readonly { readonly kind: DialogKind; readonly regex: RegExp }[] = [
  {
    kind: 'foreign-session',
    regex: /session belongs to another account|copy this session to .{0,80}shares its history/i,
  },
  {
    kind: 'trust',
    regex:
      /do you trust the (?:files|contents)|is this a project you created or one you trust|trust this (?:folder|workspace|directory)/i,
  },
  {
    kind: 'login',
    regex: /paste code here if prompted|select login method|claude\.ai\/oauth\/authorize|browser didn['’]t open/i,
  },
  {
    kind: 'permission',
    regex:
      /do you want to (?:proceed|make this edit|create|allow|overwrite|run|apply|write|edit|delete|fetch)|claude wants to |allow .{1,60} to |would you like to proceed/i,
  },
];
