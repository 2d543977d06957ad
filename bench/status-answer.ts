/** How long the daemon's door takes to answer `GET /status` for 50 accounts and 500 sessions, from facts in memory. */
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/adapters/clock.ts';
import { startHttp } from '../src/http/server.ts';
import { aSwap } from '../test/support/builders.ts';
import { account, FakeDaemon, NOW, poolView, quota, session, statusFacts } from '../test/support/daemon-facts.ts';
import { silentLog } from '../test/support/panes.ts';

const ACCOUNTS = 50;
const SESSIONS = 500;
const REQUESTS = 300;

await measure();

/** Prints the median, the 99th percentile and the processor time, which does not depend on what else runs. */
async function measure(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'cf-bench-'));
  const socketPath = join(directory, 'api.sock');
  const daemon = new FakeDaemon();
  daemon.status = facts();
  const doors = await startHttp({
    api: daemon,
    clock: systemClock(),
    log: silentLog,
    listen: null,
    socketPath,
    bearerToken: () => null,
    enableTrigger: () => false,
    version: '0.0.0',
  });
  try {
    const times: number[] = [];
    let bytes = 0;
    const cpu = process.cpuUsage();
    for (let i = 0; i < REQUESTS; i++) {
      const startedAt = performance.now();
      bytes = await get(socketPath);
      times.push(performance.now() - startedAt);
    }
    const { user, system } = process.cpuUsage(cpu);
    const cpuMs = ((user + system) / 1000 / REQUESTS).toFixed(1);
    const sorted = times.sort((a, b) => a - b);
    const at = (share: number): string => (sorted[Math.floor(sorted.length * share)] ?? Number.NaN).toFixed(1);
    console.log(
      `GET /status, ${ACCOUNTS} accounts, ${SESSIONS} sessions (${Math.round(bytes / 1024)} KiB): p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, ${cpuMs} ms of processor each`,
    );
  } finally {
    await doors.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

function facts() {
  const windows = ['5h', '7d', 'model', 'unknown'] as const;
  const accounts = Array.from({ length: ACCOUNTS }, (_, i) => {
    const records = windows.map((window) => quota(`a${i}`, { window, used: (i % 10) / 10 }));
    return account(`a${i}`, { quota: records });
  });
  const swaps = Array.from({ length: 50 }, (_, i) => aSwap({ id: `s${i}`, flippedAt: NOW - i * 900_000 }));
  const states = ['working', 'idle', 'limited'];
  return statusFacts({
    pools: [poolView({ accounts, swaps, active: 'a0' })],
    sessions: Array.from({ length: SESSIONS }, (_, i) => session(`s${i}`, states[i % 3] ?? 'idle')),
  });
}

/** @returns the length of the answer, in bytes */
function get(socketPath: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: '/status' }, (response) => {
      let bytes = 0;
      response.on('data', (part: Buffer) => {
        bytes += part.length;
      });
      response.on('end', () =>
        response.statusCode === 200 ? resolve(bytes) : reject(new Error(`${response.statusCode}`)),
      );
    });
    asked.on('error', reject);
    asked.end();
  });
}
