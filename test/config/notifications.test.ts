/** The section `notifications` but for Telegram, and where the secrets of its channels come from. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openChannels } from '../../src/app/channels.ts';
import { resolveSecret } from '../../src/config/channel-secrets.ts';
import { toConfig } from '../../src/config/schema.ts';
import { ConfigError } from '../../src/core/errors.ts';
import { tempDir } from '../store/support/temp-dir.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLog } from '../support/recording-log.ts';

const ACCOUNTS = [
  { name: 'a', home: '~/a' },
  { name: 'b', home: '~/b' },
];
const read = (notifications: object) => toConfig({ accounts: ACCOUNTS, notifications }, {}, '/home/ada');

function problemsOf(notifications: object): readonly string[] {
  try {
    return read(notifications).warnings.map(({ path, message }) => `${path}: ${message}`);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ path, message }) => `${path}: ${message}`);
  }
}

describe('the keys', () => {
  test('a channel without a least severity of its own takes the general one', () => {
    const { email, webhook } = read({ min_severity: 'critical', webhook: { min_severity: 'info' } }).notifications;
    expect([email.minSeverity, webhook.minSeverity]).toEqual(['critical', 'info']);
  });

  test.each([
    [{ events: { swap_complete: {} } }, 'notifications.events.swap_complete: is no event type'],
    [{ events: { drift: { channels: ['pager'] } } }, 'notifications.events.drift.channels: names what is no channel'],
    [{ quiet_hours: { timezone: 'Mars/Base' } }, 'notifications.quiet_hours.timezone: is no IANA time zone'],
    [
      { webhook: { url: 'http://example.com/x' } },
      'notifications.webhook.url: would go unencrypted to another machine',
    ],
    [{ heartbeat_url: 'http://example.com/x' }, 'notifications.heartbeat_url: would go unencrypted to another machine'],
    [{ email: { api_key: 're_canary' } }, 'notifications.email.api_key: is a secret in the configuration file'],
    [{ email: { enabled: true } }, 'notifications.email.from: is empty: no e-mail is sent'],
    [{ webhook: { enabled: true } }, 'notifications.webhook.url: is empty: nothing is posted'],
  ])('%o is told', (section, problem) => {
    const problems = problemsOf(section);
    expect(problems).toContain(problem);
    expect(problems.join()).not.toContain('canary');
  });

  test('a loopback address needs no https', () => {
    expect(problemsOf({ webhook: { url: 'http://127.0.0.1:9/x' }, heartbeat_url: 'http://[::1]:9/' })).toEqual([]);
  });
});

describe('the secret of a channel [R90]', () => {
  const NO_FILE = { file: '' };
  const place = (more: object = {}) => ({ env: 'KEY', file: null, inline: null, ...more });
  function lay(mode: number, text = 'from-file\n'): string {
    const file = join(tempDir(), 'secret');
    writeFileSync(file, text);
    chmodSync(file, mode);
    return file;
  }

  test('the variable outranks the file, the file the credential of systemd, that the configuration', () => {
    const directory = join(tempDir(), 'credentials');
    mkdirSync(directory);
    writeFileSync(join(directory, 'resend-api-key'), 'from-systemd');
    const env = { KEY: ' from-env ', CREDENTIALS_DIRECTORY: directory };
    const file = lay(0o600);
    const all = place({ file, inline: 'inline' });
    const value = (...args: Parameters<typeof resolveSecret>) => {
      const found = resolveSecret(...args);
      return found.kind === 'found' ? found.value : found.reason;
    };
    expect(value(all, 'resend-api-key', NO_FILE, env)).toBe('from-env');
    expect(value(all, 'resend-api-key', NO_FILE, { ...env, KEY: '' })).toBe('from-file');
    expect(value(place({ inline: 'inline' }), 'resend-api-key', NO_FILE, { ...env, KEY: '' })).toBe('from-systemd');
    expect(value(place({ inline: 'inline' }), 'resend-api-key', NO_FILE, {})).toBe('inline');
  });

  test('what others can read, what is missing and what is no word is not taken, and the reason holds no secret', () => {
    const open = lay(0o644);
    const reasons = [
      resolveSecret(place({ file: open }), 'x', NO_FILE, {}),
      resolveSecret(place({ inline: 'canary' }), 'x', { file: open }, {}),
      resolveSecret(place({ file: '/nowhere' }), 'x', NO_FILE, {}),
      resolveSecret(place({ file: lay(0o600, 'two canary words') }), 'x', NO_FILE, {}),
      resolveSecret(place(), 'x', NO_FILE, {}),
    ].map((found) => (found.kind === 'missing' ? found.reason : 'found'));
    expect(reasons).toEqual([
      expect.stringContaining('can be read by others'),
      expect.stringContaining('others can read'),
      '/nowhere cannot be read: ENOENT',
      expect.stringContaining('holds no secret'),
      'neither $KEY nor a file holds its secret',
    ]);
    expect(reasons.join()).not.toMatch(/canary|from-file/);
  });

  test('a channel without credentials stays silent, and that is said once at the start [R90]', async () => {
    const log = new RecordingLog();
    const config = read({ email: { enabled: true, from: 'a@example.com', to: ['b@example.com'] } });
    expect(await openChannels(config, { env: {}, clock: new FakeClock(), log })).toEqual([]);
    expect(log.at('warn')).toEqual(['this channel stays silent']);
    const channels = await openChannels(config, { env: { RESEND_API_KEY: 'k' }, clock: new FakeClock(), log });
    expect(channels.map(({ name }) => name)).toEqual(['email']);
  });
});
