import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../src/adapters/clock.ts';
import { startHttp } from '../src/http/server.ts';
import { FakeDaemon, NOW } from './support/daemon-facts.ts';
import { silentLog } from './support/panes.ts';
import { waitFor } from './support/wait.ts';

const MAIN = new URL('../src/main.ts', import.meta.url).pathname;

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'cf-'));
  writeFileSync(join(home, 'good.yaml'), 'accounts: [{name: a, home: ~/a}, {name: b, home: ~/b}]\n');
  writeFileSync(join(home, 'bad.yaml'), 'mode: acct\naccounts: [{name: a, home: ~/a}, {name: b, home: ~/b}]\n');
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(
  args: readonly string[],
  options: { readonly closeStdout?: boolean; readonly input?: string } = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const env = { PATH: process.env.PATH, HOME: home };
    const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], { env, stdio: 'pipe' });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (part) => {
      stdout += part;
      if (options.closeStdout === true) child.stdout.destroy();
    });
    child.stderr.on('data', (part) => {
      stderr += part;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}

test('what is printed arrives whole, however late it is read', async () => {
  const env = { PATH: process.env.PATH, HOME: home };
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, 'detect', '--jsonl'], { env, stdio: 'pipe' });
  const lines = Array.from({ length: 3_000 }, (_, id) =>
    JSON.stringify({ id: String(id), agent: 'claude', text: 'hi' }),
  );
  child.stdin.end(lines.join('\n'));
  // A pipe holds 64 KB: it cannot have ended before somebody reads.
  await waitFor(() => child.exitCode !== null, { timeoutMs: 2_500 }).catch(() => undefined);
  let read = '';
  for await (const part of child.stdout.setEncoding('utf8')) read += part;
  expect(read.trimEnd().split('\n')).toHaveLength(3_000);
});

test('help goes to standard output and exits 0', async () => {
  const { code, stdout, stderr } = await run(['--help']);
  expect([code, stderr]).toEqual([0, '']);
  for (const verb of [
    'run',
    'status',
    'why',
    'swap',
    'pause',
    'resume',
    'recover',
    'detect',
    'doctor',
    'config',
    'version',
  ]) {
    expect(stdout).toMatch(new RegExp(`^  ${verb} `, 'm'));
  }
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
});

test.each([
  [['version'], 0, /^claude-failover \d+\.\d+\.\d+\n$/, /^$/],
  [['--version'], 0, /^\d+\.\d+\.\d+\n$/, /^$/],
  [['bogus'], 2, /^$/, /unknown command 'bogus'\nnext: claude-failover --help/],
  [['staatus'], 2, /^$/, /Did you mean status\?/],
  [['status', '--bogus'], 2, /^$/, /unknown option[^\n]*\nnext: /],
  [['replay'], 2, /^$/, /missing required argument/],
  [
    ['config', 'check'],
    78,
    /^$/,
    /^claude-failover: there is no configuration file \(let claude-failover init write it /,
  ],
  [['--config', 'good.yaml', 'config', 'check'], 0, /ok, 1 pool/, /^$/],
  [
    ['--config', 'bad.yaml', 'config', 'check'],
    78,
    /^$/,
    /bad\.yaml:1:7 mode: must be one of act, observe \(did you mean act\?\)\n$/,
  ],
  [
    ['--config', 'bad.yaml', 'run'],
    78,
    /^$/,
    /bad\.yaml:1:7 mode: must be one of act, observe \(did you mean act\?\)\n$/,
  ],
  [['--config', 'bad.yaml', 'status'], 78, /^$/, /bad\.yaml:1:7 mode: /],
  [['--config', 'good.yaml', 'health'], 4, /^$/, /the daemon is not running .*\nnext: start it/],
  [['--config', 'good.yaml', 'swap'], 4, /^$/, /the daemon is not running/],
  [['--config', 'good.yaml', 'incidents', 'show', 'last', '--json'], 4, /^$/, /there is no database yet/],
  [['--config', 'good.yaml', 'incidents', 'list', '--limit', '0'], 2, /^$/, /--limit must be a number/],
  [['--config', 'good.yaml', 'replay', 'last'], 4, /^$/, /there is no database yet/],
])('%j exits %i', async (args, code, stdout, stderr) => {
  const ended = await run(args.map((arg) => (arg.endsWith('.yaml') ? join(home, arg) : arg)));
  expect(ended).toEqual({ code, stdout: expect.stringMatching(stdout), stderr: expect.stringMatching(stderr) });
});

test('reads screens as lines from standard input', async () => {
  const line = JSON.stringify({ id: 1, agent: 'claude', text: 'hello', now: '2026-01-05T12:00:00Z', tz: 'UTC' });
  const { code, stdout } = await run(['detect', '--jsonl'], { input: `${line}\n` });
  expect([code, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ id: 1, class: 'none' })]);
});

test('a reader that has seen enough is no error', async () => {
  const line = JSON.stringify({ id: 1, agent: 'claude', text: 'hello', now: '2026-01-05T12:00:00Z', tz: 'UTC' });
  const { code, stderr } = await run(['detect', '--jsonl'], { input: `${line}\n`.repeat(5_000), closeStdout: true });
  expect([code, stderr]).toEqual([0, '']);
});

test('asks the daemon whose socket the configuration names', async () => {
  const socketPath = join(home, '.local/state/claude-failover/run/api.sock');
  const clock = { ...systemClock(), now: () => NOW, zone: () => 'UTC' };
  const doors = await startHttp({
    api: new FakeDaemon(),
    clock,
    log: silentLog,
    listen: null,
    socketPath,
    bearerToken: () => null,
    enableTrigger: () => false,
    version: '0.1.0',
  });
  try {
    const { code, stdout } = await run(['--config', join(home, 'good.yaml'), 'status']);
    expect([code, stdout.split(' · ')[0]]).toEqual([0, 'OK']);
  } finally {
    await doors.stop();
  }
});
