/** opencode: how it is found in a pane, how its screen reads, and the messages it passes on from its providers. */
import { start } from './limit-words.ts';
import { plainMarks } from './plain-marks.ts';
import type { AgentProfile } from './profile.ts';
import { type MessagePattern, NEVER, type ScreenLanguage, type ScreenMarks } from './screen-language.ts';
import { ACCESS_TROUBLE, MONEY_TROUBLE, PLAN_LIMITS, PLAN_WARNINGS, PROVIDER_TROUBLE } from './shared-messages.ts';

export const opencode: AgentProfile = {
  kind: 'opencode',
  notSwitchable: 'accounts of opencode are not switched; its limits are only told about',
  process: {
    names: ['opencode', '.opencode'],
    script: /(?:^|\/)opencode-ai(?:\/|$)|(?:^|\/)opencode(?:\.[cm]?js)?$/,
  },
  hotSwapSince: null,
  // Its accounts lie below XDG_DATA_HOME, its settings below XDG_CONFIG_HOME.
  configDir: { env: 'OPENCODE_CONFIG_DIR', underHome: '.local/share/opencode' },
  credentialFiles: ['auth.json'],
  modes: [],
  locks: [],
  stopFirst: 'always',
  writerLocks: [],
  background: null,
  credentialsDir: null,
  overridingEnv: ['ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'GEMINI_API_KEY', 'OPENCODE_API_KEY'],
  sharedEntries: { required: [], optional: [] },
  resumeArgs: (sessionId) => ['--session', sessionId],
  resumeFlags: { '--session': true, '-s': true, '--continue': false, '-c': false },
  continuePrompt: 'continue',
  exitCommand: '/exit',
};

const PATTERNS: readonly MessagePattern[] = [
  ...PLAN_WARNINGS,
  {
    id: 'free-usage',
    class: 'quota',
    window: 'daily',
    regex: start('free usage (?:exceeded|exhausted|limit reached)\\b'),
    isWaiting: true,
    example: 'Free usage exceeded, subscribe to Go [retrying in 20h28m attempt #1]',
  },
  {
    id: 'free-usage-json',
    class: 'quota',
    window: 'daily',
    regex: start('(?:error: )?(?:\\d{3}:? ?)?\\{"type": ?"freeusagelimiterror"'),
    isMachineText: true,
    isWaiting: true,
    example: 'Error: 429: {"type":"FreeUsageLimitError","message":"Rate limit exceeded. Please try again later."}',
  },
  {
    id: 'subscription-quota',
    class: 'quota',
    window: 'unknown',
    regex: start('(?:your )?(?:subscription|plan|go|zen) (?:usage )?quota (?:is )?(?:exceeded|exhausted|reached)\\b'),
    isWaiting: true,
    example: 'Subscription quota exceeded. Retry in 3h 2min.',
  },
  ...MONEY_TROUBLE,
  ...ACCESS_TROUBLE,
  ...PLAN_LIMITS.map((row): MessagePattern => ({ ...row, isWaiting: true })),
  {
    id: 'retrying',
    class: 'throttle',
    window: null,
    regex: start('.{1,300}?(?:\\[?⏳? ?retrying (?:in )?[\\ddhms ]{0,16}[ -]{0,3}(?:attempt )?#\\d{1,4})'),
    example: 'Too Many Requests [retrying in 8s attempt #3]',
  },
  ...PROVIDER_TROUBLE,
];

const marks: ScreenMarks = {
  ...plainMarks,
  bullet: NEVER,
  row: NEVER,
  bar: /^ {0,3}[┃╹▌](?:[ ▀]{1,3}|$)/,
  isProseIndented: true,
  prompt: NEVER,
  promptEndsAtGap: false,
  // The bar of the counter stands before the words of a retry.
  notice: /^(?:[■⬝]+|[⚠✗✘✕❌⛔])\uFE0F?\s*/u,
  footerNotice: /\bretrying\b/i,
  footerNoticeRest: /\bretrying (?:in )?\d/i,
  spinner: /^ {0,4}(?:[■⬝]|[▣⬥]{3})/,
  turnEnd: /^ {0,4}▣ /,
  interruptHint: /\besc (?:again to )?interrupt\b/i,
  composer: {
    prompt: /^>(?:\s|$)/,
    placeholder: /^Ask anything\b.{0,80}/i,
    footer: /^ {2,}\S/,
    isFrameless: false,
    barEnd: /^ {0,3}╹/,
  },
  dialog: {
    ...plainMarks.dialog,
    sign: /\bpermission required\b|^\s{0,6}allow once\s{2,}allow always|\benter confirm\b/i,
    kinds: [{ kind: 'permission', regex: /permission required|allow once/i }],
  },
};

export const opencodeLanguage: ScreenLanguage = {
  kind: 'opencode',
  signature: /opencode|⬝|free usage exceeded|freeusagelimiterror|attempt #\d|\besc interrupt\b|^ *┃ /im,
  marks,
  messages: {
    prefilter:
      /limit|usage|error|quota|retrying|overload|many|unavailable|timed|fetch|connect|credit|balance|billing|payment|key|auth|token|login|demand|high|capacity|account|organi|subscription/i,
    patterns: PATTERNS,
    toolThrottle: null,
    backgroundEvent: NEVER,
    relayed: NEVER,
    errorPrefix: /^(?:(?:api )?error(?: [a-z ]{1,40})?: |[a-z_.]{1,60}error: |\d{3}:? ){1,3}/i,
    unnamedWindow: 'distance',
  },
};
