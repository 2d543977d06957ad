/** `notify test` and `notify list`, and what a program without channels never loads. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { showConfig } from '../../src/commands/config.ts';
import { notifyList, notifyTest } from '../../src/commands/notify.ts';
import { openStore } from '../../src/store/open.ts';
import { tempDir } from '../store/support/temp-dir.ts';
import { commandIo } from '../support/command-io.ts';
import { Desk, FakeChannel } from '../support/desk.ts';
import { FakeClock } from '../support/fake-clock.ts';
import type { Provider } from '../support/providers.ts';
import { startProvider } from '../support/providers.ts';

const SRC = join(import.meta.dirname, '../../src');

let home: string;
let mail: Provider;
let hook: Provider;
beforeEach(async () => {
  home = tempDir();
  mail = await startProvider();
  hook = await startProvider();
});
afterEach(() => Promise.all([mail.close(), hook.close()]));

function write(notifications: object): string {
  const config = join(home, 'config.yaml');
  const accounts = ['a', 'b'].map((name) => ({ name, home: join(home, name) }));
  writeFileSync(config, JSON.stringify({ accounts, daemon: { state_dir: join(home, 'state') }, notifications }), {
    mode: 0o600,
  });
  return config;
}
const both = () => ({
  email: { enabled: true, from: 'a@example.com', to: ['b@example.com'], api_base: mail.url },
  webhook: { enabled: true, url: `${hook.url}/canary-path`, secret: 'canary-secret' },
});
const env = { RESEND_API_KEY: 're_canary' };

describe('notify test [R233]', () => {
  test('it asks every channel and prints what the provider said', async () => {
    const io = commandIo({ home, env });
    expect(await notifyTest({ config: write(both()) }, io)).toBe(0);
    expect(io.stdout).toBe('email: sent\nwebhook: sent\n');
    expect(mail.accepted).toHaveLength(1);
    expect(hook.accepted).toHaveLength(1);
  });

  test('one that refuses is an exit code and a reason without its secret', async () => {
    const body = JSON.stringify({ name: 'invalid_api_key', statusCode: 403, message: 'API key is invalid' });
    mail.feel({ kind: 'status', status: 403, body });
    const io = commandIo({ home, env });
    expect(await notifyTest({ config: write(both()), json: true }, io)).toBe(1);
    expect(JSON.parse(io.stdout)).toEqual({
      channels: [
        { channel: 'email', result: 'retry', detail: 'resend: invalid_api_key (403): API key is invalid' },
        { channel: 'webhook', result: 'sent', detail: null },
      ],
    });
    expect(io.stdout + io.stderr).not.toContain('canary');
  });

  test('only the channel that is named is asked', async () => {
    const io = commandIo({ home, env });
    expect(await notifyTest({ config: write(both()), channel: 'webhook' }, io)).toBe(0);
    expect(mail.requests).toEqual([]);
    expect(await notifyTest({ config: write(both()), channel: 'pager' }, io)).toBe(2);
  });

  test('what another channel lacks is not told, and says nothing of the exit code', async () => {
    const io = commandIo({ home });
    expect(await notifyTest({ config: write(both()), channel: 'telegram' }, io)).toBe(2);
    expect(io.stderr).not.toContain('email');
    const silent = commandIo({ home });
    expect(await notifyTest({ config: write(both()), channel: 'webhook' }, silent)).toBe(0);
    expect(silent.stderr).toBe('');
  });

  test('without a channel, or without its secret, it says what is missing', async () => {
    const none = commandIo({ home });
    expect(await notifyTest({ config: write({}) }, none)).toBe(1);
    expect(none.stderr).toContain('no channel is set up');
    const io = commandIo({ home });
    expect(await notifyTest({ config: write({ email: both().email }) }, io)).toBe(1);
    expect(io.stderr).toContain(
      'email: this channel stays silent: there is no API key: neither $RESEND_API_KEY nor a file holds its secret',
    );
  });
});

test('notify list shows what waits and why, without the daemon', async () => {
  const clock = new FakeClock();
  const store = await openStore({ stateDir: join(home, 'state'), now: clock.now() });
  await store.outbox.begin(0);
  const channel = new FakeChannel('email', clock);
  channel.answer = () => ({ kind: 'retry', afterMs: null, reason: 'resend: not reachable' });
  const desk = new Desk(store, clock, [channel]);
  await desk.happens({ type: 'login_needed', pool: 'default', account: 'a' });
  await desk.tick();
  await store.close();
  const io = commandIo({ home });
  expect(notifyList({ config: write({}), limit: '20' }, io)).toBe(0);
  expect(io.stdout).toMatch(/email +critical +waiting \(1 tries\) +a needs a login \(resend: not reachable\)/);
  expect(notifyList({ config: write({}), limit: '0' }, io)).toBe(2);
});

test('config show masks what may be a secret', async () => {
  const io = commandIo({ home });
  const notifications = { ...both(), heartbeat_url: 'https://example.com/canary' };
  notifications.email = { ...notifications.email, api_key: 'canary' } as typeof notifications.email;
  await showConfig({ config: write(notifications) }, io);
  expect(io.stdout).not.toContain('canary');
  expect(io.stdout).toContain(`url: ${hook.url}/[masked]`);
});

test('the libraries of the channels are loaded only for a channel that is set up', () => {
  const fromMain = reachable('main.ts', { lazily: true });
  expect([...fromMain]).toEqual(expect.arrayContaining(['resend', 'node-telegram-bot-api']));
  for (const start of ['app.ts', 'daemon.ts', 'commands/status.ts', 'commands/notify.ts']) {
    const atOnce = reachable(start, { lazily: false });
    expect([...atOnce].filter((name) => name === 'resend' || name === 'node-telegram-bot-api')).toEqual([]);
  }
});

/** Files and packages that are loaded with this one; `lazily`: those too that it may load later. */
function reachable(start: string, { lazily }: { readonly lazily: boolean }): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (file: string): void => {
    if (found.has(file)) return;
    found.add(file);
    const text = readFileSync(join(SRC, file), 'utf8');
    const imports = [...text.matchAll(/^(?:import|export)\s(?!type\s)(?:[^'";]*?\sfrom\s+)?'([^']+)';/gms)];
    const later = lazily ? [...text.matchAll(/\bimport\('([^']+)'\)/g)] : [];
    for (const [, to = ''] of [...imports, ...later]) {
      if (to.startsWith('.')) visit(relative(SRC, join(SRC, file, '..', to)));
      else found.add(to);
    }
  };
  visit(start);
  return found;
}
