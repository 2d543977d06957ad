/** Screens made to deceive: every known banner in every place where it is someone else's words; and plain noise. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { detect } from '../../../src/core/screen/detect.ts';
import { readScreen } from '../../../src/core/screen/reading.ts';
import { cpuMsOf } from '../../support/cpu-time.ts';

interface Row {
  readonly id: string;
  /** Absent: Claude Code. */
  readonly agent?: string;
  readonly label: string;
  readonly text: string;
  readonly reset?: { readonly expect_from: string; readonly local_tz: string };
}

const rows = readFileSync(new URL('../../screens/dev.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Row);
/** The banner alone: limits that stand on one line, without what the corpus shows around them. */
const banners = rows
  .filter((row) => row.label === 'quota' && /^\s*(?:⎿\s+)?\S.*\n?$/.test(row.text))
  .map((row) => ({ ...row, text: row.text.replace(/^\s*(?:⎿\s+)?/, '').trim() }));

const own = banners.filter((row) => row.agent === undefined);

const RULES = [40, 80, 120].map((width) => '─'.repeat(width));
const footers = [
  '  ? for shortcuts',
  '  ⏵⏵ auto mode on (shift+tab to cycle) · ← for agents',
  '  -- INSERT -- ⏵⏵ bypass permissions on',
];
const composers = RULES.flatMap((rule, i) => [
  `\n${rule}\n❯ \n${rule}\n${footers[i]}`,
  `\n${rule}\n> Try "fix lint errors"\n${rule}\n${footers[i]}`,
]);

/** Places in which a banner is quoted. `b` is the banner. */
const quoted: Readonly<Record<string, (b: string, composer: string) => string>> = {
  'the first row of a tool': (b, c) => `● Read(notes.md)\n  ⎿  ${b}\n${c}`,
  'a later row of a tool': (b, c) =>
    `● Bash(cat a.log)\n  ⎿  first line\n     ${b}\n     ${b}\n     … +18 lines (ctrl+o to expand)\n${c}`,
  'a tool of an MCP server': (b, c) => `● notes - get_page (MCP)(page: "limits")\n  ⎿  ${b}\n${c}`,
  'a search hit': (b, c) => `● Search(pattern: "limit")\n  ⎿  docs/a.md:12:${b}\n     docs/b.md:3:${b}\n${c}`,
  'a log of commits': (b, c) => `● Bash(git log --oneline -3)\n  ⎿  ab12cd3 ${b}\n     99aa001 Fix ${b}\n${c}`,
  'a diff': (b, c) => `● Update(src/a.ts)\n  ⎿  Added 1 line, removed 1 line\n      14 - ${b}\n      14 + ${b}\n${c}`,
  'a written file': (b, c) => `● Write(a.md)\n  ⎿  Wrote 3 lines to a.md\n      1 ${b}\n      2\n      3 ${b}\n${c}`,
  'the head of a tool call': (b, c) => `● Bash(grep -c '${b}' x.log)\n  ⎿  3\n${c}`,
  prose: (b, c) => `● When the CLI prints ${b} it stops.\n${c}`,
  'a paragraph of prose': (b, c) => `● The CLI prints one of these:\n\n  ${b}\n\n  and stops.\n${c}`,
  'a list': (b, c) => `● Families:\n\n  1. ${b}\n  2. another\n\n  - ${b}\n${c}`,
  'a code block': (b, c) => `● Use this:\n\n    const banner = "${b}";\n    ${b}\n${c}`,
  'a table': (b, c) => `● Families:\n\n  ┌──────┐\n  │ ${b} │\n  └──────┘\n${c}`,
  'a prompt': (b, c) => `❯ ${b}\n\n● I see.\n${c}`,
  'a prompt of several lines': (b, c) => `❯ what is this?\n  ${b}\n  ⎿  ${b}\n  it came today\n\n● A limit.\n${c}`,
  'a fence': (b) => `\`\`\`\n${b}\n\`\`\``,
  'the composer': (b) => `● ok\n\n${RULES[1]}\n❯ ${b}\n${RULES[1]}\n  ? for shortcuts`,
  'the boxed composer': (b) => `● ok\n\n╭${RULES[1]}╮\n│ > ${b} │\n╰${RULES[1]}╯\n  ? for shortcuts`,
  'a shell command of the user': (b, c) => `! cat notes.md\n  ⎿  ${b}\n     ${b}\n${c}`,
  'a capture of another pane': (b, c) =>
    `● Bash(tmux capture-pane -p -t %3)\n  ⎿  ❯ hi\n       ⎿  ${b}\n          /upgrade to increase your usage limit.\n\n     ${RULES[0]}\n     ❯\n     ${RULES[0]}\n${c}`,
  'a pasted row': (b, c) => `● The other pane shows:\n\n  ⎿  ${b}\n\n  so it waits.\n${c}`,
  'a log that is followed': (b, c) =>
    `● Bash(tail -f daemon.log)\n  ⎿  Running…\n     10:00:01 hit: ${b}\n     ${b}\n\n✻ Pondering… (5s · esc to interrupt)\n${c}`,
  'the output of a test run': (b, c) =>
    `● Bash(pytest -q)\n  ⎿  Error: Exit code 1\n     FAILED test_a.py - AssertionError\n     ${b}\n     1 failed in 0.2s\n${c}`,
  'a permission dialog': (b) =>
    `● Bash(echo)\n\n${RULES[1]}\n Bash command\n\n   echo '${b}'\n   ${b}\n\n Do you want to proceed?\n ❯ 1. Yes\n   2. No\n\n Esc to cancel`,
  'a plan': (b) =>
    `● A plan:\n\n${RULES[1]}\n Here is the plan:\n╌╌╌╌╌╌╌╌╌╌╌╌\n ${b}\n╌╌╌╌╌╌╌╌╌╌╌╌\n Would you like to proceed?\n ❯ 1. Yes\n   2. No`,
  'an old turn, answered since': (b, c) =>
    `❯ hi\n  ⎿  ${b}\n     /upgrade to increase your usage limit.\n\n❯ continue\n\n● Going on with the parser.\n\n✻ Churned for 3m 12s\n${c}`,
  'an old turn, with a tool running since': (b, c) =>
    `❯ hi\n  ⎿  ${b}\n\n❯ continue\n\n● Bash(npm test)\n  ⎿  Running…\n${c}`,
  'an old turn, with a new one thinking': (b, c) =>
    `❯ hi\n  ⎿  ${b}\n\n❯ continue\n\n✽ Hatching… (3s · ↓ 2 tokens)\n${c}`,
  'the shell before the session': (b, c) =>
    `$ cat notes.md\n${b}\n$ claude\n ▐▛███▜▌   Claude Code v2.1.328\n▝▜█████▛▘  Opus\n\n❯ hi\n\n● hello\n${c}`,
  'a status line of the user': (b) => `● ok\n${RULES[1]}\n❯ \n${RULES[1]}\n  acct-1 | ${b}\n  ⏵⏵ auto mode on`,
  'a list of tasks': (b, c) => `● Update Todos\n  ⎿  ☐ ${b}\n     ☒ ${b}\n\n3 tasks (1 done, 2 open)\n  ◻ ${b}\n${c}`,
  'the top of the screen, scrolled': (b, c) => `     ${b}\n     more output\n\n● Done.\n${c}`,
};

/** Places in which the same banner is the CLI's own. */
const real: Readonly<Record<string, (b: string, composer: string) => string>> = {
  'the answer to a prompt': (b, c) => `❯ hi\n  ⎿  ${b}\n     /upgrade to increase your usage limit.\n${c}`,
  'the turn, after the output of a tool': (b, c) => `● Bash(ls)\n  ⎿  a\n     b\n  ⎿  ${b}\n\n✻ Worked for 8s\n${c}`,
  'the turn, after prose that ends in a colon': (b, c) => `● Now the tests:\n  ⎿  ${b}\n${c}`,
  'a report of background work': (b, c) => `● Agent "Explore" completed\n  ⎿  ${b}\n${c}`,
  'the turn, far above the composer': (b, c) =>
    `● Monitor event: quiet\n  ⎿  ${b}\n\n✻ Worked for 0s\n\n90 tasks (28 done, 62 open)\n${'  ◻ Do one more thing about the usage limit\n'.repeat(90)}${c}`,
  'the turn, with an older server error above': (b, c) => `● API Error: 529 Overloaded\n\n❯ again\n  ⎿  ${b}\n${c}`,
};

function classesIn(
  places: typeof quoted,
  expected: (found: string) => boolean,
  of: readonly Row[] = banners,
): { count: number; wrong: string[] } {
  const wrong: string[] = [];
  let count = 0;
  for (const banner of of) {
    const now = Date.parse(banner.reset?.expect_from ?? '2026-10-02T12:00:00Z');
    for (const [place, build] of Object.entries(places)) {
      for (const composer of composers) {
        count += 1;
        const found = detect(build(banner.text, composer), {
          agent: 'claude',
          now,
          zone: banner.reset?.local_tz ?? 'UTC',
        });
        if (!expected(found.class)) wrong.push(`${banner.id} in ${place}: ${found.class} (${found.reason})`);
      }
    }
  }
  return { count, wrong };
}

describe('[R16] hostile screens', () => {
  test("a banner in someone else's words is never a limit", () => {
    const { count, wrong } = classesIn(quoted, (found) => found !== 'quota');
    expect([...new Set(wrong)]).toEqual([]);
    expect(count).toBeGreaterThan(2_000);
  });

  test('[R13] the same banners are limits where the CLI itself writes', () => {
    const { count, wrong } = classesIn(real, (found) => found === 'quota', own);
    expect([...new Set(wrong)]).toEqual([]);
    expect(count).toBeGreaterThan(1_000);
  });
});

describe('noise', () => {
  const pieces = [
    ...banners.slice(0, 12).map(({ text }) => text),
    '● ',
    '⏺ ',
    '  ⎿  ',
    '❯ ',
    '> ',
    '! ',
    '│ ',
    '╭──────────╮',
    '╰──────────╯',
    '────────────────',
    '✻ ',
    '…',
    '⚠ ',
    '```',
    '\n',
    '\n',
    '\n',
    '     ',
    '  ',
    'Bash(x)',
    'API Error: 500',
    'Enter to confirm · Esc to cancel',
    '1. Stop and wait for limit to reset',
    'What do you want to do?',
    'esc to interrupt',
    '\u001b[31m',
    '\u001b]0;',
    '\u0000',
    '\u00a0',
    '\ud800',
    '🛑',
    '\t',
    '\r',
    'resets 3pm',
    '(UTC)',
    '|1749924000',
    'Claude Code v2.1.328',
  ];
  const screen = fc.array(
    fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...pieces) }, fc.string({ maxLength: 12 })),
    { maxLength: 40 },
  );

  test('never makes the reader throw, and always gives one reason', () => {
    fc.assert(
      fc.property(screen, fc.integer({ min: 0, max: 4e12 }), (parts, now) => {
        const reading = readScreen(parts.join(''), { now, zone: 'Europe/Berlin' });
        return reading.reason !== '' && (reading.finding === null || reading.finding.text.length <= 400);
      }),
      { numRuns: 20_000 },
    );
  });

  test('made against an expression is still read in bounded time', async () => {
    const slow: string[] = [];
    for (const piece of [...pieces, 'a@', 'a ', '(', 'limit ', '"', '· ', 'x (', '%', '$ ']) {
      for (const length of [10_000]) {
        const text = piece.repeat(Math.ceil(length / piece.length)).slice(0, length);
        for (const noise of [text, text.replace(/.{200}/gu, '$&\n')]) {
          // A guard against runaway growth, not a measurement: a real screen takes well under a millisecond.
          const cpuMs = await cpuMsOf(() => readScreen(noise, { now: 1.8e12, zone: 'UTC' }));
          if (cpuMs > 250) slow.push(JSON.stringify(piece));
        }
      }
    }
    expect(slow).toEqual([]);
  });
});
