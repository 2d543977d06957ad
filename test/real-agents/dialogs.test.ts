/** The official Claude Code does a task in a session of the daemon's own, and asks on the way whether it may. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { installAgent } from './install.ts';
import { clearStage } from './stage.ts';
import { stageTasks } from './stage-tasks.ts';

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
      const { project, daemon, allDone } = await stageTasks(agent.kind === 'installed' ? agent.program : '', {
        args: ['--permission-mode', 'default'],
        isTrusted: false,
        tasks: () => ({ door: 'please run: touch made-by-the-tool # "\n' }),
        config: { watcher: { auto_answers: ['trust_folder', 'permission'] } },
      });
      await allDone(150_000);
      expect(existsSync(join(project.path, 'made-by-the-tool'))).toBe(true);
      type Events = { events: readonly { type: string; data: { dialog: string } }[] };
      const told = await daemon.get<Events>('/events?type=dialog_answered');
      expect(told?.events.map(({ data }) => data.dialog).reverse()).toEqual(asks);
      expect((await daemon.get<Events>('/events?type=session_blocked'))?.events).toEqual([]);
    },
  );
});
