/** Where a message may stand: the same words count in one place of a screen and not in another. */
import { describe, expect, test } from 'vitest';
import { detect } from '../../../src/core/screen/detect.ts';

const now = Date.parse('2026-11-20T12:00:00Z');
const R = '─'.repeat(80);
/** Composer and footer of an idle session. */
const C = `\n${R}\n❯ \n${R}\n  ⏵⏵ auto mode on (shift+tab to cycle) · ← for agents`;
const B = "You've hit your session limit · resets 3pm (UTC)";

const cases: readonly (readonly [expected: string, name: string, screen: string])[] = [
  ['quota', 'teammate', `● Teammate @researcher failed: ${B}\n${C}`],
  ['quota', 'agent failed', `● Agent "Explore code" completed\n  ⎿  ${B}\n${C}`],
  ['quota', 'agent failed inline', `● Agent "Explore code" failed: ${B}\n${C}`],
  ['none', 'task out', `● Task(Explore)\n  ⎿  ${B}\n${C}`],
  [
    'quota',
    'task then own',
    `● Task(Explore)\n  ⎿  Done (3 tool uses · 2k tokens · 3s)\n  ⎿  ${B}\n     /upgrade to increase your usage limit.\n${C}`,
  ],
  ['quota', 'prose then own', `● Let me run the tests now.\n  ⎿  ${B}\n${C}`],
  ['quota', 'prose blank own', `● Let me run the tests now.\n\n  ⎿  ${B}\n${C}`],
  ['none', 'prose colon quote', `● The pane shows this:\n\n  ⎿  ${B}\n\n  so I waited.\n${C}`],
  ['none', 'prose colon quote2', `● The pane shows this:\n\n  ⎿  ${B}\n${C}`],
  ['none', 'prose quote continues', `● That session printed\n\n  ⎿  ${B}\n\n  and then stopped.\n${C}`],
  [
    'none',
    'nested capture',
    `● Bash(tmux capture-pane -p -t 3)\n  ⎿  ❯ hi\n       ⎿  ${B}\n          /upgrade to increase your usage limit.\n     ${R}\n     ❯\n     ${R}\n${C}`,
  ],
  [
    'none',
    'nested capture first',
    `● Bash(tmux capture-pane -p -t 3)\n  ⎿    ⎿  ${B}\n          /upgrade to increase your usage limit.\n${C}`,
  ],
  ['none', 'composer typed', `● ok\n\n${R}\n❯ ${B}\n${R}\n  ? for shortcuts`],
  ['none', 'composer typed multi', `● ok\n\n${R}\n❯ look at this:\n  ${B}\n  ⎿  ${B}\n${R}\n  ? for shortcuts`],
  [
    'none',
    'boxed composer typed',
    `● ok\n\n╭${'─'.repeat(78)}╮\n│ > ${B}${' '.repeat(20)}│\n╰${'─'.repeat(78)}╯\n  ? for shortcuts`,
  ],
  [
    'quota',
    'boxed composer',
    `> hi\n  ⎿  ${B}\n     /upgrade to increase your usage limit.\n\n╭${'─'.repeat(78)}╮\n│ >${' '.repeat(75)}│\n╰${'─'.repeat(78)}╯\n  ? for shortcuts`,
  ],
  ['none', 'recovered', `❯ hi\n  ⎿  ${B}\n\n❯ continue\n\n● Sure, going on.\n\n✻ Baked for 3s\n${C}`],
  ['none', 'recovered busy', `❯ hi\n  ⎿  ${B}\n\n❯ continue\n\n✽ Hatching… (3s · ↓ 2 tokens)\n${C} · esc to interrupt`],
  ['none', 'busy old', `> hi\n  ⎿  ${B}\n\n> continue\n\n* Simmering… (esc to interrupt)\n${C}`],
  ['none', 'prompt paste', `❯ I got this:\n  ${B}\n  what now?\n\n● It means that the limit is reached.\n${C}`],
  ['none', 'prompt only paste', `❯ ${B}\n${C}`],
  ['none', 'bash mode', `! cat notes.md\n  ⎿  ${B}\n${C}`],
  ['none', 'bash mode2', `❯ ! cat notes.md\n  ⎿  ${B}\n     ${B}\n${C}`],
  [
    'none',
    'diff',
    `● Update(a.md)\n  ⎿  Added 1 line\n      1 + ${B}\n      2 - Claude usage limit reached. Your limit will reset at 3pm (UTC).\n${C}`,
  ],
  ['none', 'diff col', `+ ${B}\n- ${B}`],
  [
    'none',
    'git log',
    `● Bash(git log --oneline)\n  ⎿  ab12cd3 ${B}\n     5-hour limit reached ∙ resets 3am\n     … +3 lines (ctrl+o to expand)\n${C}`,
  ],
  ['none', 'fence', `\`\`\`\n${B}\n\`\`\``],
  ['none', 'shell cat', `$ cat notes.md\n${B}\n$ `],
  ['quota', 'claude -p', `$ claude -p 'hi'\n${B}\n$ `],
  [
    'none',
    'above welcome',
    `$ cat notes.md\n${B}\n\n$ claude\n ▐▛███▜▌   Claude Code v2.1.328\n▝▜█████▛▘  Opus\n  ▘▘ ▝▝    /home\n\n❯ hi\n\n● hello\n${C}`,
  ],
  [
    'quota',
    'tasks below',
    `● Monitor event: x\n  ⎿  ${B}\n\n✻ Worked for 0s\n\n47 tasks (28 done, 4 in progress, 15 open)\n${Array.from({ length: 80 }, (_, i) => `  ◻ Do the thing ${i} about the usage limit`).join('\n')}\n${C}`,
  ],
  [
    'quota',
    '500 above',
    `● API Error: 500 {"type":"error","error":{"type":"api_error","message":"Internal server error"}}\n\n❯ again\n  ⎿  ${B}\n${C}`,
  ],
  [
    'throttle',
    '500 below',
    `❯ hi\n  ⎿  ${B}\n\n❯ again\n\n● API Error: 529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n${C}`,
  ],
  [
    'warning',
    'warn footer',
    `● ok\n${R}\n❯ \n${R}\n  ⏵⏵ auto mode on (shift+tab to cycle)          Approaching usage limit · resets at 7pm`,
  ],
  ['warning', 'fast', `❯ hi\n  ⎿  You've hit your fast limit · resets in 1h 5m\n${C}`],
  ['none', 'reset avail', `  ⎿  ${B}\n\n● Usage limit available again · continuing now\n${C}`],
  ['none', 'reset press enter', `  ⎿  ${B}\n\n● Your usage limit has reset · press enter to continue\n${C}`],
  ['quota', 'cancelled', `  ⎿  ${B}\n\n● Automatic continue cancelled · /rate-limit-options to re-arm\n${C}`],
  ['quota', 'compact', `❯ /compact\n  ⎿  Error: Error during compaction: ${B}\n${C}`],
  [
    'quota',
    'new model',
    `❯ hi\n  ⎿  You've reached your Saga 7 limit. Run /usage-credits to continue or switch models with /model.\n${C}`,
  ],
  ['quota', 'new model2', `❯ hi\n  ⎿  Saga weekly limit reached ∙ resets Nov 25, 9am\n${C}`],
  ['none', 'todo item', `● Update Todos\n  ⎿  ☐ ${B}\n     ☐ Usage limit reached\n${C}`],
  ['none', 'docker', `● Bash(x)\n  ⎿  Error: You have reached your pull rate limit.\n${C}`],
  ['none', 'recursion', `● Bash(x)\n  ⎿  ok\n\n● Recursion limit reached in the parser.\n${C}`],
  ['none', 'prose limit reached', `● Usage limit reached is the string we match on.\n${C}`],
  ['none', 'prose2', `● You've hit your weekly limit, which means that you must wait.\n${C}`],
  ['none', 'prose3', `● Session limit reached\n\n  That heading is what the page shows.\n${C}`],
  [
    'none',
    'statusline',
    `● ok\n${R}\n❯ \n${R}\n  5h limit reached · resets 3pm | opus\n  ⏵⏵ auto mode on (shift+tab to cycle)`,
  ],
  [
    'none',
    'ask question',
    `● Which one?\n\n${R}\n ☐ Limit\n\nWhat do you want to do?\n\n❯ 1. Stop and wait for limit to reset\n  2. Upgrade your plan\n\nEnter to select · ↑/↓ to navigate · Esc to cancel`,
  ],
  [
    'quota',
    'menu 2.0 box',
    `> hi\n\n> /rate-limit-options\n╭────────╮\n│ What do you want to do? │\n│ │\n│ ❯ 1. Stop and wait for limit to reset │\n│   2. Upgrade your plan │\n╰────────╯`,
  ],
  [
    'none',
    'menu in prose',
    `● What do you want to do?\n\n  1. Stop and wait for limit to reset\n  2. Upgrade your plan\n${C}`,
  ],
  ['auth', 'auth after', `❯ hi\n  ⎿  ${B}\n\n❯ again\n  ⎿  Login expired · Please run /login\n${C}`],
  ['none', 'login ok', `❯ hi\n  ⎿  ${B}\n\n❯ /login\n  ⎿  Login successful\n${C}`],
  ['quota', 'bg event after', `❯ hi\n  ⎿  ${B}\n\n● Background command "npm test" completed (exit code 0)\n${C}`],
  ['quota', '2.1.312 drift', `❯ hi\n  ⎿  You've run out of usage credits · resets Dec 1, 9am (UTC)\n${C}`],
  [
    'quota',
    'scrolled top',
    `     line of output\n     more output\n  ⎿  ${B}\n     /upgrade to increase your usage limit.\n\n✻ Worked for 8s\n${C}`,
  ],
  ['none', 'scrolled output top', `     ${B}\n     more output\n\n● Done.\n${C}`],
  [
    'none',
    'pytest',
    `● Bash(pytest)\n  ⎿  Error: Exit code 1\n     ____ test_x ____\n     ${B}\n     E  AssertionError\n     ${B}\n${C}`,
  ],
  [
    'none',
    'read multi rows',
    `● Read(notes.md)\n  ⎿  ${B}\n     Weekly limit reached ∙ resets Oct 9\n\n● Those are the strings.\n${C}`,
  ],
  ['none', 'grep', `● Search(pattern: "hit your")\n  ⎿  Found 3 files\n     a.md:12:${B}\n${C}`],
  ['none', 'mcp out', `● notes - get_page (MCP)(id: 3)\n  ⎿  ${B}\n${C}`],
  ['quota', 'collapsed tools', `● Read 3 files, ran 2 commands (ctrl+o to expand)\n  ⎿  ${B}\n${C}`],
  [
    'quota',
    'credits wall',
    `❯ hi\n  ⎿  You're out of usage credits. Switch to another model, or manage usage credits at claude.ai/settings/usage, to continue.\n${C}`,
  ],
  ['throttle', 'timeout', `❯ hi\n  ⎿  API Error: Request timed out.\n${C}`],
  ['throttle', 'retry', `❯ hi\n\n✻ 529 Overloaded · retrying in 8s · attempt 4/10\n${C}`],
  ['none', 'retry then fine', `❯ hi\n\n● API Error: 500 Internal server error.\n\n❯ again\n\n● Here you go.\n${C}`],
  [
    'none',
    '4xx',
    `❯ hi\n  ⎿  API Error: 400 {"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long"}}\n${C}`,
  ],
  ['none', 'context', `● ok\n${R}\n❯ \n${R}\n  ⏵⏵ auto mode on          Context left until auto-compact: 8%`],
  ['none', 'ctxlimit', `❯ hi\n  ⎿  Context limit reached · /compact or /clear to continue\n${C}`],
  [
    'quota',
    'narrow40',
    `● Working on it.\n  ⎿  You've hit your session limit ·\n     resets 8:45am\n     (America/Los_Angeles)\n     /upgrade to increase your usage\n     limit.\n\n────────────────────────────────────────\n❯ \n────────────────────────────────────────\n  ⏵⏵ auto mode on (shift+tab to cycle)`,
  ],
  ['quota', 'admin', `❯ hi\n  ⎿  You've hit your org's monthly usage limit · ask your admin to raise it\n${C}`],
  ['quota', 'usage quota', `❯ hi\n  ⎿  Your organization is out of usage. Contact your admin.\n${C}`],
  [
    'quota',
    'self only footer',
    `● x\n${R}\n❯ \n${R}\n  ⚠ Usage limit reached · limit resets 3:45pm · clau.de/wrap-up\n    Continuing automatically at 3:45pm · esc to cancel\n  ⏵⏵ auto mode on`,
  ],
  [
    'none',
    'quoting user banner long prompt',
    `❯ why does claude say "You've hit your session limit" and then\n  You've hit your weekly limit · resets Mon 12:00am\n\n● Because…\n${C}`,
  ],
  [
    'quota',
    'stale 2 banners',
    `❯ a\n  ⎿  ${B}\n\n❯ b\n  ⎿  You've hit your weekly limit · resets Nov 24, 9am (UTC)\n${C}`,
  ],
  [
    'none',
    'ci log',
    `● Bash(gh run view --log)\n  ⎿  test\tRun tests\t2026-11-20T10:00:00Z ${B}\n     test\tRun tests\tAPI Error: 529 overloaded\n${C}`,
  ],
  [
    'none',
    'read API error',
    `● Bash(cat log)\n  ⎿  API Error: 500 {"type":"error"}\n     Not logged in · Please run /login\n${C}`,
  ],
  ['none', 'prose API', `● API error handling now retries 529 responses.\n${C}`],
  [
    'throttle',
    'socket',
    `❯ hi\n  ⎿  API Error: The socket connection was closed unexpectedly. For more information, pass \`verbose: true\`\n${C}`,
  ],
  [
    'auth',
    'not logged in footer',
    `● ok\n${R}\n❯ \n${R}\n  ? for shortcuts                                   Not logged in · Run /login`,
  ],
  [
    'quota',
    'extra usage limit',
    `❯ hi\n  ⎿  You've reached your extra usage limit for this month · resets Dec 1 (UTC)\n${C}`,
  ],
  [
    'none',
    'monitor tool-out quoting',
    `● Bash(tail -f daemon.log)\n  ⎿  Running…\n     hit: ${B}\n\n✻ Pondering… (5s)\n${C}`,
  ],
  ['none', 'bullet dash prose', `● ${B} — that is the text we match.\n${C}`],
  ['none', 'bullet · prose', `● You've hit your session limit · that is what it prints.\n${C}`],
  ['quota', 'bullet pure', `● ${B}\n${C}`],
  ['none', 'thinking', `∴ Thinking…\n\n  ${B}\n  is the banner the user means.\n\n● I see.\n${C}`],
  ['none', 'thinking live', `✻ Thinking…\n\n  ${B}\n  is the banner the user means.\n${C} · esc to interrupt`],
  ['none', 'statusline warn', `● ok\n${R}\n❯ \n${R}\n  ⚠ 5h limit reached · resets 3pm | opus\n  ⏵⏵ auto mode on`],
  ['none', 'it failed', `● It failed: ${B}\n${C}`],
  ['none', 'numbered list', `● The strings:\n\n  1. ${B}\n  2. Weekly limit reached ∙ resets Oct 9\n${C}`],
  ['none', 'plain list', `● The strings:\n\n  - ${B}\n  - Weekly limit reached ∙ resets Oct 9\n\n  ${B}\n${C}`],
  [
    'none',
    'table',
    `● Families:\n\n  ┌──────┬─────┐\n  │ ${B} │ quota │\n  ├──────┼─────┤\n  │ Weekly limit reached │ quota │\n  └──────┴─────┘\n${C}`,
  ],
  ['none', 'rounded table in prose', `● Families:\n\n  ╭──────────────────╮\n  │ ${B} │\n  ╰──────────────────╯\n${C}`],
  ['none', 'box in tool', `● Bash(cat x)\n  ⎿  ╭────────────╮\n     │ ${B} │\n     ╰────────────╯\n${C}`],
  [
    'none',
    'write tool',
    `● Write(notes.md)\n  ⎿  Wrote 2 lines to notes.md\n      1 ${B}\n      2 Claude usage limit reached. Your limit will reset at 3pm (UTC).\n${C}`,
  ],
  ['none', 'web search', `● Web Search("claude ${B}")\n  ⎿  Did 1 search in 4s\n${C}`],
  [
    'none',
    'agent prompt expanded',
    `● Task(x)\n  ⎿  Prompt:\n       ${B}\n  ⎿  Response:\n       ${B}\n  ⎿  Done (3 tool uses)\n${C}`,
  ],
  ['none', 'compact summary', `✻ Conversation compacted (ctrl+o for history)\n\n❯ go on\n\n● ok\n${C}`],
  [
    'none',
    'usage overlay',
    `❯ /usage\n${R}\n  Settings:  Status   Config   Usage  (tab to cycle)\n\n  Current session\n  ████ 100% used\n  Resets 3pm (UTC)\n\n  Esc to cancel`,
  ],
  ['none', 'user quoting fence', `❯ what is this\n  \`\`\`\n  ${B}\n  \`\`\`\n\n● A limit.\n${C}`],
  ['none', 'user then busy', `❯ ${B}\n\n✽ Hatching… (3s · ↓ 2 tokens)\n${C}`],
  ['none', 'queue', `● Bash(x)\n  ⎿  Running…\n\n✽ Hatching… (3s · ↓ 2 tokens · esc to interrupt)\n\n❯ ${B}\n${C}`],
  ['none', 'hook output', `● Bash(x)\n  ⎿  ok\n  ⎿  PostToolUse:Bash hook error: limit reached\n${C}`],
  ['quota', 'two rows own w/ hook', `● Bash(x)\n  ⎿  ok\n  ⎿  PostToolUse hook ok\n  ⎿  ${B}\n${C}`],
  [
    'none',
    'journalctl',
    `● Bash(journalctl -u claude-failover -n 4)\n  ⎿  Nov 20 10:00:00 h cf[1]: hit work:1.2 session limit ${B}\n     Nov 20 10:00:01 h cf[1]: swap a -> b\n     Usage limit reached · continuing automatically at 3pm · esc to cancel\n${C}`,
  ],
  [
    'none',
    'readme out',
    `● Read(README.md)\n  ⎿  # claude-failover\n     When Claude prints\n     ${B}\n     it swaps.\n${C}`,
  ],
  [
    'quota',
    'resume after tool many',
    `● Read(README.md)\n  ⎿  Read 120 lines\n\n● Now the tests.\n\n● Bash(npx vitest run)\n  ⎿   RUN  v4\n\n      ✓ a.test.ts (3 tests) 12ms\n     … +14 lines (ctrl+o to expand)\n  ⎿  ${B}\n     /usage-credits to finish what you’re working on.\n\n✻ Churned for 5m 12s\n${C}`,
  ],
  [
    'quota',
    'opening options boxed legacy w/ cost',
    `> hi\n  ⎿  5-hour limit reached ∙ resets 3pm\n     /upgrade to Max 20x or turn on /extra-usage\n\n╭${'─'.repeat(78)}╮\n│ >${' '.repeat(75)}│\n╰${'─'.repeat(78)}╯\n  ? for shortcuts                               Approaching usage limit · resets at 7pm`,
  ],
  ['quota', 'teams row', `⏺ Teammate @builder stopped: You've hit your weekly limit · resets Nov 24, 9am (UTC)\n${C}`],
  ['none', 'issue list', `● Bash(gh issue view 43551)\n  ⎿  title: ${B}\n     state: OPEN\n     --\n     ${B}\n${C}`],
  ['quota', 'connector dropped', `❯ hi\n${B}\n/upgrade to increase your usage limit.\n${C}`],
  ['quota', 'connector dropped indent', `❯ hi\n\n${B}\n${C}`],
  [
    'throttle',
    'opus busy',
    `❯ hi\n  ⎿  Opus 4.5 is experiencing high load, please use /model to switch to Sonnet\n${C}`,
  ],
  ['auth', 'expired', `❯ hi\n  ⎿  OAuth token has expired · Please run /login\n${C}`],
  [
    'auth',
    'disabled',
    `❯ hi\n  ⎿  API Error: 403 {"type":"error","error":{"type":"permission_error","message":"OAuth authentication is currently not allowed for this organization."}} · Please run /login\n${C}`,
  ],
  ['auth', 'Your account', `❯ hi\n  ⎿  Your account does not have access to Claude Code. Please run /login.\n${C}`],
  [
    'auth',
    'select login',
    ` Select login method:\n\n ❯ 1. Claude account with subscription\n   2. Anthropic Console account\n`,
  ],
  [
    'billing',
    'billing api',
    `❯ hi\n  ⎿  API Error: 400 {"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API."}}\n${C}`,
  ],
  [
    'none',
    'perm dialog with banner cmd',
    `● Bash(echo "${B}")\n\n${R}\n Bash command\n\n   echo "${B}"\n   ${B}\n\n Do you want to proceed?\n ❯ 1. Yes\n   2. No\n\n Esc to cancel`,
  ],
  [
    'none',
    'edit dialog',
    `● Update(notes.md)\n\n${R}\n Edit file notes.md\n╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌\n 1 +${B}\n ${B}\n╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌\n Do you want to make this edit to notes.md?\n ❯ 1. Yes\n   2. No`,
  ],
  [
    'none',
    'plan mode dialog',
    `● Here is the plan:\n${R}\n Ready to code?\n\n Here is Claude's plan:\n╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌\n ${B}\n You've hit your weekly limit · resets Mon 12:00am\n╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌\n Would you like to proceed?\n ❯ 1. Yes\n   2. No`,
  ],
  [
    'none',
    'old banner then long work scrolled',
    `  ⎿  ${B}\n     /upgrade to increase your usage limit.\n\n● Bash(ls)\n  ⎿  a\n     b\n${C}`,
  ],
  [
    'none',
    'warning in message',
    `❯ hi\n\n● ok\n${R}\n❯ \n${R}\n  ⏵⏵ auto mode on\n                        Limit usage is fine`,
  ],
  [
    'warning',
    '70%',
    `● ok\n${R}\n❯ \n${R}\n  ⏵⏵ auto mode on (shift+tab to cycle)\n      You've used 70% of your weekly limit · resets Nov 24, 9am (UTC)`,
  ],
  ['none', 'table md', `● | a | b |\n  | ${B} | x |\n${C}`],
  ['none', 'man page', `> /help\n\n  Usage limit reached · what it means\n\n● The help.\n${C}`],
  [
    'none',
    'cat file whole transcript',
    `● Bash(cat /tmp/screen.txt)\n  ⎿  ❯ hi\n     ⎿  ${B}\n     ❯ /rate-limit-options\n     What do you want to do?\n     ❯ 1. Stop and wait for limit to reset\n       2. Upgrade your plan\n     Enter to confirm · Esc to cancel\n${C}`,
  ],
  ['quota', 'extra', `❯ hi\n  ⎿  Your weekly limit has been reached · resets Nov 24, 9am (UTC)\n${C}`],
  [
    'quota',
    'no connector bullets fragment',
    `⏺ You've reached your Fable 5 limit. Run /usage-credits to continue or switch models with /model.`,
  ],
  ['quota', 'usage exhausted', `  ⎿  You've used all of your extra usage · resets Dec 1, 12am (UTC)\n${C}`],
  ['none', 'limit msg in agents footer', `● ok\n${R}\n❯ \n${R}\n  ● main\n  ◯ Explore  ${B}\n`],
  ['quota', 'team plan', `  ⎿  You've hit your team plan's weekly limit · resets Mon 9am (Europe/London)\n${C}`],
  [
    'none',
    'vite dev log at margin busy',
    `● Bash(npm run dev)\n  ⎿  Running…\n\n✻ Baking… (12s · esc to interrupt)\n\n${R}\n❯ \n${R}`,
  ],
];

describe('[R13] [R16] a message counts only where the CLI itself writes', () => {
  test.each(cases)('%s: %s', (expected, _name, screen) => {
    const found = detect(screen, { agent: 'claude', now, zone: 'UTC' });
    expect(found.class, found.reason).toBe(expected);
  });
});
