/**
 * What counting tokens costs: a minute of watching 100 panes (30 sweeps) with and without it, in one run; and a transcript of
 * 200 MB read from its beginning: memory, the longest pause of the process. Prints figures, asserts nothing.
 */
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { symlink, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { systemClock } from '../src/adapters/clock.ts';
import { createProcesses } from '../src/adapters/signals/processes.ts';
import { createTokenFiles } from '../src/adapters/signals/token-files.ts';
import { createPanes } from '../src/adapters/tmux/server.ts';
import { listenToFile } from '../src/adapters/tmux/terminals.ts';
import { claude } from '../src/core/agents/claude.ts';
import type { TokenFile } from '../src/core/tokens/token-file.ts';
import { tokenFileKey } from '../src/core/tokens/token-file.ts';
import type { TickContext } from '../src/ports.ts';
import { createBoard } from '../src/runtime/board.ts';
import type { FollowedFile } from '../src/steps/count-tokens.ts';
import { countTokens } from '../src/steps/count-tokens.ts';
import { openStore } from '../src/store/open.ts';
import { clientEnv, silentLog, testProfile } from '../test/support/panes.ts';
import { startTmux } from '../test/support/tmux.ts';
import { answerRow, userRow } from '../test/support/usage-rows.ts';

const SESSIONS = 100;
const SWEEPS = 30;
const POLL_MS = 200;
const MINUTES = 5;
const MIB = 1024 * 1024;
const clock = systemClock();
const payer = { pool: 'work', followsLink: true, processStartedAt: 0, launchedUnder: null };
const context = (): TickContext =>
  ({ config: { pools: [] }, now: clock.now(), log: silentLog, signal: new AbortController().signal }) as never;

const directory = mkdtempSync(join(tmpdir(), 'cf-bench-'));
const store = await openStore({ stateDir: directory, now: clock.now() });
const ports = {
  board: createBoard(() => undefined),
  local: store.local,
  tokens: store.tokens,
  tokenFiles: createTokenFiles({ clock, log: silentLog, ownUid: userInfo().uid }),
  profiles: [claude],
};
try {
  await watching();
  await longTranscript();
} finally {
  await store.close();
  rmSync(directory, { recursive: true, force: true });
}

/** What a session writes in a minute of work: a few answers in several parts, and what its tools returned. */
function minuteOfWork(name: string): string {
  const rows: string[] = [];
  for (let i = 0; i < 6; i++) {
    for (const output of [1, 200, 400]) rows.push(answerRow(clock.now(), `${name}-${i}`, [5, output, 60_000, 900]));
    rows.push(userRow(clock.now(), 'a line that a tool returned\n'.repeat(400)));
  }
  return rows.join('');
}

function followed(paths: readonly string[]): Map<string, FollowedFile> {
  const seenAt = clock.now();
  const files = paths.map((path): TokenFile => ({ path, agent: 'claude', payer }));
  return new Map(files.map((file) => [tokenFileKey(file.path), { ...file, seenAt, readSize: null }]));
}

async function watching(): Promise<void> {
  const tmux = await startTmux();
  try {
    const agent = join(tmux.dir, 'cf-agent');
    const script = join(tmux.dir, 'script');
    await symlink('/bin/bash', agent);
    // A line in a second, as an agent at work shows.
    const lines = 'while :; do echo "line $((++n)) of the agent"; read -t 1 -u 9; done';
    await writeFile(script, `exec 9<> <(:)\n${lines}\n`);
    for (let i = 0; i < SESSIONS; i++)
      await tmux.newPane(`exec ${agent} ${script}`, { session: `s${i % 5}`, width: 200, height: 50 });
    const processes = createProcesses({ profiles: [testProfile], ownUid: userInfo().uid, clock, log: silentLog });
    const options = {
      binary: 'tmux',
      commandTimeoutMs: 5000,
      listen: listenToFile,
      env: clientEnv,
      clock,
      log: silentLog,
    };
    const panes = createPanes({ ...options, processes });
    const scope = { sockets: [tmux.socket], exclude: [], sessions: [] };
    const sweeps = async (): Promise<void> => {
      for (let i = 0; i < SWEEPS; i++) {
        await panes.sweep(scope, new AbortController().signal);
        await clock.sleep(POLL_MS);
      }
    };
    const paths = Array.from({ length: SESSIONS }, (_, i) => join(directory, `session-${i}.jsonl`));
    for (const path of paths) writeFileSync(path, '');
    const files = followed(paths);
    await sweeps();
    await countTokens(ports, files, context());
    const [without, withIt, alone]: [number[], number[], number[]] = [[], [], []];
    for (let minute = 0; minute < MINUTES; minute++) {
      for (const [i, path] of paths.entries()) appendFileSync(path, minuteOfWork(`${minute}-${i}`));
      const watched = await cpuMs(sweeps);
      const count = await cpuMs(() => countTokens(ports, files, context()));
      without.push(watched);
      withIt.push(watched + count);
      alone.push(count);
    }
    const idle: number[] = [];
    for (let i = 0; i < 20; i++) idle.push(await cpuMs(() => countTokens(ports, files, context())));
    const written = (Buffer.byteLength(minuteOfWork('x')) * SESSIONS) / MIB;
    console.log(
      `${SESSIONS} sessions at work, ${written.toFixed(1)} MiB written in a minute, CPU ms of this process in a minute`,
    );
    console.log(`  ${SWEEPS} sweeps              ${median(without).toFixed(0)}`);
    console.log(
      `  with counting          ${median(withIt).toFixed(0)}   ratio ${(median(withIt) / median(without)).toFixed(3)}`,
    );
    console.log(
      `  counting alone         ${median(alone).toFixed(1)}   ${((median(alone) / 60_000) * 100).toFixed(3)} % of a core`,
    );
    console.log(`  counting, nothing new  ${median(idle).toFixed(1)}`);
  } finally {
    await tmux.kill();
  }
}

async function longTranscript(): Promise<void> {
  const path = join(directory, 'long.jsonl');
  const size = 200 * MIB;
  let written = 0;
  for (let n = 0; written < size; n++) {
    const work = Array.from({ length: 20 }, (_, i) => minuteOfWork(`${n}-${i}`)).join('');
    appendFileSync(path, work);
    written += Buffer.byteLength(work);
  }
  const files = followed([path]);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  globalThis.gc?.();
  const before = process.memoryUsage();
  let peak = before.rss;
  let looks = 0;
  let ms = 0;
  delay.enable();
  for (let isEnd = false; !isEnd; looks++) {
    ms += await cpuMs(async () => {
      isEnd = await countTokens(ports, files, context());
    });
    peak = Math.max(peak, process.memoryUsage().rss);
    await clock.sleep(50);
  }
  delay.disable();
  globalThis.gc?.();
  const after = process.memoryUsage();
  console.log(`a transcript of ${(written / MIB).toFixed(0)} MiB, read in ${looks} looks`);
  console.log(`  CPU                    ${ms.toFixed(0)} ms, ${(ms / looks).toFixed(1)} ms a look`);
  console.log(`  resident memory        ${mib(before.rss)} before, ${mib(peak)} at most, ${mib(after.rss)} after`);
  console.log(`  heap in use            ${mib(before.heapUsed)} before, ${mib(after.heapUsed)} after`);
  console.log(
    `  pauses of the process  p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms, longest ${(delay.max / 1e6).toFixed(1)} ms`,
  );
}

async function cpuMs(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(0)} MiB`;
}
