/** The messages that Claude Code prints, as a table, and the words that tell which limit they mean. */
import type { FindingClass, QuotaWindow } from './profile.ts';

/** `resumed`: the CLI says that work goes on or that the account changed; it ends whatever stood above it. */
export type MessageClass = FindingClass | 'resumed';

/** A message of the CLI. Tried in the order of the table against the start of a message, wraps joined. */
export interface MessagePattern {
  readonly id: string;
  readonly class: MessageClass;
  /** `stated`: read from the words of the message (the regex captures them). */
  readonly window: QuotaWindow | 'stated' | null;
  /** Anchored, bounded, without nested quantifiers over the same characters. */
  readonly regex: RegExp;
  /** What follows the match must look like the rest of a message, not of a sentence. */
  readonly checkTail?: true;
  /** Without a reset time, every word before "limit" must be one that names a plan's limit. */
  readonly knownWords?: true;
  readonly selfContinues?: true;
  readonly example: string;
}

/** Every message holds one of these, so that most text is passed over at once. */
export const PREFILTER =
  /l[ií]mit|usage|error|login|cr[eé]dit|out of|retrying|unavailable|failed|auth|continu|timed|high|api|token|paste|browser|capacity|overload|hang up|limite|payment|cap re|subscription|account|fund|balance|organi|demand|many req/i;

/** Words before "limit" that are not about an account's quota. */
const OTHER =
  '(?!(?:fast|rate|context|length|tokens?|pull|requests?|retry|retries|turns?|output|input|file|size|upload|image|storage|disk|memory|time|recursion|depth|connections?|concurrency|thinking)\\b)';
const WORD = `${OTHER}[\\w'’.-]{1,24}`;
const YOU_HAVE = "you(?:['’ʼ]ve| have)(?: now| already)?";
const FOR = `(?: (?:for|on) ((?!resets?\\b)${WORD}(?: (?!resets?\\b|until\\b)${WORD}){0,3}))?`;
const start = (body: string) => new RegExp(`^(?:${body})`, 'i');

export const MESSAGES: readonly MessagePattern[] = [
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
  {
    id: 'approaching-limit',
    class: 'warning',
    window: 'stated',
    regex: start(
      "(?:you(?:['’ʼ]re| are) )?(?:approaching|nearing|near|(?:getting )?close to|almost at|about to (?:hit|reach)) (?:your |the )?((?:[\\w'’.-]{1,24} ){0,4})limits?\\b",
    ),
    example: 'Approaching Opus usage limit · /model to use best available model',
  },
  {
    id: 'percent-used',
    class: 'warning',
    window: 'stated',
    regex: start(
      `${YOU_HAVE} used (?:about |over |more than )?\\d{1,3}(?:\\.\\d)?% of (?:your )?((?:[\\w'’.-]{1,24} ){0,5})(?:limits?|usage|quota|allowance|credits)\\b`,
    ),
    example:
      "You've used 98% of your session limit · resets 8:40pm (Europe/Berlin) · /upgrade to keep using Claude Code",
  },
  {
    id: 'percent-left',
    class: 'warning',
    window: 'stated',
    regex: start(
      "(?:you have )?(?:only |less than |about )?\\d{1,3}% (?:left )?(?:of |in )?(?:your )?((?:[\\w'’.-]{1,24} ){0,4})(?:limit|usage|quota)(?: is| are)? ?(?:left|remaining|used)?\\b",
    ),
    example: 'You have less than 10% of your weekly limit left',
  },
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
    regex: start("(?:you(?:['’ʼ]re| are) )?now using (?:your )?(?:extra usage|usage credits|credits|overage)\\b"),
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
    regex: start('(?:api error[: (].{0,200}?)?(?:your )?credit balance (?:is )?too low'),
    example: 'Credit balance too low · Add funds: https://platform.claude.com/settings/billing',
  },
  {
    id: 'payment',
    class: 'billing',
    window: null,
    regex: start(
      'api error:? ?\\(?402\\b|(?:api error[: (].{0,120}?"?)?billing_error\\b|(?:your )?(?:last )?(?:payment|subscription)(?: method)? (?:has |was |is |could not be )?(?:failed|past due|declined|required|expired|cancell?ed|paused|processed)\\b|insufficient (?:credits?|funds|balance)\\b',
    ),
    example: 'Your subscription is past due · Update your payment method at claude.ai/settings/billing',
  },
  // Login needed.
  {
    id: 'api-auth',
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
      "(?:your|this) (?:organization|org|account|team)(?:['’]s)? (?:has disabled|has been (?:disabled|suspended|banned)|is (?:disabled|on hold|suspended|not allowed)|does not (?:have access|allow)|requires verification)",
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
    class: 'throttle',
    window: null,
    regex: start('api error:? ?\\(?(?:408|409|425|429|5\\d\\d)\\b'),
    example: 'API Error: 529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
  },
  {
    id: 'api-unavailable',
    class: 'throttle',
    window: null,
    // A 4xx that is none of the above is the client's own mistake and passes with the next prompt.
    regex: start('api error(?: \\(|: ?)(?! ?\\(?4\\d\\d\\b)'),
    example: 'API Error: Server is temporarily limiting requests (not your usage limit) · Rate limited',
  },
  {
    id: 'server-message',
    class: 'throttle',
    window: null,
    regex: start(
      'server is temporarily limiting requests|request rejected \\(429\\)|repeated 5\\d\\d\\b|unable to connect to (?:the )?(?:api|anthropic)|connection (?:error|to the api was lost)|request timed out|\\{"type": ?"error".{0,60}?"(?:rate_limit_error|overloaded_error|api_error|timeout_error)"|could not refresh your login because another',
    ),
    example:
      'Unable to connect to API: SSL certificate verification failed. Check your proxy or corporate SSL certificates',
  },
  {
    id: 'network-words',
    class: 'throttle',
    window: null,
    regex: start(
      '(?:error: |typeerror: )?(?:fetch failed|socket hang up|overloaded|internal server error|service unavailable|bad gateway|gateway time-?out|network error|econnre(?:set|fused)|etimedout|enotfound|(?:http )?429 too many requests)(?:[.!·].{0,120})?$',
    ),
    example: 'fetch failed',
  },
  {
    id: 'model-busy',
    class: 'throttle',
    window: null,
    regex: start(
      '(?:claude |the |anthropic(?:.s)? )?[\\w.]{1,20}(?: [\\d.]{1,6})? (?:is|are) (?:currently |temporarily )?(?:experiencing high (?:load|demand)|unavailable, so|unavailable\\b.{0,20}$|overloaded|at capacity)|due to (?:unexpected )?capacity constraints|we(?:.re| are) (?:currently )?experiencing high demand',
    ),
    example: 'Opus is experiencing high load, please use /model to switch to Sonnet',
  },
  {
    id: 'tool-skipped',
    class: 'throttle',
    window: null,
    regex: start('claude code skipped a tool \\(rate-limited\\)'),
    example: 'Claude Code skipped a tool (rate-limited)',
  },
  // The account's limits.
  {
    id: 'hit-limit',
    class: 'quota',
    window: 'stated',
    regex: start(
      `${YOU_HAVE} (?:hit|reached|exceeded|exhausted|used up|maxed out|run into) (?:your|the|all (?:of )?your)((?: ${WORD}){0,6}) (?:limits?|quota|allowance|allotment|cap)(?![\\w-])${FOR}`,
    ),
    checkTail: true,
    example: "You've hit your session limit · resets 3:45pm (Asia/Jakarta)",
  },
  {
    id: 'out-of-usage',
    class: 'quota',
    window: 'stated',
    regex: start(
      `(?:you(?:['’ʼ]re| are)(?: now| currently)? out of|${YOU_HAVE} (?:run out of|used (?:up )?all (?:of )?your|used up your|no)|you have no more)((?: ${WORD}){0,3} (?:usage|credits?|quota))(?: (?:left|remaining))?(?![\\w-])${FOR}`,
    ),
    checkTail: true,
    example: "You're out of extra usage · resets 5:50pm (Asia/Calcutta)",
  },
  {
    id: 'org-limit',
    class: 'quota',
    window: 'monthly',
    regex: start(
      "(?:your|this|the) (?:org|organization|team|workspace|account|subscription|admin|plan)(?:['’]s)? (?:is|has|has been)(?: out of| run out of| used all of| used up| reached| hit| exceeded)(?: its| the| your| their)?(?: [\\w'’.-]{1,24}){0,4} (?:usage|credits?|limits?|budget|cap|quota)(?![\\w-])",
    ),
    checkTail: true,
    example: 'Your organization has reached its monthly usage limit · contact your admin',
  },
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
  {
    id: 'limit-reached',
    class: 'quota',
    window: 'stated',
    regex: start(
      `(?:your |the )?((?:${WORD} ){0,6})(?:limits?|cap|quota) (?:has been |have been |was |is )?(?:reached|hit|exceeded|exhausted)(?: again)?(?![\\w-])${FOR}`,
    ),
    checkTail: true,
    knownWords: true,
    example: '5-hour limit reached ∙ resets 11:45pm',
  },
  {
    id: 'limit-localised',
    class: 'quota',
    window: 'stated',
    regex: start(
      '(?:você atingiu|has alcanzado|vous avez atteint|du hast)[^.!?]{0,30}?(l[ií]mite?[^.!?·∙|]{0,40}?)(?:$|[.·∙|]| - | erreicht)|((?:l[ií]mite?|nutzungslimit)[^.!?·∙|]{0,40}?) (?:atingido|alcanzado|atteinte?|erreicht)',
    ),
    example: 'Limite de uso semanal atingido · Reinicia dom., 7 de jun., 6:00',
  },
];

/** A failed call of an MCP server: the one tool output that speaks of throttling in the CLI's own words. */
export const MCP_THROTTLE: MessagePattern = {
  id: 'mcp-throttle',
  class: 'throttle',
  window: null,
  regex: start(
    'error: mcp (?:error|server)\\b.{0,120}?(?:rate.?limit|too many requests|\\b429\\b|\\b50[234]\\b|overloaded)',
  ),
  example:
    'Error: MCP server "linear" returned HTTP 429: Rate limit exceeded. Only 1500 requests are allowed per 1 hour.',
};

/** A server error in the same message as a limit, or below it, says that the limit is not the account's. */
export const SERVER_ERROR = /api_error|overloaded_error|internal server error|api error: ?\(?5\d\d\b/i;

/** How a message goes on after its head, where prose could stand as well. */
export const STRICT_TAIL =
  /^(?:[.!]?\s*$|\s*[·∙•⋅|…]|[.!,;:]?\s*\(?(?:resets?\b|will reset|until\b|your (?:[\w-]{1,12} ){0,2}limits? (?:will )?resets?|you will regain|try again|run \/|use \/|type \/|\/[a-z]|please (?:wait|try|upgrade|run|contact)|(?:switch|upgrade|contact|ask|add|wait|visit|manage|raise|buy) |opening your options|continuing automatically|usage limit reached|what do you want to do|stop and wait)|\s[-–—]\s?(?:resets?|try again|continuing|\/|run |upgrade|switch))/i;

/** How a limit's message goes on in a `●` block, where the model writes as well. */
export const BULLET_TAIL =
  /^[.!]?\s*(?:$|[·∙•⋅|]\s*(?:$|\(?(?:limit )?resets?\b|your (?:[\w-]{1,12} ){1,2}limits? |raise |manage |switch |upgrade |contact |ask |add |esc\b|run |use |try |wait |continuing |clau\.de|https?:|api error|please |claude\.ai|\/[a-z])|\(?(?:will )?resets? |your (?:[\w-]{1,12} )?limit will reset |run \/|\/[a-z]|switch to |try again |please (?:wait|try|upgrade))/i;

/** What may stand after the words of a time in such a block. */
export const AFTER_TIME = /^\s*[.)]?\s*(?:$|[·∙•⋅|…]|\/[a-z]|run \/)/i;

/** The same where only the CLI itself writes. */
export const LENIENT_TAIL = new RegExp(`${STRICT_TAIL.source}|^\\s*[.!,;:(–—-]`, 'i');

/** What the CLI's background work reports without asking the model: neither progress nor prose. */
export const BACKGROUND_EVENT =
  /^(?:monitor event\b|(?:background|scheduled|async|local|remote) (?:command|task|shell|agent|job|bash)\b|(?:sub-?agent|agent|task|teammate|workflow|loop|cron|routine)s? (?:["“@#:]|\d|[\w-]+ (?:failed|stopped|errored|completed|finished))|@[\w-]+ |.{0,60} hook (?:said|error|failed|succeeded)|claude resuming|running scheduled)/i;

/** Before the message of a helper of the session that was stopped by the same limit. */
export const RELAYED =
  /^(?:(?:sub-?agent|agent|task|teammate|background (?:agent|task)) (?:@?[\w.-]{1,40}|["“][^"”]{0,120}["”])|@[\w.-]{1,40})(?: \([^)]{0,40}\))? (?:failed|stopped|errored|completed|finished|ended)(?: with (?:an )?error)?(?: \([^)]{0,40}\))?[:·] ?/i;

/** A step of the CLI itself that passes an error on. */
export const ERROR_PREFIX = /^(?:(?:api )?error(?: [a-z ]{1,40})?: |failed to [a-z ]{1,40}: |[a-z]+ failed: ){1,2}/i;

/** Words before "limit" that say which one; anything else names a model. */
export const WINDOW_WORDS: readonly { readonly window: QuotaWindow; readonly regex: RegExp }[] = [
  { window: 'model', regex: /\b(?:opus|sonnet|haiku|fable|mythos|model)\b/i },
  { window: '5h', regex: /\b(?:session|(?:\d{1,2}|five)[- ]?h(?:ou)?rs?|hourly)\b/i },
  { window: '7d', regex: /\b(?:week|weekly|semanal|hebdomadaire|7[- ]?day|seven[- ]day|wöchentlich\w*)\b/i },
  { window: 'daily', regex: /\b(?:daily|today|day|diário|diario)\b/i },
  { window: 'monthly', regex: /\b(?:month|monthly|org|organization|team|workspace|mensal|mensual)\b/i },
];
/** Words that say nothing about the window. */
export const PLAIN_WORDS =
  /^(?:claude|code|ai|usage|your|the|all|plan|account|pro|max|team|free|extra|spend|spending|credits?|org|organization|workspace|enterprise|premium|standard|included|subscription|current|overall|total|combined|and|of|de|uso|d['’]utilisation|l[ií]mite?|models?|message|prompt|api|allowance|this|limits?|['’]?s|\d{1,3}x)$/i;
/** Money instead of time: without a reset it is the month's. */
export const MONEY_WORDS = /\b(?:spend|spending|credits?|extra usage)\b/i;
