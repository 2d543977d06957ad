/** Agents without a profile: their screens are read by what most agents have in common, for a person and never for a swap. */
import { start } from './limit-words.ts';
import { plainMarks } from './plain-marks.ts';
import { type MessagePattern, NEVER, type ScreenLanguage } from './screen-language.ts';
import { ACCESS_TROUBLE, MONEY_TROUBLE, PLAN_LIMITS, PLAN_WARNINGS, PROVIDER_TROUBLE } from './shared-messages.ts';

const PATTERNS: readonly MessagePattern[] = [
  {
    id: 'model-included',
    class: 'warning',
    window: null,
    regex: start(
      'you(?:.ve| have) (?:exceeded|reached|used) .{1,160}?\\. (?:we have|we.ve|you have been) (?:automatically )?switched\\b',
    ),
    example: 'You have exceeded your premium request allowance. We have automatically switched you to GPT-4.1',
  },
  ...PLAN_WARNINGS,
  ...MONEY_TROUBLE,
  ...ACCESS_TROUBLE,
  {
    id: 'quota-exhausted',
    class: 'quota',
    window: 'unknown',
    regex: start(
      "(?:your |the )?(?:[\\w'’-]{1,24} ){0,4}quota (?:is |has been |was )?(?:exhausted|used up|reached)(?:: (?:[\\w-]{1,24} ){1,4}quota exceeded)?(?![\\w-])|(?:\\[?api error[:(] ?)?(?:\\d{3} )?(?:free )?allocated quota exceeded\\b",
    ),
    checkTail: true,
    resetInside: true,
    example: 'Quota exhausted: free tier quota exceeded, will reset at 00:00 UTC',
  },
  {
    id: 'request-allowance',
    class: 'quota',
    window: 'monthly',
    regex: start(
      "you(?:['’]ve| have) (?:hit|reached|exceeded|used up|used all (?:of )?|exhausted) ?your (?:[\\w'’-]{1,24} ){0,3}(?:allowance|requests?(?: limit)?)\\b(?: for this \\w{3,6})?",
    ),
    checkTail: true,
    example: 'You have exceeded your premium request allowance.',
  },
  {
    id: 'upgrade-wanted',
    class: 'quota',
    window: 'unknown',
    regex: start("you(?:['’]ve| have) hit your usage limit(?= get \\w+ (?:pro|ultra|plus)\\b)"),
    example: "You've hit your usage limit Get Cursor Pro for more Agent usage, unlimited Tab, and more.",
  },
  ...PLAN_LIMITS,
  {
    id: 'api-other',
    class: 'throttle',
    window: null,
    regex: start('\\[?api error[:(] ?'),
    isMachineText: true,
    example: '[API Error: Connection error. (cause: fetch failed)]',
  },
  ...PROVIDER_TROUBLE,
];

export const otherLanguage: ScreenLanguage = {
  kind: 'other',
  signature: NEVER,
  marks: { ...plainMarks, bar: /^ ?[│┃](?:\s|$)/ },
  messages: {
    prefilter:
      /limit|usage|error|quota|retrying|overload|many|unavailable|timed|fetch|connect|credit|balance|billing|payment|key|auth|token|login|demand|high|capacity|account|organi|subscription|allowance|request|switched|traffic|\d%/i,
    patterns: PATTERNS,
    toolThrottle: null,
    backgroundEvent: NEVER,
    relayed: NEVER,
    errorPrefix: /^(?:(?:api )?error(?: [a-z ]{1,40})?: |[a-z_.]{1,60}error: |\d{3}:? ){1,2}/i,
    unnamedWindow: 'distance',
  },
};
