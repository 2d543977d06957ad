/** The official Claude Code does a task in a session of the daemon's own, and asks on the way whether it may. */
import { existsSync, writeFileSync } from 'node:fs';
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

/** Of these versions the screens are known; 2.0.76 does not ask for trust here. */
describe.each([
  ['latest', ['trust_folder', 'permission']],
  ['2.1.220', ['trust_folder', 'permission']],
  ['2.0.76', ['permission']],
] as const)('Claude Code %s', (version, asks) => {
  const agent = installAgent(`@anthropic-ai/claude-code@${version}`, 'claude');
  if (agent.kind === 'absent') console.log(`Claude Code ${version} is skipped: ${agent.reason}`);

  it.skipIf(agent.kind === 'absent')(
    'a task whose folder and whose command must be allowed is done, and nobody is told [R69 R265]',
    async () => {
      const world = new StandInWorld();
      beforeStageClears(() => world.remove());
      const tmux = await startTmux();
      beforeStageClears(() => tmux.kill());
      const provider = await startProvider();
      beforeStageClears(() => provider.close());
      writeFileSync(join(world.user, '.claude.json'), JSON.stringify(settledIn(world, [])), { mode: 0o600 });
      const command = join(world.bin, 'real-claude');
      const settings = [
        `ANTHROPIC_BASE_URL=${provider.url}`,
        ...['CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC', 'DISABLE_AUTOUPDATER', 'DISABLE_ERROR_REPORTING'].map(on),
        ...['DISABLE_INSTALLATION_CHECKS', 'DISABLE_TELEMETRY', 'IS_SANDBOX'].map(on),
      ];
      const program = agent.kind === 'installed' ? agent.program : '';
      const script = `#!/bin/sh\nexec env ${settings.join(' ')} SHELL=/bin/bash '${program}' --permission-mode default "$@"\n`;
      writeFileSync(command, script, { mode: 0o755 });
      await keepShells(world, tmux);
      const project = taskProject(world);
      project.drop('door', 'please run: touch made-by-the-tool # "\n');
      const changes = mergeSections(dispatching(world, 1), {
        agents: { claude: { command } },
        watcher: { auto_answers: ['trust_folder', 'permission'] },
      });
      const daemon = await startDaemonProcess(world, writeConfig(world, tmux, changes));
      beforeStageClears(() => daemon.end('SIGTERM'));
      await waitFor(() => project.over('done').includes('door'), { timeoutMs: 150_000 }).catch(async (error) => {
        console.log(await tmux.run('capture-pane', '-p', '-t', '=auto-1:'));
        console.log(daemon.log().slice(-4000));
        throw error;
      });
      expect(existsSync(join(project.path, 'made-by-the-tool'))).toBe(true);
      type Events = { events: readonly { type: string; data: { dialog: string } }[] };
      const told = await daemon.get<Events>('/events?type=dialog_answered');
      expect(told?.events.map(({ data }) => data.dialog).reverse()).toEqual(asks);
      expect((await daemon.get<Events>('/events?type=session_blocked'))?.events).toEqual([]);
    },
  );
});

function on(name: string): string {
  return `${name}=1`;
}
