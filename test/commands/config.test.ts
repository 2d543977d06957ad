import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type CommandIo, checkConfig, configPath, showConfig } from '../../src/commands/config.ts';
import { loadConfig } from '../../src/config/load.ts';

let dir: string;
let output: { out: string; err: string };
let io: CommandIo;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cf-'));
  output = { out: '', err: '' };
  io = {
    out: (text) => {
      output.out += text;
    },
    err: (text) => {
      output.err += text;
    },
    env: { CLAUDE_FAILOVER_TOKEN: 'tok-77aa' },
    home: dir,
    isTTY: false,
  };
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function write(text: string): string {
  const file = join(dir, 'c.yaml');
  writeFileSync(file, text);
  return file;
}

const GOOD = 'accounts:\n  - {name: a, home: ~/a}\n  - {name: b, home: ~/b}\n';

test('[R201] check says that a good file is good', () => {
  const config = write(GOOD);
  expect(checkConfig({ config }, io)).toBe(0);
  expect(output).toEqual({ out: `${config}: ok, 1 pool, 2 enabled accounts\n`, err: '' });
});

test('[R201] check prints every problem with line, column and hint, and exits 78', () => {
  const config = write('mode: acct\nquota:\n  confirm_polls: 1\n');
  expect(checkConfig({ config }, io)).toBe(78);
  expect(output).toEqual({
    out: '',
    err: `${config}:1:7 mode: must be one of act, observe (did you mean act?)\n${config}:3:18 quota.confirm_polls: must be at least 2\n`,
  });
});

test('a file with a warning is good', () => {
  const config = write('accounts: [{name: a, home: ~/a}]\n');
  expect(checkConfig({ config }, io)).toBe(0);
  expect(output.err).toMatch(/^.*c\.yaml:1:1 pools\.default: failover impossible.*\[warning\]\n$/);
});

test('a key that contains escape sequences does not reach the terminal', () => {
  expect(checkConfig({ config: write('"\\e[2Jx\\n": 1\n') }, io)).toBe(78);
  expect(output.err).toMatch(/:1:1 \?\[2Jx\?: unknown key/);
});

test.each([{ json: false }, { json: true }])(
  '[R201] show prints all values; what it prints loads as the same configuration ($json)',
  async ({ json }) => {
    const config = write(`${GOOD}quota: {poll_interval: 3s}\n`);
    expect(await showConfig({ config, json }, io)).toBe(0);
    const shown = json ? JSON.parse(output.out) : parse(output.out);
    expect(shown).toMatchObject({
      quota: { poll_interval: '3s', confirm_polls: 2 },
      accounts: [{ priority: 10 }, { priority: 20 }],
    });
    const options = { env: io.env, home: dir };
    const again = loadConfig({ path: write(output.out), ...options });
    output.out = '';
    expect(again).toEqual(loadConfig({ path: write(`${GOOD}quota: {poll_interval: 3s}\n`), ...options }));
  },
);

test('[R98] show prints no token', async () => {
  await showConfig({ config: write(GOOD) }, io);
  expect(output.out).toContain('bearer_token_env: CLAUDE_FAILOVER_TOKEN');
  expect(output.out).not.toContain('tok-77aa');
});

test('show of a bad file exits 78', async () => {
  expect(await showConfig({ config: write('a: [') }, io)).toBe(78);
  expect(output.out).toBe('');
});

test('path prints which file is used', () => {
  expect(configPath({ config: '/x/c.yaml' }, io)).toBe(0);
  expect(output.out).toBe('/x/c.yaml\n');
});

test('a missing file exits 78 and says so', () => {
  expect(checkConfig({ config: join(dir, 'no.yaml') }, io)).toBe(78);
  expect(output.err).toBe(`${join(dir, 'no.yaml')}: does not exist (check the path)\n`);
});
