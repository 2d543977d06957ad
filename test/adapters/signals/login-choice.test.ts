import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { outranking } from '../../../src/adapters/signals/login-choice.ts';
import { codex } from '../../../src/core/agents/codex.ts';
import { gemini } from '../../../src/core/agents/gemini.ts';
import { tempDir } from '../../store/support/temp-dir.ts';

let root = '';
let places = { project: '', configDir: '' };

beforeEach(() => {
  root = tempDir();
  places = { project: join(root, 'project'), configDir: join(root, 'user', '.gemini') };
});

function settings(of: 'project' | 'user', text: string | object): void {
  const directory = of === 'user' ? places.configDir : join(places.project, '.gemini');
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'settings.json'), typeof text === 'string' ? text : JSON.stringify(text));
}

const auth = (selectedType: string) => ({ security: { auth: { selectedType } } });
const KEYS = ['GEMINI_API_KEY', 'GOOGLE_GENAI_USE_VERTEXAI'];

test('a key in the environment outranks nothing where the settings choose the login [R269]', async () => {
  settings('user', auth('oauth-personal'));
  expect(await outranking(KEYS, places, gemini)).toEqual([]);
  settings('user', { selectedAuthType: 'oauth-personal' });
  expect(await outranking(KEYS, places, gemini)).toEqual([]);
  expect(await outranking([...KEYS, 'GOOGLE_CLOUD_ACCESS_TOKEN'], places, gemini)).toEqual([
    'GOOGLE_CLOUD_ACCESS_TOKEN',
  ]);
});

test("a project's own choice goes before the user's [R269]", async () => {
  settings('user', auth('oauth-personal'));
  settings('project', auth('gemini-api-key'));
  expect(await outranking(KEYS, places, gemini)).toEqual(KEYS);
  settings('project', { ui: {} });
  expect(await outranking(KEYS, places, gemini)).toEqual([]);
});

test('where nothing is chosen, or it cannot be read, the pane is left alone [R269]', async () => {
  expect(await outranking(KEYS, places, gemini)).toEqual(KEYS);
  for (const text of ['{ half', '[]', '{"security": null}', JSON.stringify(auth('gemini-api-key'))]) {
    settings('user', text);
    expect(await outranking(KEYS, places, gemini)).toEqual(KEYS);
  }
  rmSync(root, { recursive: true });
  expect(await outranking(KEYS, places, gemini)).toEqual(KEYS);
});

test('a CLI without such a setting is asked for none [R269]', async () => {
  expect(await outranking(['CODEX_ACCESS_TOKEN'], places, codex)).toEqual(['CODEX_ACCESS_TOKEN']);
});
