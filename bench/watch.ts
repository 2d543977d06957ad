/**
 * What watching costs, against one `capture-pane` client per pane, in one run: CPU of this process, its children and the
 * tmux server. Run: `npx tsx bench/watch.ts [panes]`. Prints figures, asserts nothing.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { symlink, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '../src/adapters/clock.ts';
import { createProcesses } from '../src/adapters/signals/processes.ts';
import { createPanes } from '../src/adapters/tmux/server.ts';
import { listenToFile } from '../src/adapters/tmux/terminals.ts';
import { clientEnv, silentLog, testProfile } from '../test/support/panes.ts';
import { startTmux, type TestTmux } from '../test/support/tmux.ts';

const exec = promisify(execFile);
const clock = systemClock();
const POLL_MS = 2000;
const count = Number(process.argv[2] ?? 100);

interface Cost {
  /** CPU milliseconds per poll. */
  readonly node: number;
  readonly clients: number;
  readonly server: number;
}

for (const kind of ['idle', 'busy'] as const) {
  const tmux = await startTmux();
  try {
    await measure(kind, tmux);
  } finally {
    await tmux.kill();
  }
}

async function measure(kind: 'idle' | 'busy', tmux: TestTmux): Promise<void> {
  await startPanes(kind, tmux);
  const serverPid = await tmux.serverPid();
  const processes = createProcesses({ profiles: [testProfile], ownUid: userInfo().uid, clock, log: silentLog });
  const panes = createPanes({
    binary: 'tmux',
    commandTimeoutMs: 5000,
    processes,
    listen: listenToFile,
    env: clientEnv,
    clock,
    log: silentLog,
  });
  const scope = { sockets: [tmux.socket], exclude: [], sessions: [] };
  const never = new AbortController().signal;
  const poll = async (): Promise<number> =>
    (await panes.sweep(scope, never)).panes.filter((one) => one.observed).length;
  await clock.sleep(4000);
  const idleServer = await serverShare(serverPid);

  // As after its first quarter of an hour: compiled, and with all processes known.
  await costOf(400, 10, serverPid, 0, poll);
  const ours = await costOf(100, 50, serverPid, idleServer, poll);
  const paced = await costOf(30, POLL_MS, serverPid, idleServer, poll);
  const rss = process.memoryUsage().rss / 1024 / 1024;
  const ids = (await tmux.run('list-panes', '-a', '-F', '#{pane_id}')).split('\n');
  const capture = async (): Promise<number> => {
    for (const id of ids) await exec('tmux', ['-S', tmux.socket, 'capture-pane', '-p', '-t', id], { env: clientEnv });
    return ids.length;
  };
  await costOf(2, 50, serverPid, 0, capture);
  const plain = await costOf(8, 50, serverPid, idleServer, capture);

  const pids = (await tmux.run('list-panes', '-a', '-F', '#{pane_pid}')).split('\n').map(Number);
  const tree = await costOf(80, 50, serverPid, idleServer, async () => (await processes.agentsUnder(pids)).size);

  console.log(`${ids.length} ${kind} panes, CPU ms per poll (node + clients + server)`);
  console.log(`  one client per pane  ${row(plain)}`);
  console.log(`  this watcher         ${row(ours)}   of which processes ${tree.node.toFixed(2)}`);
  console.log(`  ratio                ${(total(plain) / total(ours)).toFixed(1)}x, both with 50 ms between polls`);
  console.log(`  this watcher, paced  ${row(paced)}   every ${POLL_MS} ms, with colder caches`);
  console.log(`  ratio                ${(total(plain) / total(paced)).toFixed(1)}x`);
  const share = (ms: number): string => `${((ms / POLL_MS) * 100).toFixed(2)} %`;
  console.log(`  at ${POLL_MS} ms           ${share(total(paced))} of a core, tmux's part ${share(paced.server)}`);
  console.log(`  memory               ${rss.toFixed(0)} MiB`);
}

function total(cost: Cost): number {
  return cost.node + cost.clients + cost.server;
}

function row(cost: Cost): string {
  return `${total(cost).toFixed(1)} (${cost.node.toFixed(1)} + ${cost.clients.toFixed(1)} + ${cost.server.toFixed(1)})`;
}

async function startPanes(kind: 'idle' | 'busy', tmux: TestTmux): Promise<void> {
  const agent = join(tmux.dir, 'cf-agent');
  const script = join(tmux.dir, 'script');
  await symlink('/bin/bash', agent);
  const once = 'for i in {1..60}; do echo "line $i of the agent: it reads a file and says what it found in it"; done';
  const ever = 'while :; do echo "line $((++n)) of the agent, which goes on and on"; read -t 0.1 -u 9; done';
  await writeFile(script, `exec 9<> <(:)\n${once}\n${kind === 'busy' ? ever : 'read -u 9'}\n`);
  for (let i = 0; i < count; i++) {
    await tmux.newPane(`exec ${agent} ${script}`, { session: `s${i % 5}`, width: 200, height: 50 });
  }
}

/** CPU ms of the tmux server per ms of time, with nobody watching. */
async function serverShare(serverPid: number): Promise<number> {
  const before = { cpu: serverCpuMs(serverPid), at: clock.monotonic() };
  await clock.sleep(5000);
  return (serverCpuMs(serverPid) - before.cpu) / (clock.monotonic() - before.at);
}

async function costOf(
  polls: number,
  pauseMs: number,
  serverPid: number,
  share: number,
  poll: () => Promise<number>,
): Promise<Cost> {
  const before = { ...ownCpuMs(), server: serverCpuMs(serverPid), at: clock.monotonic() };
  for (let i = 0; i < polls; i++) {
    if ((await poll()) !== count) throw new Error('not all panes were seen');
    await clock.sleep(pauseMs);
  }
  const after = ownCpuMs();
  const server = serverCpuMs(serverPid) - before.server - share * (clock.monotonic() - before.at);
  return {
    node: (after.node - before.node) / polls,
    clients: (after.clients - before.clients) / polls,
    server: Math.max(0, server) / polls,
  };
}

function ownCpuMs(): { readonly node: number; readonly clients: number } {
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  // proc_pid_stat(5): fields 16 and 17, ticks of 10 ms, of children that were waited for.
  const fields = readFileSync('/proc/self/stat', 'latin1').split(') ')[1]?.split(' ') ?? [];
  return { node: (userCPUTime + systemCPUTime) / 1000, clients: (Number(fields[13]) + Number(fields[14])) * 10 };
}

function serverCpuMs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'latin1').split(' ')[0]) / 1e6;
}
