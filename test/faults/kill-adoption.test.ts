/** kill -9 before every change that `init` and `unadopt` make: the next run finishes or takes back, and nothing is lost. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { builtMain } from '../support/built.ts';
import { UserHome } from '../support/user-home.ts';

const KILLER = fileURLToPath(new URL('../support/kill-at.mjs', import.meta.url));
const LONG = process.env.CF_LONG === '1';
/** Every so many changes, beginning anywhere. */
const STRIDE = LONG ? 1 : 12;

const MAIN = builtMain();
const homes: UserHome[] = [];
afterEach(() => {
  for (const home of homes.splice(0)) home.remove();
});

function newHome(): UserHome {
  const home = new UserHome();
  homes.push(home);
  return home;
}

/** @returns the exit code; null: it was killed */
function run(user: UserHome, words: readonly string[], env: Readonly<Record<string, string>> = {}): number | null {
  const ended = spawnSync(process.execPath, ['--import', KILLER, MAIN, ...words, '--yes'], {
    env: user.environment(env),
    encoding: 'utf8',
    timeout: 120_000,
  });
  if (ended.signal === 'SIGKILL') return null;
  said = ended.stdout + ended.stderr;
  return ended.status;
}

let said = '';

/** How many changes the whole command makes. */
function countChanges(user: UserHome, words: readonly string[]): number {
  const file = join(user.home, 'dotfiles', 'count');
  expect(run(user, words, { KILL_COUNT: file }), said).toBe(0);
  return Number(readFileSync(file, 'utf8'));
}

/** A minute passes for the locks that were made and not noted yet: the CLI's own rule ends them. */
function ageUnknownLocks(user: UserHome): void {
  const known = existsSync(user.record) ? readFileSync(user.record, 'utf8') : '';
  const places = readdirSync(user.home).filter((name) => name.startsWith('.claude'));
  for (const place of places) {
    const inside = ['.oauth_refresh.lock', '.storage-write.lock'].map((name) => join(user.home, place, name));
    for (const path of place.endsWith('.lock') ? [join(user.home, place)] : inside) {
      if (!existsSync(path) || known.includes(path)) continue;
      const at = Date.now() / 1000 - 120;
      utimesSync(path, at, at);
    }
  }
}

/** Contents by where they belong, wherever they stand: nothing is lost and nothing is there twice. */
function contents(user: UserHome): readonly string[] {
  return Object.values(user.picture())
    .filter((what) => what.startsWith('file'))
    .sort();
}

/** Names and kinds: inodes differ from home to home. */
function shape(user: UserHome): readonly string[] {
  return Object.entries(user.picture())
    .filter(([path]) => !path.startsWith('dotfiles'))
    .map(([path, what]) => `${path}: ${what.replaceAll(user.home, '~').replace(/^(\S+ \d+) .*?( \S{16})?$/, '$1$2')}`);
}

const adopted = newHomeShape();
function newHomeShape(): readonly string[] {
  const user = new UserHome();
  try {
    expect(run(user, ['init']), said).toBe(0);
    return shape(user);
  } finally {
    user.remove();
  }
}

test('killed before any of its changes, init is finished by the next init or taken back byte for byte by unadopt [R242]', {
  timeout: LONG ? 1_200_000 : 600_000,
}, () => {
  const total = countChanges(newHome(), ['init']);
  let killed = 0;
  for (let at = 1 + Math.floor(Math.random() * STRIDE); at <= total; at += STRIDE) {
    const user = newHome();
    const before = user.picture();
    const files = contents(user);
    expect(run(user, ['init'], { KILL_AT: String(at) }), `kill ${at}`).toBe(null);
    killed += 1;
    expect(contents(user), `after kill ${at}`).toEqual(files);
    ageUnknownLocks(user);
    const isForward = killed % 2 === 0 || !existsSync(user.record);
    if (isForward) {
      expect(run(user, ['init']), `init after kill ${at}: ${said}`).toBe(0);
      expect(shape(user), `after kill ${at}`).toEqual(adopted);
      expect(readFileSync(user.config, 'utf8')).toContain('work-1');
    }
    expect(run(user, ['unadopt']), `unadopt after kill ${at}: ${said}`).toBe(0);
    expect(user.picture(), `after kill ${at}`).toEqual(before);
    user.remove();
  }
  console.log(`init: ${killed} kills over ${total} changes`);
});

test('killed before any of its changes, unadopt is finished by the next unadopt [R242]', {
  timeout: LONG ? 1_200_000 : 600_000,
}, () => {
  const first = newHome();
  expect(run(first, ['init']), said).toBe(0);
  const total = countChanges(first, ['unadopt']);
  let killed = 0;
  for (let at = 1 + Math.floor(Math.random() * STRIDE); at <= total; at += STRIDE) {
    const user = newHome();
    const before = user.picture();
    expect(run(user, ['init']), said).toBe(0);
    const files = contents(user);
    expect(run(user, ['unadopt'], { KILL_AT: String(at) }), `kill ${at}`).toBe(null);
    killed += 1;
    expect(contents(user), `after kill ${at}`).toEqual(files);
    ageUnknownLocks(user);
    if (existsSync(user.record)) expect(run(user, ['unadopt']), `after kill ${at}: ${said}`).toBe(0);
    expect(user.picture(), `after kill ${at}`).toEqual(before);
    user.remove();
  }
  console.log(`unadopt: ${killed} kills over ${total} changes`);
});
