/** What the whole daemon costs while nothing happens: 100 idle agent panes at the default poll of 2 s. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeConfig } from '../test/support/daemon-config.ts';
import { startDaemonProcess } from '../test/support/daemon-process.ts';
import { StandInWorld } from '../test/support/stand-in/index.ts';
import { startTmux } from '../test/support/tmux.ts';
import { waitFor } from '../test/support/wait.ts';

const PANES = Number(process.env.PANES ?? 100);
const SECONDS = Number(process.env.SECONDS_MEASURED ?? 60);
const TICKS_PER_SECOND = 100;
/** The children's times in /proc/<pid>/stat, counted from the state. */
const CHILDREN = [13, 15] as const;
const SCREEN = fileURLToPath(new URL('../test/screens/captures/claude-latest-warn5h-2s.txt', import.meta.url));

const tmux = await startTmux();
const world = new StandInWorld();
try {
  // A program that only has the agent's name and screen: a hundred real ones would measure themselves.
  const idle = `export HOME='${world.user}'; cat '${SCREEN}'; exec -a claude sleep 100000`;
  for (let i = 0; i < PANES; i++) {
    await tmux.newPane(`bash -c "${idle}"`, { session: `s${Math.floor(i / 20)}`, width: 120, height: 40 });
  }
  const daemon = await startDaemonProcess(world, writeConfig(world, tmux, { daemon: { log: { level: 'info' } } }));
  try {
    await waitFor(
      async () => (await daemon.get<{ sessions: readonly unknown[] }>('/status'))?.sessions.length === PANES,
      {
        timeoutMs: 30_000,
      },
    );
    const pid = daemon.child.pid ?? 0;
    const server = await tmux.serverPid();
    // The first minute is the start: code is compiled and the heap is tidied up.
    await waitFor(isOver(60), { timeoutMs: 70_000, everyMs: 200 });
    const before = { daemon: cpu(pid), clients: cpu(pid, CHILDREN), server: cpu(server) };
    await waitFor(isOver(SECONDS), { timeoutMs: (SECONDS + 10) * 1000, everyMs: 200 });
    const after = { daemon: cpu(pid), clients: cpu(pid, CHILDREN), server: cpu(server) };
    const share = (own: number): string => `${((own / SECONDS) * 100).toFixed(2)} % of a core`;
    const [own, theirs] = [after.daemon - before.daemon, after.server - before.server];
    console.log(`${PANES} idle panes, ${SECONDS} s at a 2 s poll`);
    console.log(
      `  daemon with its tmux clients  ${share(own)}, of which clients ${share(after.clients - before.clients)}`,
    );
    console.log(`  tmux server                   ${share(theirs)}`);
    console.log(`  together                      ${share(own + theirs)}`);
    console.log(`  resident memory               ${(rss(pid) / 1024).toFixed(0)} MiB`);
  } finally {
    await daemon.end('SIGTERM');
  }
} finally {
  await tmux.kill();
  world.remove();
}

/** Seconds of processor time of a process and of its children that have ended. */
function cpu(pid: number, fields: readonly [number, number] = [11, 15]): number {
  const text = readFileSync(join('/proc', String(pid), 'stat'), 'latin1');
  const values = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const ticks = values.slice(...fields).reduce((sum, value) => sum + value, 0);
  return ticks / TICKS_PER_SECOND;
}

function rss(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0);
}

function isOver(seconds: number): () => boolean {
  const end = performance.now() + seconds * 1000;
  return () => performance.now() >= end;
}
