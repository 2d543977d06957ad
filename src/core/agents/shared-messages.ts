/** Messages that several agents print in nearly the same words: warnings, limits, and troubles of the network. */
import { MINUTE } from '../time.ts';
import { FOR, start, WORD, YOU_HAVE } from './limit-words.ts';
import type { MessagePattern } from './screen-language.ts';

/** Figures on the way to a limit. */
export const PLAN_WARNINGS: readonly MessagePattern[] = [
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
];

/** Wait and try again; never an account's limit. */
export const NETWORK_TROUBLE: readonly MessagePattern[] = [
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
      '(?:claude |the |this |our |anthropic(?:.s)? )?[\\w.]{1,20}(?: [\\d.]{1,6})? (?:is|are) (?:currently |temporarily )?(?:experiencing (?:very )?high (?:load|demand|traffic)|unavailable, so|unavailable\\b.{0,20}$|overloaded|at capacity)|due to (?:unexpected )?capacity constraints|we(?:.re| are) (?:currently )?experiencing high demand',
    ),
    example: 'Opus is experiencing high load, please use /model to switch to Sonnet',
  },
];

/** A plan's limits, in the words of any vendor. */
export const PLAN_LIMITS: readonly MessagePattern[] = [
  {
    id: 'usage-limit-json',
    class: 'quota',
    window: null,
    regex: start('(?:[a-z ]{1,30}: ){0,2}\\{.{0,200}?"(?:type|code)": ?"usage_limit_(?:reached|exceeded)"'),
    isMachineText: true,
    resetInside: true,
    example: 'Codex error: {"type":"error","error":{"type":"usage_limit_reached","resets_at":1795190400}}',
  },
  {
    id: 'hit-limit',
    class: 'quota',
    window: 'stated',
    regex: start(
      `${YOU_HAVE} (?:hit|reached|exceeded|exhausted|used up|maxed out|run into) (?:your|the|all (?:of )?your)((?: ${WORD}){0,6}) (?:limits?|quota|allowance|allotment|budget|cap)(?![\\w-])${FOR}`,
    ),
    checkTail: true,
    // A limit that is over within a minute is one of pace, not of a plan.
    transientBelowMs: MINUTE,
    example: "You've hit your session limit · resets 3:45pm (Asia/Jakarta)",
  },
  {
    id: 'out-of-usage',
    class: 'quota',
    window: 'stated',
    regex: start(
      `(?:you(?:['’ʼ]re| are)(?: now| currently)? out of|${YOU_HAVE} (?:run out of|used (?:up )?all (?:of )?your|used up your|exhausted (?:all )?(?:of )?your|no)|you have no more)((?: ${WORD}){0,3} (?:usage|credits?|quota))(?: (?:left|remaining))?(?![\\w-])${FOR}|(?:you (?:don['’ʼ]t|do not) have any|(?:there is |you have )?no)((?: ${WORD}){0,2} (?:usage|credits?|quota)) (?:left|remaining)${FOR}((?: (?:for|in) (?:this|the|your))?(?: (?:this |current )?(?:week|month|session|day|today))?)(?![\\w-])`,
    ),
    checkTail: true,
    example: "You're out of extra usage · resets 5:50pm (Asia/Calcutta)",
  },
  {
    id: 'org-limit',
    class: 'quota',
    window: 'stated',
    regex: start(
      "(?:your|this|the) (org|organization|team|workspace|account|subscription|admin|plan)(?:['’]s)? (?:is|has|has been)(?: out of| run out of| used all of| used up| reached| hit| exceeded)(?: its| the| your| their)?(?:(?=(?: [\\w'’.-]{1,24}){0,3}? (opus|sonnet|haiku|fable)\\b)|(?=(?: [\\w'’.-]{1,24}){0,3}? (session|5-hour|daily|weekly)\\b)|)(?: [\\w'’.-]{1,24}){0,4} (?:usage|credits?|limits?|budget|cap|quota)(?![\\w-])",
    ),
    checkTail: true,
    example: 'Your organization has reached its monthly usage limit · contact your admin',
  },
  {
    id: 'limit-reached',
    class: 'quota',
    window: 'stated',
    regex: start(
      `(?:your |the )?((?:${WORD} ){0,6})(?:limits?|cap|quota|(?:usage|allowance)(?= (?:\\w{2,4} ){0,2}(?:exhausted|used up)\\b))${FOR} (?:has been |have been |was |is )?(?:reached|hit|exceeded|exhausted|used up)(?: again)?(?![\\w-])${FOR}`,
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
      '(?:você atingiu|(?:ha|has) alcanzado|(?:vous avez|tu as) atteint|du hast|sie haben)[^.!?]{0,30}?(\\w{0,12}l[ií]mite?[^.!?·∙|]{0,40}?)(?:$|[.·∙|]| - | erreicht)|((?:l[ií]mite?|\\w{2,12}limit)[^.!?·∙|]{0,40}?) (?:atingido|alcanzado|atteinte?|erreicht)',
    ),
    example: 'Limite de uso semanal atingido · Reinicia dom., 7 de jun., 6:00',
  },
];

/** The same, as the vendors behind other agents put it. */
export const PROVIDER_TROUBLE: readonly MessagePattern[] = [
  {
    id: 'rate-limited',
    class: 'throttle',
    window: null,
    regex: start(
      '(?:error: )?(?:the )?(?:(?:api|request|token|model|provider) )?rate[- ]?limit(?:ed|s)?\\b(?: (?:is |was |has been )?(?:exceeded|reached|hit|error)\\b|:|[.!]?$)|(?:error:? )?(?:429 |http 429:? )?too many requests\\b|(?:provider|server|model|service) is (?:currently |temporarily )?overloaded|stream (?:error|disconnected)\\b|error while reading the server response\\b|connection (?:failed|lost|reset|refused)\\b|(?:idle )?timeout waiting for\\b|unexpected status (?:408|409|429|5\\d\\d)\\b|this request would exceed your (?:account|organization)(?:.s)? rate limit\\b|(?:an error occurred|the server had an error)(?: while)? processing your request\\b|(?:sorry, )?you(?:.ve| have) (?:hit|reached|exceeded) (?:a|the|your) (?:[\\w-]{1,12} ){0,2}rate[- ]?limit\\b|(?:error: )?(?:\\w{1,12}: )?\\[?resource_exhausted\\b|falling back from \\w{1,20} to \\w{1,20} transport',
    ),
    example: 'Rate limit reached. Please try again in 1.5s.',
  },
  ...NETWORK_TROUBLE,
];

/** Nothing but money brings these back. */
export const MONEY_TROUBLE: readonly MessagePattern[] = [
  {
    id: 'no-money',
    class: 'billing',
    window: null,
    regex: start(
      'you(?:.re| are) out of (?:ai |prepaid |account )?credits\\b|(?:.{0,80}\\b)?(?:quota exceeded|exceeded your current quota)[.,] (?:please )?check your plan and billing|(?:your )?(?:credit |account )?balance (?:is )?(?:too low|insufficient|exhausted|negative)\\b|(?:.{0,60}\\b)?insufficient (?:credits?|funds|balance|quota)\\b|insufficient_quota\\b|no payment method\\b|payment required\\b|(?:error: )?402 |(?:there are |you have )?no (?:\\w{1,12} )?credits (?:left|remaining)\\b|billing (?:or credits )?(?:exhausted|required|hard limit)|(?:your )?(?:last )?payment (?:method )?(?:has |was |is )?(?:failed|declined|required|expired)\\b|(?:your )?subscription (?:has |was |is )(?:ended|lapsed|expired|cancell?ed|paused|past due|inactive)\\b|your account is in arrears\\b',
    ),
    example: 'Quota exceeded. Check your plan and billing details.',
  },
];

/** A key or a login that is not accepted. */
export const ACCESS_TROUBLE: readonly MessagePattern[] = [
  {
    id: 'access-refused',
    class: 'auth',
    window: null,
    regex: start(
      '(?:error: )?(?:40[13] )?(?:unauthorized|forbidden)\\b(?: ?[:.(]|$)|(?:error: )?(?:incorrect|invalid|missing|expired) (?:api[ -]key|bearer token|auth(?:entication|orization)?(?: token| key| credentials)?|access token)\\b|(?:not logged in|please (?:run .{1,40}login|log ?in|sign in)|(?:login|authentication) (?:is )?required|authentication failed|your (?:login|session|token) (?:has |is )?(?:expired|been revoked|invalid))\\b|token refresh failed\\b|no (?:api key|credentials) (?:found|configured|provided)\\b|missing environment variable: .?\\w{2,40}(?:key|token)',
    ),
    example: 'Incorrect API key provided',
  },
];
