/** How long `claude-failover status` takes against a running daemon, beside a Node that does nothing: `npm run build` first. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

const ROUNDS = 15;
const MAIN = new URL('../dist/main.js', import.meta.url).pathname;

/** Serves a status as the daemon does; in a thread of its own, because the measuring one stands still. */
const SERVER = `
const { createServer } = require('node:http');
const { parentPort, workerData } = require('node:worker_threads');
const session = (i) => ({ session: 's' + i, pane: 's' + i + ':0.0', pool: 'work', kind: 'adopted', agent: 'claude', version: '2.1.100', state: 'working', reason: null, since: new Date(0).toISOString(), launched_under: 'work-2' });
const status = JSON.stringify({
  status: 'ok', reasons: [], version: '0.1.0', daemon: { running: true, pid: 1, uptime_s: 60 }, mode: 'act', observe_reason: null, paused: null,
  pools: [{ name: 'work', agent: 'claude', active_account: 'work-2', eligible: 2, switcher: 'normal', partial_swap: false, link: { path: '/l', state: 'at work-2' }, last_swap: null, cooldown: { active: false, remaining_s: 0 }, next_reset_at: null }],
  accounts: [{ name: 'work-2', pool: 'work', state: 'active', eligible: true, reasons: [], priority: 10, quota: {}, lock_until: null, identity: 'known' }],
  sessions: Array.from({ length: 100 }, (_, i) => session(i)), servers: [], jobs: [], attention: [], alerts: { active: 0 }, config: { file: 'c', hash: 'h', loaded_at: null, rejected: null }, as_of: null,
});
createServer((_, response) => response.end(status)).listen(workerData, () => parentPort.postMessage('ready'));
`;

if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: npm run build`);
const home = mkdtempSync(join(tmpdir(), 'cf-bench-'));
const socket = join(home, 'api.sock');
const plain = join(home, 'plain.yaml');
const stated = join(home, 'stated.yaml');
const accounts = 'accounts: [{name: a, home: ~/a}, {name: b, home: ~/b}]\n';
writeFileSync(plain, accounts);
writeFileSync(stated, `http:\n  socket: ${socket}\n${accounts}`);
const runtime = join(home, 'claude-failover');
const servers = [await serve(socket), await serve(await place(runtime))];
try {
  const measures = {
    empty: ['-e', '0'],
    plain: [MAIN, '--config', plain, 'status'],
    stated: [MAIN, '--config', stated, 'status'],
    help: [MAIN, '--help'],
  };
  const times = new Map<string, number[]>(Object.keys(measures).map((name) => [name, []]));
  // In turns, so that a busy moment of the machine meets all alike.
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, args] of Object.entries(measures)) times.get(name)?.push(measure(args));
  }
  const empty = median(times.get('empty') ?? []);
  console.log(`node -e 0                           ${empty.toFixed(0)} ms`);
  for (const [name, label] of [
    ['plain', 'status, socket at its usual place   '],
    ['stated', 'status, socket named in the file    '],
    ['help', '--help                              '],
  ] as const) {
    const found = median(times.get(name) ?? []);
    console.log(`${label}${found.toFixed(0)} ms  ${(found / empty).toFixed(2)} x node -e 0`);
  }
} finally {
  for (const server of servers) await server.terminate();
  rmSync(home, { recursive: true, force: true });
}

function serve(path: string): Promise<Worker> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(SERVER, { eval: true, workerData: path });
    worker.once('message', () => resolve(worker));
    worker.once('error', reject);
  });
}

async function place(directory: string): Promise<string> {
  const { mkdir } = await import('node:fs/promises');
  await mkdir(directory, { recursive: true });
  return join(directory, 'api.sock');
}

/** @returns wall time in ms */
function measure(args: readonly string[]): number {
  const startedAt = performance.now();
  const { status, stderr } = spawnSync(process.execPath, [...args], {
    env: { HOME: home, XDG_RUNTIME_DIR: home },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
  return performance.now() - startedAt;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
