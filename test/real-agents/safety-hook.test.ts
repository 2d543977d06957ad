/** The official Claude Code, without permissions to ask for, is kept by the safety hook from what it was told to do. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { mergeSections, writeConfig } from '../support/daemon-config.ts';
import { startDaemonProcess } from '../support/daemon-process.ts';
import { keepShells } from '../support/kept.ts';
import { StandInWorld } from '../support/stand-in/index.ts';
import { dispatching, taskProject } from '../support/task-files.ts';
import { startTmux } from '../support/tmux.ts';
import { waitFor } from '../support/wait.ts';
import { installAgent } from './install.ts';
import { startProvider } from './provider.ts';
import { beforeStageClears, clearStage, settledIn } from './stage.ts';

afterEach(clearStage);

describe.each(['latest', '2.0.76'])('Claude Code %s', (version) => {
  const agent = installAgent(`@anthropic-ai/claude-code@${version}`, 'claude');
  if (agent.kind === 'absent') console.log(`Claude Code ${version} is skipped: ${agent.reason}`);

  it.skipIf(agent.kind === 'absent')(
    'a task that would write among the claims is refused that, and one that works in its project is done [R86]',
    async () => {
      const world = new StandInWorld();
      beforeStageClears(() => world.remove());
      const tmux = await startTmux();
      beforeStageClears(() => tmux.kill());
      const provider = await startProvider();
      beforeStageClears(() => provider.close());
      const project = taskProject(world);
      writeFileSync(join(world.user, '.claude.json'), JSON.stringify(settledIn(world, [project.path])), {
        mode: 0o600,
      });
      const command = join(world.bin, 'real-claude');
      const settings = [
        `ANTHROPIC_BASE_URL=${provider.url}`,
        ...['CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC', 'DISABLE_AUTOUPDATER', 'DISABLE_ERROR_REPORTING'].map(on),
        ...['DISABLE_INSTALLATION_CHECKS', 'DISABLE_TELEMETRY', 'IS_SANDBOX'].map(on),
      ];
      const program = agent.kind === 'installed' ? agent.program : '';
      writeFileSync(command, `#!/bin/sh\nexec env ${settings.join(' ')} SHELL=/bin/bash '${program}' "$@"\n`, {
        mode: 0o755,
      });
      await keepShells(world, tmux);
      const claimed = join(project.path, '.agent-queue/claimed');
      mkdirSync(claimed, { recursive: true });
      project.drop('bad', `please run: touch ${claimed}/forged # "\n`);
      project.drop('good', 'please run: touch made-by-the-tool # "\n');
      const changes = mergeSections(dispatching(world, 1), {
        agents: { claude: { command, args: ['--dangerously-skip-permissions'] } },
        dispatcher: { safety_hook: true },
        watcher: { auto_answers: ['trust_folder'] },
      });
      const daemon = await startDaemonProcess(world, writeConfig(world, tmux, changes));
      beforeStageClears(() => daemon.end('SIGTERM'));
      await waitFor(() => project.over('done').length === 2, { timeoutMs: 200_000 }).catch(async (error) => {
        console.log(await tmux.run('capture-pane', '-p', '-t', '=auto-1:'));
        console.log(daemon.log().slice(-4000));
        throw error;
      });
      expect(existsSync(join(project.path, 'made-by-the-tool'))).toBe(true);
      expect(existsSync(join(claimed, 'forged'))).toBe(false);
      const transcripts = readdirSync(world.root, { recursive: true, encoding: 'utf8' })
        .filter((name) => /\/projects\/.*\.jsonl$/.test(name))
        .map((name) => readFileSync(join(world.root, name), 'utf8'));
      expect(transcripts.join('')).toMatch(/safety hook: refused: [^"]*forged belongs to claude-failover/);
    },
  );
});

function on(name: string): string {
  return `${name}=1`;
}
