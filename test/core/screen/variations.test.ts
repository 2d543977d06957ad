/** Wordings near the known ones, of every agent: other widths, zones, dates, separators, quotes and orders. */
import { describe, expect, test } from 'vitest';
import type { LanguageKind } from '../../../src/core/agents/screen-language.ts';
import { detect } from '../../../src/core/screen/detect.ts';

const now = Date.parse('2026-11-20T12:00:00Z');

interface Expected {
  /** ISO 8601; null: none; absent: not looked at. */
  readonly reset?: string | null;
  readonly window?: string;
  readonly zone?: string;
}

type Case = readonly [agent: LanguageKind, expected: string, text: string, more?: Expected];
type Row = readonly [agent: LanguageKind, expected: string, text: string, more: Expected];

const RULE = '─'.repeat(60);
const claude = (said: string) =>
  `❯ go on\n${said}\n\n✻ Worked for 3s\n\n${RULE}\n❯ \n${RULE}\n  ⏵⏵ auto mode on (shift+tab to cycle)`;
const codex = (said: string) =>
  `› go on\n\n${said}\n\n› Ask Codex to do anything\n\n  gpt-5.5 high · 71% context left · ~/work`;
const gemini = (said: string) =>
  ` > go on\n\n${said}\n\n${' '.repeat(40)}? for shortcuts\n${RULE}\n Shift+Tab to accept edits\n\n >   Type your message or @path/to/file\n\n workspace (/directory)          sandbox          /model\n ~/work                          no sandbox       gemini-3-pro`;
const geminiBox = (lines: readonly string[], width = 70) =>
  `╭${'─'.repeat(width)}╮\n${['', ...lines, ''].map((line) => `│ ${line.padEnd(width - 1)}│`).join('\n')}\n╰${'─'.repeat(width)}╯`;
const opencode = (said: string) =>
  `┃\n┃  fix the test\n┃\n\n   I will look at the test.\n\n   ▣  Build · claude-sonnet-5 · 4.2s\n\n${said}\n\n┃\n┃  \n┃\n┃  Build  Claude Sonnet 5\n╹${'▀'.repeat(40)}\n  ctrl+p commands`;

const cases: readonly Case[] = [
  // Claude Code: limits.
  [
    'claude',
    'quota',
    claude("  ⎿  You've hit your session limit • resets 4pm (Europe/Lisbon)"),
    { reset: '2026-11-20T16:00:00Z', window: '5h' },
  ],
  [
    'claude',
    'quota',
    claude('  ⎿  You’ve hit your weekly limit ∙ resets Nov 23 at 7am (America/Bogota)'),
    { reset: '2026-11-23T12:00:00Z', window: '7d' },
  ],
  [
    'claude',
    'quota',
    claude("  ⎿  You've hit your Opus limit | resets Tue 9:00am (Asia/Kolkata)"),
    { reset: '2026-11-24T03:30:00Z', window: 'model' },
  ],
  [
    'claude',
    'quota',
    claude("  ⎿  You've hit your session limit ·\n     resets 8:15am\n     (US/Pacific)"),
    { reset: '2026-11-20T16:15:00Z' },
  ],
  [
    'claude',
    'quota',
    claude('  ⎿  Session limit reached ∙ resets 3pm\n     /upgrade to increase your usage limit'),
    { reset: '2026-11-20T15:00:00Z', window: '5h' },
  ],
  [
    'claude',
    'quota',
    claude('  ⎿  Weekly limit reached ∙ resets Nov 21, 12am · /upgrade to Max 20x or turn on /extra-usage'),
    { reset: '2026-11-21T00:00:00Z', window: '7d' },
  ],
  ['claude', 'quota', claude('  ⎿  Sonnet weekly limit reached ∙ resets Nov 26, 10pm'), { window: 'model' }],
  [
    'claude',
    'quota',
    claude('  ⎿  Claude usage limit reached. Your limit will reset at 12pm (Etc/GMT-3).'),
    { reset: '2026-11-21T09:00:00Z' },
  ],
  ['claude', 'quota', claude('  ⎿  Claude AI usage limit reached|1795190400'), { reset: '2026-11-20T16:00:00Z' }],
  [
    'claude',
    'quota',
    '{"type":"result","subtype":"success","is_error":true,"result":"Claude AI usage limit reached|1795190400"}',
    { reset: '2026-11-20T16:00:00Z' },
  ],
  [
    'claude',
    'quota',
    claude("  ⎿  You've hit your org's monthly usage limit\n     Ask your admin for more usage"),
    { window: 'monthly' },
  ],
  [
    'claude',
    'quota',
    claude("  ⎿  You've hit your team's monthly spend limit · your weekly limit resets Nov 25, 9am (UTC)"),
    { reset: '2026-11-25T09:00:00Z', window: '7d' },
  ],
  [
    'claude',
    'quota',
    claude("  ⎿  You've run out of usage credits. Switch to another model to continue."),
    { reset: null },
  ],
  [
    'claude',
    'quota',
    claude("  ⎿  You've reached your Mythos 6 limit. Run /usage-credits to continue or switch models with /model."),
    { window: 'model', reset: null },
  ],
  [
    'claude',
    'quota',
    claude("  ⎿  You're now out of extra usage · resets Dec 1 (America/Cordoba)"),
    { reset: '2026-12-01T03:00:00Z' },
  ],
  ['claude', 'quota', claude('● Teammate @lint failed: You’ve hit your session limit · resets 3:20pm (UTC)')],
  [
    'claude',
    'quota',
    claude('⏺ Agent "Check the docs" failed: You\'ve hit your weekly limit · resets Nov 24, 9am (UTC)'),
  ],
  [
    'claude',
    'quota',
    claude(
      "● Task(look at the logs)\n  ⎿  Done (3 tool uses · 12k tokens · 5s)\n  ⎿  You've hit your session limit · resets 2pm (UTC)",
    ),
  ],
  [
    'claude',
    'quota',
    `● Working on it.\n  ⎿  You've hit your session limit · resets 5:10pm (UTC)\n\n${RULE}\n❯ \n${RULE}\n  ⚠ Usage limit reached · limit resets 5:10pm · clau.de/wrap-up · /upgrade to keep going\n    Continuing automatically at 5:10pm · esc to cancel\n  ⏵⏵ auto mode on`,
    { reset: '2026-11-20T17:10:00Z' },
  ],
  [
    'claude',
    'quota',
    'Usage limit reached again · continuing automatically at 5:10pm · esc or type to cancel',
    { reset: '2026-11-20T17:10:00Z' },
  ],
  [
    'claude',
    'quota',
    claude("  ⎿  You've hit your limit · resets 14:30 (Europe/Berlin)"),
    { reset: '2026-11-20T13:30:00Z' },
  ],
  [
    'claude',
    'quota',
    claude("  ⎿  You've hit your weekly limit · resets in 2 days 3 hours"),
    { reset: '2026-11-22T15:00:00Z' },
  ],
  ['claude', 'quota', claude('  ⎿  Spending cap reached resets 11:36pm\n     /upgrade to increase your usage limit.')],
  [
    'claude',
    'quota',
    "  ⎿  You've hit your session limit · resets 4pm (Nowhere/Land)",
    { reset: '2026-11-20T16:00:00Z' },
  ],
  [
    'claude',
    'quota',
    claude(
      '  ⎿  API Error: 400 {"type":"error","error":{"type":"invalid_request_error","message":"You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC."}}',
    ),
    { reset: '2026-12-01T00:00:00Z', window: 'monthly' },
  ],
  [
    'claude',
    'quota',
    '❯ /rate-limit-options\n\n What do you want to do?\n\n   1. Upgrade your plan\n ❯ 2. Stop and wait for limit to reset\n   3. Ask your admin for more usage\n\n Enter to confirm · Esc to cancel',
    { reset: null },
  ],
  [
    'claude',
    'quota',
    '❯ /rate-limit-options\n\n What do you want to do?\n\n ❯ 1. Continue now at lower priority\n   2. Wait here, then continue automatically at 11:40pm\n   3. Add funds to continue with usage credits\n\n Enter to confirm · Esc to cancel',
    { reset: '2026-11-20T23:40:00Z' },
  ],
  [
    'claude',
    'quota',
    claude('  ⎿  Limite de uso semanal atingido · Reinicia qua., 25 de nov., 6:00'),
    { reset: '2026-11-25T06:00:00Z', window: '7d' },
  ],
  [
    'claude',
    'quota',
    claude('  ⎿  Has alcanzado tu límite de sesión · se restablece a las 15:30'),
    { reset: '2026-11-20T15:30:00Z' },
  ],
  ['claude', 'quota', claude('  ⎿  Du hast dein Wochenlimit erreicht · wird am 25. Nov. um 9:00 zurückgesetzt')],
  // Claude Code: what is no limit.
  ['claude', 'none', claude("● You've hit your session limit in the fixture, and the test expects a reset at 3pm.")],
  ['claude', 'none', claude("● Bash(cat banner.txt)\n  ⎿  You've hit your weekly limit · resets Mon 12:00am")],
  [
    'claude',
    'none',
    `❯ go on\n  ⎿  You've hit your session limit · resets 11am (UTC)\n\n● Usage limit available again · continuing now\n\n● Bash(npm test)\n  ⎿  ok\n\n${RULE}\n❯ \n${RULE}`,
  ],
  [
    'claude',
    'throttle',
    claude(
      '  ⎿  API Error: 529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}',
    ),
  ],
  [
    'claude',
    'throttle',
    claude(
      '  ⎿  API Error: Request rejected (429) · {"error":{"code":"insufficient_quota","message":"You have reached your weekly usage limit"}}',
    ),
  ],
  ['claude', 'throttle', '✽ 529 Overloaded · retrying in 21s · attempt 6/10'],
  [
    'claude',
    'throttle',
    claude(
      '  ⎿  API Error: 500 {"type":"error","error":{"type":"api_error","message":"This request would exceed your rate limit"}}',
    ),
  ],
  [
    'claude',
    'auth',
    claude(
      '  ⎿  API Error: 401 {"type":"error","error":{"type":"authentication_error","message":"OAuth token has been revoked."}} · Please run\n     /login',
    ),
  ],
  ['claude', 'auth', claude('  ⎿  OAuth session expired · Please run /login')],
  [
    'claude',
    'billing',
    claude('  ⎿  Credit balance too low · Add funds: https://platform.claude.com/settings/billing'),
  ],
  [
    'claude',
    'warning',
    `● ok\n${RULE}\n❯ \n${RULE}\n  ⏵⏵ auto mode on (shift+tab to cycle)        You've used 91% of your weekly limit · resets Nov 24, 9am (UTC)`,
  ],
  ['claude', 'warning', 'Approaching weekly limit · resets Nov 24 at 9am'],
  // Codex: limits.
  [
    'codex',
    'quota',
    codex(
      "■ You've hit your usage limit. Upgrade to Pro (https://chatgpt.com/explore/pro), visit https://chatgpt.com/codex/settings/usage to purchase more credits or try again at 3:45 PM.",
    ),
    { reset: '2026-11-20T15:45:00Z', window: '5h' },
  ],
  [
    'codex',
    'quota',
    codex(
      '■ You’ve hit your usage limit. Visit https://chatgpt.com/codex/settings/usage to purchase more\ncredits or try again at Nov\n24th, 2026 7:08 AM.',
    ),
    { reset: '2026-11-24T07:08:00Z', window: '7d' },
  ],
  [
    'codex',
    'quota',
    codex(
      "■ You've hit your usage limit. Upgrade to Plus to continue using Codex\n(https://chatgpt.com/explore/plus), or try again at Dec 18th, 2026 1:36 PM.",
    ),
    { reset: '2026-12-18T13:36:00Z', window: 'monthly' },
  ],
  [
    'codex',
    'quota',
    codex(
      "■ You've hit your usage limit for GPT-5.3-Codex-Spark. Switch to another model now, or try again at 9:02 PM.",
    ),
    { reset: '2026-11-20T21:02:00Z', window: 'model' },
  ],
  [
    'codex',
    'quota',
    codex("■ You've hit your usage limit. To get more access now, send a request to your admin or try again later."),
    { reset: null },
  ],
  [
    'codex',
    'quota',
    codex("■ You've hit your usage limit. Get double the limits until Friday, or try again at 2:05 PM."),
    { reset: '2026-11-20T14:05:00Z' },
  ],
  [
    'codex',
    'quota',
    "🖐  You've hit your usage limit. Upgrade to Pro (https://openai.com/chatgpt/pricing) or try again in 3 hours 2 minutes.",
    { reset: '2026-11-20T15:02:00Z', window: '5h' },
  ],
  [
    'codex',
    'quota',
    "■ You've hit your usage limit. Upgrade to Pro\n(https://openai.com/chatgpt/pricing) or try again in 1\nday 22 hours 3 minutes.",
    { reset: '2026-11-22T10:03:00Z' },
  ],
  [
    'codex',
    'quota',
    codex('■ Error running remote compact task: You’ve hit your usage limit. Try again at 5:50 PM.'),
    { reset: '2026-11-20T17:50:00Z' },
  ],
  [
    'codex',
    'quota',
    "You've hit your usage limit. Try again at Nov 22nd, 2026 8:19 PM.",
    { reset: '2026-11-22T19:19:00Z', zone: 'Europe/Paris' },
  ],
  [
    'codex',
    'quota',
    "■ You've hit your usage limit. Upgrade to Pro, or try again at 24 nov. 2026, 11:52.",
    { reset: '2026-11-24T11:52:00Z' },
  ],
  [
    'codex',
    'quota',
    "■ You've hit your usage limit. Upgrade your plan, or try again at 24.11.2026, 11:52.",
    { reset: '2026-11-24T11:52:00Z' },
  ],
  [
    'codex',
    'quota',
    "■ You've hit your usage limit. try again after November 24, 2026, 11:15.",
    { reset: '2026-11-24T11:15:00Z' },
  ],
  ['codex', 'quota', codex('■ unexpected status 429 Too Many Requests: The usage limit has been reached')],
  [
    'codex',
    'quota',
    'Error: {"type":"error","error":{"type":"usage_limit_reached","message":"The usage limit has been reached","plan_type":"plus","resets_at":1795190400}}',
    { reset: '2026-11-20T16:00:00Z' },
  ],
  [
    'codex',
    'quota',
    `› go on\n\n■ You've hit your usage limit. Try again at 3:45 PM.\n\n\n  Approaching rate limits\n  Switch to gpt-5.1-codex-mini for lower credit usage?\n\n› 1. Switch to gpt-5.1-codex-mini\n  2. Keep current model\n\n  Press enter to confirm or esc to go back`,
    { reset: '2026-11-20T15:45:00Z' },
  ],
  // Codex: what is no limit.
  [
    'codex',
    'none',
    codex('• The banner says "You\'ve hit your usage limit. Try again at 3:45 PM." and the parser reads it.'),
  ],
  ['codex', 'none', codex("• You've hit your usage limit. Try again at 3:45 PM. That is the string we match.")],
  [
    'codex',
    'none',
    codex("• Ran cat error.rs\n  └ You've hit your usage limit. Try again at 3:45 PM.\n    … +12 lines"),
  ],
  [
    'codex',
    'none',
    codex(
      "■ You've hit your usage limit. Try again at 3:45 PM.\n\n› go on\n\n• Back again: the tests pass.\n\n─ Worked for 1m 02s ──────────",
    ),
  ],
  [
    'codex',
    'none',
    `› You've hit your usage limit. Try again at 3:45 PM.\n\n• Working (12s • esc to interrupt)\n\n› Ask Codex to do anything\n\n  gpt-5.5 high`,
  ],
  [
    'codex',
    'none',
    `╭───────────────────────────────────────────────╮\n│  >_ OpenAI Codex (v0.161.0)                   │\n│                                               │\n│  Account:        me@example.com (Plus)        │\n│  5h limit:       [████░░░░] 41% left          │\n│                  (resets 16:13)               │\n│  Weekly limit:   [░░░░░░░░] 0% left           │\n│                  (resets 11:18 on 23 Nov)     │\n╰───────────────────────────────────────────────╯\n\n› Ask Codex to do anything\n\n  gpt-5.5 high`,
  ],
  [
    'codex',
    'quota',
    `■ You've hit your usage limit. Try again at 3:45 PM.\n\n/status\n\n╭───────────────────────────────────────────────╮\n│  >_ OpenAI Codex (v0.161.0)                   │\n│                                               │\n│  Account:        me@example.com (Plus)        │\n│  5h limit:       [░░░░░░░░] 0% left           │\n│                  (resets 15:45)               │\n╰───────────────────────────────────────────────╯\n\n› Ask Codex to do anything\n\n  gpt-5.5 high`,
  ],
  ['codex', 'throttle', codex('■ exceeded retry limit, last status: 503 Service Unavailable, request id: 1')],
  [
    'codex',
    'throttle',
    codex(
      '■ stream disconnected before completion: Rate limit reached for gpt-5 in organization org-1 on tokens per min (TPM): Limit 30000. Please try again in 6.2s.',
    ),
  ],
  [
    'codex',
    'throttle',
    '⚠ stream error: stream disconnected before completion: Rate limit is exceeded. Try again in 17 seconds.; retrying 5/5 in 3.32s…',
  ],
  ['codex', 'throttle', codex('■ We’re currently experiencing high demand, which may cause temporary errors.')],
  ['codex', 'throttle', codex('■ Selected model is at capacity. Please try a different model.')],
  [
    'codex',
    'throttle',
    '› go on\n\n• Reconnecting... 3/5 (41s • esc to interrupt)\n  └ Unexpected status 502 Bad Gateway\n\n› Ask Codex to do anything\n\n  gpt-5.5 high',
  ],
  [
    'codex',
    'throttle',
    codex(
      '■ unexpected status 500 Internal Server Error: Unknown error, url: https://chatgpt.com/backend-api/codex/responses',
    ),
  ],
  ['codex', 'auth', codex('■ unexpected status 401 Unauthorized: Missing bearer or basic authentication in header')],
  [
    'codex',
    'auth',
    codex(
      '■ Your access token could not be refreshed because your refresh token has expired. Please log out\nand sign in again.',
    ),
  ],
  ['codex', 'auth', codex('■ exceeded retry limit, last status: 401 Unauthorized, request id: 2')],
  ['codex', 'auth', codex('■ Provided authentication token is expired. Please try signing in again.')],
  [
    'codex',
    'billing',
    codex('■ Your workspace is out of credits. Ask your workspace owner to refill in order to continue.'),
  ],
  ['codex', 'billing', codex('■ You hit your spend cap set in your workspace. Increase your spend cap to continue.')],
  ['codex', 'billing', codex('■ You exceeded your current quota, please check your plan and billing details.')],
  [
    'codex',
    'warning',
    codex('• Done.\n\n⚠ Heads up, you have less than 5% of your weekly limit left. Run /status for a breakdown.'),
  ],
  ['codex', 'warning', codex("⚠ Heads up, you've used over 75% of your 5h limit. Run /status for a breakdown.")],
  [
    'codex',
    'warning',
    '  Approaching rate limits\n  Switch to gpt-5.1-codex-mini for lower credit usage?\n\n› 1. Switch to gpt-5.1-codex-mini\n  2. Keep current model\n\n  Press enter to confirm or esc to go back',
  ],
  [
    'codex',
    'none',
    '  Would you like to run the following command?\n\n  $ grep -r "You\'ve hit your usage limit" .\n\n› 1. Yes, proceed (y)\n  2. No, and tell Codex what to do differently (esc)\n\n  Press enter to confirm or esc to cancel',
  ],
  // Gemini CLI: limits.
  [
    'gemini',
    'quota',
    ` > go on\n\n${geminiBox(['Usage limit reached for all Pro models.', 'Access resets at 3:40 PM PST.', '/stats model for usage details', '/model to switch models.', '', '● 1. Switch to gemini-2.5-flash', '  2. Upgrade for higher limits', '  3. Stop'])}`,
    { reset: '2026-11-20T23:40:00Z', window: 'daily' },
  ],
  [
    'gemini',
    'quota',
    geminiBox([
      'Usage limit reached for gemini-3-pro-preview.',
      'Access resets at 10:57 PM GMT-3.',
      '/model to switch models.',
      '',
      '● 1. Keep trying',
      '  2. Stop',
    ]),
    { reset: '2026-11-21T01:57:00Z' },
  ],
  [
    'gemini',
    'quota',
    geminiBox(
      [
        'Usage limit reached for',
        'gemini-3-flash-preview.',
        'Access resets at 9:15 AM',
        'GMT+9.',
        '/stats model for usage',
        'details',
        '',
        '● 1. Keep trying',
        '  2. Stop',
      ],
      38,
    ),
    { reset: '2026-11-21T00:15:00Z' },
  ],
  [
    'gemini',
    'quota',
    geminiBox([
      'Usage limit reached for all Flash models.',
      '/stats model for usage details',
      '',
      '  1. Keep trying',
      '● 2. Stop',
    ]),
    { reset: null },
  ],
  [
    'gemini',
    'quota',
    gemini('✕ [API Error: You have exhausted your capacity on this model. Your quota will reset after 12h3m.]'),
    { reset: '2026-11-21T00:03:00Z' },
  ],
  [
    'gemini',
    'quota',
    gemini('✕ [API Error: You have exhausted your capacity on this model. Your quota\n  will reset after 46m59s.]'),
    { reset: '2026-11-20T12:46:59Z' },
  ],
  ['gemini', 'quota', gemini('✕ [API Error: You have exhausted your daily quota on this model.]'), { reset: null }],
  [
    'gemini',
    'quota',
    gemini(
      "✕ [API Error: Quota exceeded for quota metric 'Gemini 2.5 Pro Requests' and limit 'Gemini 2.5 Pro Requests\n  per day per user per tier' of service 'cloudcode-pa.googleapis.com' for consumer 'project_number:1'.]",
    ),
  ],
  [
    'gemini',
    'quota',
    gemini(
      'ℹ ⚡ You have reached your daily gemini-2.5-pro quota limit.\n  ⚡ You can choose to authenticate with a paid API key or continue with the fallback model.',
    ),
  ],
  [
    'gemini',
    'quota',
    gemini(
      '✕ [API Error: {"error":{"code":429,"message":"You exceeded your current quota","status":"RESOURCE_EXHAUSTED","details":[{"violations":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel"}]}]}}]',
    ),
  ],
  // Gemini CLI: what is no limit.
  [
    'gemini',
    'throttle',
    gemini(
      '✕ [API Error: {"error":{"code":429,"message":"You exceeded your current quota","status":"RESOURCE_EXHAUSTED","details":[{"violations":[{"quotaId":"GenerateContentInputTokensPerModelPerMinute-FreeTier"}]}]}}]',
    ),
  ],
  [
    'gemini',
    'throttle',
    gemini('✕ [API Error: You have exhausted your capacity on this model. Your quota will reset after 12s.]'),
  ],
  [
    'gemini',
    'throttle',
    'Attempt 2 failed: You have exhausted your capacity on this model. Your quota will reset after 5s.. Retrying after 6173ms...',
  ],
  [
    'gemini',
    'throttle',
    geminiBox([
      'We are currently experiencing high demand for gemini-3-pro-preview.',
      '',
      '● 1. Keep trying',
      '  2. Switch to gemini-2.5-flash',
      '  3. Stop',
    ]),
  ],
  [
    'gemini',
    'throttle',
    gemini(
      '✕ [API Error: {"error":{"code":503,"message":"The model is overloaded. Please try again later.","status":"UNAVAILABLE"}}]',
    ),
  ],
  [
    'gemini',
    'throttle',
    gemini(
      'ℹ 🚦Pardon Our Congestion! It looks like gemini-2.5-pro is very popular at the moment.\n  Please retry again later.',
    ),
  ],
  [
    'gemini',
    'auth',
    gemini(
      '✕ [API Error: {"error":{"code":401,"message":"Request had invalid authentication credentials.","status":"UNAUTHENTICATED"}}]',
    ),
  ],
  [
    'gemini',
    'auth',
    geminiBox([
      '? Get started',
      '',
      'How would you like to authenticate for this project?',
      '',
      '● 1. Login with Google',
      '  2. Use Gemini API Key',
      '  3. Vertex AI',
      '',
      '(Use Enter to select)',
    ]),
  ],
  [
    'gemini',
    'billing',
    gemini(
      '✕ [API Error: Your prepayment credits are depleted. Please go to AI Studio to manage your project and billing.]',
    ),
  ],
  [
    'gemini',
    'warning',
    `✦ Done.\n\n${RULE}\n >   Type your message or @path/to/file\n\n ~/work          no sandbox          gemini-3-pro          85% used (Limit resets in 1h)`,
  ],
  ['gemini', 'none', gemini('✦ The dialog says "Usage limit reached for all Pro models." and then the reset.')],
  [
    'gemini',
    'none',
    gemini(
      '✦ Usage limit reached for all Pro models. Access resets at 3:40 PM PST.\n\n  That is the text of the snapshot.',
    ),
  ],
  [
    'gemini',
    'none',
    gemini(
      geminiBox([
        '✓  ReadFile ProQuotaDialog.test.tsx',
        '',
        'Usage limit reached for gemini-2.5-pro.',
        'Access resets at 2:00 PM.',
        '/model to switch models.',
      ]),
    ),
  ],
  [
    'gemini',
    'none',
    gemini(geminiBox(['✓  Shell npm test', '', '[API Error: You have exhausted your daily quota on this model.]'])),
  ],
  [
    'gemini',
    'none',
    gemini('✕ [API Error: You have exhausted your daily quota on this model.]\n\n > and now\n\n✦ It works again.'),
  ],
  // opencode.
  [
    'opencode',
    'quota',
    '  Free usage exceeded, subscribe to Go [retrying in 6h 16m attempt #1]   esc interrupt',
    { reset: '2026-11-20T18:16:00Z', window: 'daily' },
  ],
  [
    'opencode',
    'quota',
    'Free usage exceeded, add credits https://opencode.ai/zen [retrying in 35s attempt #5]',
    { reset: null },
  ],
  [
    'opencode',
    'quota',
    '⬝⬝■■■■⬝⬝  Free usage exceeded, subscribe to Go [retrying in 20h28m attempt #1]   esc interrupt',
    { reset: '2026-11-21T08:28:00Z' },
  ],
  [
    'opencode',
    'quota',
    'Usage limit reached for 5 hour. Your limit will reset at 2026-11-20 15:30:24 [retrying in 2m 22s #8]',
    { reset: '2026-11-20T15:30:00Z', window: '5h' },
  ],
  ['opencode', 'quota', opencode('┃  The usage limit has been reached'), { reset: null }],
  [
    'opencode',
    'quota',
    opencode('┃  Subscription quota exceeded. Retry in 3h 2min.'),
    { reset: '2026-11-20T15:02:00Z' },
  ],
  ['opencode', 'quota', opencode("┃  You're out of extra usage. Add more at claude.ai/settings/usage and keep going.")],
  [
    'opencode',
    'quota',
    opencode("┃  You've hit your usage limit. Upgrade to Pro or try again in 2 hours 5 minutes."),
    { reset: '2026-11-20T14:05:00Z' },
  ],
  ['opencode', 'throttle', '⬝⬝■■■■⬝⬝  Too Many Requests [retrying in 8s attempt #3]   esc interrupt'],
  ['opencode', 'throttle', 'Provider is overloaded [retrying in 16s attempt #4]'],
  ['opencode', 'throttle', opencode('┃  Rate limit exceeded. Please try again later.')],
  [
    'opencode',
    'billing',
    opencode('┃  Insufficient balance. Manage your billing here: https://opencode.ai/workspace/billing'),
  ],
  ['opencode', 'auth', opencode('┃  Unauthorized: invalid x-api-key')],
  [
    'opencode',
    'none',
    opencode('   The usage limit has been reached, says the test.\n\n   ▣  Build · claude-sonnet-5 · 2.0s'),
  ],
  ['opencode', 'none', '   I will read the file.\n\n  Build  Claude Sonnet 5\n  ⬝⬝⬝■■■■■  esc interrupt'],
  // Others.
  [
    'other',
    'quota',
    "ActionRequiredError: You've hit your usage limit Get Cursor Pro for more Agent usage, unlimited Tab, and more.",
  ],
  [
    'other',
    'quota',
    'Quota exhausted: daily token quota exceeded, will reset at 00:00 UTC',
    { reset: '2026-11-21T00:00:00Z' },
  ],
  [
    'other',
    'quota',
    "Your model provider's usage quota is exhausted. Limits reset at 3:40 PM. Wait for the reset.",
    { reset: '2026-11-20T15:40:00Z' },
  ],
  [
    'other',
    'quota',
    'You’ve reached the weekly limit for your plan. Resets Nov 24.',
    { reset: '2026-11-24T00:00:00Z', window: '7d' },
  ],
  ['other', 'throttle', '[API Error: Connection error. (cause: fetch failed)]'],
  ['other', 'none', '• The plan has a weekly limit of 40 hours.'],
];

describe('[R10] [R11] [R30] [R31] shapes, not strings', () => {
  test.each(cases.map(([agent, expected, text, more = {}]): Row => [agent, expected, text, more]))(
    '%s %s: %s',
    (agent, expected, text, more) => {
      const found = detect(text, { agent, now, zone: more.zone ?? 'UTC' });
      expect(found.class, found.reason).toBe(expected);
      if (more.reset !== undefined) {
        expect(found.resetAt === null ? null : new Date(found.resetAt).toISOString()).toBe(
          more.reset === null ? null : new Date(more.reset).toISOString(),
        );
      }
      if (more.window !== undefined) expect(found.window).toBe(more.window);
    },
  );
});
