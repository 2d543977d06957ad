/** The messages that Claude Code prints, as a table. */
import { start, YOU_HAVE } from './limit-words.ts';
import type { MessagePattern, MessageTable } from './screen-language.ts';
import { NETWORK_TROUBLE, PLAN_LIMITS, PLAN_WARNINGS } from './shared-messages.ts';

const PATTERNS: readonly MessagePattern[] = [
  // Going on again.
  {
    id: 'limit-has-reset',
    class: 'resumed',
    window: null,
    regex: start(
      '(?:your )?(?:[\\w-]{1,12} ){0,3}limit (?:has |was |is )?(?:reset|available again|refreshed|lifted)(?! (?:at|on|in|by)\\b)(?![\\w])',
    ),
    example: 'Usage limit reset · continuing automatically',
  },
  {
    id: 'login-done',
    class: 'resumed',
    window: null,
    regex: start('login successful|logged in as|successfully logged in'),
    example: 'Login successful',
  },
  // Warnings: figures, and limits that do not stop the work.
  ...PLAN_WARNINGS,
  {
    id: 'fast-mode-limit',
    class: 'warning',
    window: null,
    regex: start(`${YOU_HAVE} (?:hit|reached) your fast (?:mode )?limit|fast (?:mode )?limit (?:reached|hit)`),
    example: "You've hit your fast limit · resets in 1h 5m",
  },
  {
    id: 'model-switched',
    class: 'warning',
    window: 'model',
    regex: start(
      '(?:claude )?[\\w. -]{1,40} limit (?:reached|hit),? (?:now )?(?:using|switch(?:ed|ing) to) |switched to [\\w. -]{1,40} for this session\\b',
    ),
    example: 'Claude Opus limit reached, now using Sonnet 4',
  },
  {
    id: 'extra-usage-on',
    class: 'warning',
    window: null,
    regex: start(
      "(?:you(?:['’ʼ]re| are) )?now using (?:your )?(?:extra usage|usage credits|usage allocation|credits|overage)\\b",
    ),
    example: "You're now using extra usage · Your session limit resets 3pm",
  },
  {
    id: 'near-limit-localised',
    class: 'warning',
    window: 'stated',
    regex: start(
      '(?:próximo d[oe]|perto do|você está (?:perto|próximo) do|cerca del?|acercándose al|te acercas al|vous approchez d|approche de|proche de|du näherst dich|annäherung an)[^.!?]{0,40}?(?:l[ií]mit)([^.·∙|-]{0,40})',
    ),
    example: 'Próximo do limite de uso semanal - Reinicia dom., 7 de jun., 6:00',
  },
  // Limits that come in the clothes of an API error.
  {
    id: 'workspace-api-limit',
    class: 'quota',
    window: 'monthly',
    regex: start(
      '(?:api error[: (].{0,200}?)?you have reached your specified (?:workspace |organization )?api usage limits?',
    ),
    example:
      'API Error: 400 {"type":"error","error":{"type":"invalid_request_error","message":"You have reached your specified workspace API usage limits. You will regain access on 2025-06-01 at 00:00 UTC."}}',
  },
  {
    id: 'epoch',
    resetInside: true,
    class: 'quota',
    window: 'stated',
    regex: start(
      '(?:[a-z][a-z ]{0,50}: ){0,2}claude (?:ai |code )?((?:[\\w-]{1,12} ){0,2})limit reached ?\\| ?\\d{10}(?:\\d{3})?(?!\\d)',
    ),
    checkTail: true,
    example: 'Claude AI usage limit reached|1749924000',
  },
  // Billing.
  {
    id: 'credit-balance',
    class: 'billing',
    window: null,
    regex: start('(?:api error[: (].{0,200}?)?(?:your )?(?:org(?:anization)?(?:.s)? )?credit balance (?:is )?too low'),
    example: 'Credit balance too low · Add funds: https://platform.claude.com/settings/billing',
  },
  {
    id: 'payment',
    class: 'billing',
    window: null,
    regex: start(
      'api error:? ?\\(?402\\b|(?:api error[: (].{0,120}?"?)?billing_error\\b|(?:your )?(?:last )?(?:payment|subscription)(?: method)? (?:has |was |is |could not be )?(?:failed|ended|lapsed|past due|declined|required|expired|cancell?ed|paused|processed)\\b|insufficient (?:credits?|funds|balance)\\b',
    ),
    example: 'Your subscription is past due · Update your payment method at claude.ai/settings/billing',
  },
  {
    // No time brings these back: somebody must grant them.
    id: 'not-in-plan',
    class: 'billing',
    window: null,
    regex: start(
      '(?:your|this) (?:seat|plan|subscription)(?: type)? (?:does not|doesn.t) include\\b|your (?:usage )?allocation (?:has been|was|is) disabled|your (?:[\\w-]{1,12}(?:.s)? )?usage limit is set to \\W?0\\b|[\\w.]{1,20}(?: [\\d.]{1,6})? requires (?:extra usage|usage credits)\\b',
    ),
    example: "Your seat type doesn't include usage credits",
  },
  // Login needed.
  {
    id: 'api-auth',
    isMachineText: true,
    class: 'auth',
    window: null,
    regex: start(
      'api error:? ?\\(?40[13]\\b|api error[: (].{0,160}?(?:authentication_error|invalid bearer token|oauth token)|40[13] .{0,120}?retrying in ',
    ),
    example:
      'API Error: 401 {"type":"error","error":{"type":"authentication_error","message":"Invalid bearer token"}} · Please run /login',
  },
  {
    id: 'run-login',
    class: 'auth',
    window: null,
    regex: start(
      "please run /login|not logged in\\b|(?:your )?(?:login|token) (?:has |is )?(?:expired|revoked|invalid)\\b|(?:you(?:['’]ve| have) been |you are )?logged out\\b|(?:your )?session (?:has )?expired",
    ),
    checkTail: true,
    example: 'Please run /login · API Error: 401 Invalid bearer token',
  },
  {
    id: 'oauth-token',
    class: 'auth',
    window: null,
    regex: start(
      '(?:your |the )?(?:oauth|refresh|access|auth|authentication) (?:token|session|login) (?:has |was |is |has been |does not |could not |refresh )?(?:been )?(?:revoked|expired|invalid|meet|be refreshed|failed|missing)\\b',
    ),
    example: 'OAuth token revoked · Please run /login',
  },
  {
    id: 'api-key',
    isMachineText: true,
    class: 'auth',
    window: null,
    regex: start(
      'invalid (?:api key|auth(?:entication|orization)?(?: token| key)?|bearer token)\\b|(?:missing|no) api key\\b|your anthropic_(?:api_key|auth_token)\\b',
    ),
    example: 'Invalid API key · Fix external API key',
  },
  {
    id: 'account-closed',
    class: 'auth',
    window: null,
    regex: start(
      "(?:your|this) (?:organization|org|account|team)(?:['’]s)? (?:has disabled|has been (?:disabled|suspended|banned)|is (?:disabled|on hold|suspended|not allowed)|does not (?:have access|allow)|requires verification)|this service is disabled for your\\b|could not refresh your login(?! because another)",
    ),
    example: 'Your organization has disabled Claude subscription access for Claude Code',
  },
  {
    id: 'login-screen',
    class: 'auth',
    window: null,
    regex: start(
      "claude code requires authentication|select login method|paste code here if prompted|browser didn['’]t open\\? use the url|authentication (?:failed|required|error)\\b|failed to authenticate\\b",
    ),
    example: 'Claude Code requires authentication.',
  },
  // Wait and try again; never an account's limit.
  {
    id: 'retrying',
    class: 'throttle',
    window: null,
    regex: start('(?:.{1,200}[·(] ?)?retrying in (?:about )?\\d{1,5} ?(?:s|seconds?|m|minutes?)\\b'),
    example: '429 Error · retrying in 3s · attempt 3/10',
  },
  {
    id: 'api-throttle',
    isMachineText: true,
    class: 'throttle',
    window: null,
    regex: start('api error:? ?\\(?(?:408|409|425|429|5\\d\\d)\\b'),
    example: 'API Error: 529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
  },
  {
    id: 'api-unavailable',
    isMachineText: true,
    class: 'throttle',
    window: null,
    // A 4xx that is none of the above is the client's own mistake and passes with the next prompt.
    regex: start('api error(?: \\(|: ?)(?! ?\\(?4\\d\\d\\b)'),
    example: 'API Error: Server is temporarily limiting requests (not your usage limit) · Rate limited',
  },
  ...NETWORK_TROUBLE,
  {
    id: 'tool-skipped',
    class: 'throttle',
    window: null,
    regex: start('claude code skipped a tool \\(rate-limited\\)'),
    example: 'Claude Code skipped a tool (rate-limited)',
  },
  // The account's limits.
  {
    id: 'continues-itself',
    class: 'quota',
    window: 'unknown',
    regex: start(
      'continuing automatically (?=at (?:\\d|[a-z]{3,9}\\.? \\d)|on [a-z]{3}|in \\d|when (?:it|your limit|the limit) resets|shortly)|claude code will continue automatically (?=(?:at|on|in|when|once)\\b)',
    ),
    selfContinues: true,
    example: 'Claude Code will continue automatically at Sep 20 at 7pm. Keep this session open…',
  },
  {
    id: 'continue-stopped',
    class: 'quota',
    window: 'unknown',
    regex: start('automatic continue (?:was |has been |is )?(?:stopped|cancell?ed|turned off|paused|disabled|off)\\b'),
    example: 'Automatic continue stopped after repeated usage-limit hits · /rate-limit-options to try again',
  },
  ...PLAN_LIMITS,
];

/** A failed call of an MCP server: the one tool output that speaks of throttling in the CLI's own words. */
const MCP_THROTTLE: MessagePattern = {
  id: 'mcp-throttle',
  class: 'throttle',
  window: null,
  regex: start(
    'error: mcp (?:error|server)\\b.{0,120}?(?:rate.?limit|too many requests|\\b429\\b|\\b50[234]\\b|overloaded)',
  ),
  example:
    'Error: MCP server "linear" returned HTTP 429: Rate limit exceeded. Only 1500 requests are allowed per 1 hour.',
};

export const claudeMessages: MessageTable = {
  prefilter:
    /l[ií]mit|usage|error|login|cr[eé]dit|out|retrying|unavailable|failed|auth|continu|timed|high|api|token|paste|browser|capacity|overload|hang|limite|payment|cap|subscription|allowance|budget|quota|seat|include|require|service|account|fund|balance|organi|demand|many/i,
  patterns: PATTERNS,
  toolThrottle: MCP_THROTTLE,
  backgroundEvent:
    /^(?:monitor event\b|(?:background|scheduled|async|local|remote) (?:command|task|shell|agent|job|bash)\b|(?:sub-?agent|agent|task|teammate|workflow|loop|cron|routine)s? (?:["“@#:]|\d|[\w-]+ (?:failed|stopped|errored|completed|finished))|@[\w-]+ |.{0,60} hook (?:said|error|failed|succeeded)|claude resuming|running scheduled)/i,
  relayed:
    /^(?:(?:sub-?agent|agent|task|teammate|background (?:agent|task)) (?:@?[\w.-]{1,40}|["“][^"”]{0,120}["”])|@[\w.-]{1,40})(?: \([^)]{0,40}\))? (?:failed|stopped|errored|completed|finished|ended)(?: with (?:an )?error)?(?: \([^)]{0,40}\))?[:·] ?/i,
  errorPrefix:
    /^(?:\{"type": ?"result",.{0,400}?"is_error": ?true.{0,600}?"result": ?"|(?:api )?error(?: [a-z ]{1,40})?: |failed to [a-z ]{1,40}: |[a-z]+ failed: ){1,2}/i,
  unnamedWindow: 'dated',
};
