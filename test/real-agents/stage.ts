/** A world in which the official Claude Code runs in panes, beside the real daemon and a provider on loopback. */
import { readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ConfigChanges, writeConfig } from '../support/daemon-config.ts';
import { type DaemonProcess, startDaemonProcess } from '../support/daemon-process.ts';
import { type StandInPane, StandInWorld } from '../support/stand-in/index.ts';
import { startTmux, type TestTmux } from '../support/tmux.ts';
import { waitFor } from '../support/wait.ts';
import { type Provider, startProvider } from './provider.ts';

export interface SwapView {
  readonly id: string;
  readonly phase: string;
  readonly from: string;
  readonly to: string;
  readonly flipped_at: string | null;
}

export interface Stage {
  readonly world: StandInWorld;
  readonly tmux: TestTmux;
  readonly provider: Provider;
  readonly daemon: DaemonProcess;
  readonly panes: readonly StandInPane[];
}

const open: (() => Promise<void> | void)[] = [];

/** Ends all that was staged. */
export async function clearStage(): Promise<void> {
  for (const close of open.splice(0).reverse()) await close();
}

/** Does this too at the end. */
export function beforeStageClears(close: () => Promise<void> | void): void {
  open.push(close);
}

export interface StageOptions {
  readonly panes?: number;
  /** Their names; the first is active. */
  readonly accounts?: readonly string[];
  /** Variables of the panes. */
  readonly env?: (world: StandInWorld) => Promise<Readonly<Record<string, string>>>;
  readonly config?: ConfigChanges;
}

/** Two accounts behind one link, these many panes with the real program, and the real daemon. */
export async function stage(program: string, options: StageOptions = {}): Promise<Stage> {
  const world = new StandInWorld(options.accounts === undefined ? {} : { accounts: options.accounts });
  open.push(() => world.remove());
  const tmux = await startTmux();
  open.push(() => tmux.kill());
  const provider = await startProvider();
  open.push(() => provider.close());
  rmSync(join(world.bin, 'claude'));
  symlinkSync(program, join(world.bin, 'claude'));
  const projects = Array.from({ length: options.panes ?? 1 }, (_, i) => world.project(`project-${i}`));
  writeFileSync(join(world.user, '.claude.json'), JSON.stringify(settledIn(world, projects)), { mode: 0o600 });
  const env = (await options.env?.(world)) ?? {};
  const panes: StandInPane[] = [];
  for (const i of projects.keys()) {
    panes.push(
      await world.startPane(tmux, {
        name: `agent-${i}`,
        project: `project-${i}`,
        env: {
          ...env,
          ...offline(provider),
        },
        args: ['--dangerously-skip-permissions'],
      }),
    );
  }
  const daemon = await startDaemonProcess(world, writeConfig(world, tmux, options.config));
  open.push(() => daemon.end('SIGTERM'));
  for (const pane of panes) await pane.shows(/^\s*[❯>]/m, 30_000);
  return { world, tmux, provider, daemon, panes };
}

/** Variables with which the program asks this provider only. */
export function offline(provider: Provider): Readonly<Record<string, string>> {
  return {
    ANTHROPIC_BASE_URL: provider.url,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
    DISABLE_ERROR_REPORTING: '1',
    DISABLE_INSTALLATION_CHECKS: '1',
    DISABLE_TELEMETRY: '1',
    IS_SANDBOX: '1',
    SHELL: '/bin/bash',
  };
}

/** What a user of some weeks has: no first-run dialog stands in the way. */
export function settledIn(world: StandInWorld, projects: readonly string[]): object {
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

/** Ends what outlives the panes: programs that were started from files below this directory. */
export function endProgramsBelow(root: string): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith(`${root}/`)) process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
}

/** Types as a person does: the text, and Enter when it stands there. */
export async function say(pane: StandInPane, text: string): Promise<void> {
  await pane.type(text);
  await pane.shows(text);
  await pane.press('Enter');
}

/** Waits until there are so many swaps, and all have gone through; the newest first. */
export async function swapsDone(daemon: DaemonProcess, limitMs: number, count = 1): Promise<readonly SwapView[]> {
  return await waitFor(
    async () => {
      const swaps = (await daemon.get<{ swaps: readonly SwapView[] }>('/swaps'))?.swaps ?? [];
      if (swaps.length >= count && swaps.every((swap) => swap.phase === 'done')) return swaps;
      throw new Error(`swaps: ${JSON.stringify(swaps)}\n${daemon.log()}`);
    },
    { timeoutMs: limitMs, everyMs: 100 },
  );
}
