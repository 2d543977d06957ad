/** Screens made to deceive, all the way to the verdict: what they could move, with and without a transcript. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { AgentKind } from '../../../src/core/agents/profile.ts';
import { readScreen } from '../../../src/core/screen/reading.ts';
import { SECOND } from '../../../src/core/time.ts';
import { FRESH_PANE, stepPane } from '../../../src/core/verdict/confirm.ts';
import { gatherEvidence } from '../../../src/core/verdict/evidence.ts';
import type { SessionSignals } from '../../../src/core/verdict/signals.ts';
import { aRow, aTranscript, CONFIRM, signalsOf } from '../../support/builders.ts';

interface Row {
  readonly id: string;
  readonly label: string;
  readonly agent: string;
  readonly text: string;
  readonly reset?: { readonly expect_from: string; readonly local_tz: string };
}

const AGENTS: readonly AgentKind[] = ['claude', 'codex', 'gemini', 'opencode'];
const isAgent = (name: string): name is AgentKind => (AGENTS as readonly string[]).includes(name);

/** Every limit of every agent in the corpus, as its words alone. */
const banners = readFileSync(new URL('../../screens/dev.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Row)
  .filter((row) => row.label === 'quota')
  .map(({ text, ...row }) => ({ ...row, words: wordsOf(text) }));

/** The lines of a screen that hold words, without marks and boxes; at most three. */
function wordsOf(text: string): string {
  const lines = text.split('\n').map((line) =>
    line
      .replace(/[│┃╭╮╰╯─═]+/g, ' ')
      .replace(/^\s*[●⏺⎿■✕⚠>❯›•]\s*/u, '')
      .trim(),
  );
  const said = lines.findIndex((line) => /limit|quota|credit|usage|exhaust|allowance/i.test(line));
  return lines
    .slice(Math.max(0, said), said + 3)
    .filter(Boolean)
    .join(' ');
}

/** The frame of each agent around something that is not its own word. `width` cuts as a terminal would. */
const COMPOSERS: Readonly<Record<AgentKind, (width: number) => string>> = {
  claude: (width) => `\n${'─'.repeat(width)}\n❯ \n${'─'.repeat(width)}\n  ? for shortcuts`,
  codex: () => '\n› Ask Codex to do anything\n\n  gpt-5-codex · 62% context left',
  gemini: (width) =>
    `\n╭${'─'.repeat(width - 2)}╮\n│ >   Type your message or @path/to/file${' '.repeat(Math.max(1, width - 42))}│\n╰${'─'.repeat(width - 2)}╯\n~/p  no sandbox  gemini-2.5-pro`,
  opencode: (width) => `\n┃\n┃  \n┃  Build  claude-sonnet\n╹${'▀'.repeat(width - 1)}\n  ctrl+p commands`,
};

const OUTPUT: Readonly<Record<AgentKind, (body: string) => string>> = {
  claude: (body) => `● Bash(cat notes.md)\n  ⎿  ${body.replaceAll('\n', '\n     ')}`,
  codex: (body) => `• Ran cat notes.md\n  └ ${body.replaceAll('\n', '\n    ')}`,
  gemini: (body) => `╭────────╮\n│ ✔  Shell cat notes.md\n│ ${body.replaceAll('\n', '\n│ ')}\n╰────────╯`,
  opencode: (body) => `┃  $ cat notes.md\n┃\n┃  ${body.replaceAll('\n', '\n┃  ')}`,
};

const PROSE: Readonly<Record<AgentKind, (body: string) => string>> = {
  claude: (body) => `● ${body.replaceAll('\n', '\n  ')}`,
  codex: (body) => `• ${body.replaceAll('\n', '\n  ')}`,
  gemini: (body) => `✦ ${body.replaceAll('\n', '\n  ')}`,
  opencode: (body) => `   ${body.replaceAll('\n', '\n   ')}`,
};

const PROMPT: Readonly<Record<AgentKind, (body: string) => string>> = {
  claude: (body) => `❯ ${body.replaceAll('\n', '\n  ')}\n\n● I see.`,
  codex: (body) => `› ${body.replaceAll('\n', '\n  ')}\n\n• I see.`,
  gemini: (body) => `> ${body.replaceAll('\n', '\n  ')}\n\n✦ I see.`,
  opencode: (body) => `┃  ${body.replaceAll('\n', '\n┃  ')}\n\n   I see.`,
};

/** What the words of a limit are made part of; each is then said in the frame of the agent. */
const DISGUISES: Readonly<Record<string, (words: string) => string>> = {
  'a line of a file': (words) => `# Notes\n${words}\nend`,
  'a quotation': (words) => `> ${words}\n> and so on`,
  'a diff': (words) => `@@ -1,2 +1,2 @@\n-${words}\n+${words}!`,
  'a log': (words) => `2026-01-05T12:00:00Z WARN agent said: ${words}\n2026-01-05T12:00:01Z INFO next`,
  'a source': (words) => `const BANNER = ${JSON.stringify(words)};\nif (text.includes(BANNER)) stop();`,
  'a search': (words) => `src/a.ts:12: ${words}\nsrc/b.ts:7: ${words}`,
  'a capture of a pane': (words) =>
    `❯ go\n  ⎿  ${words}\n     /upgrade to increase your usage limit.\n\n──────────\n❯ \n──────────`,
  'a capture in a capture': (words) => `● Bash(tmux capture-pane -p)\n  ⎿  ❯ go\n       ⎿  ${words}`,
  'a table': (words) => `| what | words |\n|---|---|\n| limit | ${words} |`,
  'a JSON row': (words) => JSON.stringify({ type: 'assistant', error: 'rate_limit', text: words }),
};

const PLACES = { output: OUTPUT, prose: PROSE, prompt: PROMPT } as const;
const WIDTHS = [40, 80, 132, 200];

function wrapped(text: string, width: number): string {
  return text
    .split('\n')
    .flatMap((line) => line.match(new RegExp(`.{1,${width}}`, 'gu')) ?? [''])
    .join('\n');
}

interface Hostile {
  readonly name: string;
  readonly agent: AgentKind;
  readonly screen: string;
  readonly now: number;
  readonly zone: string;
}

function* hostileScreens(): Generator<Hostile> {
  let turn = 0;
  for (const banner of banners) {
    const now = Date.parse(banner.reset?.expect_from ?? '2026-10-02T12:00:00Z');
    const zone = banner.reset?.local_tz ?? 'UTC';
    for (const [disguise, dress] of Object.entries(DISGUISES)) {
      for (const [place, frames] of Object.entries(PLACES)) {
        // Its own agent, and in turn another one: everybody reads everybody's words.
        const own = isAgent(banner.agent) ? banner.agent : 'claude';
        for (const agent of new Set([own, AGENTS[turn++ % AGENTS.length] ?? own])) {
          const width = WIDTHS[turn % WIDTHS.length] ?? 80;
          const screen = wrapped(frames[agent](dress(banner.words)), width) + COMPOSERS[agent](width);
          yield { name: `${banner.id} as ${disguise} in ${place} of ${agent} at ${width}`, agent, screen, now, zone };
        }
      }
    }
  }
}

/** Whether the screen, standing there for a minute, would confirm a limit. */
function isConfirmed({ agent, screen, now, zone }: Hostile, signals: SessionSignals | null): boolean {
  const reading = readScreen(screen, { now, zone, agent });
  let memory = FRESH_PANE;
  for (let at = now; at <= now + 60 * SECOND; at += 20 * SECOND) {
    const evidence = gatherEvidence(reading, signals, at, at);
    const step = stepPane(memory, { paneKey: 'p', evidence, busy: reading.busy, at }, CONFIRM);
    if (step.decision.kind === 'confirmed') return true;
    memory = step.memory;
  }
  return false;
}

describe('[R16 R252] hostile screens of every agent', () => {
  const screens = [...hostileScreens()];

  test('with a readable transcript whose latest row is an answer none of them confirms a limit', () => {
    const answered = (now: number) => signalsOf(aTranscript({ lastAssistant: aRow({ at: now - SECOND }) }));
    expect(screens.length).toBeGreaterThan(2_000);
    expect(screens.filter((one) => isConfirmed(one, answered(one.now))).map(({ name }) => name)).toEqual([]);
  });

  test('without one hardly any does', () => {
    const fooled = screens.filter((one) => isConfirmed(one, null));
    if (process.env.CF_LONG === '1')
      console.info(`${fooled.length} of ${screens.length}:\n${fooled.map(({ name }) => name).join('\n')}`);
    expect(fooled.length / screens.length).toBeLessThan(0.01);
  });
});
