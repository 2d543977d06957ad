/** The official Claude Code, without permissions to ask for, is kept by the safety hook from what it was told to do. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { installAgent } from './install.ts';
import { clearStage } from './stage.ts';
import { stageTasks } from './stage-tasks.ts';

afterEach(clearStage);

describe.each(['latest', '2.0.76'])('Claude Code %s', (version) => {
  const agent = installAgent(`@anthropic-ai/claude-code@${version}`, 'claude');
  if (agent.kind === 'absent') console.log(`Claude Code ${version} is skipped: ${agent.reason}`);

  it.skipIf(agent.kind === 'absent')(
    'a task that would write among the claims is refused that, and one that works in its project is done [R86]',
    async () => {
      const { world, project, allDone } = await stageTasks(agent.kind === 'installed' ? agent.program : '', {
        args: ['--dangerously-skip-permissions'],
        isTrusted: true,
        tasks: (path) => ({
          bad: `please run: touch ${path}/.agent-queue/claimed/forged # "\n`,
          good: 'please run: touch made-by-the-tool # "\n',
        }),
        config: { dispatcher: { safety_hook: true }, watcher: { auto_answers: ['trust_folder'] } },
      });
      await allDone(200_000);
      expect(existsSync(join(project.path, 'made-by-the-tool'))).toBe(true);
      expect(existsSync(join(project.path, '.agent-queue/claimed/forged'))).toBe(false);
      const transcripts = readdirSync(world.root, { recursive: true, encoding: 'utf8' })
        .filter((name) => /\/projects\/.*\.jsonl$/.test(name))
        .map((name) => readFileSync(join(world.root, name), 'utf8'));
      expect(transcripts.join('')).toMatch(/safety hook: refused: [^"]*forged belongs to claude-failover/);
    },
  );
});
