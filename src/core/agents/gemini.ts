/** Gemini CLI: how it is found in a pane, how its screen reads, and the messages it prints (0.1 to 0.61). */
import { MINUTE } from '../time.ts';
import { start } from './limit-words.ts';
import { plainMarks } from './plain-marks.ts';
import type { AgentProfile } from './profile.ts';
import { type MessagePattern, NEVER, type ScreenLanguage, type ScreenMarks } from './screen-language.ts';
import { ACCESS_TROUBLE, MONEY_TROUBLE, PLAN_LIMITS, PLAN_WARNINGS, PROVIDER_TROUBLE } from './shared-messages.ts';

export const gemini: AgentProfile = {
  kind: 'gemini',
  notSwitchable: null,
  process: {
    names: ['gemini'],
    script: /(?:^|\/)@google\/gemini-cli(?:\/|$)|(?:^|\/)gemini(?:\.[cm]?js)?$/,
  },
  // Its client is kept in memory for the life of the process.
  hotSwapSince: null,
  configDir: { env: 'GEMINI_CLI_HOME', underHome: '.gemini', within: '.gemini' },
  credentialFiles: ['oauth_creds.json'],
  modes: ['file_link'],
  locks: [],
  stopFirst: 'always',
  writerLocks: [],
  background: null,
  credentialsDir: null,
  overridingEnv: ['GEMINI_API_KEY', 'GOOGLE_API_KEY', 'GOOGLE_GENAI_USE_VERTEXAI', 'GOOGLE_CLOUD_ACCESS_TOKEN'],
  // Seen on 0.61: what is chosen in the settings goes before the environment.
  loginChoice: {
    outranks: ['GEMINI_API_KEY', 'GOOGLE_API_KEY', 'GOOGLE_GENAI_USE_VERTEXAI'],
    file: 'settings.json',
    keys: [['security', 'auth', 'selectedType'], ['selectedAuthType']],
    value: 'oauth-personal',
  },
  sharedEntries: { required: [], optional: [] },
  resumeArgs: (sessionId) => ['--resume', sessionId],
  resumeFlags: {
    '--resume': true,
    '-r': true,
    '--session-id': true,
    '--session-file': true,
    '--prompt-interactive': true,
    '-i': true,
    '--worktree': true,
    '-w': true,
  },
  // Flags as of 0.61.
  promptArgument: {
    bareFlags: [
      '--accept-raw-output-risk',
      '--debug',
      '--raw-output',
      '--sandbox',
      '--screen-reader',
      '--skip-trust',
      '--yolo',
      '-d',
      '-s',
      '-y',
    ],
    listFlags: [
      '--admin-policy',
      '--allowed-mcp-server-names',
      '--allowed-tools',
      '--extensions',
      '--include-directories',
      '--policy',
      '-e',
    ],
  },
  // Seen on 0.61: an input line that is shown, and a prompt that was lost.
  settleMs: 6000,
  continuePrompt: 'continue',
  exitCommand: '/quit',
};

/** The CLI itself waits and tries again below this (googleQuotaErrors.ts). */
const WAITED_FOR_MS = 5 * MINUTE;
const API_ERROR = '\\[?api error[:(] ?';

const PATTERNS: readonly MessagePattern[] = [
  {
    id: 'fallback-taken',
    class: 'resumed',
    window: null,
    regex: start('switched to (?:fallback model|gemini)\\b'),
    example: 'Switched to fallback model gemini-2.5-flash.',
  },
  // The session goes on with another model.
  {
    id: 'switching-by-itself',
    class: 'warning',
    window: 'daily',
    regex: start('automatically switching (?:from|to)\\b'),
    endsLimit: true,
    example: 'Automatically switching from gemini-2.5-pro to gemini-2.5-flash for the remainder of this session.',
  },
  {
    id: 'fallback-for-quota',
    class: 'warning',
    window: 'daily',
    regex: start('you have (?:reached|hit) your daily.{0,60}? (?:quota|limit).{0,60}?automatically switching'),
    example:
      'You have reached your daily quota limit. ⚡ Automatically switching from gemini-2.5-pro to gemini-2.5-flash',
  },
  {
    id: 'footer-used',
    class: 'warning',
    window: 'daily',
    regex: start('\\d{1,3}% used(?:$| \\(limit )|limit reached(?:,? resets in [\\dhms ]{1,12})?$'),
    example: '85% used (Limit resets in 1h)',
  },
  ...PLAN_WARNINGS,
  {
    id: 'g1-credits',
    class: 'billing',
    window: null,
    regex: start(
      `(?:${API_ERROR}.{0,400}?)?(?:insufficient_g1_credits_balance|your prepayment credits are depleted|(?:this api method requires|enable) billing\\b|you(?:['’]re| are) out of ai credits)`,
    ),
    example:
      '[API Error: Your prepayment credits are depleted. Please go to AI Studio to manage your project and billing.]',
  },
  ...MONEY_TROUBLE,
  {
    id: 'api-login',
    class: 'auth',
    window: null,
    regex: start(
      `${API_ERROR}.{0,600}?(?:api key (?:not valid|expired|not found|invalid)|api_key_invalid|unauthenticated|permission_denied|invalid_grant|"code": ?40[13]\\b|invalid authentication credentials|status: 40[13]\\b)`,
    ),
    isMachineText: true,
    example: '[API Error: API key not valid. Please pass a valid API key. (Status: INVALID_ARGUMENT)]',
  },
  {
    id: 'login-needed',
    class: 'auth',
    window: null,
    regex: start(
      '(?:please )?set an auth method\\b|failed to (?:login|log in|sign in|authenticate)\\b|login (?:cancelled|failed|required)\\b|how would you like to authenticate\\b|authentication (?:timed out|cancelled|failed|required)\\b|(?:your )?(?:cached )?credentials (?:are|have|has) (?:invalid|expired)\\b|gemini_api_key environment variable not found',
    ),
    example: 'Please set an Auth method in your /home/me/.gemini/settings.json or specify GEMINI_API_KEY',
  },
  ...ACCESS_TROUBLE,
  // The session goes on, or the server asks for patience.
  {
    id: 'attempt-failed',
    class: 'throttle',
    window: null,
    regex: start('attempt \\d{1,3} failed\\b|trying to reach [\\w.-]{1,60} \\(attempt '),
    example:
      'Attempt 1 failed: You have exhausted your capacity on this model. Your quota will reset after 5s.. Retrying after 6173ms...',
  },
  {
    id: 'server-busy',
    class: 'throttle',
    window: null,
    regex: start(
      '(?:[\'’" ]{0,8}message[\'’"]?: ?[\'’"])?no capacity available for model\\b|we are currently experiencing high demand\\b|pardon our congestion\\b|slow response times detected\\b|possible quota limitations in place\\b|(?:.{0,120}\\b)?quota exceeded for (?:quota )?metric .{0,160}?per minute\\b',
    ),
    example: 'Pardon Our Congestion! It looks like gemini-2.5-pro is very popular at the moment.',
  },
  // Limits.
  {
    id: 'exhausted',
    class: 'quota',
    window: 'daily',
    regex: start(
      `(?:\\[?(?:api error[:(] ?.{0,300}?)?)?you have exhausted your (?:capacity|(?:daily )?quota|daily (?:limit|capacity))(?: on| for|\\b)`,
    ),
    transientBelowMs: WAITED_FOR_MS,
    example: '[API Error: You have exhausted your capacity on this model. Your quota will reset after 8h44m7s.]',
  },
  {
    id: 'daily-quota',
    class: 'quota',
    window: 'daily',
    regex: start(
      'you have (?:reached|hit|exceeded) your daily\\b.{0,60}?(?:quota(?: limit)?|limit)\\b(?: for [\\w.-]{1,40})?',
    ),
    checkTail: true,
    example: 'You have reached your daily gemini-2.5-pro quota limit.',
  },
  {
    id: 'per-day-quota',
    class: 'quota',
    window: 'daily',
    regex: start(
      `${API_ERROR}.{0,900}?(?:quota|resource_exhausted).{0,900}?\\b(?:\\w{0,60}per[ _-]?day|daily|reset within 24h)`,
    ),
    isMachineText: true,
    resetInside: true,
    example:
      "[API Error: Quota exceeded for quota metric 'Gemini 2.5 Pro Requests' and limit 'Gemini 2.5 Pro Requests per day per user per tier' of service 'cloudcode-pa.googleapis.com'. Expected quota reset within 24h.]",
  },
  {
    id: 'usage-limit-dialog',
    class: 'quota',
    window: 'daily',
    regex: start(
      'usage limit reached for (?:all )?[\\w./-]{1,40}(?: [\\w./-]{1,20}){0,2}?(?: models?)?(?=\\.(?:\\s|$)|\\s*$| access resets| /)',
    ),
    checkTail: true,
    example: 'Usage limit reached for all Pro models. Access resets at 3:40 PM PST. /stats model for usage details',
  },
  {
    id: 'api-other',
    class: 'throttle',
    window: null,
    regex: start('\\[api error[:(]|api error: '),
    isMachineText: true,
    example: '[API Error: Rate limit exceeded (Status: RESOURCE_EXHAUSTED)]',
  },
  ...PROVIDER_TROUBLE,
  ...PLAN_LIMITS,
];

const marks: ScreenMarks = {
  ...plainMarks,
  bullet: /^ ?[✦✧]\s/,
  row: NEVER,
  own: /^ {0,2}[✕✗ℹ⚠⚡🚦✖]\uFE0F?\s/u,
  ownRunsOn: true,
  // A box whose top has scrolled away.
  bar: /^ ?│(?:\s|$)/,
  prompt: /^ {0,2}>(?:\s|$)/,
  promptEndsAtGap: false,
  shellMode: /^ {0,2}!\s/,
  notice: /^(?:[✕✗✘✖×ℹ⚠⚡🚦❌⛔■])\uFE0F?\s*/u,
  spinner: /^ {0,3}[⠀-⣿] .{0,200}\((?:esc to cancel|\d)/,
  interruptHint: /\(esc to cancel, (?:\d{1,3}[dhms] ?){1,3}\)/,
  boxes: [
    {
      first:
        /^(?:[✓✔✗✘x?o⊷⊶◌⏲→-]|\S{1,2} {1,2}(?:Shell|ReadFile|WriteFile|Edit|SearchText|FindFiles|ReadFolder|GoogleSearch|WebFetch|Save Memory)\b) {1,3}\S/,
      kind: 'output',
    },
    { first: /^>\s/, kind: 'prompt' },
    {
      first: /^(?:Session Stats|Model Stats|Tool Stats|Agent powering down|About Gemini CLI|Interaction Summary)/i,
      kind: 'output',
    },
  ],
  composer: {
    prompt: /^[>!*](?:\s|$)/,
    placeholder: /^(?:Type your message.{0,60}|Type a shell command.{0,40}|Press .{1,20} to .{1,60})$/i,
    footer: /^(?:\s+\S|~|\/|[▀▄]|\? for shortcuts|\S+ \(.{1,40}\*?\)\s)/,
    isFrameless: true,
    barEnd: NEVER,
  },
  dialog: {
    ...plainMarks.dialog,
    sign: /^ {0,6}[●>❯›] ?\d{1,2}[.)] \S|\(use enter to select/i,
    prompt: NEVER,
    limitTitle: /^usage limit reached for\b|^you have (?:reached|hit) your .{0,60}(?:quota|limit)/i,
    limitChoice: /^(?:keep trying|stop\b|switch to |upgrade (?:for|to) |(?:get|use) ai credits)/i,
    saysLimit: true,
    kinds: [
      { kind: 'trust', regex: /do you trust (?:this|the) (?:folder|files|directory)|trust (?:parent )?folder \(/i },
      { kind: 'login', regex: /how would you like to authenticate|login with google|waiting for auth/i },
      {
        kind: 'permission',
        regex:
          /allow execution|apply this change\?|allow (?:once|for this session)|do you want to (?:proceed|connect|continue)/i,
      },
    ],
  },
};

export const geminiLanguage: ScreenLanguage = {
  kind: 'gemini',
  signature: /^ ?[✦✕] |gemini-\d|gemini cli|type your message or @path|\/stats model|resource_exhausted|goo\.gle\//im,
  marks,
  messages: {
    prefilter:
      /limit|usage|error|quota|capacity|exhaust|demand|high|congestion|attempt|\d%|login|auth|credential|key|credit|billing|fallback|switch|slow|overload|unavailable|timed|fetch|connect|429|many|account|token/i,
    patterns: PATTERNS,
    toolThrottle: null,
    backgroundEvent: NEVER,
    relayed: NEVER,
    errorPrefix: /^(?:error(?: [a-z ]{1,40})?: |[a-z_.]{1,60}error: ){1,2}/i,
    unnamedWindow: 'daily',
  },
};
