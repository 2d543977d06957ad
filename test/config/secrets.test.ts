import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { toConfig } from '../../src/config/schema.ts';
import { resolveBearerToken } from '../../src/config/secrets.ts';
import { ConfigError } from '../../src/core/errors.ts';

const TOKEN = 'tok-5b0e81';
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cf-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const withFile = (file: string | null) =>
  toConfig({ accounts: [], http: { bearer_token_file: file, bearer_token_env: 'MY_TOKEN' } }, {}, '/home/ada');

function secretFile(text: string, mode = 0o600): string {
  const file = join(dir, 'token');
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

function failure(attempt: () => unknown): ConfigError {
  try {
    attempt();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

test('[R90] the token comes from the variable, then the file, then the systemd credential', () => {
  const file = secretFile(`${TOKEN}-file\n`);
  writeFileSync(join(dir, 'claude-failover-token'), `${TOKEN}-systemd\n`);
  const env = { MY_TOKEN: `${TOKEN}-env`, CREDENTIALS_DIRECTORY: dir };
  expect(resolveBearerToken(withFile(file), env)).toBe(`${TOKEN}-env`);
  expect(resolveBearerToken(withFile(file), { ...env, MY_TOKEN: ' ' })).toBe(`${TOKEN}-file`);
  expect(resolveBearerToken(withFile(null), { CREDENTIALS_DIRECTORY: dir })).toBe(`${TOKEN}-systemd`);
  expect(resolveBearerToken(withFile(null), { CREDENTIALS_DIRECTORY: join(dir, 'none') })).toBeNull();
  expect(resolveBearerToken(withFile(null), {})).toBeNull();
});

test.each([0o640, 0o604, 0o620, 0o644])(
  '[R90] a token file of mode %o is refused with the command that mends it',
  (mode) => {
    const file = secretFile(TOKEN, mode);
    const error = failure(() => resolveBearerToken(withFile(file), {}));
    expect(error.problems[0]).toMatchObject({ path: 'http.bearer_token_file', hint: `chmod 600 ${file}` });
    expect(JSON.stringify(error.problems)).not.toContain(TOKEN);
  },
);

test.each(['', 'two words', 'line\nbreak', 'é'])('a file that holds %j holds no token', (text) => {
  const error = failure(() => resolveBearerToken(withFile(secretFile(text)), {}));
  expect(error.problems[0]?.message).toMatch(/holds no token/);
  if (text !== '') expect(error.problems[0]?.message).not.toContain(text);
});

test('a token file that is not there is a problem at its line', () => {
  const path = join(dir, 'config.yaml');
  writeFileSync(path, `http:\n  bearer_token_file: ${dir}/none\n`);
  const error = failure(() => loadConfig({ path, env: {}, home: dir }));
  expect(error.problems).toMatchObject([{ line: 2, column: 22, path: 'http.bearer_token_file' }]);
});

test('[R98] the token is not part of the configuration', () => {
  const config = withFile(secretFile(TOKEN));
  expect(resolveBearerToken(config, { MY_TOKEN: TOKEN })).toBe(TOKEN);
  expect(JSON.stringify(config)).not.toContain(TOKEN);
});
