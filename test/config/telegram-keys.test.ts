/** The section for Telegram: off until it is configured, and what contradicts itself in it. */
import { describe, expect, test } from 'vitest';
import { toConfig } from '../../src/config/schema.ts';
import { ConfigError } from '../../src/core/errors.ts';

const ACCOUNTS = [
  { name: 'a', home: '/homes/a' },
  { name: 'b', home: '/homes/b' },
];
const load = (telegram: object) => toConfig({ accounts: ACCOUNTS, notifications: { telegram } }, {}, '/home/ada');

function problems(telegram: object): readonly string[] {
  try {
    return load(telegram).warnings.map(({ path, message }) => `warning ${path}: ${message}`);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ path, message }) => `${path}: ${message}`);
  }
}

test('it is off, commands are off, and nobody may use them', () => {
  expect(load({}).notifications.telegram).toEqual({
    enabled: false,
    token: { env: 'TELEGRAM_BOT_TOKEN', file: null, inline: null },
    chatIds: [],
    allowedUsers: [],
    minSeverity: 'info',
    commands: false,
    apiBase: 'https://api.telegram.org',
  });
});

test('ids of groups are negative and larger than 32 bits; what is said twice counts once', () => {
  const { chatIds } = load({ chat_ids: [-1001234567890, 42, 42], token_file: '~/t' }).notifications.telegram;
  expect(chatIds).toEqual([-1001234567890, 42]);
  expect(load({ token_file: '~/t' }).notifications.telegram.token.file).toBe('/home/ada/t');
});

describe('what is said of a section that cannot work', () => {
  const at = 'notifications.telegram';
  test.each([
    [{ enabled: true, chat_ids: [1] }, []],
    [{ enabled: true }, [`warning ${at}.chat_ids: is empty: nothing is sent to Telegram`]],
    [
      { enabled: true, chat_ids: [1], commands: true },
      [`warning ${at}.allowed_users: is empty: nobody may press a button or send a command`],
    ],
    [{ token: '1:x' }, [`warning ${at}.token: is a secret in the configuration file`]],
    [{ api_base: 'http://10.0.0.9:81' }, [`${at}.api_base: would send the token unencrypted to another machine`]],
    [{ api_base: 'http://127.0.0.1:81/' }, []],
    [{ api_base: 'http://[::1]:81' }, []],
  ])('%j', (telegram, said) => {
    expect(problems(telegram)).toEqual(said);
  });

  test.each([
    { chat_ids: ['@name'] },
    { chat_ids: [1.5] },
    { api_base: 'https://user:pass@host' },
    { api_base: 'ftp://host' },
    { token_env: '123456:secret' },
  ])('%j is refused', (telegram) => {
    expect(() => load(telegram)).toThrow(ConfigError);
  });
});
