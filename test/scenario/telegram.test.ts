/** The whole daemon and a bot: what happens is told in one message, and what is asked there is done. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createTelegramApi } from '../../src/adapters/channels/telegram-api.ts';
import { systemClock } from '../../src/adapters/clock.ts';
import { keyedHash, randomName } from '../../src/adapters/own-secret.ts';
import type { ButtonWish } from '../../src/core/alerts/callback.ts';
import { signButtons } from '../../src/steps/chat-desk.ts';
import { acquireDaemonLock } from '../../src/store/lock.ts';
import { DAY } from '../support/daemon.ts';
import type { ConfigChanges } from '../support/daemon-config.ts';
import { onStage } from '../support/stage.ts';
import type { StandInWorld } from '../support/stand-in/index.ts';
import { CHAT, plainOf, startTelegram, type TelegramServer, TOKEN, USER } from '../support/telegram-server.ts';
import { waitFor } from '../support/wait.ts';

function withBot(world: StandInWorld, server: TelegramServer): ConfigChanges {
  const token = join(world.root, 'token');
  writeFileSync(token, `${TOKEN}\n`, { mode: 0o600 });
  const telegram = {
    enabled: true,
    commands: true,
    token_file: token,
    chat_ids: [CHAT],
    allowed_users: [USER],
    api_base: server.url,
  };
  return { notifications: { telegram } };
}

/** A button as the daemon of this world signs it. */
function button(world: StandInWorld, wish: ButtonWish): string {
  const sign = { mac: keyedHash(join(world.root, 'state', 'buttons.key')), nonce: () => randomName(6) };
  return signButtons([[{ label: 'x', wish }]], CHAT, Date.now(), sign)[0]?.[0]?.data ?? '';
}

const texts = (server: TelegramServer) => server.messages.map(({ text }) => plainOf(text) ?? '');

test.concurrent(
  'a hold from the chat stops the swap and says so, its end lets it go on, and the swap is one message [R234 R281]',
  onStage(async ({ world, tmux, start }) => {
    const server = await startTelegram();
    try {
      const pane = await world.startPane(tmux, { name: 'a' });
      const daemon = await start({ changes: withBot(world, server) });
      server.write('/status');
      await waitFor(() => texts(server).some((text) => text.includes('default: work-1')));

      server.press(button(world, { action: 'hold', subject: 'default' }));
      await waitFor(() => server.presses.length === 1);
      expect(daemon.status().pools[0]?.hold_until).not.toBeNull();
      world.setLimit('work-1', { kind: 'five_hour', resetsAt: Date.now() + DAY });
      await pane.say('do the work');
      const refused = await daemon.told('swap_refused');
      expect(refused.data).toMatchObject({ reason: 'hold', detail: `held by telegram user ${USER}` });
      await daemon.polls(5);
      expect(world.activeAccount()).toBe('work-1');

      server.write('/resume');
      const { swap } = await daemon.swapDone();
      expect(swap).toMatchObject({ from: 'work-1', to: 'work-2', phase: 'done' });
      const ofSwap = () => server.messages.filter(({ text }) => text.includes(swap.id));
      await waitFor(() => ofSwap().some(({ buttons }) => buttons.length === 0));
      expect(ofSwap()).toHaveLength(1);
    } finally {
      await server.stop();
    }
  }),
);

test.concurrent(
  'a pause for an hour from the chat is the kill switch with an end, and a restart does what came meanwhile once [R234 R285]',
  onStage(async ({ world, tmux, start }) => {
    const server = await startTelegram();
    try {
      await world.startPane(tmux, { name: 'a' });
      const changes = withBot(world, server);
      const first = await start({ changes });
      server.press(button(world, { action: 'pause', subject: '' }));
      await first.told('paused');
      await waitFor(() => first.status().paused !== null);
      expect(first.status().paused).toMatch(new RegExp(`^paused by telegram user ${USER} \\(until .*Z\\)$`));
      await waitFor(() => server.presses.length === 1);
      await first.stop();

      server.write('/resume');
      const second = await start({ changes });
      await second.told('resumed');
      await waitFor(() => server.unconfirmed() === 0);
      await waitFor(() => second.status().paused === null);
      expect(await second.events('paused', 'resumed')).toHaveLength(2);
      const lines = JSON.stringify([...first.log.lines, ...second.log.lines]);
      expect(lines).not.toContain('canary');
    } finally {
      await server.stop();
    }
  }),
);

test.concurrent(
  'the message of an alert bears buttons: the alert is acknowledged by the one, the other asks before it swaps [R234]',
  onStage(async ({ world, tmux, start }) => {
    const server = await startTelegram();
    try {
      const pane = await world.startPane(tmux, { name: 'a' });
      const daemon = await start({
        changes: { ...withBot(world, server), alerts: { interval: '5s' }, quota: { reactivate_cooldown: '0s' } },
      });
      for (const account of ['work-1', 'work-2'])
        world.setLimit(account, { kind: 'seven_day', resetsAt: Date.now() + 3 * DAY });
      await pane.say('do the work');
      await daemon.told('no_eligible_account');
      const buttonOf = (label: string) =>
        waitFor(() => server.messages.flatMap(({ buttons }) => buttons.flat()).find(({ text }) => text === label));
      server.press((await buttonOf('Acknowledge')).callback_data);
      const acknowledged = await daemon.told('alert_acknowledged');
      expect(acknowledged.data).toMatchObject({ by: `telegram user ${USER}` });

      server.press((await buttonOf('Swap')).callback_data);
      await waitFor(() => texts(server).some((text) => text.startsWith('Not swapped (exhausted)')));
      expect(server.messages.find(({ text }) => text.includes('🛑'))).toMatchObject({ silent: false });
    } finally {
      await server.stop();
    }
  }),
  300_000,
);

test.concurrent(
  'a bot that another daemon on this machine reads is left to it',
  onStage(async ({ world, tmux, start }) => {
    const server = await startTelegram();
    const { id } = createTelegramApi({ token: TOKEN, apiBase: server.url, clock: systemClock() });
    const run = join(world.root, 'run');
    mkdirSync(run, { mode: 0o700 });
    const lock = acquireDaemonLock(join(run, `telegram-${id}.lock`), { procRoot: '/proc', now: Date.now() });
    try {
      expect(lock.kind).toBe('held');
      await world.startPane(tmux, { name: 'a' });
      const daemon = await start({ changes: withBot(world, server) });
      await waitFor(() => daemon.log.at('warn').includes('the chat is not read'));
      await daemon.polls(3);
      expect(server.calls.map(({ method }) => method)).not.toContain('getUpdates');
    } finally {
      if (lock.kind === 'held') lock.release();
      await server.stop();
    }
  }),
);
