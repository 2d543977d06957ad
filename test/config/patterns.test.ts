/** The user's own patterns: what is taken, what is refused, and that no pattern can hang the load. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LiveConfig } from '../../src/config/live.ts';
import { loadConfigFile, parseConfig } from '../../src/config/load.ts';
import { compile } from '../../src/config/patterns.ts';
import { nestedRepeat } from '../../src/config/regex-shape.ts';
import type { Config } from '../../src/config/schema.ts';
import { ConfigError, problemLine } from '../../src/core/errors.ts';
import { readScreen } from '../../src/core/screen/reading.ts';
import { FakeClock } from '../support/fake-clock.ts';

const ACCOUNTS = 'accounts:\n  - { name: a, home: ~/a }\n  - { name: b, home: ~/b }\n';
const SCREEN = `❯ go\n  ⎿  Your allotment is spent · try again later\n\n${'─'.repeat(40)}\n❯ \n${'─'.repeat(40)}\n  ? for shortcuts`;

function load(yaml: string): Config {
  return parseConfig('/c.yaml', new TextEncoder().encode(ACCOUNTS + yaml), { env: {}, home: '/home/ada' }).config;
}

function problemsOf(yaml: string): readonly string[] {
  try {
    load(yaml);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => problemLine('c.yaml', problem));
  }
}

const one = (entry: string, list = 'extra') => `quota:\n  patterns:\n    ${list}:\n      - ${entry}\n`;

test('a pattern of the configuration is read, compiled and found on a screen under its own name [R29 R258]', () => {
  const { patterns } = load(one(`{ id: allotment, regex: 'allotment (is|was) spent', window: 7d }`)).quota;
  expect(patterns.patterns).toEqual([
    { id: 'allotment', class: 'quota', window: '7d', regex: /allotment (is|was) spent/i },
  ]);
  const context = { now: 0, zone: 'UTC' };
  expect(readScreen(SCREEN, context).finding).toBeNull();
  expect(readScreen(SCREEN, { ...context, extra: patterns }).finding).toMatchObject({
    class: 'quota',
    window: '7d',
    family: 'user:allotment',
  });
});

test('what is to be ignored, and more signs of a failing server, are lists of their own [R29]', () => {
  const yaml = `quota:\n  patterns:\n    ignore:\n      - { id: joke, substring: just kidding }\n    server_error_extra:\n      - { id: gateway, regex: 'bad gateway', agent: codex }\n`;
  expect(load(yaml).quota.patterns).toEqual({
    patterns: [],
    ignore: [{ id: 'joke', substring: 'just kidding' }],
    serverErrors: [{ id: 'gateway', regex: /bad gateway/i, agent: 'codex' }],
  });
});

test.each([
  [
    `{ id: x, regex: '(unclosed' }`,
    /c\.yaml:7:\d+ quota\.patterns\.extra\[0\]\.regex: is not a valid regular expression/,
  ],
  [`{ id: x, regex: '(a+)+$' }`, /c\.yaml:7:\d+ quota\.patterns\.extra\[0\]\.regex: can take forever/],
  [`{ id: x, regex: '(a|aa)*limit' }`, /quota\.patterns\.extra\[0\]\.regex: can take too long: more than 50 ms/],
  [`{ id: x, regex: '.*' }`, /quota\.patterns\.extra\[0\]\.regex: matches every text/],
  [`{ id: x }`, /quota\.patterns\.extra\[0\]: needs a regex or a substring/],
  [`{ id: x, regex: a b, substring: a b c }`, /quota\.patterns\.extra\[0\]: has both/],
  [`{ id: x y, substring: abc }`, /quota\.patterns\.extra\[0\]\.id: expected 1 to 64 letters/],
  [`{ id: x, substring: abc, window: year }`, /quota\.patterns\.extra\[0\]\.window: must be one of/],
  [`{ id: x, substring: abc, klass: auth }`, /quota\.patterns\.extra\[0\]\.klass: unknown key/],
])('%s is refused at its line and column, with the key and a hint [R29]', (entry, expected) => {
  const [first = ''] = problemsOf(one(entry));
  expect(first).toMatch(expected);
});

test('two patterns cannot bear the same name', () => {
  const yaml = `quota:\n  patterns:\n    extra:\n      - { id: x, substring: abc }\n    ignore:\n      - { id: x, substring: abd }\n`;
  expect(problemsOf(yaml).join()).toContain('quota.patterns.ignore[0].id: is the id of another pattern too');
});

describe('catastrophic expressions [R29]', () => {
  test.each([
    '(a+)+',
    '(a*)*b',
    '(?:x+y?)+z',
    '([a-z]+)*$',
    '((a{1,100}){1,100}){1,100}b',
    '(a|aa)+$',
    '(a|a?)+$',
    '(\\w|\\d)+!',
    '(?:\\w+\\s?)*limit',
    '^(?:.?.?.?.?.?.?){30}!$',
    '.*.*.*=x',
    '(.*)*\\1z',
    `${'('.repeat(60)}a${'{1,9}){1,9}'.repeat(60)}b`,
    '((a?){25}){25}((a?){25}){25}((a?){25}){25}b',
    '(?=(a+)+b)a',
  ])('%s', (source) => {
    expect(compile(source)).not.toBeInstanceOf(RegExp);
  });

  test.each([
    'usage (?:cap|limit) (?:hit|reached)',
    "you(?:['’]ve| have) (?:hit|reached) your .{1,40} cap",
    'limit.*resets.*at',
    '^(?:\\w+ )*cap reached',
    '\\blimit\\b[^\\n]*\\bresets?\\b',
    'try again (?:in|at) \\d{1,2}(?::\\d{2})? ?(?:am|pm)?',
    '配额已用完',
    '[Qq]uota \\(exceeded\\)',
  ])('but not %s', (source) => {
    expect(compile(source)).toBeInstanceOf(RegExp);
  });

  test('a repeat in a repeat is only refused where the two share one run of text', () => {
    expect(nestedRepeat('(\\w+ )+')).toBeNull();
    expect(nestedRepeat('(a{1,5})+')).toBeNull();
    expect(nestedRepeat('(a+ ?)+')).not.toBeNull();
    expect(nestedRepeat('(b|a+)+')).not.toBeNull();
    expect(nestedRepeat('[(a+)+]')).toBeNull();
    expect(nestedRepeat('\\(a+\\)+')).toBeNull();
  });
});

test('a change of the patterns takes effect without a restart, and a bad one leaves the old in force [R258]', () => {
  const dir = mkdtempSync(join(tmpdir(), 'cf-'));
  try {
    const path = join(dir, 'c.yaml');
    const write = (yaml: string) => writeFileSync(path, ACCOUNTS + yaml);
    write('');
    const clock = new FakeClock('2026-01-05T12:00:00Z');
    const options = { env: {}, home: dir };
    const live = new LiveConfig({ loaded: loadConfigFile({ path, ...options }), ...options, clock });
    const ids = () => live.current.quota.patterns.patterns.map(({ id }) => id);
    write(one('{ id: first, substring: allotment }'));
    expect(live.reload()).toMatchObject({ kind: 'applied', changedKeys: ['quota.patterns.extra'], restartKeys: [] });
    expect(ids()).toEqual(['first']);
    write(one(`{ id: second, regex: '(a+)+' }`));
    expect(live.reload().kind).toBe('rejected');
    expect(ids()).toEqual(['first']);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
