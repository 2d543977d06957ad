import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { detectScreen } from '../../src/commands/detect.ts';
import { readLines } from '../../src/commands/lines.ts';
import { commandIo } from '../support/command-io.ts';

const LIMIT = "> go on\n\n● You've hit your 5-hour limit · resets 2pm (UTC)\n\n╭────╮\n│ >  │\n╰────╯\n";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'cf-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function detectLines(chunks: readonly (string | Uint8Array)[]): Promise<Record<string, unknown>[]> {
  async function* stdin() {
    for (const chunk of chunks) yield typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk;
  }
  const io = commandIo({ home: dir, stdin: stdin() });
  expect(await detectScreen(undefined, { jsonl: true }, io)).toBe(0);
  return io.stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

const line = (fields: object): string =>
  `${JSON.stringify({ id: 'x', agent: 'claude', text: LIMIT, now: '2026-01-05T12:00:00Z', tz: 'UTC', ...fields })}\n`;

test('[R239] explains a screen: pattern, window, reset, veto, decision', async () => {
  const file = join(dir, 'screen');
  writeFileSync(file, LIMIT);
  const io = commandIo({ home: dir });
  expect(await detectScreen(file, { now: '2026-01-05T12:00:00Z', tz: 'UTC' }, io)).toBe(0);
  expect(io.stdout).toMatch(/^class +quota$/m);
  expect(io.stdout).toMatch(/^pattern +hit-limit, line 3: "You've hit your 5-hour limit/m);
  expect(io.stdout).toMatch(/^window +5-hour$/m);
  expect(io.stdout).toMatch(/^reset +2026-01-05 14:00:00 UTC, read from "2pm \(UTC\)"$/m);
  expect(io.stdout).toMatch(/^veto +none$/m);
  expect(io.stdout).toMatch(/^decision +a limit, confirmed at first sight/m);
  for (const printed of io.stdout.split('\n')) expect(printed.length).toBeLessThanOrEqual(80);
});

test('[R239] says why a quoted limit does not count', async () => {
  const file = join(dir, 'quoted');
  writeFileSync(
    file,
    `● Bash(cat notes)\n  ⎿  You've hit your 5-hour limit · resets 2pm (UTC)\n\n● That is what the file says.\n`,
  );
  const io = commandIo({ home: dir });
  await detectScreen(file, { now: '2026-01-05T12:00:00Z', tz: 'UTC' }, io);
  expect(io.stdout).toMatch(/^class +none/m);
  expect(io.stdout).toMatch(/^decision +no limit/m);
});

test('a real capture is a limit', async () => {
  const file = new URL('../screens/captures/claude-latest-q5h.txt', import.meta.url).pathname;
  const io = commandIo({ home: dir });
  await detectScreen(file, { json: true }, io);
  expect(JSON.parse(io.stdout)).toMatchObject({ class: 'quota', window: '5h' });
  expect(readFileSync(file, 'utf8')).not.toBe('');
});

test('[R30] reads a screen as the agent that is named, or as the one it looks like', async () => {
  const text =
    "› go on\n\n■ You've hit your usage limit. Try again at 3:45 PM.\n\n› Ask Codex to do anything\n\n  gpt-5.5 high\n";
  const answers = await detectLines([
    line({ id: 'named', agent: 'codex', text }),
    line({ id: 'guessed', agent: undefined, text }),
    line({ id: 'gemini', agent: 'gemini', text: '✕ [API Error: You have exhausted your daily quota on this model.]' }),
    line({
      id: 'opencode',
      agent: 'opencode',
      text: 'Free usage exceeded, subscribe to Go [retrying in 6h attempt #1]',
    }),
    line({ id: 'other', agent: 'other', text: 'Quota exhausted: free tier quota exceeded, will reset at 00:00 UTC' }),
  ]);
  expect(answers.map(({ id, class: found, window }) => [id, found, window])).toEqual([
    ['named', 'quota', '5h'],
    ['guessed', 'quota', '5h'],
    ['gemini', 'quota', 'daily'],
    ['opencode', 'quota', 'daily'],
    ['other', 'quota', expect.any(String)],
  ]);
});

test('a missing file exits 1, a wrong option 2', async () => {
  const io = commandIo({ home: dir });
  expect(await detectScreen(join(dir, 'absent'), {}, io)).toBe(1);
  expect(await detectScreen('-', { agent: 'cursor' }, io)).toBe(2);
  expect(await detectScreen('-', { tz: 'Mars/Base' }, io)).toBe(2);
  expect(await detectScreen(undefined, {}, io)).toBe(2);
});

test('answers each line of JSON with one line, in order', async () => {
  const answers = await detectLines([line({ id: 'a' }), line({ id: 7, text: 'nothing here' })]);
  expect(answers).toEqual([
    {
      id: 'a',
      class: 'quota',
      window: '5h',
      resetAt: '2026-01-05T14:00:00.000Z',
      reason: expect.stringContaining('limit message'),
    },
    { id: 7, class: 'none', window: null, resetAt: null, reason: 'no message that matters' },
  ]);
});

test('the zone of the line is the one in which a bare time is read', async () => {
  const text = LIMIT.replace(' (UTC)', '');
  const [answer] = await detectLines([line({ text, tz: 'Asia/Tokyo', now: '2026-01-05T03:00:00Z' })]);
  expect(answer?.resetAt).toBe('2026-01-05T05:00:00.000Z');
});

test('a bad line is answered by an error and the rest go on', async () => {
  const answers = await detectLines([
    'no json\n',
    '[1]\n',
    '\n',
    line({ id: null }),
    line({ id: 'b', text: 5 }),
    line({ id: 'c', agent: 'cursor' }),
    line({ id: 'd', now: 'yesterday' }),
    line({ id: 'e', tz: 'Mars/Base' }),
    line({ id: 'f' }),
  ]);
  expect(answers.map(({ id, error }) => [id, error === undefined ? null : (error as { code: string }).code])).toEqual([
    [undefined, 'bad_json'],
    [undefined, 'bad_line'],
    [undefined, 'bad_id'],
    ['b', 'bad_text'],
    ['c', 'unknown_agent'],
    ['d', 'bad_now'],
    ['e', 'bad_tz'],
    ['f', null],
  ]);
});

test('a line beyond 2 MiB is passed over without being kept, and the rest go on', async () => {
  const part = new Uint8Array(1024 * 1024).fill(0x20);
  const answers = await detectLines([part, part, part, '\n', line({ id: 'after' })]);
  expect(answers).toEqual([
    { error: { code: 'line_too_long', message: expect.any(String) } },
    expect.objectContaining({ id: 'after', class: 'quota' }),
  ]);
});

test('lines may be cut anywhere, also inside a character, and the last needs no line feed', async () => {
  const bytes = new TextEncoder().encode('é1\né2\n\né3');
  const pieces = [...bytes].map((byte) => Uint8Array.of(byte));
  const found: unknown[] = [];
  for await (const read of readLines(pieces, 10)) found.push(read);
  expect(found).toEqual(['é1', 'é2', '', 'é3'].map((text) => ({ kind: 'line', text })));
});

test('--jsonl with a file, and a file without an end, are refused', async () => {
  const io = commandIo({ home: dir });
  expect(await detectScreen('screen', { jsonl: true }, io)).toBe(2);
  expect(await detectScreen('/dev/zero', {}, io)).toBe(1);
  expect(io.stderr).toContain('it has more than 2097152 bytes');
});
