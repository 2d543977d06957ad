/** OpenAI Codex: how it is found in a pane, how its screen reads, and the messages it prints (codex-rs, 0.20 to 0.169). */
import { start } from './limit-words.ts';
import { plainMarks } from './plain-marks.ts';
import type { AgentProfile } from './profile.ts';
import { type MessagePattern, NEVER, type ScreenLanguage, type ScreenMarks } from './screen-language.ts';
import { ACCESS_TROUBLE, MONEY_TROUBLE, PLAN_LIMITS, PLAN_WARNINGS, PROVIDER_TROUBLE } from './shared-messages.ts';

export const codex: AgentProfile = {
  kind: 'codex',
  notSwitchable: null,
  process: {
    names: ['codex'],
    script: /(?:^|\/)@openai\/codex(?:\/|$)|(?:^|\/)codex(?:\.[cm]?js)?$/,
  },
  // It keeps its account in memory and refuses another one.
  hotSwapSince: null,
  configDir: { env: 'CODEX_HOME', underHome: '.codex' },
  credentialFiles: ['auth.json'],
  interruptedWrites: /^\.auth-[0-9A-Za-z]{6}$/,
  modes: ['file_link'],
  locks: [],
  stopFirst: 'always',
  // One writer for each session (from 0.150 on), and whoever renews the login.
  writerLocks: ['thread-writer-locks/*.lock', 'auth.lock', 'auth.json.lock'],
  // 0.169: a server for each CODEX_HOME, started by the first session; its updater outlives it.
  background: {
    argv: /^app-server .*--managed-daemon\b/,
    harmless: /^app-server daemon pid-update-loop\b/,
    stopArgs: ['app-server', 'daemon', 'stop'],
  },
  credentialsDir: null,
  // Seen on 0.169: with OPENAI_API_KEY or CODEX_API_KEY in its environment a session uses the login of `auth.json` all the same.
  overridingEnv: ['CODEX_ACCESS_TOKEN'],
  sharedEntries: { required: [], optional: [] },
  resumeArgs: (sessionId) => ['resume', sessionId],
  // An image belongs to a prompt; a worktree would be a new one.
  resumeFlags: { '--last': false, '--all': false, '--image': true, '-i': true, '--worktree': false },
  // `resume`, the id and the prompt are plain words: none is given again. Flags as of 0.169.
  promptArgument: {
    bareFlags: [
      '--approve-for-me',
      '--dangerously-bypass-approvals-and-sandbox',
      '--dangerously-bypass-hook-trust',
      '--full-auto',
      '--include-non-interactive',
      '--no-alt-screen',
      '--no-daemon',
      '--oss',
      '--search',
      '--strict-config',
      '--yolo',
    ],
    listFlags: [],
  },
  continuePrompt: 'continue',
  exitCommand: '/quit',
};

const PATTERNS: readonly MessagePattern[] = [
  {
    id: 'heads-up',
    class: 'warning',
    window: 'stated',
    regex: start(
      "heads[- ]?up[,:!]? .{0,30}?\\d{1,3}(?:\\.\\d)?% of (?:your )?((?:[\\w'’.-]{1,24} ){0,4})(?:limits?|usage|quota)\\b",
    ),
    example: 'Heads up, you have less than 25% of your 5h limit left. Run /status for a breakdown.',
  },
  ...PLAN_WARNINGS,
  // Money: no time brings these back.
  {
    id: 'spend-cap',
    class: 'billing',
    window: null,
    regex: start(
      "you(?:['’]ve| have)? (?:hit|reached|exceeded) (?:your|the) (?:(?:workspace|organization|team|monthly|owner)(?:['’]s)? ){0,2}(?:spend(?:ing)?|credit|budget) (?:cap|limit)\\b",
    ),
    example:
      'You hit your spend cap set by the owner of your workspace. Ask an owner to increase your spend cap to continue.',
  },
  {
    id: 'workspace-credits',
    class: 'billing',
    window: null,
    regex: start(
      '(?:your|this|the) (?:workspace|organization|team|account) (?:(?:is|has)(?: run)? out of|has no(?: more)?) credits\\b|you(?:.ve| have) (?:used (?:up )?all (?:of )?your|no(?: more)?|run out of) credits\\b',
    ),
    example: 'Your workspace is out of credits. Add credits to continue.',
  },
  {
    id: 'plan-without-codex',
    class: 'billing',
    window: null,
    regex: start('to use codex with your .{1,40} plan, upgrade\\b'),
    example: 'To use Codex with your ChatGPT plan, upgrade to Plus: https://chatgpt.com/explore/plus.',
  },
  ...MONEY_TROUBLE,
  // A login is needed.
  {
    id: 'token-not-refreshed',
    class: 'auth',
    window: null,
    regex: start(
      "(?:your )?(?:access|refresh|auth(?:entication)?|id) token (?:could not|cannot|can[’']t) be refreshed\\b|your refresh token (?:has|was|is)\\b|failed to refresh (?:the )?token\\b(?!.{0,40}\\b(?:5\\d\\d|timed? ?out)\\b)",
    ),
    example:
      'Your access token could not be refreshed because your refresh token was revoked. Please log out and sign in again.',
  },
  {
    id: 'signed-out',
    class: 'auth',
    window: null,
    regex: start(
      '(?:please )?(?:log out and )?(?:sign|log) in (?:again\\b|with chatgpt\\b.{0,80}(?:use|paid|plan)|to (?:continue|codex|your))|(?:exceeded retry limit, last|unexpected) status:? 40[13]\\b|(?:your |the |provided )?authentication token (?:is|has|was)\\b|encountered invalidated oauth token|your session has ended',
    ),
    example: 'unexpected status 401 Unauthorized: Missing bearer or basic authentication in header',
  },
  ...ACCESS_TROUBLE,
  // Wait and try again.
  {
    id: 'reconnecting',
    class: 'throttle',
    window: null,
    regex: start('re-?connecting(?:\\.{2,3}|…)? ?\\d{1,2}/\\d{1,2}|(?:.{1,300}; )?retrying \\d{1,2}/\\d{1,2} in '),
    example: 'Reconnecting... 2/5',
  },
  {
    id: 'retry-limit',
    class: 'throttle',
    window: null,
    regex: start('exceeded retry limit\\b'),
    example: 'exceeded retry limit, last status: 429 Too Many Requests, request id: 9c84b52ce87fbe62-SJC',
  },
  {
    id: 'model-capacity',
    class: 'throttle',
    window: null,
    regex: start('(?:the )?selected model is (?:currently )?(?:at capacity|overloaded|unavailable)\\b'),
    example: 'Selected model is at capacity. Please try a different model.',
  },
  ...PROVIDER_TROUBLE,
  ...PLAN_LIMITS,
  {
    // Codex 0.23: it does not say when.
    id: 'wait-for-limits',
    class: 'quota',
    window: 'unknown',
    regex: start('(?:please )?wait for (?:your )?(?:usage )?limits to reset\\b'),
    example: 'Wait for limits to reset (every 5h and every week.).',
  },
];

const WORKING = /^ {0,2}[•◦] .{1,120}\((?:\d{1,3}[dhms] ?){1,3} ?[•·] ?esc to interrupt\)/;

const marks: ScreenMarks = {
  ...plainMarks,
  welcome: /^[│ ]{0,4}>_ OpenAI Codex\b/,
  product: 'OpenAI Codex',
  notWelcome: /^[│ ]*(?:Session|Account|Context window|Token usage|\w{1,10} limit|Permissions|Collaboration mode):/,
  version: /OpenAI Codex \(v(\d[\w.-]*)\)/,
  bullet: /^ {0,2}[•◦]\s/,
  toolCall:
    /^(?:Ran|Running|Explored|Exploring|Edited|Editing|Added|Deleted|Called|Calling|Search(?:ed|ing)|Read|List(?:ed)?|Updated Plan|Proposed Plan|Viewed|Waited|Waiting|Spawned|Interacted|Patched|Applied|Change Approved|You ran|Background terminal)\b/i,
  row: /^ {0,4}└\s?/,
  own: /^ {0,2}(?:[■⚠🖐✗✘⛔]|\[!\])\uFE0F?\s/u,
  prompt: /^ ?[›▌](?:\s|$)/,
  promptEndsAtGap: false,
  notice: /^(?:[■⚠🖐✗✘⛔❗🛑🚫ℹ]|\[!\])\uFE0F?\s*/u,
  spinner: WORKING,
  retrySpinner: /^ {0,2}[•◦] re-?connecting\b/i,
  turnEnd: /^─ Worked for \d/,
  interruptHint: NEVER,
  composer: {
    prompt: /^[›▌!](?:\s|$)/,
    placeholder:
      /^(?:Ask Codex\b.{0,60}|Type a message.{0,20}|Explain this codebase|Summarize recent commits|Implement \{feature\}|Find and fix a bug in @filename|Write tests for @filename|Improve documentation in @filename|Run \/review on my current changes|Use \/skills to list available skills|Send a message.{0,40})$/i,
    footer: /^ {1,}\S/,
    isFrameless: true,
    barEnd: NEVER,
  },
  dialog: {
    ...plainMarks.dialog,
    sign: /^ {0,4}[›▌>❯] ?\d{1,2}[.)] \S|\bpress enter to (?:confirm|continue|submit|select)\b|^\s*enter (?:select|to )/i,
    prompt: /^[›▌] (?!\d{1,2}[.)] )\S/,
    isIndented: true,
    // It comes up beside a limit that was reached, too; Escape keeps the model.
    limitTitle: /^approaching rate limits$/i,
    limitChoice: /^(?:switch to |keep current model)/i,
    saysLimit: true,
    kinds: [
      {
        kind: 'trust',
        regex: /do you trust the contents|allow codex to work in this folder|trust this (?:folder|directory)/i,
      },
      {
        kind: 'permission',
        regex:
          /would you like to (?:run|make|grant|apply|proceed)|do you want to (?:approve|allow|run|proceed)|allow .{1,80} to (?:run|access|use)|\bneeds your approval\b|implement this plan/i,
      },
      { kind: 'login', regex: /sign in with chatgpt|provide your own api key|finish signing in via your browser/i },
    ],
  },
};

export const codexLanguage: ScreenLanguage = {
  kind: 'codex',
  signature: /openai codex|^ ?[■🖐] |^ ?› |chatgpt\.com\/|^ *└ |▌/imu,
  marks,
  messages: {
    prefilter:
      /limit|usage|error|token|sign|log|quota|credit|spend|plan|stream|retry|status|reconnect|capacity|demand|high|overload|unavailable|timed|timeout|connect|failed|falling|server|heads|\d%|fetch|key|auth|many|billing|balance|organi|account/i,
    patterns: PATTERNS,
    toolThrottle: null,
    backgroundEvent: NEVER,
    relayed: NEVER,
    errorPrefix:
      /^(?:error(?: [a-z ]{1,40})?: |\{"type": ?"(?:error|turn\.failed)",.{0,40}?"message": ?"|(?:codex|stream|turn|agent|server) error: |unexpected status \d{3}[^:]{0,40}: |failed to [a-z ]{1,40}: |[a-z]+ failed: ){1,2}/i,
    unnamedWindow: 'distance',
  },
};
