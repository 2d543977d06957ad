/** The official Codex against a provider on loopback: from the limit to the next answer on the other account. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { writeConfig } from '../support/daemon-config.ts';
import { startDaemonProcess } from '../support/daemon-process.ts';
import { installAgent } from './install.ts';
import { codexLogin, startOpenAiProvider } from './openai-provider.ts';
import { beforeStageClears, clearStage, say, swapsDone } from './stage.ts';
import { stageLinked } from './stage-linked.ts';
import { tlsDoorLack } from './tls-door.ts';

afterEach(clearStage);

function settings(url: string, projects: readonly string[]): string {
  const trusted = projects.map((path) => `[projects."${path}"]\ntrust_level = "trusted"\n`).join('');
  return `model = "gpt-5.5"
model_provider = "loopback"
check_for_update_on_startup = false
approval_policy = "never"
sandbox_mode = "read-only"
[analytics]
enabled = false
[otel]
exporter = "none"
[tui]
show_tooltips = false
[model_providers.loopback]
name = "OpenAI"
base_url = "${url}"
wire_api = "responses"
requires_openai_auth = true
supports_websockets = false
[notice.model_migrations]
"gpt-5.5" = "gpt-6-sol"
[features]
enable_request_compression = false
${trusted}`;
}

const lack = tlsDoorLack();
const agent = installAgent('@openai/codex@latest', 'codex');
if (agent.kind === 'absent') console.log(`Codex is skipped: ${agent.reason}`);
if (lack !== null) console.log(`Codex is skipped: ${lack}`);

describe('Codex', () => {
  it.skipIf(agent.kind === 'absent' || lack !== null).each([
    ['primary', 1],
    ['secondary', 3],
  ] as const)(
    'a limit (%s) on %i panes: ended, one flip, and each goes on in its own session [R270]',
    async (window, count) => {
      const provider = await startOpenAiProvider();
      beforeStageClears(() => provider.close());
      const { world, tmux, panes } = await stageLinked({
        agent: 'codex',
        program: agent.kind === 'installed' ? agent.program : '',
        panes: count,
        // With a login this CLI makes nothing of a key in its environment.
        env: { ...provider.env, OPENAI_API_KEY: 'sk-made-up' },
        ready: /default ·|^›/m,
        prepare(made, projects) {
          for (const { account, credentials } of made.homes)
            writeFileSync(credentials, JSON.stringify(codexLogin(account)), { mode: 0o600 });
          writeFileSync(join(made.link, 'config.toml'), settings(provider.url, projects));
        },
      });
      const daemon = await startDaemonProcess(world, writeConfig(world, tmux));
      beforeStageClears(() => daemon.end('SIGTERM'));
      for (const [i, pane] of panes.entries()) {
        await say(pane, `first question ${i}`);
        await pane.shows(/REPLY-\d+ from work-1/, 60_000).catch(async (error) => {
          console.log(provider.requests);
          throw error;
        });
      }
      provider.limit('work-1', window);
      for (const [i, pane] of panes.entries()) await say(pane, `second question ${i}`);
      const swaps = await swapsDone(daemon, 180_000).catch(async (error: unknown) => {
        for (const pane of panes) console.log(await pane.screen());
        console.log(provider.requests);
        throw error;
      });
      expect(swaps).toMatchObject([{ from: 'work-1', to: 'work-2' }]);
      expect(world.activeAccount()).toBe('work-2');
      const last = await daemon.get<{ panes: readonly { state: string }[] }>('/swaps/last');
      expect(last?.panes, JSON.stringify(last?.panes)).toMatchObject(panes.map(() => ({ state: 'recovered' })));
      for (const pane of panes) await pane.shows(/REPLY-\d+ from work-2/, 60_000);
      const prompts = provider.requests.filter(({ text }) => /"text":"continue"/.test(text));
      expect(prompts.map(({ account, status }) => `${account} ${status}`)).toEqual(panes.map(() => 'work-2 200'));
      // Each in its own session: what was said before is there again.
      const first = provider.requests.find(({ text }) => text.includes('first question'));
      for (const { items } of prompts) expect(items).toBeGreaterThan((first?.items ?? 0) + 1);
      const refused = provider.requests.find(({ status }) => status === 429);
      console.log(
        `Codex ${agent.kind === 'installed' ? agent.version : ''}, ${window}, ${count} panes: limit → last answer ${(prompts.at(-1)?.at ?? 0) - (refused?.at ?? 0)} ms`,
      );
    },
  );
});
