/** How long the longest transaction is while 1,000,000 events are reduced to a tenth, and what a second writer notices of it. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { systemClock } from '../src/adapters/clock.ts';
import type { Pruned } from '../src/loops/retention.ts';
import { createRetention } from '../src/loops/retention.ts';
import type { RetentionStore } from '../src/ports/records.ts';
import type { Logger, TickContext } from '../src/ports.ts';
import { openStore } from '../src/store/open.ts';

const COUNT = Number(process.env.EVENTS ?? 1_000_000);
const KEPT = Math.floor(COUNT / 10);
const DAY = 86_400_000;
const CONFIG = {
  pools: [],
  janitor: { intervalMs: 1, logRetentionDays: 30, logMaxRecords: KEPT, minFreeDiskBytes: 0 },
} as unknown as TickContext['config'];

/** Writes one small row every 20 ms and keeps the longest time that took. */
const OTHER = `
const Database = require(${JSON.stringify(new URL(import.meta.resolve('better-sqlite3')).pathname)});
const db = new Database(process.argv[1], { timeout: 10000 });
db.pragma('synchronous = FULL');
db.pragma('wal_autocheckpoint = 0');
const write = db.prepare("insert into meta (key, value) values ('other', ?) on conflict (key) do update set value = excluded.value");
const times = [];
process.on('message', () => { process.send(times); process.disconnect(); clearInterval(timer); });
const timer = setInterval(() => { const at = performance.now(); write.run(String(at)); times.push(performance.now() - at); }, 20);
`;

const SILENT = {} as Logger;
const clock = systemClock();

await reduce(false);
await reduce(true);

/** Fills a database and reduces it. @param withOther a second process writes meanwhile */
async function reduce(withOther: boolean): Promise<void> {
  const stateDir = mkdtempSync(join(tmpdir(), 'cf-bench-'));
  try {
    const store = await openStore({ stateDir, now: clock.now() });
    fill(store.path, clock.now());
    console.log(
      `${COUNT} events, ${mebibytes(store.path)}, ${withOther ? 'a second process writes' : 'nobody else writes'}`,
    );
    const runs: Pruned[] = [];
    const walls: number[] = [];
    const cpus: number[] = [];
    const work = async (): Promise<void> => {
      const loop = createRetention({ retention: timed(store.retention, walls, cpus), stats: store.stats, clock });
      const log = { ...SILENT, info: (fields: object) => void runs.push(fields as Pruned) };
      do await loop.tick({ config: CONFIG, now: clock.now(), log, signal: new AbortController().signal });
      while (loop.intervalMs(CONFIG) > CONFIG.janitor.intervalMs);
    };
    const startedMs = clock.monotonic();
    const [alone, during] = withOther
      ? [await beside(store.path, () => clock.sleep(10_000)), await beside(store.path, work)]
      : [[], await work().then(() => [])];
    const tookS = (clock.monotonic() - startedMs) / 1000 - (withOther ? 10 : 0);
    const events = runs.reduce((sum, run) => sum + run.events, 0);
    const pages = runs.reduce((sum, run) => sum + run.freedPages, 0);
    console.log(`  removed ${events} in ${tookS.toFixed(1)} s and ${runs.length} runs, ${pages} pages freed`);
    if (withOther) {
      console.log(`  its writes before          ${summary(alone)}`);
      console.log(`  its writes meanwhile       ${summary(during)}`);
    }
    console.log(`  transactions, on the clock ${summary(walls)}`);
    console.log(`  transactions, own work     ${summary(cpus)}`);
    await store.close();
    console.log(`  ${mebibytes(store.path)} are left`);
  } finally {
    rmSync(stateDir, { recursive: true, force: true });
  }
}

/** Keeps how long each transaction took: by the clock, which counts the waits for disk and processor, and by its own work. */
function timed(store: RetentionStore, walls: number[], cpus: number[]): RetentionStore {
  const transaction = async <T>(work: () => Promise<T>): Promise<T> => {
    const [startedMs, before] = [performance.now(), process.cpuUsage()];
    const result = await work();
    const { user, system } = process.cpuUsage(before);
    walls.push(performance.now() - startedMs);
    cpus.push((user + system) / 1000);
    return result;
  };
  return {
    excessEvents: (count) => store.excessEvents(count),
    checkpoint: () => store.checkpoint(),
    pruneEvents: (wish) => transaction(() => store.pruneEvents(wish)),
    pruneHits: (at, rows) => transaction(() => store.pruneHits(at, rows)),
    pruneAlerts: (at, rows) => transaction(() => store.pruneAlerts(at, rows)),
    pruneTasks: (at, failedAt, rows) => transaction(() => store.pruneTasks(at, failedAt, rows)),
    pruneTokens: (day, at, rows) => transaction(() => store.pruneTokens(day, at, rows)),
    pruneSwaps: (at, rows) => transaction(() => store.pruneSwaps(at, rows)),
    vacuum: (pages) => transaction(() => store.vacuum(pages)),
  };
}

function fill(path: string, now: number): void {
  const db = new Database(path);
  db.pragma('synchronous = OFF');
  const types = ['quota_suspected', 'swap_refused', 'session_adopted', 'throttled', 'paused'];
  const data = JSON.stringify({ detail: 'x'.repeat(160), reason: 'the limit states a reset that lies ahead' });
  const insert = db.prepare(
    'insert into events (at, type, severity, pool, account, session, pane, swap, data_json) values (?, ?, ?, ?, ?, ?, ?, ?, ?)',
  );
  db.transaction(() => {
    for (let i = 0; i < COUNT; i++) {
      const at = now - 60 * DAY + Math.floor((i * 58 * DAY) / COUNT);
      const swap = i % 20 === 0 ? `swap-${i % 997}` : null;
      insert.run(at, types[i % 5], 'info', 'work', `work-${i % 4}`, `s${i % 40}`, `s${i % 40}:0.0`, swap, data);
    }
  })();
  db.close();
}

/** @returns how long each write of the second process took, ms */
async function beside(path: string, work: () => Promise<void>): Promise<readonly number[]> {
  const child = spawn(process.execPath, ['-e', OTHER, path], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await work();
  return new Promise((resolve) => {
    child.once('message', (times) => resolve(times as number[]));
    child.send('end');
  });
}

function summary(times: readonly number[]): string {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN).toFixed(1);
  return `median ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms of ${sorted.length}`;
}

function mebibytes(path: string): string {
  return `${(statSync(path).size / 2 ** 20).toFixed(0)} MiB`;
}
