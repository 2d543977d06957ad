/** The official Claude Code against a provider on loopback: from the limit to the next answer on the other account. */
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { writeConfig } from '../support/daemon-config.ts';
import { type DaemonProcess, startDaemonProcess } from '../support/daemon-process.ts';
import { type StandInPane, StandInWorld } from '../support/stand-in/index.ts';
import { startTmux, type TestTmux } from '../support/tmux.ts';
import { waitFor } from '../support/wait.ts';
import { installAgent } from './install.ts';
import { type Provider, startProvider } from './provider.ts';

interface SwapView {
  readonly id: string;
  readonly phase: string;
  readonly from: string;
  readonly to: string;
}

interface Stage {
  readonly world: StandInWorld;
  readonly tmux: TestTmux;
  readonly provider: Provider;
  readonly daemon: DaemonProcess;
  readonly panes: readonly StandInPane[];
}

const open: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** Two accounts behind one link, these many panes with the real program, and the real daemon. */
async function stage(program: string, paneCount: number): Promise<Stage> {
  const world = new StandInWorld();
  open.push(() => world.remove());
  const tmux = await startTmux();
  open.push(() => tmux.kill());
  const provider = await startProvider();
  open.push(() => provider.close());
  rmSync(join(world.bin, 'claude'));
  symlinkSync(program, join(world.bin, 'claude'));
  const projects = Array.from({ length: paneCount }, (_, i) => world.project(`project-${i}`));
  writeFileSync(join(world.user, '.claude.json'), JSON.stringify(settledIn(world, projects)), { mode: 0o600 });
  const panes: StandInPane[] = [];
  for (let i = 0; i < paneCount; i++) {
    panes.push(
      await world.startPane(tmux, {
        name: `agent-${i}`,
        project: `project-${i}`,
        env: {
          ANTHROPIC_BASE_URL: provider.url,
          CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
          DISABLE_AUTOUPDATER: '1',
          DISABLE_ERROR_REPORTING: '1',
          DISABLE_INSTALLATION_CHECKS: '1',
          DISABLE_TELEMETRY: '1',
          IS_SANDBOX: '1',
          SHELL: '/bin/bash',
        },
        args: ['--dangerously-skip-permissions'],
      }),
    );
  }
  const daemon = await startDaemonProcess(world, writeConfig(world, tmux));
  open.push(() => daemon.end('SIGTERM'));
  for (const pane of panes) await pane.shows(/^\s*[❯>]/m, 30_000);
  return { world, tmux, provider, daemon, panes };
}

/** What a user of some weeks has: no first-run dialog stands in the way. */
function settledIn(world: StandInWorld, projects: readonly string[]): object {
  const { accountUuid, organizationUuid } = world.home();
  return {
    numStartups: 20,
    installMethod: 'global',
    autoUpdates: false,
    hasCompletedOnboarding: true,
    lastOnboardingVersion: '99.0.0',
    lastReleaseNotesSeen: '99.0.0',
    theme: 'dark',
    userID: 'f'.repeat(64),
    bypassPermissionsModeAccepted: true,
    effortCalloutDismissed: true,
    fullscreenUpsellSeenCount: 3,
    opusProMigrationComplete: true,
    sonnet45MigrationComplete: true,
    shiftEnterKeyBindingInstalled: true,
    oauthAccount: {
      accountUuid,
      organizationUuid,
      emailAddress: 'made-up@example.test',
      organizationRole: 'admin',
      organizationName: 'Made Up',
      billingType: 'stripe_subscription',
      organizationType: 'claude_max',
      organizationRateLimitTier: 'default_claude_max_5x',
      hasExtraUsageEnabled: false,
    },
    projects: Object.fromEntries(
      projects.map((path) => [path, { hasTrustDialogAccepted: true, projectOnboardingSeenCount: 5, allowedTools: [] }]),
    ),
  };
}

/** Types as a person does: the text, and Enter when it stands there. */
async function say(pane: StandInPane, text: string): Promise<void> {
  await pane.type(text);
  await pane.shows(text);
  await pane.press('Enter');
}

async function swapsDone(daemon: DaemonProcess, limitMs: number): Promise<readonly SwapView[]> {
  return await waitFor(
    async () => {
      const swaps = (await daemon.get<{ swaps: readonly SwapView[] }>('/swaps'))?.swaps ?? [];
      if (swaps.length > 0 && swaps.every((swap) => swap.phase === 'done')) return swaps;
      throw new Error(`swaps: ${JSON.stringify(swaps)}\n${daemon.log()}`);
    },
    { timeoutMs: limitMs, everyMs: 100 },
  );
}

describe.each(['latest', '2.1.220', '2.0.76'])('Claude Code %s', (version) => {
  const agent = installAgent(`@anthropic-ai/claude-code@${version}`, 'claude');
  if (agent.kind === 'absent') console.log(`Claude Code ${version} is skipped: ${agent.reason}`);
  const test = it.skipIf(agent.kind === 'absent');
  const program = agent.kind === 'installed' ? agent.program : '';

  test.each([
    ['five_hour', 1],
    ['seven_day', 1],
    ['five_hour', 10],
  ] as const)('a %s limit on %i panes: one swap, and every pane answers on the other account', async (limit, count) => {
    const { world, provider, daemon, panes } = await stage(program, count);
    for (const pane of panes) {
      await say(pane, 'first question');
      await pane.shows(/REPLY-\d+ from work-1/, 30_000);
    }
    provider.set('work-1', limit);
    const from = Date.now();
    for (const pane of panes) await say(pane, 'second question');
    const swaps = await swapsDone(daemon, 180_000).catch(async (error: unknown) => {
      for (const pane of panes) console.log(await pane.screen());
      throw error;
    });
    expect(swaps).toMatchObject([{ from: 'work-1', to: 'work-2' }]);
    expect(world.activeAccount()).toBe('work-2');
    for (const pane of panes) await pane.shows(/REPLY-\d+ from work-2/, 30_000);
    const answered = provider.requests.find((request) => request.account === 'work-2' && request.status === 200);
    const refused = provider.requests.find((request) => request.status === 429);
    console.log(
      `Claude Code ${version}, ${limit}, ${count} panes: limit → next answer ${(answered?.at ?? 0) - (refused?.at ?? from)} ms`,
    );
    const typed = provider.requests.filter(
      (request) => request.status === 200 && /continue$/.test(request.text.trim()),
    );
    expect(typed.length).toBe(count);
  });

  test('a limit in the middle of a turn, after a tool call: the work goes on where it stood', async () => {
    const { world, provider, daemon, panes } = await stage(program, 1);
    const [pane] = panes;
    if (pane === undefined) throw new Error('no pane');
    await say(pane, 'first question');
    await pane.shows(/REPLY-\d+ from work-1/, 30_000);
    provider.set('work-1', 'five_hour', 1);
    await say(pane, 'please run: echo made by the tool');
    await pane.shows('made by the tool', 30_000);
    expect(await swapsDone(daemon, 120_000)).toMatchObject([{ from: 'work-1', to: 'work-2' }]);
    expect(world.activeAccount()).toBe('work-2');
    await pane.shows(/REPLY-\d+ from work-2/, 30_000);
    const refused = provider.requests.filter((request) => request.status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.every((request) => request.account === 'work-1')).toBe(true);
  });

  test('server errors that speak of limits, for as long as the program tries again: no swap', async () => {
    const { world, provider, daemon, panes } = await stage(program, 1);
    const [pane] = panes;
    if (pane === undefined) throw new Error('no pane');
    await say(pane, 'first question');
    await pane.shows(/REPLY-\d+ from work-1/, 30_000);
    provider.set('work-1', 'server_error');
    await say(pane, 'second question');
    await waitFor(() => provider.requests.filter((request) => request.status === 500).length >= 5, {
      timeoutMs: 60_000,
    });
    provider.set('work-1', 'ok');
    await pane.shows(/second question[\s\S]*REPLY-\d+ from work-1/, 90_000);
    expect((await daemon.get<{ swaps: readonly unknown[] }>('/swaps'))?.swaps).toEqual([]);
    expect(world.activeAccount()).toBe('work-1');
  });
});
