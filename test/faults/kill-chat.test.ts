/** The process may end between any two steps of a button: what was pressed is done at most once. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { keyedHash, randomName } from '../../src/adapters/own-secret.ts';
import type { LocalStore } from '../../src/ports.ts';
import { signButtons } from '../../src/steps/chat-desk.ts';
import { openFor } from '../store/support/open.ts';
import { tempDir } from '../store/support/temp-dir.ts';
import { openBench } from '../support/chat-bench.ts';
import { writeConfig } from '../support/daemon-config.ts';
import { FakeDaemon } from '../support/daemon-facts.ts';
import { startDaemonProcess } from '../support/daemon-process.ts';
import { StandInWorld } from '../support/stand-in/index.ts';
import { CHAT, startTelegram, TOKEN } from '../support/telegram-server.ts';
import { startTmux } from '../support/tmux.ts';
import { waitFor } from '../support/wait.ts';

test('wherever it is killed, it is done once or, where it was marked as used just before, not at all', async () => {
  const outcomes = new Set<number>();
  const server = await startTelegram();
  const { local: store } = await openFor(tempDir());
  try {
    for (let kill = 0; kill < 22; kill++) {
      const daemon = new FakeDaemon();
      const { mortal, death } = killedAt(Math.floor(kill / 2), kill % 2 === 0 ? 'before' : 'after');
      const dying: LocalStore = Object.create(store, {
        meta: { value: (key: string) => mortal(() => store.meta(key)) },
        setMeta: { value: (key: string, value: string | null) => mortal(() => store.setMeta(key, value)) },
        append: { value: () => mortal(async () => undefined) },
      });
      const killed = new FakeDaemon();
      killed.hold = (...wish) => mortal(() => daemon.hold(...wish));
      const next = await openBench({ server, local: store, daemon });
      const data = next.button({ action: 'hold', subject: 'work' });
      server.press(data);
      server.press(data);
      await Promise.race([openBench({ server, local: dying, daemon: killed }).then((on) => on.tick()), death]);
      // The next process, twice, so that what was left unconfirmed comes too.
      await next.tick();
      server.press(data);
      await next.tick();
      const held = daemon.calls.filter(({ name }) => name === 'hold').length;
      outcomes.add(held);
      expect(held).toBeLessThanOrEqual(1);
    }
    expect([...outcomes].sort()).toEqual([0, 1]);
  } finally {
    await server.stop();
  }
});

/** Lets the first calls through; from the one with this number on nothing happens any more, as if the process were gone. */
function killedAt(number: number, when: 'before' | 'after') {
  let calls = 0;
  let die = (): void => undefined;
  const death = new Promise<void>((resolve) => {
    die = resolve;
  });
  const never = <T>(): Promise<T> => new Promise(() => undefined);
  const mortal = async <T>(work: () => Promise<T>): Promise<T> => {
    const at = calls++;
    if (at > number) return never();
    if (at < number) return work();
    if (when === 'after') await work();
    die();
    return never();
  };
  return { mortal, death };
}

const KILLS = process.env.CF_LONG === '1' ? 24 : 2;
const PRESSES_PER_KILL = 4;

test(
  'a real daemon that is killed again and again does what was pressed at most once, and listens again',
  async () => {
    const server = await startTelegram();
    const world = new StandInWorld();
    const tmux = await startTmux();
    try {
      const users = Array.from({ length: KILLS * PRESSES_PER_KILL + 1 }, (_, i) => 5_000 + i);
      const token = join(world.root, 'token');
      writeFileSync(token, `${TOKEN}\n`, { mode: 0o600 });
      const telegram = { enabled: true, commands: true, token_file: token, chat_ids: [CHAT], allowed_users: users };
      const config = writeConfig(world, tmux, { notifications: { telegram: { ...telegram, api_base: server.url } } });
      let pressed = 0;
      const press = (): void => {
        const sign = { mac: keyedHash(join(world.root, 'state', 'buttons.key')), nonce: () => randomName(6) };
        const wish = { action: 'hold', subject: 'default' } as const;
        const data = signButtons([[{ label: 'x', wish }]], CHAT, Date.now(), sign)[0]?.[0]?.data ?? '';
        const from = { user: users[pressed++] ?? 0 };
        server.press(data, from);
        server.press(data, from);
      };
      for (let kill = 0; kill < KILLS; kill++) {
        const daemon = await startDaemonProcess(world, config);
        for (let i = 0; i < PRESSES_PER_KILL; i++) press();
        const answers = server.presses.length;
        // Somewhere in the middle of them.
        const share = kill % (2 * PRESSES_PER_KILL);
        await waitFor(() => server.presses.length >= answers + share, { everyMs: 1 });
        await daemon.end('SIGKILL');
      }
      const last = await startDaemonProcess(world, config);
      await waitFor(() => server.unconfirmed() === 0);
      press();
      const held = async () => {
        const answer = await last.get<{ events: { data: { reason: string } }[] }>('/events?type=pool_held&limit=1000');
        return (answer?.events ?? []).map(({ data }) => data.reason);
      };
      await waitFor(async () => (await held()).some((reason) => reason.endsWith(` ${users[pressed - 1]}`)));
      const done = await held();
      expect(new Set(done).size).toBe(done.length);
      expect(done.length).toBeGreaterThanOrEqual(pressed - KILLS);
      await last.end('SIGTERM');
    } finally {
      await server.stop();
      await tmux.kill();
      world.remove();
    }
  },
  240_000 + KILLS * 20_000,
);
