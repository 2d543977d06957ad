/** A directory of weeks: taken over, swapped away from and back, given back; the conversation in it goes on all the while. */
import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { init } from '../../src/commands/init.ts';
import { unadopt } from '../../src/commands/unadopt.ts';
import { commandIo } from '../support/command-io.ts';
import { HOUR } from '../support/daemon.ts';
import { writeConfig } from '../support/daemon-config.ts';
import { onStage } from '../support/stage.ts';
import type { StandInPane, StandInWorld } from '../support/stand-in/index.ts';
import { waitFor } from '../support/wait.ts';

/** The first account as a user has it who never heard of a link: one real directory with everything in it. */
function livesInOneDirectory(world: StandInWorld): void {
  const { home } = world.home('work-1');
  rmSync(world.link);
  for (const name of ['projects', 'sessions']) {
    rmSync(join(home, name));
    mkdirSync(join(home, name));
  }
  rmSync(world.shared, { recursive: true });
  renameSync(home, world.link);
}

async function leave(pane: StandInPane): Promise<void> {
  await pane.say('/exit');
  await pane.shows(/Goodbye!\s+\$\s*$/);
}

async function resume(pane: StandInPane, sessionId: string): Promise<void> {
  // What stood there before must not be taken for the new start.
  await pane.type(`clear; claude --resume ${sessionId}`);
  await pane.press('Enter');
  await pane.shows(/^(?![\s\S]*Goodbye)[\s\S]*Claude Code v[\s\S]*⏵⏵/, 90_000);
}

test.concurrent(
  'a conversation begun before init goes on after it, is moved to the next account at the limit, and goes on after unadopt [R41 R46 R51 R242]',
  onStage(async ({ world, tmux, start }) => {
    livesInOneDirectory(world);
    const config = writeConfig(world, tmux);
    const command = (change = {}) => commandIo({ home: world.user, env: { PATH: process.env.PATH }, ...change });
    const pane = await world.startPane(tmux, { name: 'a' });
    await pane.say('the first question');
    await waitFor(() => world.servedBy().length === 1);
    const sessionId = world.events('prompt')[0]?.sessionId ?? '';

    await expect(init([], { config, yes: true }, command())).rejects.toThrow('agents run in');
    expect(lstatSync(world.link).isDirectory()).toBe(true);
    await leave(pane);
    const io = command();
    expect(await init([], { config, yes: true }, io), io.stdout + io.stderr).toBe(0);
    expect(world.activeAccount()).toBe('work-1');

    await resume(pane, sessionId);
    const daemon = await start({ configFile: config });
    await expect(unadopt({ config, yes: true }, command())).rejects.toThrow('the daemon runs');
    world.setLimit('work-1', { kind: 'five_hour', resetsAt: Date.now() + 3 * HOUR });
    await pane.say('the second question');
    expect((await daemon.swapDone()).swap).toMatchObject({ from: 'work-1', to: 'work-2', phase: 'done' });
    expect(await world.served(2)).toEqual(['work-1', 'work-2']);
    await daemon.stop();

    await leave(pane);
    const last = command();
    expect(await unadopt({ config, yes: true }, last), last.stdout + last.stderr).toBe(0);
    expect(lstatSync(world.link).isDirectory()).toBe(true);
    expect(readFileSync(join(world.link, '.credentials.json'), 'utf8')).toContain('made-up-work-1-');
    const projects = join(world.link, 'projects');
    const transcripts = readdirSync(projects, { recursive: true, encoding: 'utf8' });
    expect(transcripts.some((name) => name.endsWith(`${sessionId}.jsonl`))).toBe(true);
    world.setLimit('work-1', null);
    await resume(pane, sessionId);
    await pane.say('the third question');
    expect(await world.served(3)).toEqual(['work-1', 'work-2', 'work-1']);
    expect(new Set(world.events('reply').map((event) => event.sessionId))).toEqual(new Set([sessionId]));
  }),
);
