/** Screens of Codex, Gemini CLI and opencode made to deceive: every known limit where it is someone else's words, and where it is not. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { AgentKind } from '../../../src/core/agents/profile.ts';
import { detect } from '../../../src/core/screen/detect.ts';

interface Row {
  readonly id: string;
  readonly agent?: string;
  readonly label: string;
  readonly text: string;
  readonly reset?: { readonly expect_from: string; readonly local_tz: string };
}

type Places = Readonly<Record<string, (banner: string) => string>>;

const rows = readFileSync(new URL('../../screens/dev.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Row);

const RULE = '─'.repeat(80);
const box = (lines: readonly string[]) =>
  `╭${RULE}╮\n${lines.map((line) => `│ ${line.padEnd(79)}│`).join('\n')}\n╰${RULE}╯`;
const CODEX = '\n› Ask Codex to do anything\n\n  gpt-5.5 high · 71% context left · ~/work';
const GEMINI = `\n                              ? for shortcuts\n${RULE}\n Shift+Tab to accept edits\n\n >   Type your message or @path/to/file\n\n ~/work                no sandbox             gemini-3-pro`;
const OPENCODE = `\n┃\n┃\n┃\n┃  Build  Claude Sonnet 5\n╹${'▀'.repeat(60)}\n  ctrl+t variants  tab agents  ctrl+p commands`;

const quoted: Readonly<Record<Exclude<AgentKind, 'claude'>, Places>> = {
  codex: {
    'the output of a command': (b) => `• Ran cat notes.md\n  └ ${b}\n    ${b}\n    … +12 lines\n${CODEX}`,
    'a file that was explored': (b) => `• Explored\n  └ Search ${b} in src\n    Read error.rs\n${CODEX}`,
    'a diff': (b) => `• Edited src/error.rs (+1 -1)\n    14 -${b}\n    14 +${b}\n${CODEX}`,
    'the head of a command': (b) => `• Ran grep -c "${b}" x.log\n  └ 3\n${CODEX}`,
    prose: (b) => `• When it prints ${b} it stops.\n${CODEX}`,
    'the start of prose': (b) => `• ${b}\n\n  That is the text we look for.\n${CODEX}`,
    'a paragraph': (b) => `• It prints one of these:\n\n  ${b}\n\n  and stops.\n${CODEX}`,
    'a list': (b) => `• Families:\n\n  - ${b}\n  - another\n${CODEX}`,
    'a prompt': (b) => `› ${b}\n\n• I see.\n${CODEX}`,
    'the composer': (b) => `• ok\n\n› ${b}\n\n  gpt-5.5 high · 71% context left · ~/work`,
    'a prompt that is worked on': (b) => `› what is ${b}\n\n• Working (12s • esc to interrupt)\n${CODEX}`,
    'an approval dialog': (b) =>
      `  Would you like to run the following command?\n\n  $ echo '${b}'\n  ${b}\n\n› 1. Yes, proceed (y)\n  2. No (esc)\n\n  Press enter to confirm or esc to cancel`,
    'an old turn, answered since': (b) => `› hi\n\n■ ${b}\n\n› continue\n\n• Going on with the parser.\n${CODEX}`,
    'an old turn, with a new one at work': (b) =>
      `› hi\n\n■ ${b}\n\n› continue\n\n• Working (3s • esc to interrupt)\n${CODEX}`,
    'the shell before the session': (b) =>
      `$ cat notes.md\n${b}\n$ codex\n\n  >_ OpenAI Codex (v0.169.0)\n     ~/work\n\n› hi\n\n• hello\n${CODEX}`,
    'a fence': (b) => `\`\`\`\n${b}\n\`\`\``,
    'a step of a plan': (b) => `• Updated Plan\n  └ □ ${b}\n    ✔ read the file\n${CODEX}`,
  },
  gemini: {
    'the output of a tool': (b) => `${box(['✓  Shell cat notes.md', '', b, b])}\n${GEMINI}`,
    'a file that was read': (b) => `${box([`✓  ReadFile ${b}`, '', '3 lines'])}\n${GEMINI}`,
    'a running tool': (b) => `${box(['⊷  Shell tail -f x.log', '', b])}\n ⠋ Thinking... (esc to cancel, 2s)\n${GEMINI}`,
    prose: (b) => `✦ When it prints ${b} it stops.\n${GEMINI}`,
    'the start of prose': (b) => `✦ ${b}\n\n  That is the text we look for.\n${GEMINI}`,
    'a paragraph': (b) => `✦ It prints one of these:\n\n  ${b}\n\n  and stops.\n${GEMINI}`,
    'a prompt': (b) => ` > ${b}\n\n✦ I see.\n${GEMINI}`,
    'a boxed prompt': (b) => `${box([`> ${b}`])}\n\n✦ I see.\n${GEMINI}`,
    'the composer': (b) => `✦ ok\n\n${RULE}\n > ${b}\n\n ~/work       no sandbox      gemini-3-pro`,
    'the boxed composer': (b) => `✦ ok\n\n${box([`> ${b}`])}\n~/work       no sandbox      gemini-3-pro`,
    'a confirmation': (b) =>
      `${box([`?  Shell echo '${b}'`, '', `echo '${b}'`, b, '', "Allow execution of: 'echo'?", '', '● 1. Allow once', '  2. No (esc)'])}`,
    'an old turn, answered since': (b) => ` > hi\n\n✕ ${b}\n\n > continue\n\n✦ Going on with the parser.\n${GEMINI}`,
    'an old turn, with a new one at work': (b) =>
      ` > hi\n\n✕ ${b}\n\n > continue\n\n ⠋ Thinking... (esc to cancel, 2s)\n${GEMINI}`,
    'the top of the screen, scrolled': (b) => `│ ${b.padEnd(78)}│\n╰${RULE}╯\n\n✦ Done.\n${GEMINI}`,
    'a fence': (b) => `\`\`\`\n${b}\n\`\`\``,
  },
  opencode: {
    prose: (b) => `┃\n┃  hi\n┃\n\n   ${b}\n\n   ▣  Build · claude-sonnet-5 · 2.0s\n${OPENCODE}`,
    'the output of a command': (b) =>
      `┃\n┃  hi\n┃\n\n   $ cat notes.md\n\n   ${b}\n\n   ▣  Build · claude-sonnet-5 · 2.0s\n${OPENCODE}`,
    'the middle of a prompt': (b) =>
      `┃\n┃  what does it mean that it prints\n┃  ${b}\n┃\n\n   It is a limit.\n${OPENCODE}`,
    'a prompt, answered': (b) =>
      `┃\n┃  ${b}\n┃\n\n   It is a limit.\n\n   ▣  Build · claude-sonnet-5 · 2.0s\n${OPENCODE}`,
    'an old turn, answered since': (b) =>
      `┃\n┃  hi\n┃\n\n┃  ${b}\n\n┃\n┃  continue\n┃\n\n   Going on.\n\n   ▣  Build · claude-sonnet-5 · 2.0s\n${OPENCODE}`,
    'a fence': (b) => `\`\`\`\n${b}\n\`\`\``,
  },
};

const real: typeof quoted = {
  codex: {
    'the answer to a prompt': (b) => `› hi\n\n■ ${b}\n${CODEX}`,
    'the turn, after a command': (b) => `• Ran ls\n  └ a\n    b\n\n■ ${b}\n${CODEX}`,
    'the turn, after an older error': (b) =>
      `■ stream disconnected before completion: reset\n\n› again\n\n■ ${b}\n${CODEX}`,
    'a second try': (b) => `› hi\n\n■ ${b}\n\n› again\n\n■ ${b}\n${CODEX}`,
  },
  gemini: {
    'the answer to a prompt': (b) => ` > hi\n\n✕ ${b}\n${GEMINI}`,
    'the turn, after a tool': (b) => ` > hi\n\n${box(['✓  Shell ls', '', 'a'])}\n✕ ${b}\n${GEMINI}`,
    'a second try': (b) => ` > hi\n\n✕ ${b}\n\n > again\n\n✕ ${b}\n${GEMINI}`,
  },
  opencode: {
    'the answer to a prompt': (b) => `┃\n┃  hi\n┃\n\n┃  ${b}\n${OPENCODE}`,
    'the turn, after prose': (b) => `┃\n┃  hi\n┃\n\n   I will look.\n\n┃  ${b}\n${OPENCODE}`,
    'the line of a retry': (b) =>
      `┃\n┃  hi\n┃\n${OPENCODE}\n  ⬝⬝■■■■⬝⬝  ${b} [retrying in 3h attempt #2]   esc interrupt`,
  },
};

const banners = rows
  .filter((row) => row.label === 'quota' && /^\S.*\n?$/.test(row.text.trim()))
  .map((row) => ({ ...row, text: row.text.trim().replace(/^[■🖐✕│]\uFE0F?\s*/u, '') }));

function wrong(
  places: typeof quoted,
  agent: keyof typeof quoted,
  of: readonly Row[],
  isRight: (found: string) => boolean,
) {
  const found: string[] = [];
  for (const row of of) {
    for (const [place, build] of Object.entries(places[agent])) {
      const now = Date.parse(row.reset?.expect_from ?? '2026-10-02T12:00:00Z');
      const one = detect(build(row.text), { agent, now, zone: row.reset?.local_tz ?? 'UTC' });
      if (!isRight(one.class)) found.push(`${row.id} in ${place}: ${one.class} (${one.reason})`);
    }
  }
  return found;
}

describe.each(['codex', 'gemini', 'opencode'] as const)('[R16] hostile screens of %s', (agent) => {
  test("no agent's limit in someone else's words is a limit", () => {
    expect(wrong(quoted, agent, banners, (found) => found !== 'quota')).toEqual([]);
  });

  test('[R13] its own limits are limits where the CLI itself writes', () => {
    const own = banners.filter((row) => row.agent === agent);
    expect(own.length).toBeGreaterThan(1);
    expect(wrong(real, agent, own, (found) => found === 'quota')).toEqual([]);
  });
});
