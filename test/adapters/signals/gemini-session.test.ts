/** Which session a Gemini CLI process writes, by the files that version 0.61 leaves. */
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { geminiSession } from '../../../src/adapters/signals/gemini-session.ts';
import type { AgentProcess } from '../../../src/core/panes.ts';
import { temporaryDirectory } from '../../support/account-homes.ts';
import { agentProcess, CWD, OTHER_SESSION, SESSION } from '../../support/session-files.ts';

let root: string;
const started = Date.parse('2026-11-20T09:34:00Z');
const fresh =
  '{"$set":{"messages":[{"id":"x","timestamp":"t","type":"user","content":[{"text":"<session_context>"}]}]}}';
const prompt = '{"id":"y","timestamp":"2026-11-20T09:35:00Z","type":"user","content":[{"text":"do it"}]}';

beforeEach(() => {
  root = temporaryDirectory();
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function chat(id: string, rows: readonly string[], project = 'a-project', seconds = 60, owner = CWD): void {
  const folder = join(root, 'tmp', project, 'chats');
  mkdirSync(folder, { recursive: true });
  if (owner !== '') writeFileSync(join(root, 'tmp', project, '.project_root'), `${owner}\n`);
  const path = join(folder, `session-2026-11-20T09-35-${id.slice(0, 8)}.jsonl`);
  writeFileSync(path, [JSON.stringify({ sessionId: id, projectHash: 'h', kind: 'main' }), ...rows, ''].join('\n'));
  const at = started / 1000 + seconds;
  utimesSync(path, at, at);
}

const gemini = (change: Partial<AgentProcess> = {}) =>
  agentProcess(root, { agent: 'gemini', startedAt: started, argv: ['node', '/usr/bin/gemini'], ...change });

test('the newest of its project that was written since it started is guessed [R50]', async () => {
  chat(OTHER_SESSION, [fresh, prompt], 'a-project', 30);
  chat(SESSION, [fresh, prompt]);
  expect(await geminiSession(gemini())).toEqual({ sessionId: SESSION, isGuess: true });
  expect(await geminiSession(gemini({ cwd: '/elsewhere' }))).toBeNull();
  expect(await geminiSession(gemini({ startedAt: started + 120_000 }))).toBeNull();
});

test('a project whose folder is named after the hash of its directory is known too [R50]', async () => {
  chat(SESSION, [prompt], createHash('sha256').update(CWD).digest('hex'), 60, '');
  expect(await geminiSession(gemini())).toMatchObject({ sessionId: SESSION });
});

test('a session in which nothing was said yet is none to go on with [R49]', async () => {
  chat(SESSION, [fresh]);
  expect(await geminiSession(gemini())).toEqual({ sessionId: null, isEmpty: true, isGuess: true });
});

test('the one that its arguments name is no guess, whatever is newer [R50]', async () => {
  chat(OTHER_SESSION, [prompt], 'a-project', 90);
  chat(SESSION, [prompt]);
  for (const flags of [['--resume', SESSION], ['-r', SESSION], [`--resume=${SESSION}`]]) {
    const argv = ['node', '/usr/bin/gemini', ...flags];
    expect(await geminiSession(gemini({ argv }))).toEqual({ sessionId: SESSION, isGuess: false });
  }
  const argv = ['gemini', '--resume', 'latest'];
  expect(await geminiSession(gemini({ argv }))).toEqual({ sessionId: OTHER_SESSION, isGuess: true });
});

test('a file that is none of these tells nothing', async () => {
  chat('not-a-uuid', [prompt]);
  expect(await geminiSession(gemini())).toBeNull();
});
