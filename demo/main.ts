/** The demonstration: made-up accounts, real panes and the real daemon, in a folder of their own. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { RecoveryView, SwapView } from '../src/core/record-view.ts';
import type { StatusView } from '../src/core/status.ts';
import { writeConfig } from '../test/support/daemon-config.ts';
import { StandInWorld } from '../test/support/stand-in/index.ts';
import { startTmux } from '../test/support/tmux.ts';
import { waitFor } from '../test/support/wait.ts';

const USAGE = `usage: ./scripts/demo [--once] [--json] [--attach] [--panes N]

  --once    end by itself: exit 0 when every pane works again, 1 with the reason after 60 s
  --json    print only one line of JSON at the end (implies --once)
  --attach  show the panes in this terminal while it happens (detach with Ctrl-b d)
  --panes N how many agents (default 3)
`;
const LIMIT_MS = 60_000;
const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

interface SwapAnswer {
  readonly swap: SwapView;
  readonly panes: readonly RecoveryView[];
}

const OPTIONS = {
  once: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  attach: { type: 'boolean', default: false },
  panes: { type: 'string', default: '3' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

process.exitCode = await main();

async function main(): Promise<number> {
  const values = readArguments();
  if (typeof values === 'string') {
    process.stderr.write(`${values}\n${USAGE}`);
    return 2;
  }
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const count = Number(values.panes);
  if (!Number.isInteger(count) || count < 1 || count > 50) {
    process.stderr.write(`--panes takes a whole number from 1 to 50\n${USAGE}`);
    return 2;
  }
  // Nobody can end what nobody sees.
  const once = values.once || values.json || !process.stdout.isTTY;
  const say = (text = ''): void => void (values.json || process.stdout.write(`${text}\n`));

  const tmux = await startTmux();
  const world = new StandInWorld();
  const daemonLog = join(world.root, 'daemon.log');
  let daemon: ChildProcess | null = null;
  const cleanUp = async (): Promise<void> => {
    if (daemon !== null && daemon.exitCode === null) {
      daemon.kill('SIGTERM');
      await waitFor(() => daemon?.exitCode !== null || daemon.signalCode !== null, { timeoutMs: 25_000 }).catch(() =>
        daemon?.kill('SIGKILL'),
      );
    }
    await tmux.kill();
    world.remove();
  };
  let interrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      interrupted = true;
    });
  }

  try {
    const port = await freePort();
    const config = writeConfig(world, tmux, {
      http: { enabled: true, listen: `127.0.0.1:${port}` },
      daemon: { log: { level: 'info' } },
    });
    const socket = join(world.root, 'run', 'api.sock');
    say('claude-failover demo: made-up accounts, a tmux server of its own, nothing of yours is touched');
    say(`  folder   ${world.root}`);
    say(`  accounts ${world.homes.map(({ account }) => account).join(', ')} (active: ${world.activeAccount()})`);

    const panes = await Promise.all(
      Array.from({ length: count }, (_, i) =>
        world.startPane(tmux, {
          name: `agent-${i + 1}`,
          project: `project-${i + 1}`,
          env: { STAND_IN_WORK_MS: '1500' },
        }),
      ),
    );
    mkdirSync(join(world.root, 'run'), { recursive: true, mode: 0o700 });
    const out = openSync(daemonLog, 'a', 0o600);
    daemon = spawn(process.execPath, [MAIN, 'run', '--config', config], {
      env: { PATH: process.env.PATH ?? '', HOME: world.user, LANG: 'C.UTF-8', TZ: 'UTC' },
      stdio: ['ignore', out, out],
    });
    closeSync(out);
    await waitFor(
      async () => {
        if (daemon?.exitCode !== null) throw new Error(`the daemon ended: ${readFileSync(daemonLog, 'utf8').trim()}`);
        const status = await ask<StatusView>(socket, '/status');
        return status !== null && status.sessions.length === count;
      },
      { timeoutMs: 20_000, everyMs: 100 },
    );
    if (!once) {
      say(`  look     tmux -S ${tmux.socket} attach -t agent-1        (detach: Ctrl-b d)`);
      say(`           http://127.0.0.1:${port}/   or   ./scripts/run --config ${config} status`);
      say(`  log      ${daemonLog}`);
    }
    say();
    if (values.attach) void attach(tmux.socket);

    const began = Date.now();
    const clock = (at: number): string => `+${((at - began) / 1000).toFixed(1).padStart(5)} s`;
    say(`${clock(Date.now())}  ${count} agents at work under ${world.activeAccount()}`);
    await waitFor(() => world.servedBy().length >= count, { timeoutMs: 20_000 });
    world.setLimit('work-1', { kind: 'five_hour', resetsAt: nextMinute(Date.now() + 3 * 3_600_000) });
    say(`${clock(Date.now())}  work-1 has used up its 5-hour limit`);

    const told = new Set<string>();
    const tell = (key: string, at: number | null, text: string): void => {
      if (at === null || told.has(key)) return;
      told.add(key);
      say(`${clock(at)}  ${text}`);
    };
    let failure: string | null = null;
    const done = await waitFor(
      async () => {
        if (interrupted) throw new Error('interrupted');
        if (daemon?.exitCode !== null) throw new Error('the daemon ended');
        for (const event of world.events('limit'))
          tell(`limit ${event.pid}`, event.at, `the limit is on the screen of process ${event.pid}`);
        const answer = await ask<SwapAnswer>(socket, '/swaps/last');
        if (answer === null) return null;
        const { swap, panes: recovering } = answer;
        tell(
          'requested',
          instant(swap.requested_at),
          `verdict: the limit is real (${swap.reason}); a swap is asked for`,
        );
        tell('flipped', instant(swap.flipped_at), `the link moved from ${swap.from} to ${swap.to}`);
        for (const row of recovering) {
          const how = row.state === 'recovered' ? `works again (${row.recovered_by})` : `${row.state}: ${row.reason}`;
          tell(`pane ${row.pane}`, instant(row.finished_at), `${row.pane}: ${how}`);
        }
        if (swap.phase === 'failed' || swap.phase === 'partial') {
          throw new Error(`the swap ended ${swap.phase}: ${swap.error}`);
        }
        return swap.phase === 'done' ? answer : null;
      },
      { timeoutMs: LIMIT_MS, everyMs: 100 },
    ).catch((error: unknown) => {
      failure =
        error instanceof Error && !error.message.startsWith('not so within')
          ? error.message
          : 'not all panes had recovered after 60 s';
      return null;
    });
    if (done === null) {
      process.stderr.write(`demo failed: ${failure}\nthe daemon's last lines:\n${tail(daemonLog)}\n`);
      return 1;
    }
    const { swap, panes: recoveries } = done;
    const working = recoveries.filter((row) => row.state === 'recovered').length;
    tell('done', instant(swap.finished_at), `done: ${working} of ${panes.length} panes work under ${swap.to}`);
    const swaps = (await ask<{ swaps: readonly unknown[] }>(socket, '/swaps'))?.swaps.length ?? 0;
    const limitAt = Math.min(...world.events('limit').map((event) => event.at));
    const [requestedAt, flippedAt] = [instant(swap.requested_at) ?? limitAt, instant(swap.flipped_at) ?? limitAt];
    const summary = {
      swaps,
      from: swap.from,
      to: swap.to,
      panes: recoveries.map((row) => ({
        pane: row.pane,
        recoveredBy: row.recovered_by,
        afterMs: (instant(row.finished_at) ?? flippedAt) - flippedAt,
      })),
      detectMs: requestedAt - limitAt,
      flipMs: flippedAt - limitAt,
    };
    const ok = swaps === 1 && recoveries.length === count && recoveries.every((row) => row.state === 'recovered');
    if (values.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
    else {
      say();
      say(await run(['--config', config, 'status']));
      say();
      say(
        `limit on the screen → verdict ${summary.detectMs} ms, → link moved ${summary.flipMs} ms (one poll is 2000 ms)`,
      );
      if (once) say(`\nwhy it did so:\n${indented(await run(['--config', config, 'why', 'last']))}`);
      else say(`why it did so: ./scripts/run --config ${config} why last`);
    }
    if (!ok) process.stderr.write('demo failed: not every pane was brought back by exactly one swap\n');
    if (once) return ok ? 0 : 1;
    say('\nthe agents go on working; end with Ctrl-C');
    await waitFor(() => interrupted || daemon?.exitCode !== null, { timeoutMs: 2 ** 31 - 1, everyMs: 200 });
    return ok ? 0 : 1;
  } catch (error) {
    process.stderr.write(`demo failed: ${error instanceof Error ? error.message : String(error)}\n`);
    if (existsSync(daemonLog)) process.stderr.write(`the daemon's last lines:\n${tail(daemonLog)}\n`);
    return 1;
  } finally {
    await cleanUp();
  }
}

/** @returns what was wrong, when something was */
function readArguments() {
  try {
    return parseArgs({ options: OPTIONS }).values;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '  ');
}

function instant(iso: string | null): number | null {
  return iso === null ? null : Date.parse(iso);
}

/** The banner shows whole minutes, so the reset lies on one. */
function nextMinute(at: number): number {
  return Math.ceil(at / 60_000) * 60_000;
}

function ask<T>(socketPath: string, path: string): Promise<T | null> {
  return new Promise((resolve) => {
    const call = request({ socketPath, path, timeout: 3000 }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () =>
        resolve(answer.statusCode === 200 ? (JSON.parse(Buffer.concat(chunks).toString('utf8')) as T) : null),
      );
    });
    call.on('error', () => resolve(null));
    call.on('timeout', () => call.destroy());
    call.end();
  });
}

function run(args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [MAIN, ...args], {
      env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent', NO_COLOR: '1', LANG: 'C.UTF-8' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
    });
    child.on('close', () => resolve(text.trimEnd()));
  });
}

function attach(socket: string): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn('tmux', ['-S', socket, 'attach', '-t', '=agent-1:'], { stdio: 'inherit' });
    child.on('close', () => resolve());
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

function tail(path: string): string {
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
}
