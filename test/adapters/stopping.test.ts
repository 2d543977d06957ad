/** Who still uses what a link leads to: locks that are held, processes that run, and the end of a background part. */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/adapters/clock.ts';
import { createProcesses } from '../../src/adapters/signals/processes.ts';
import { createStopping } from '../../src/adapters/stopping.ts';
import { codex } from '../../src/core/agents/codex.ts';
import { PROFILES } from '../../src/core/agents/languages.ts';
import type { AgentProcess } from '../../src/core/panes.ts';
import { OWN_UID, temporaryDirectory } from '../support/account-homes.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { waitFor } from '../support/wait.ts';

const clock = systemClock();
const processes = createProcesses({ profiles: PROFILES, ownUid: OWN_UID, clock, log: new RecordingLog() });
const stopping = createStopping({ processes, clock, env: process.env });
let root: string;
const ends: (() => void)[] = [];

beforeEach(() => {
  root = temporaryDirectory();
});

afterEach(() => {
  for (const end of ends.splice(0)) end();
  rmSync(root, { recursive: true, force: true });
});

/** A program called codex: a script that starts itself once more when asked to, ends on `daemon stop`, or stays. */
function makeCodex(): string {
  const program = join(root, 'codex');
  const script = `#!/usr/bin/env node
const { spawn } = require('node:child_process');
const { readFileSync, writeFileSync } = require('node:fs');
const args = process.argv.slice(2).join(' ');
const pidFile = process.env.CODEX_HOME + '/pid';
if (args === 'app-server daemon stop') {
  process.kill(Number(readFileSync(pidFile, 'utf8')));
} else {
  if (args === 'outer') spawn(process.execPath, [process.argv[1], 'inner'], { stdio: 'ignore' });
  if (args.startsWith('app-server')) writeFileSync(pidFile, String(process.pid));
  setInterval(() => {}, 1000);
}
`;
  writeFileSync(program, script);
  chmodSync(program, 0o755);
  return program;
}

function run(args: readonly string[]): number {
  const child = spawn(makeCodex(), args, {
    env: { ...process.env, CODEX_HOME: root },
    stdio: 'ignore',
    detached: true,
  });
  const pid = child.pid ?? 0;
  ends.push(() => {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It has ended already.
    }
  });
  return pid;
}

async function seen(): Promise<readonly AgentProcess[]> {
  return (await stopping.everyAgent()).filter(({ configDir }) => configDir === root);
}

test('an agent in no pane is seen, and what it starts of its own kind is a part of it [R270]', async () => {
  const pid = run(['outer']);
  await waitFor(async () => (await seen()).length === 1);
  expect((await seen()).map((agent) => [agent.agent, agent.pid])).toEqual([['codex', pid]]);
});

test('the background part is ended by its own command, and waited for [R270]', async () => {
  const pid = run(['app-server', '--listen', 'unix://', '--managed-daemon']);
  await waitFor(() => existsSync(join(root, 'pid')) && readFileSync(join(root, 'pid'), 'utf8') === String(pid));
  const [daemon] = await seen();
  if (daemon === undefined) throw new Error('not seen');
  expect(daemon.pid).toBe(pid);
  await stopping.stopBackground(codex, daemon);
  expect(await seen()).toEqual([]);
});

test('a background part whose program is not known is left alone, and its command is told [R270]', async () => {
  const daemon = { argv: ['codex', 'app-server'], pid: 1, startTicks: '1', configDir: root } as unknown as AgentProcess;
  await expect(stopping.stopBackground(codex, daemon)).rejects.toMatchObject({
    code: 'background_runs',
    hint: 'end it by hand: codex app-server daemon stop',
  });
});

test('a file that a writer holds locked is named, by pattern too; one that nobody holds is not [R270]', async () => {
  mkdirSync(join(root, 'thread-writer-locks'));
  const held = join(root, 'thread-writer-locks', 'one.lock');
  for (const path of [held, join(root, 'thread-writer-locks', 'two.lock'), join(root, 'auth.lock')])
    writeFileSync(path, '');
  expect(await stopping.heldWriterLocks(codex, root)).toEqual([]);
  const holder = spawn('flock', [held, 'sleep', '60'], { stdio: 'ignore', detached: true });
  ends.push(() => process.kill(-(holder.pid ?? 0), 'SIGKILL'));
  const found = await waitFor(async () => {
    const paths = await stopping.heldWriterLocks(codex, root);
    return paths.length > 0 ? paths : null;
  });
  expect(found).toEqual([held]);
});
