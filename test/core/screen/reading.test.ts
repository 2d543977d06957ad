/** What a reading says beside the class: composer, dialog, busy, vetoes, warnings, patterns of the user. */
import { describe, expect, test } from 'vitest';
import { readScreen } from '../../../src/core/screen/reading.ts';
import type { UserPatterns } from '../../../src/core/screen/user-patterns.ts';

const now = Date.parse('2026-11-20T12:00:00Z');
const read = (screen: string, user: Partial<UserPatterns> = {}) =>
  readScreen(screen, { now, zone: 'UTC', extra: { patterns: [], ignore: [], serverErrors: [], ...user } });
const RULE = '─'.repeat(80);
const composer = (text = '', footer = '  ? for shortcuts') => `\n${RULE}\n❯ ${text}\n${RULE}\n${footer}`;
const boxed = (text: string) => `╭${'─'.repeat(40)}╮\n│ > ${text.padEnd(37)}│\n╰${'─'.repeat(40)}╯\n  ? for shortcuts`;
const BANNER = "  ⎿  You've hit your session limit · resets 3pm (UTC)";

describe('the composer', () => {
  test.each([
    ['an empty one', composer(), ''],
    ['typed text', composer('fix the tests'), 'fix the tests'],
    ['a placeholder', composer('Try "refactor <filepath>"'), ''],
    ['the placeholder after an error', composer('Once fixed, resend your message'), ''],
    ['the boxed one of 1.0', boxed('hello'), 'hello'],
    ["a person's text that begins like one", composer('Try "npm test" and mend it'), 'Try "npm test" and mend it'],
    ["a person's text that quotes twice", composer('Try "a" or "b"'), 'Try "a" or "b"'],
    ["a person's text that is half typed", composer('Try "npm te'), 'Try "npm te'],
    ['several lines', `${RULE}\n❯ one\n  two\n${RULE}\n`, 'one\ntwo'],
    ['one with a label in its rule', `──── my-session ${RULE}\n❯ hi\n${RULE}\n  ? for shortcuts`, 'hi'],
    ['a bare one at the end', '● Done.\n\n❯ \n', ''],
  ])('is read: %s', (_name, screen, text) => {
    expect(read(screen).composer).toEqual({ text });
  });

  test('is null while a dialog stands in its place, and in a shell', () => {
    expect(read('❯ hi\n\n Do you want to proceed?\n ❯ 1. Yes\n   2. No\n').composer).toBeNull();
    expect(read('me@host:~$ ls\na b c\nme@host:~$ ').composer).toBeNull();
  });
});

test.each([
  [' ▐▛███▜▌   Claude Code v2.1.328\n▝▜█████▛▘  Opus 5', '2.1.328'],
  ['╭─── Claude Code v2.0.76 ─────╮', '2.0.76'],
  [' ▐▛███▜▌   Claude Code v2.0.76\n❯ /exit\n$ claude\n ▐▛███▜▌   Claude Code v2.1.328', '2.1.328'],
  ['╭────╮\n│ ✻ Welcome to Claude Code! │', null],
  ['● It needs Claude Code v2.1.328 or newer.', null],
  ['', null],
])('the version is that of the newest welcome line: %j', (welcome, version) => {
  expect(read(`${welcome}\n${composer()}`).version).toBe(version);
  expect(read(`${welcome}\n Do you want to proceed?\n ❯ 1. Yes\n   2. No\n`).version).toBe(version);
});

describe('[R264] [R265] dialogs', () => {
  test.each([
    [
      'limit-menu',
      '  What do you want to do?\n\n  ❯ 1. Stop and wait for limit to reset\n    2. Switch to usage credits\n\n  Enter to confirm · Esc to cancel',
    ],
    [
      'limit-menu',
      '╭───────╮\n│ What do you want to do? │\n│ ❯ 1. Upgrade your plan │\n│   2. Stop and wait for limit to reset │\n╰───────╯',
    ],
    ['permission', ' Bash command\n\n   rm -rf x\n\n Do you want to proceed?\n ❯ 1. Yes\n   2. No\n\n Esc to cancel'],
    [
      'trust',
      ' Do you trust the files in this folder?\n\n ❯ 1. Yes, proceed\n   2. No, exit\n\n Enter to confirm · Esc to cancel',
    ],
    ['login', ' Select login method:\n\n ❯ 1. Claude account with subscription\n   2. Anthropic Console account'],
    [
      'foreign-session',
      ' This session belongs to another account\n\n ❯ 1. Go back\n   2. Exit\n   3. Copy this session\n\n Enter to confirm · Esc to cancel',
    ],
    ['other', ' Pick a colour\n\n ❯ 1. Red\n   2. Blue\n\n Enter to confirm · Esc to cancel'],
    ['other', ' Usage\n\n Current session: 42% used\n\n esc to close'],
  ])('%s', (kind, text) => {
    const reading = read(`❯ /something\n\n${RULE}\n${text}\n`);
    expect(reading.dialog?.kind).toBe(kind);
    expect(reading.composer).toBeNull();
  });

  test('the menu is a limit by itself, with the time of its waiting row', () => {
    const menu =
      '  What do you want to do?\n  ❯ 1. Switch to usage credits\n    2. Stop and wait for limit to reset\n    3. Wait here, then continue automatically at 1:40pm\n  Enter to confirm · Esc to cancel';
    expect(read(`${RULE}\n${menu}`).finding).toMatchObject({
      class: 'quota',
      family: 'limit-menu',
      reset: { at: Date.parse('2026-11-20T13:40:00Z') },
    });
  });

  test('the menu keeps the words and the window of the banner above it', () => {
    const menu = `${RULE}\n  What do you want to do?\n  ❯ 1. Stop and wait for limit to reset\n    2. Upgrade your plan\n  Enter to confirm · Esc to cancel`;
    const { finding, dialog } = read(`❯ hi\n${BANNER}\n\n❯ /rate-limit-options\n${menu}`);
    expect(dialog?.kind).toBe('limit-menu');
    expect(finding).toMatchObject({ family: 'hit-limit', window: '5h', line: 1 });
  });

  test('a menu that the model asks, or that stands in its prose, is not the limit menu', () => {
    const choices = 'What do you want to do?\n❯ 1. Stop and wait for limit to reset\n  2. Upgrade your plan';
    expect(read(`${RULE}\n${choices}\n\nEnter to select · Esc to cancel`).dialog?.kind).toBe('other');
    expect(read(`● ${choices}\n${composer()}`).finding).toBeNull();
  });
});

describe('[R15] a running turn', () => {
  test.each([
    ['a spinner', '✽ Hatching… (6m 1s · ↓ 73.2k tokens)'],
    ['a spinner of 1.0', '* Simmering… (esc to interrupt)'],
    [
      'a spinner with a tip',
      '✻ Noodling… (esc to interrupt)\n  ⎿  Tip: Press Shift+Enter to send a multi-line message',
    ],
    ['a spinner with a task list', '✶ Fixing the parser… (2m 3s)\n  ◼ Fix the parser\n  ◻ Test the parser'],
    ['a retry', '✻ 529 Overloaded · retrying in 8s · attempt 4/10'],
  ])('is seen by %s', (_name, spinner) => {
    expect(read(`❯ hi\n\n${spinner}\n${composer()}`).busy).toBe(true);
  });

  test('is seen by the footer', () => {
    expect(read(`❯ hi\n${composer('', '  ⏵⏵ auto mode on (shift+tab to cycle) · esc to interrupt')}`).busy).toBe(true);
  });

  test('is over when the turn ended, and while the CLI only waits for the reset', () => {
    expect(read(`❯ hi\n\n● ok\n\n✻ Churned for 36s · done 11:20 AM\n${composer()}`).busy).toBe(false);
    const footer = '  ⚠ Usage limit reached · limit resets 3pm\n    Continuing automatically at 3pm · Esc to cancel';
    const reading = read(`❯ hi\n${BANNER}\n${composer('', footer)}`);
    expect(reading).toMatchObject({ busy: false, finding: { class: 'quota', selfContinues: true, window: '5h' } });
  });

  test('below a limit puts the limit aside, with its reason', () => {
    const reading = read(`❯ hi\n${BANNER}\n\n❯ continue\n\n✽ Hatching… (3s)\n${composer()}`);
    expect(reading.finding).toBeNull();
    expect(reading.vetoes).toContainEqual(expect.objectContaining({ reason: 'a turn is running at or below it' }));
  });
});

describe('what puts a limit aside', () => {
  test('[R8] a server error in the message or below it, but not one above it', () => {
    const error = '● API Error: 500 {"type":"error","error":{"type":"api_error","message":"Internal server error"}}';
    expect(read(`${error}\n\n❯ again\n${BANNER}\n${composer()}`).finding?.class).toBe('quota');
    expect(read(`❯ hi\n${BANNER}\n\n❯ again\n\n${error}\n${composer()}`).finding?.class).toBe('throttle');
    expect(read(`❯ hi\n${BANNER}\n\n❯ again\n  ⎿  upstream said: overloaded_error\n${composer()}`).finding).toBeNull();
    expect(read(`❯ hi\n${BANNER} · api_error\n${composer()}`).finding).toBeNull();
  });

  test('[R7] a 500 that speaks of rate limits is throttling, in its retry and at its end', () => {
    const words = 'Internal server error: upstream said rate limit exceeded, usage limit reached';
    expect(read(`❯ hi\n\n● API Error: 500 ${words}\n${composer()}`).finding?.class).toBe('throttle');
    expect(read(`❯ hi\n\n✻ 500 ${words} · retrying in 2s · attempt 3/10\n${composer()}`).finding?.class).toBe(
      'throttle',
    );
  });

  test('[R33] a session reset further ahead than the window is long was printed before it last passed', () => {
    const banner = (what: string, when: string) => read(`  ⎿  You've hit your ${what} limit · resets ${when} (UTC)`);
    expect(banner('session', '5:15pm').finding?.class).toBe('quota');
    expect(banner('session', '5:16pm').finding).toBeNull();
    expect(banner('session', '11am').finding).toBeNull();
    expect(banner('weekly', '11am').finding?.class).toBe('quota');
    expect(banner('', '11am').finding?.class ?? null).toBe('quota');
  });

  test('[R34] a reset that has passed', () => {
    expect(read("  ⎿  You've hit your weekly limit · resets Nov 20, 11am (UTC)").finding).toBeNull();
    expect(read('Claude AI usage limit reached|1749924000').finding).toBeNull();
  });

  test('is named with its family and its reason', () => {
    const { vetoes, reason } = read(`● Bash(cat a)\n  ⎿  You've hit your weekly limit · resets 3pm\n${composer()}`);
    expect(vetoes).toEqual([
      expect.objectContaining({ family: 'hit-limit', reason: 'it stands in the output of a tool' }),
    ]);
    expect(reason).toContain('output of a tool');
  });

  test('[R257] a limit in words that no pattern knows is no hit, but is noted', () => {
    const { finding, vetoes } = read(`❯ hi\n  ⎿  The limits of your plan have all been eaten\n${composer()}`);
    expect(finding).toBeNull();
    expect(vetoes).toEqual([expect.objectContaining({ family: 'unknown-wording' })]);
  });
});

describe('[R11] warnings', () => {
  test('stand beside a finding and never replace it', () => {
    const footer =
      "  ⏵⏵ auto mode on (shift+tab to cycle)          You've used 98% of your weekly limit · resets Nov 24, 9am";
    const reading = read(`❯ hi\n${BANNER}\n${composer('', footer)}`);
    expect(reading.finding?.class).toBe('quota');
    expect(reading.warnings).toEqual([expect.objectContaining({ class: 'warning', window: '7d' })]);
  });
});

describe('the newest limit decides', () => {
  test('[R12] another limit below replaces the one above', () => {
    const weekly = "  ⎿  You've hit your weekly limit · resets Nov 24, 9am (UTC)";
    const reading = read(`❯ a\n${BANNER}\n\n❯ b\n${weekly}\n${composer()}`);
    expect(reading.finding).toMatchObject({ window: '7d', reset: { at: Date.parse('2026-11-24T09:00:00Z') } });
  });

  test('a stopped automatic continue is no longer one that goes on by itself', () => {
    const notice = '● Usage limit reached · continuing automatically at 3pm · esc to cancel';
    expect(read(`❯ a\n${BANNER}\n\n${notice}\n${composer()}`).finding?.selfContinues).toBe(true);
    const stopped = '● Automatic continue cancelled · /rate-limit-options to re-arm';
    expect(read(`❯ a\n${BANNER}\n\n${notice}\n\n${stopped}\n${composer()}`).finding?.selfContinues).toBe(false);
  });

  test('a task list below a notice leaves it a notice', () => {
    const list = '  ◼ Fix the parser\n  ◻ Test the parser';
    const notice = '● Usage limit reached · continuing automatically at 3pm · esc to cancel';
    expect(read(`❯ a\n${BANNER}\n\n${notice}\n\n${list}\n${composer()}`).finding?.class).toBe('quota');
    expect(read(`❯ a\n${BANNER}\n\n${list}\n${composer()}`).finding?.class).toBe('quota');
  });
});

describe('[R29] patterns of the user', () => {
  const screen = `❯ hi\n  ⎿  Fair use ended for today, come back at 8pm\n${composer()}`;

  test('add a limit, in message position only', () => {
    const extra = [{ id: 'fair-use', substring: 'fair use ended', window: 'daily' as const }];
    expect(read(screen).finding).toBeNull();
    expect(read(screen, { patterns: extra }).finding).toMatchObject({
      family: 'user:fair-use',
      window: 'daily',
      class: 'quota',
    });
    expect(read(`● Bash(x)\n  ⎿  Fair use ended for today\n${composer()}`, { patterns: extra }).finding).toBeNull();
  });

  test('ignore a message, and mark another as a server error', () => {
    const one = `❯ hi\n${BANNER} · from the gateway\n${composer()}`;
    const gateway = [{ id: 'gateway', regex: /from the gateway/g }];
    expect(read(one).finding?.class).toBe('quota');
    expect(read(one, { ignore: gateway }).finding).toBeNull();
    expect(read(one, { serverErrors: gateway }).finding).toBeNull();
  });
});

describe('any text', () => {
  test('names the line on the whole screen, however much is cut away before it', () => {
    const filler = 'x\n'.repeat(3_000);
    expect(read(`${filler}\n${BANNER}`).finding?.line).toBe(3_001);
  });

  test('of a megabyte, on one line or many, is read and found empty', () => {
    for (const text of [
      'x'.repeat(1_000_000),
      ' '.repeat(1_000_000),
      '\u001b['.repeat(300_000),
      '╭─\n'.repeat(300_000),
    ]) {
      expect(read(text).finding).toBeNull();
    }
  });
});
