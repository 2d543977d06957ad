/** The official Gemini CLI against a provider on loopback: from the daily quota to the next answer on the other account. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { writeConfig } from '../support/daemon-config.ts';
import { startDaemonProcess } from '../support/daemon-process.ts';
import type { StandInPane } from '../support/stand-in/index.ts';
import { waitFor } from '../support/wait.ts';
import { type GeminiProvider, startGeminiProvider } from './gemini-provider.ts';
import { installAgent } from './install.ts';
import { beforeStageClears, clearStage, swapsDone } from './stage.ts';
import { stageLinked } from './stage-linked.ts';
import { tlsDoorLack } from './tls-door.ts';

afterEach(clearStage);

const SETTINGS = {
  security: { auth: { selectedType: 'oauth-personal' }, folderTrust: { enabled: false } },
  general: { disableAutoUpdate: true, enableAutoUpdate: false, disableUpdateNag: true },
  privacy: { usageStatisticsEnabled: false },
  telemetry: { enabled: false },
  ui: { hideTips: true, hideBanner: true },
  model: { name: 'gemini-2.5-pro' },
};

/** It shows its composer before it takes an Enter. */
async function submit(pane: StandInPane, provider: GeminiProvider, text: string): Promise<void> {
  await pane.type(text);
  await pane.shows(text);
  const isAsked = (): boolean => provider.requests.some((request) => request.text.includes(text));
  await waitFor(
    async () => {
      await pane.press('Enter');
      return waitFor(isAsked, { timeoutMs: 4_000 });
    },
    { timeoutMs: 60_000 },
  );
}

const lack = tlsDoorLack();
const agent = installAgent('@google/gemini-cli@latest', 'gemini');
if (agent.kind === 'absent') console.log(`Gemini CLI is skipped: ${agent.reason}`);
if (lack !== null) console.log(`Gemini CLI is skipped: ${lack}`);

describe('Gemini CLI', () => {
  it.skipIf(agent.kind === 'absent' || lack !== null).each([1, 2])(
    'a daily quota on %i panes: ended, one flip of both files, and each goes on in its own session [R270]',
    async (count) => {
      const provider = await startGeminiProvider();
      beforeStageClears(() => provider.close());
      const { world, tmux, panes } = await stageLinked({
        agent: 'gemini',
        program: agent.kind === 'installed' ? agent.program : '',
        panes: count,
        // Its settings choose the login, so it makes nothing of a key in its environment.
        env: { ...provider.env, GEMINI_CLI_TRUST_WORKSPACE: 'true', GEMINI_API_KEY: 'made-up' },
        ready: /Type your message/,
        prepare: (made) => writeFileSync(join(made.link, 'settings.json'), JSON.stringify(SETTINGS)),
      });
      const daemon = await startDaemonProcess(world, writeConfig(world, tmux));
      beforeStageClears(() => daemon.end('SIGTERM'));
      for (const [i, pane] of panes.entries()) {
        await submit(pane, provider, `first question ${i}`);
        await pane.shows(/REPLY-\d+ from work-1/, 60_000);
      }
      provider.limit('work-1');
      for (const [i, pane] of panes.entries()) await submit(pane, provider, `second question ${i}`);
      const swaps = await swapsDone(daemon, 180_000).catch(async (error: unknown) => {
        for (const pane of panes) console.log(await pane.screen());
        console.log(provider.requests);
        throw error;
      });
      expect(swaps).toMatchObject([{ from: 'work-1', to: 'work-2' }]);
      expect(world.activeAccount()).toBe('work-2');
      // It keeps no record that proves whether a prompt arrived, and loses what is typed right after its start: such a pane
      // stands resumed before its user, who is told.
      const last = await daemon.get<{ panes: readonly { state: string; reason: string | null }[] }>('/swaps/last');
      const left = (last?.panes ?? []).filter(({ state }) => state !== 'recovered');
      for (const { reason } of left) expect(reason).toBe('it cannot be proved that the prompt was not sent');
      const isGoingOn = (): number => provider.requests.filter(({ account }) => account === 'work-2').length;
      for (const pane of panes)
        if (isGoingOn() < panes.length && !/from work-2/.test(await pane.screen()))
          await submit(pane, provider, 'continue');
      for (const pane of panes) await pane.shows(/REPLY-\d+ from work-2/, 60_000);
      const prompts = provider.requests.filter(({ text }) => /^continue$/m.test(text));
      expect(prompts.map(({ account, status }) => `${account} ${status}`)).toEqual(panes.map(() => 'work-2 200'));
      // Each in its own session: what was said before is there again.
      const first = provider.requests.find(({ text }) => text.includes('first question'));
      for (const { items } of prompts) expect(items).toBeGreaterThan((first?.items ?? 0) + 1);
      const refused = provider.requests.find(({ status }) => status === 429);
      console.log(
        `Gemini CLI ${agent.kind === 'installed' ? agent.version : ''}, ${count} panes: ` +
          `limit → last answer ${(prompts.at(-1)?.at ?? 0) - (refused?.at ?? 0)} ms, ${left.length} handed over`,
      );
    },
  );
});
