/** Single messages, in wordings near the known ones: the shape decides, not the string. */
import { describe, expect, test } from 'vitest';
import { detect } from '../../../src/core/screen/detect.ts';

const now = Date.parse('2026-11-20T12:00:00Z');

const messages: readonly (readonly [expected: string, text: string])[] = [
  ['quota', "⎿ API Error: You've hit your limit · resets 3pm (UTC)"],
  ['quota', 'Error: Claude AI usage limit reached|1795178067'],
  ['quota', 'API Error: Claude AI usage limit reached|1795178067000'],
  ['quota', "You've reached your usage limit. Your limit resets at 3pm"],
  ['quota', 'Weekly limit reached ∙ resets Nov 24, 10am · /upgrade to Max 20x or turn on /extra-usage'],
  ['quota', "You've hit your Sonnet limit · resets Mon 12:00am"],
  ['quota', 'Usage limit reached · continuing automatically when it resets · esc to cancel'],
  ['quota', '⚠ Usage limit reached · limit resets 3:45pm · /upgrade'],
  ['quota', 'Automatic continue was turned off · /rate-limit-options to re-arm'],
  ['quota', 'Continuing automatically at 3:45pm · esc to cancel'],
  ['quota', "You're out of extra usage. Add more at claude.ai/settings/usage"],
  ['quota', 'Your account has reached its usage limit · resets 3pm'],
  ['quota', 'Your usage limit has been reached · resets 3pm'],
  ['quota', 'Limit reached. Resets at 5pm'],
  ['quota', 'You have reached your usage limit for this 5-hour window'],
  ['quota', "You've hit your limit (resets 3pm)"],
  ['quota', "You've hit your weekly limit, resets Nov 24 at 9am"],
  ['quota', "You've hit your limit - resets 3pm"],
  [
    'quota',
    '  ⎿  Claude usage limit reached. Your limit will reset at 12am (Asia/Kolkata).\n\n      • /upgrade to increase your usage limit.',
  ],
  ['quota', "You're out of usage credits · /usage-credits to add more"],
  ['quota', "You've hit your monthly spend limit."],
  ['quota', 'Claude Max usage limit reached. Your limit will reset at 4pm (Europe/Kiev).'],
  ['quota', "● You've hit your limit · resets 3pm (UTC) /upgrade to increase your usage limit."],
  ['throttle', 'API Error: Request was aborted.'],
  ['throttle', 'API Error: terminated'],
  ['throttle', 'API Error (Request timed out.) · Retrying in 4 seconds… (attempt 3/10)'],
  ['throttle', '  ⎿  API Error: 504 {"type":"error"}'],
  ['throttle', 'TypeError: fetch failed'],
  ['throttle', 'Overloaded. Please try again later'],
  ['throttle', "We're currently experiencing high demand"],
  ['throttle', '● API Error: Stream idle timeout - partial response received'],
  ['throttle', '● Request timed out.'],
  ['throttle', 'Request timed out'],
  ['throttle', '✻ API error · retrying in 3s · attempt 2/10'],
  ['throttle', 'API Error: 429 Too Many Requests'],
  [
    'throttle',
    'API Error: 429 {"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your account\'s rate limit. Please try again later."}}',
  ],
  ['none', '● Request timed out when I ran the tests, so I raised the limit.'],
  ['none', '● Redis is overloaded because of the cache.'],
  ['none', '● Not logged in users see the login page.'],
  ['none', "● You're out of luck with that approach."],
  ['none', '● Authentication failed tests are fixed now.'],
  ['none', '● Your account limit check is in place.'],
  ['none', '● Payment failed handling was added.'],
  ['none', '● Session expired is now shown as a banner.'],
  ['auth', 'OAuth token has expired · Please run /login'],
  ['auth', 'Your login has expired. Please run /login'],
  ['auth', '● Not logged in · Please run /login'],
  ['auth', 'This organization has been disabled.'],
  ['auth', 'Session expired. Please run /login to sign in again.'],
  ['auth', 'Missing API key · Run /login'],
  ['auth', 'API Error: 403 {"type":"error","error":{"type":"forbidden","message":"Request not allowed"}}'],
  ['billing', 'Insufficient credits. Add funds to continue.'],
  ['billing', 'Payment required'],
  ['warning', "You're close to your weekly limit · resets Nov 24, 9am"],
  ['warning', 'Approaching 5-hour limit · resets 3pm'],
  ['warning', "You're now using extra usage · Your session limit resets 3pm"],
  ['warning', '85% of weekly limit used'],
  ['warning', 'You have 5% of your session limit remaining'],
  ['warning', 'You’ve used 90% of your Opus weekly limit'],
  ['none', 'Context low (3% remaining) · Run /compact to compact & continue'],
  ['none', '12% until auto-compact'],
  ['none', '● The limit is 5 requests per second.'],
  ['none', '● Done. The session limit tests pass: 12 of 12.'],
  ['none', '⏺ Usage limit reached\n\n  is printed when the plan is used up.'],
  ['none', '● Weekly limit reached by the importer at 3pm.'],
  ['none', "● You've hit your limit of 5 retries."],
];

describe('[R10] [R11] [R254] the classes are kept apart', () => {
  test.each(messages)('%s: %s', (expected, text) => {
    const found = detect(text, { agent: 'claude', now, zone: 'UTC' });
    expect(found.class, found.reason).toBe(expected);
  });
});
