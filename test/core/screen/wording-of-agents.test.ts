/** Single messages of every agent, in wordings near the known ones: the classes are kept apart. */
import { describe, expect, test } from 'vitest';
import type { LanguageKind } from '../../../src/core/agents/screen-language.ts';
import { detect } from '../../../src/core/screen/detect.ts';

const now = Date.parse('2026-11-20T12:00:00Z');

const messages: readonly (readonly [agent: LanguageKind, expected: string, text: string])[] = [
  ['claude', 'quota', "You've reached your usage limit for Claude Opus 4. Your limit resets at 3pm."],
  ['claude', 'quota', '  ⎿  Usage limit reached for Opus · resets Nov 24, 9am'],
  ['claude', 'quota', 'Claude Max usage limit reached. Your limit will reset at 1pm (Europe/Zurich).'],
  ['claude', 'quota', '  ⎿ \u00a0Session limit reached ∙ resets 8:59pm (Asia/Kolkata)'],
  [
    'claude',
    'quota',
    'You’ve hit your session limit · resets 4pm (Europe/Paris)\n/usage-credits to finish what you’re working on.',
  ],
  [
    'claude',
    'quota',
    "  ⎿  You've hit your Opus weekly limit · resets Nov 24 at 8am (America/Sao_Paulo)\n     /model to switch models",
  ],
  ['claude', 'quota', "You've exceeded your weekly usage limit. Resets Nov 24 at 9 AM PST"],
  ['claude', 'quota', "  ⎿  You've used all your extra usage for this month · resets Dec 1"],
  ['claude', 'quota', "Your plan's weekly limit has been reached · resets Mon 9am"],
  ['claude', 'quota', "You've hit your Fable 5 limit · resets Nov 23, 7pm (Asia/Tokyo) · /model to switch"],
  [
    'claude',
    'quota',
    '⚠ Usage limit reached · limit resets Nov 22 at 3pm\n  Continuing automatically when it resets · esc to cancel',
  ],
  ['claude', 'quota', 'Automatic continue was turned off in settings · /rate-limit-options to choose what to do'],
  ['claude', 'quota', 'Automatic continue cancelled · /rate-limit-options to re-arm'],
  ['claude', 'none', 'Your usage limit has reset · press enter to continue'],
  ['claude', 'warning', "You've used 75% of your session limit · resets in 42m"],
  ['claude', 'warning', 'Approaching Opus usage limit · resets at 9pm'],
  ['claude', 'warning', "You've used 90% of your monthly spend limit"],
  ['claude', 'warning', 'Switched to Sonnet 5 for this session · Fable 5 requires usage credits'],
  ['claude', 'warning', "You've hit your fast limit · resets in 12m"],
  [
    'claude',
    'throttle',
    '  ⎿  API Error: Connection to the API was lost (ECONNRESET). This is usually temporary — try again.',
  ],
  ['claude', 'throttle', 'API Error: Repeated 529 Overloaded errors'],
  [
    'claude',
    'throttle',
    '  ⎿  API Error (Connection error.) · Retrying in 8 seconds… (attempt 5/10)\n    ⎿  TypeError (fetch failed)',
  ],
  [
    'claude',
    'throttle',
    'API Error: 429 {"type":"error","error":{"type":"rate_limit_error","message":"Number of request tokens has exceeded your per-minute rate limit"}}',
  ],
  ['claude', 'auth', 'Please run /login · API Error: 401 {"type":"error"}'],
  [
    'claude',
    'auth',
    '  ⎿  API Error: 403 {"error":{"type":"forbidden","message":"OAuth token has been revoked"}} · Please run /login',
  ],
  ['claude', 'auth', 'This organization has been disabled.'],
  ['claude', 'auth', 'Your account has been disabled. Contact support.'],
  ['claude', 'billing', '  ⎿  Credit balance is too low'],
  [
    'claude',
    'billing',
    'API Error: 402 {"type":"error","error":{"type":"billing_error","message":"Payment required"}}',
  ],
  ['claude', 'none', '● The usage limit has been reached in 3 of 5 tests.'],
  ['claude', 'none', '● API: you have 5 requests left; the limit resets in 2 hours.'],
  ['claude', 'none', '  ⎿  npm ERR! 429 Too Many Requests - GET https://registry.npmjs.org/x'],
  [
    'claude',
    'none',
    '● Bash(curl -s https://api.github.com/rate_limit)\n  ⎿  {"resources":{"core":{"limit":60,"remaining":0,"reset":1795190400}}}',
  ],
  ['claude', 'none', '● Bash(aws s3 ls)\n  ⎿  An error occurred (ThrottlingException): Rate exceeded'],
  [
    'codex',
    'quota',
    "■ You've hit your usage limit. Upgrade to Pro (https://openai.com/chatgpt/pricing) or try again in 30 minutes.",
  ],
  [
    'codex',
    'quota',
    "⚠ You've hit your usage limit. Visit chatgpt.com/codex/settings/usage to purchase more credits or try again at 6:05 PM.",
  ],
  ['codex', 'quota', "ERROR: You've hit your usage limit. Try again at 3:45 PM."],
  ['codex', 'quota', "stream error: You've hit your usage limit. Try again in 2 hours 13 minutes."],
  [
    'codex',
    'throttle',
    '⚠  stream error: exceeded retry limit, last status: 429 Too Many Requests; retrying 1/5 in 190ms…',
  ],
  [
    'codex',
    'throttle',
    '■ stream disconnected before completion: error sending request for url (https://chatgpt.com/backend-api/codex/responses)',
  ],
  [
    'codex',
    'throttle',
    '■ The server had an error processing your request. Sorry about that! You can retry your request',
  ],
  ['codex', 'throttle', '■ Connection failed: error sending request for url'],
  [
    'codex',
    'throttle',
    '■ Rate limit reached for gpt-5-codex in organization org-x on tokens per min (TPM): Limit 500000, Used 499000. Please try again in 300ms.',
  ],
  ['codex', 'auth', '■ Failed to refresh token: 401 Unauthorized: refresh_token_reused'],
  ['codex', 'auth', '■ Your refresh token has already been used. Please log out and sign in again.'],
  ['codex', 'auth', 'Not logged in. Please run `codex login`.'],
  [
    'codex',
    'auth',
    "  Welcome to Codex, OpenAI's command-line coding agent\n\n  Sign in with ChatGPT to use Codex as part of your paid plan\n  or connect an API key for usage-based billing\n\n> 1. Sign in with ChatGPT\n  2. Provide your own API key\n\n  Press Enter to continue",
  ],
  [
    'codex',
    'none',
    '• Ran rg "usage limit" codex-rs\n  └ error.rs:412:            "You\'ve hit your usage limit.{}",\n    error.rs:433: You\'ve hit your usage limit. Try again at 3:45 PM.\n\n› ',
  ],
  ['codex', 'none', '■ Conversation interrupted - tell the model what to do differently.'],
  [
    'codex',
    'none',
    "■ Codex ran out of room in the model's context window. Start a new thread or clear earlier history before retrying.",
  ],
  [
    'codex',
    'none',
    '• Context compacted\n\n⚠ Heads up: Long threads and multiple compactions can cause the model to be less accurate.',
  ],
  [
    'codex',
    'warning',
    '⚠ Heads up, you have less than 10% of your monthly limit left. Run /status\n  for a breakdown.',
  ],
  [
    'gemini',
    'quota',
    '✕ [API Error: You have exhausted your capacity on this model. Your quota will reset after 23h59m59s.]',
  ],
  [
    'gemini',
    'quota',
    'TerminalQuotaError: You have exhausted your capacity on this model. Your quota will reset after 14h2m17s.',
  ],
  [
    'gemini',
    'quota',
    '✕ [API Error: {"error":{"message":"Resource has been exhausted (e.g. check quota).","code":429,"details":[{"quotaId":"RequestsPerDayPerUserPerTier"}]}}]',
  ],
  ['gemini', 'quota', 'Usage limit reached for gemini-3-flash-preview. Access resets at 10:57 PM GMT-3.'],
  ['gemini', 'throttle', '✕ [API Error: Resource has been exhausted (e.g. check quota).]'],
  ['gemini', 'throttle', '✕ [API Error: exception TypeError: fetch failed sending request]'],
  [
    'gemini',
    'throttle',
    '✕ [API Error: {"error":{"code":500,"message":"An internal error has occurred.","status":"INTERNAL"}}]',
  ],
  ['gemini', 'throttle', '⠏ Trying to reach gemini-3-pro-preview (Attempt 3/10) (esc to cancel, 34s)'],
  [
    'gemini',
    'throttle',
    'We are currently experiencing high demand.\nWe apologize and appreciate your patience.\n/model to switch models.',
  ],
  [
    'gemini',
    'auth',
    '✕ [API Error: {"error":{"code":403,"message":"The caller does not have permission","status":"PERMISSION_DENIED"}}]',
  ],
  ['gemini', 'auth', 'Failed to login. Message: This account requires setting the GOOGLE_CLOUD_PROJECT env var.'],
  ['gemini', 'warning', '⚠ You have used 90% of your daily quota.'],
  ['gemini', 'none', 'ℹ Request cancelled.'],
  ['opencode', 'quota', 'Error: Monthly usage limit reached. Resets in 3 days.'],
  [
    'opencode',
    'quota',
    '┃  5-hour usage limit reached. It will reset in 2 hours 10 minutes. To continue using this model now, enable usage from your available balance',
  ],
  ['opencode', 'throttle', '┃  AI_APICallError: Too Many Requests'],
  [
    'opencode',
    'throttle',
    "┃  This request would exceed your account's rate limit. Please try again later. [retrying in 4s attempt #2]",
  ],
  ['opencode', 'auth', '┃  Error: Token refresh failed: 401'],
  [
    'opencode',
    'billing',
    '┃  Error: No payment method. Add a payment method here: https://opencode.ai/workspace/billing',
  ],
  [
    'opencode',
    'billing',
    '┃  Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.',
  ],
  ['other', 'quota', 'You’ve reached your monthly usage limit. Upgrade to continue.'],
  ['other', 'quota', 'You have run out of credits. Your credits reset on Dec 1.'],
  ['other', 'throttle', 'Error: 429 Too Many Requests'],
  ['other', 'auth', 'Error: Invalid API key. Please run `qwen auth`.'],
  ['other', 'none', '> what is a usage limit?\n\n● A usage limit caps how much you can do.'],
];

describe('[R9] [R10] [R11] [R254] every agent has its own words for the same classes', () => {
  test.each(messages)('%s %s: %s', (agent, expected, text) => {
    const found = detect(text, { agent, now, zone: 'UTC' });
    expect(found.class, found.reason).toBe(expected);
  });
});
