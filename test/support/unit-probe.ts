/** What the daemon does to the outside, done once and told as JSON. Run inside a namespace by test/systemd.test.ts. */
import { readFile, readlink, writeFile } from 'node:fs/promises';
import { createAccountLink } from '../../src/adapters/accounts/link.ts';
import { systemClock } from '../../src/adapters/clock.ts';
import { createKeys } from '../../src/adapters/tmux/keys.ts';
import type { PaneIdentity } from '../../src/core/panes.ts';
import { RecordingLog } from './recording-log.ts';

interface Task {
  readonly agentPid: number;
  readonly link: string;
  readonly target: string;
  readonly pane: PaneIdentity;
  /** Must not be writable. */
  readonly forbidden: readonly string[];
}

const task = JSON.parse(process.argv[2] ?? '{}') as Task;
const clock = systemClock();
const log = new RecordingLog();
const { signal } = new AbortController();

const environ = await readFile(`/proc/${task.agentPid}/environ`, 'utf8');
const cwd = await readlink(`/proc/${task.agentPid}/cwd`);
await createAccountLink({ log }).point(task.link, task.target);
const keys = createKeys({
  binary: 'tmux',
  commandTimeoutMs: 30_000,
  env: { PATH: process.env.PATH ?? '' },
  clock,
  log,
});
const pasted = await keys.paste(task.pane, 'continue', signal);
const pressed = await keys.press(task.pane, 'Enter', signal);
const refusals = await Promise.all(
  task.forbidden.map((path) =>
    writeFile(path, '').then(
      () => 'written',
      (error: NodeJS.ErrnoException) => error.code,
    ),
  ),
);
console.log(JSON.stringify({ sees: environ.includes('STAND_IN_BOOK='), cwd, pasted, pressed, refusals }));
