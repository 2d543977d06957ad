/** `notify setup telegram`: finds the ids, and never shows the token. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parse } from 'yaml';
import { notifySetup } from '../../src/commands/notify-setup.ts';
import { ConfigFile } from '../../src/config/file-schema.ts';
import { tempDir } from '../store/support/temp-dir.ts';
import { type CapturedIo, commandIo } from '../support/command-io.ts';
import { startTelegram, type TelegramServer, TOKEN } from '../support/telegram-server.ts';
import { waitFor } from '../support/wait.ts';

let server: TelegramServer;
let home: string;

beforeEach(async () => {
  server = await startTelegram();
  home = tempDir();
});
afterEach(() => server.stop());

function ioOf(env: Record<string, string> = { TELEGRAM_BOT_TOKEN: TOKEN }, signal?: AbortSignal): CapturedIo {
  return commandIo({ home, env, ...(signal && { signal }) });
}

function config(telegram: Record<string, unknown> = {}): { config: string } {
  const file = join(home, 'config.yaml');
  const accounts = [
    { name: 'a', home: '/homes/a' },
    { name: 'b', home: '/homes/b' },
  ];
  const text = JSON.stringify({ accounts, notifications: { telegram: { api_base: server.url, ...telegram } } });
  writeFileSync(file, text, { mode: 0o600 });
  return { config: file };
}

const codeOf = (io: CapturedIo) => waitFor(() => /\/start (\d{6})/.exec(io.stderr)?.[1]);

test('waits for the number it shows and prints lines that can be pasted', async () => {
  const io = ioOf();
  const done = notifySetup('telegram', config(), io);
  const code = await codeOf(io);
  expect(io.stderr).toContain(`https://t.me/failover_test_bot?start=${code}`);
  server.write('/start 000000', { chat: 666, user: 666 });
  server.write('hello', { chat: 667, user: 667 });
  server.write(`/start ${code}`, { chat: -1001, user: 42 });
  expect(await done).toBe(0);
  expect(ConfigFile.parse(parse(io.stdout)).notifications.telegram).toMatchObject({
    enabled: true,
    commands: false,
    chat_ids: [-1001],
    allowed_users: [42],
  });
  expect(server.messages.map(({ chat }) => chat)).toEqual([-1001]);
  expect(server.unconfirmed()).toBe(0);
  expect(io.stdout + io.stderr).not.toMatch(/canary/);
});

test('a token from a file is found; without any it says how to get one', async () => {
  const file = join(home, 'token');
  writeFileSync(file, `${TOKEN}\n`, { mode: 0o600 });
  const io = ioOf({});
  const done = notifySetup('telegram', config({ token_file: file }), io);
  server.write(`/start@failover_test_bot ${await codeOf(io)}`);
  expect(await done).toBe(0);
  expect(io.stdout).not.toContain('token_file');
  await expect(notifySetup('telegram', {}, ioOf({}))).rejects.toMatchObject({
    code: 'no_bot_token',
    hint: expect.stringContaining('@BotFather'),
  });
});

test('a wrong token, and a bot that another program reads, end it with the next step', async () => {
  const wrong = ioOf({ TELEGRAM_BOT_TOKEN: '1:wrong' });
  expect(await notifySetup('telegram', config(), wrong)).toBe(1);
  expect(wrong.stderr).toMatch(/refuses the bot token \(401\)\nnext: check the token/);
  const io = ioOf();
  server.fail('getUpdates', {
    kind: 'answer',
    code: 409,
    description: 'Conflict: terminated by other getUpdates request',
  });
  expect(await notifySetup('telegram', config(), io)).toBe(1);
  expect(io.stderr).toContain('stop the daemon meanwhile');
});

test('a server that fails for a moment is asked again; Ctrl-C ends it', async () => {
  const interrupt = new AbortController();
  const io = ioOf(undefined, interrupt.signal);
  server.fail('getUpdates', { kind: 'reset' });
  const done = notifySetup('telegram', config(), io);
  await waitFor(() => io.clock.pending > 0 && server.calls.some(({ method }) => method === 'getUpdates'));
  await waitFor(async () => {
    await io.clock.advance(2_000);
    return server.calls.filter(({ method }) => method === 'getUpdates').length === 2;
  });
  interrupt.abort();
  expect(await done).toBe(1);
});

test('other channels are not set up this way', async () => {
  expect(await notifySetup('email', {}, ioOf())).toBe(2);
});
