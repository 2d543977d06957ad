/** How a Claude Code screen is laid out: the marks that divide it, its menus and dialogs, as data. */
import { claudeMessages } from './claude-messages.ts';
import { NEVER, type ScreenLanguage, type ScreenMarks } from './screen-language.ts';

const SPINNER_SIGN = '[·✢✣✳✴✵✶✷✸✹✺✻✼✽✾∗*⚹]';

const marks: ScreenMarks = {
  welcome: /^(?:[ *]{0,3}[▐▝▘▛▜█▌▟▙✻][^\n]{0,30}|[ *]{0,2}|[╭─ ]{1,12}|│ ✻ Welcome to )Claude Code(?: v\d|!)/,
  product: 'Claude Code',
  notWelcome: NEVER,
  version: /Claude Code v(\d[\w.-]*)/,
  bullet: /^ ?[●⏺⬤]\s?/,
  // `Bash(…)`, `Web Search(…)`, `github - search_issues (MCP)(…)`, `plugin:x:y - tool (MCP)(…)`.
  toolCall:
    /^(?:[\w.:-]{1,80}\(|[A-Z]\w{1,20} [A-Z]\w{1,20}\(|[\w.:-]{1,60}(?: [\w.:-]{1,40}){0,5} \(MCP\)|update todos$)/,
  row: /^ {0,4}⎿\s?/,
  own: NEVER,
  ownRunsOn: false,
  isBulletProse: false,
  isProseIndented: false,
  bar: NEVER,
  prompt: /^ ?[❯>›](?:\s|$)/,
  promptEndsAtGap: false,
  shellMode: /^ ?(?:[❯>›]\s)?!\s?\S/,
  notice: /^(?:[⚠✗✘⛔❗🛑🚫ℹ■✖×]|\[!\])\uFE0F?\s*/u,
  // `✽ Hatching… (6m 1s · ↓ 73.2k tokens)`.
  spinner: new RegExp(`^ ?${SPINNER_SIGN} \\S[^…]{0,80}?(?:…|\\.\\.\\.)(?:\\s*$|\\s*[(\\d·])`),
  // `✻ 429 Error · retrying in 3s · attempt 3/10`.
  retrySpinner: new RegExp(`^ ?${SPINNER_SIGN} (?=.{0,250}\\bretrying in \\d)`, 'i'),
  // `✻ Churned for 36s · done 11:20 AM`.
  turnEnd: /^[✢✣✳✴✵✶✷✸✹✺✻✼✽✾⚹] \S/,
  taskLine: /^(?:[◼◻☐☒☑✔✓▪▫□■◯○◐◌…⧉]|\d{1,4} tasks?\b|(?:next|tip|todos?):)/i,
  interruptHint: /\besc to interrupt\b|\bctrl\+c to interrupt\b/i,
  footerNotice: /\blimit resets\b|\bcontinu|\/[a-z]+-[a-z]+|clau\.de|when it resets|usage limit reached/i,
  footerNoticeRest: /^continuing automatically\b/i,
  boxes: [],
  composer: {
    prompt: /^[❯>›!#&](?:\s|$)/,
    placeholder:
      /^(?:Try "[^"]{1,200}"|(?:Once fixed, )?re-?send your message.{0,40}|Press (?:up|↑) to edit queued messages.{0,20}|Message @.{0,60}|Type (?:a|your) (?:message|prompt).{0,40}|Ask Claude.{0,40}|Queue another message…?|\? for shortcuts)$/i,
    footer:
      /^(?: {2,}\S|\s*\? for shortcuts|\s*[⏵⏸⚠◐◑◒◓]|\s*-- (?:INSERT|NORMAL|VISUAL)|\s*(?:bypass permissions|auto mode|plan mode|accept edits)|\s*[─━]{8,})/,
    isFrameless: false,
    barEnd: NEVER,
  },
  dialog: {
    sign: /^ {0,4}[❯>›] ?\d{1,2}[.)] \S|\benter to (?:confirm|select|continue|submit)\b|\besc(?:ape)? to (?:cancel|exit|close|go back|dismiss)\b|\(tab to cycle\)\s*$|\bpress enter to continue\b|^\s*paste code here if prompted/i,
    prompt: /^[❯>›] (?!\d{1,2}[.)] )\S/,
    isIndented: false,
    waiting: /\bcontinuing\b|\bthe wait\b/i,
    choice: /^\s{0,6}(?:[❯>›] ?)?(?:\d{1,2}[.)] )?/,
    limitTitle: /^what do you want to do\?$/i,
    limitChoice:
      /^(?:stop and wait for (?:the |your )?(?:usage )?limits? to reset|wait here, then continue automatically|continue now at lower priority)/i,
    limitWait: /wait here, then continue automatically(.{0,80}?)(?=\s\d{1,2}[.)] |$)/i,
    saysLimit: false,
    modelQuestion: /\benter to select\b|\btab\/arrow keys\b|\btype something\b/i,
    kinds: [
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
    ],
  },
};

export const claudeLanguage: ScreenLanguage = {
  kind: 'claude',
  signature: /⎿|claude code|claude\.ai|\/usage-credits|\/rate-limit-options|⏵⏵|^ ?[●⏺] /im,
  marks,
  messages: claudeMessages,
};
