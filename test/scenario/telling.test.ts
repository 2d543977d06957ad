/** People are told of a swap, and no provider stands in its way. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BY_HAND } from '../support/daemon.ts';
import { writeConfig } from '../support/daemon-config.ts';
import { startDaemonProcess } from '../support/daemon-process.ts';
import { COLLECTS_ALL_THE_TIME } from '../support/garbage.ts';
import type { Mood } from '../support/providers.ts';
import { startProvider } from '../support/providers.ts';
import { onStage } from '../support/stage.ts';
import { waitFor } from '../support/wait.ts';

test(
  'while two providers hang a swap is done as ever, and the third tells of it once [R191] [R229]',
  onStage(async ({ world, start }) => {
    const hang: Mood = { kind: 'hang' };
    const [mail, chat, hook] = await Promise.all([startProvider(hang), startProvider(hang), startProvider()]);
    try {
      const secret = join(world.root, 'secret');
      writeFileSync(secret, '12345:canary-canary-canary-canary-canary', { mode: 0o600 });
      const daemon = await start({
        changes: {
          notifications: {
            min_severity: 'info',
            email: {
              enabled: true,
              api_key_file: secret,
              from: 'a@example.com',
              to: ['b@example.com'],
              api_base: mail.url,
            },
            telegram: { enabled: true, token_file: secret, chat_ids: [1], api_base: chat.url },
            webhook: { enabled: true, url: hook.url, secret_file: secret },
          },
        },
      });
      await waitFor(() => mail.requests.length > 0 && chat.requests.length > 0);
      expect(await daemon.app.api.swap(BY_HAND)).toMatchObject({ kind: 'accepted' });
      const { swap } = await daemon.swapDone();
      expect(swap.phase).toBe('done');
      const told = await waitFor(() =>
        hook.accepted.map(({ body }) => JSON.parse(body)).find(({ event }) => event === 'swap_completed'),
      );
      expect(told).toMatchObject({
        key: `swap:${swap.id}`,
        title: `${swap.from} → ${swap.to}: done, no pane had stopped`,
        settled: true,
      });
      const ofSwap = hook.accepted.filter(({ body }) => JSON.parse(body).key === `swap:${swap.id}`);
      expect(ofSwap).toHaveLength(1);
      const status = await waitFor(() => {
        const now = daemon.status();
        return now.notifications.filter(({ waiting }) => waiting > 0).length === 2 ? now : null;
      });
      expect(status.notifications.map(({ channel }) => channel).sort()).toEqual(['email', 'telegram:1', 'webhook']);
      const shown = JSON.stringify([status, daemon.log.lines, hook.accepted.map(({ body }) => body)]);
      expect(shown).not.toContain('canary');
    } finally {
      await Promise.all([mail.close(), chat.close(), hook.close()]);
    }
  }),
);

test(
  'a stop does not wait for a provider that never ends its answer [R229]',
  onStage(async ({ world, tmux }) => {
    const mail = await startProvider({ kind: 'half-open' });
    try {
      const secret = join(world.root, 'secret');
      writeFileSync(secret, 'canary', { mode: 0o600 });
      const email = {
        enabled: true,
        api_key_file: secret,
        from: 'a@example.com',
        to: ['b@example.com'],
        api_base: mail.url,
      };
      const config = writeConfig(world, tmux, { notifications: { min_severity: 'info', email } });
      const daemon = await startDaemonProcess(world, config, { preload: COLLECTS_ALL_THE_TIME });
      const status = () => daemon.get<{ notifications: { failing_since: string | null }[] }>('/status');
      await waitFor(async () => (await status())?.notifications[0]?.failing_since, { timeoutMs: 60_000 });
      await daemon.end('SIGTERM');
      expect(daemon.child.exitCode).toBe(0);
    } finally {
      await mail.close();
    }
  }),
);
