import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ENTRIES = ['scripts/test', 'scripts/run', 'scripts/demo', '.ci/run'];

let checkout: string;
let programs: string;

/** A checkout with nothing but the scripts, and a PATH in which a test may put programs of its own first. */
beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), 'cf-checkout-'));
  programs = join(checkout, 'programs');
  mkdirSync(programs);
  mkdirSync(join(checkout, 'node_modules'));
  for (const folder of ['scripts', '.ci']) cpSync(join(ROOT, folder), join(checkout, folder), { recursive: true });
  writeFileSync(join(checkout, 'package.json'), '{}');
  writeFileSync(join(checkout, 'package-lock.json'), '{}');
  writeFileSync(join(checkout, 'node_modules', '.package-lock.json'), '{}');
});
afterEach(() => rmSync(checkout, { recursive: true, force: true }));

interface Result {
  readonly status: number | null;
  readonly output: string;
}

function run(script: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Result {
  const path = `${programs}:${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`;
  const { status, stdout, stderr } = spawnSync(join(checkout, script), args, {
    cwd: '/',
    encoding: 'utf8',
    env: { PATH: path, HOME: checkout, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { status, output: stdout + stderr };
}

function program(name: string, body: string): void {
  writeFileSync(join(programs, name), `#!/bin/sh\n${body}\n`);
  chmodSync(join(programs, name), 0o755);
}

describe.each(ENTRIES)('%s', (entry) => {
  test('can be started, is strict, and parses', () => {
    const path = join(ROOT, entry);
    expect(statSync(path).mode & 0o111).toBe(0o111);
    expect(readFileSync(path, 'utf8')).toContain('set -euo pipefail');
    expect(spawnSync('bash', ['-n', path]).status).toBe(0);
  });
});

test('without a node every script says what to install', () => {
  for (const name of ['bash', 'dirname', 'cat', 'env']) symlinkSync(`/usr/bin/${name}`, join(programs, name));
  expect(run('scripts/demo', [], { PATH: programs })).toEqual({
    status: 1,
    output: expect.stringContaining('there is no node here: install it'),
  });
});

test('an old node is named with what is needed', () => {
  program('node', 'case $1 in --version) echo v18.20.0 ;; *) exit 1 ;; esac');
  expect(run('scripts/run')).toEqual({
    status: 1,
    output: expect.stringMatching(/needs Node 20\.19 or newer; this is v18\.20\.0/),
  });
});

test('run without a configuration tells the two ways on, from whatever directory', () => {
  const { status, output } = run('scripts/run');
  expect(status).toBe(1);
  expect(output).toContain('./scripts/demo');
  expect(output).toContain('config.example.yaml');
});

test('run hands its command and arguments on, without a command to the daemon, in the directory it was called from', () => {
  mkdirSync(join(checkout, 'dist'));
  writeFileSync(
    join(checkout, 'dist', 'main.js'),
    'console.log(JSON.stringify([process.cwd(), ...process.argv.slice(2)]))',
  );
  expect(run('scripts/run', ['--config', 'my config.yaml'])).toEqual({
    status: 0,
    output: '["/","run","--config","my config.yaml"]\n',
  });
  for (const args of [['doctor'], ['--config', 'run.yaml', 'status', '--json'], ['--help']])
    expect(run('scripts/run', args)).toEqual({ status: 0, output: `${JSON.stringify(['/', ...args])}\n` });
});

test('packages are installed once, and again when the lock file changed', () => {
  program('npm', `mkdir -p node_modules; echo "npm $*" >> '${checkout}/npm.log'`);
  const installs = (): number => {
    run('scripts/run');
    const log = join(checkout, 'npm.log');
    return existsSync(log) ? readFileSync(log, 'utf8').split('npm ci').length - 1 : 0;
  };
  expect(installs()).toBe(0);
  writeFileSync(join(checkout, 'package-lock.json'), '{ }');
  expect(installs()).toBe(1);
  expect(installs()).toBe(1);
});

test('a failing install stops with a sentence', () => {
  program('npm', 'echo "network down" >&2; exit 1');
  rmSync(join(checkout, 'node_modules'), { recursive: true });
  expect(run('scripts/demo')).toEqual({
    status: 1,
    output: expect.stringContaining('could not be installed: see above; is the npm registry reachable?'),
  });
});

test('the build runs when a source is newer than what was built, and not otherwise', () => {
  mkdirSync(join(checkout, 'src'));
  mkdirSync(join(checkout, 'dist'));
  writeFileSync(join(checkout, 'dist', 'main.js'), 'console.log("started")');
  writeFileSync(join(checkout, 'src', 'main.ts'), '');
  for (const name of ['tsconfig.json', 'tsconfig.build.json']) writeFileSync(join(checkout, name), '{}');
  program('npm', 'echo built');
  spawnSync('touch', ['-d', '+1 minute', join(checkout, 'dist', 'main.js')]);
  const start = (): string => run('scripts/run', ['--config', 'any']).output;
  expect(start()).toBe('started\n');
  spawnSync('touch', ['-d', '+2 minutes', join(checkout, 'src', 'main.ts')]);
  expect(start()).toBe('started\nBuilding …\nbuilt\n');
});

test('test stops at the first step that fails, with what to do, and without a terminal', () => {
  program('npx', '[ "$1" = tsc ] && exit 0; echo "bad style"; exit 1');
  const { status, output } = run('.ci/run');
  expect(status).toBe(1);
  expect(output).toContain('npm run format mends most of it');
});

test('test --all runs every suite in their long form', () => {
  program('npx', `echo "$CF_LONG $*"`);
  // Nothing may be installed here.
  for (const name of ['strace', 'openssl']) program(name, 'exit 0');
  expect(run('scripts/test').output).toMatch(/ vitest run --config vitest\.config\.ts\n/);
  expect(run('scripts/test', ['--all']).output).toMatch(/1 vitest run --config scripts\/vitest-all\.config\.ts\n/);
  expect(run('scripts/test', ['--wrong']).status).toBe(2);
});

test('test --all installs what the faults need where that takes no question, and goes on without it', () => {
  const needed = ['bash', 'dirname', 'cat', 'env', 'sha256sum', 'find', 'id', 'mkdir'];
  for (const name of needed) symlinkSync(`/usr/bin/${name}`, join(programs, name));
  for (const name of ['tmux', 'git', 'make', 'g++', 'python3', 'ps', 'npm', 'openssl']) program(name, 'exit 0');
  symlinkSync(process.execPath, join(programs, 'node'));
  program('sudo', '[ "$1" = -n ] && shift; exec "$@"');
  program('apt-get', `echo "$*" >> '${checkout}/apt.log'; exit 1`);
  program('npx', 'echo "npx $*"');
  const { status, output } = run('scripts/test', ['--all'], { PATH: programs });
  expect(output).toContain('Not installed: strace. The tests that need them are skipped.');
  expect(output).toContain('npx vitest run');
  expect(status).toBe(0);
  expect(readFileSync(join(checkout, 'apt.log'), 'utf8')).toContain('update');
});
