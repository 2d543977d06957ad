import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LiveConfig, type ReloadResult } from '../../src/config/live.ts';
import { loadConfigFile } from '../../src/config/load.ts';
import { createSupervisor } from '../../src/runtime/supervisor.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLog } from '../support/recording-log.ts';

const ACCOUNTS = 'accounts:\n  - {name: a, home: /h/a}\n  - {name: b, home: /h/b}\n';

/** Shorter than in production, and longer than chokidar's own throttling. */
const QUIET_MS = 200;

let dir: string;
let stop: AbortController;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cf-'));
  stop = new AbortController();
});
afterEach(() => {
  stop.abort();
  rmSync(dir, { recursive: true, force: true });
});

function open(text: string, file = join(dir, 'config.yaml')) {
  writeFileSync(file, text);
  return start(file);
}

function start(file: string, sleep: (ms: number, signal?: AbortSignal) => Promise<void> = async () => pause(QUIET_MS)) {
  const surroundings = { env: {}, home: '/home/ada' };
  const told: ReloadResult[] = [];
  const errors: unknown[] = [];
  const live = new LiveConfig({
    loaded: loadConfigFile({ path: file, ...surroundings }),
    ...surroundings,
    clock: { sleep },
    onError: (error) => errors.push(error),
  });
  live.onChange((result) => told.push(result));
  return { live, told, errors, save: (text: string) => writeFileSync(file, text) };
}

test('[R122] a good change replaces the snapshot and names the keys that changed', () => {
  const { live, told, save } = open(ACCOUNTS);
  const before = live.current;
  save(`${ACCOUNTS}quota: {poll_interval: 5s, confirm_polls: 3}\n`);
  expect(live.reload()).toEqual({
    kind: 'applied',
    changedKeys: ['quota.poll_interval', 'quota.confirm_polls'],
    restartKeys: [],
  });
  expect(before.quota.pollIntervalMs).toBe(2_000);
  expect(live.current.quota.pollIntervalMs).toBe(5_000);
  expect(told).toHaveLength(1);
});

test('a listener already sees the new snapshot, and one that fails does not stop the others', () => {
  const { live, told, errors, save } = open(ACCOUNTS);
  const seen: number[] = [];
  live.onChange(() => {
    throw new Error('mine');
  });
  const forget = live.onChange(() => seen.push(live.current.quota.pollIntervalMs));
  save(`${ACCOUNTS}quota: {poll_interval: 5s}\n`);
  live.reload();
  forget();
  save(`${ACCOUNTS}quota: {poll_interval: 6s}\n`);
  live.reload();
  expect(seen).toEqual([5_000]);
  expect(told).toHaveLength(2);
  expect(errors).toHaveLength(2);
});

test('accounts and sessions are compared by name', () => {
  const { live, save } = open(ACCOUNTS);
  save(
    'accounts:\n  - {name: c, home: /h/c}\n  - {name: b, home: /h/b, enabled: false}\nsessions: {dedicated: [{name: s}]}\n',
  );
  expect(live.reload()).toMatchObject({
    kind: 'applied',
    changedKeys: ['accounts[a]', 'accounts[b].enabled', 'accounts[c]', 'sessions.dedicated[s]'],
  });
});

test('accounts in another order are a change, because the order gives the priorities', () => {
  const { live, save } = open(ACCOUNTS);
  save('accounts:\n  - {name: b, home: /h/b}\n  - {name: a, home: /h/a}\n');
  expect(live.reload()).toMatchObject({ kind: 'applied', changedKeys: ['accounts'] });
  expect(live.current.pools[0]?.accounts[0]?.name).toBe('b');
});

test('a comment changes nothing', () => {
  const { live, told, save } = open(ACCOUNTS);
  const before = live.current;
  save(`# hello\n${ACCOUNTS}`);
  expect(live.reload()).toEqual({ kind: 'unchanged' });
  expect(live.reload()).toEqual({ kind: 'unchanged' });
  expect(live.current).toBe(before);
  expect(told).toEqual([]);
});

test('[R123] a rejected file leaves the old snapshot and is reported once per content', () => {
  const { live, told, save } = open(ACCOUNTS);
  const before = live.current;
  save('mode: acct\n');
  expect(live.reload()).toMatchObject({
    kind: 'rejected',
    isRepeated: false,
    error: { problems: [{ line: 1, column: 7 }] },
  });
  expect(live.reload()).toMatchObject({ kind: 'rejected', isRepeated: true });
  expect(told).toHaveLength(1);
  save('mode: acctt\n');
  live.reload();
  expect(told).toHaveLength(2);
  expect(live.current).toBe(before);
  expect(live.isRejected).toBe(true);
  save(ACCOUNTS);
  expect(live.reload()).toEqual({ kind: 'unchanged' });
  expect(live.isRejected).toBe(false);
});

test('[R123] a file that is gone leaves the old snapshot and is reported once', () => {
  const { live, told } = open(ACCOUNTS);
  unlinkSync(join(dir, 'config.yaml'));
  expect(live.reload()).toMatchObject({
    kind: 'rejected',
    isRepeated: false,
    error: { problems: [{ message: 'does not exist' }] },
  });
  expect(live.reload()).toMatchObject({ kind: 'rejected', isRepeated: true });
  expect(told).toHaveLength(1);
});

test('[R124] keys that need a restart are reported and keep their value, the others are applied', () => {
  const { live, told, save } = open(ACCOUNTS);
  const text = `${ACCOUNTS}daemon: {log: {level: debug}}\nhttp: {listen: 127.0.0.1:1}\ntmux: {sockets: [x], submit_delay: 1s}\npools: {default: {link: /l, strategy: earliest_reset}}\n`;
  save(text);
  expect(live.reload()).toEqual({
    kind: 'applied',
    changedKeys: ['tmux.submit_delay', 'pools.default.strategy'],
    restartKeys: ['daemon.log.level', 'http.listen', 'tmux.sockets', 'pools.default.link'],
  });
  expect(live.current).toMatchObject({
    daemon: { log: { level: 'info' } },
    http: { listen: { port: 8765 } },
    tmux: { sockets: ['default'], submitDelayMs: 1_000 },
    pools: [{ link: '/home/ada/.claude', strategy: 'earliest_reset' }],
  });
  expect(live.restartKeys).toHaveLength(4);
  save(`# again\n${text}`);
  expect(live.reload()).toEqual({ kind: 'unchanged' });
  expect(told).toHaveLength(1);
  save(ACCOUNTS);
  expect(live.reload()).toMatchObject({ kind: 'applied', restartKeys: [] });
  expect(live.restartKeys).toEqual([]);
});

test('[R124] a change that contradicts a value still in force is rejected as a whole', () => {
  const { live, save } = open(ACCOUNTS);
  save(
    'accounts:\n  - {name: a, home: /home/ada}\n  - {name: b, home: /h/b}\npools: {default: {link: /l, shared_root: /s}}\n',
  );
  const result = live.reload();
  expect(result).toMatchObject({ kind: 'rejected' });
  expect(result.kind === 'rejected' && result.error.problems[0]?.hint).toMatch(/restart the daemon/);
  expect(live.current.pools[0]?.accounts[0]?.home).toBe('/h/a');
});

test('a pool that is added waits for a restart, because it needs a switcher and a lock of its own [R124]', () => {
  const { live, save } = open(ACCOUNTS);
  save(`${ACCOUNTS}pools: {default: {}, team: {link: /t}}\n`);
  expect(live.reload()).toMatchObject({ kind: 'applied', restartKeys: ['pools.team'] });
  expect(live.current.pools.map((pool) => pool.name)).toEqual(['default']);
});

const CHANGED = `${ACCOUNTS}quota: {confirm_polls: 7}\n`;
const becomesSeven = (live: LiveConfig) =>
  vi.waitFor(() => expect(live.current.quota.confirmPolls).toBe(7), { timeout: 30_000, interval: 20 });

test('[R124] a file that is written in place is noticed', async () => {
  const { live, save } = open(ACCOUNTS);
  await live.watch(stop.signal);
  save(CHANGED);
  await becomesSeven(live);
});

test('[R124] a file that an editor replaces by rename is noticed, again and again', async () => {
  const { live } = open(ACCOUNTS);
  await live.watch(stop.signal);
  for (const polls of [3, 4, 5]) {
    writeFileSync(join(dir, '.config.yaml.swp'), `${ACCOUNTS}quota: {confirm_polls: ${polls}}\n`);
    renameSync(join(dir, '.config.yaml.swp'), join(dir, 'config.yaml'));
    await vi.waitFor(() => expect(live.current.quota.confirmPolls).toBe(polls), { timeout: 30_000, interval: 20 });
  }
});

test('[R124] a file that is removed and written again is noticed', async () => {
  const { live, told, save } = open(ACCOUNTS);
  await live.watch(stop.signal);
  unlinkSync(join(dir, 'config.yaml'));
  await vi.waitFor(() => expect(told.map(({ kind }) => kind)).toEqual(['rejected']), { timeout: 30_000 });
  save(CHANGED);
  await becomesSeven(live);
});

test('[R124] a directory whose files are links into a directory that is exchanged is noticed', async () => {
  for (const [name, text] of [
    ['v1', ACCOUNTS],
    ['v2', CHANGED],
  ] as const) {
    mkdirSync(join(dir, name));
    writeFileSync(join(dir, name, 'config.yaml'), text);
  }
  symlinkSync('v1', join(dir, '..data'));
  symlinkSync('..data/config.yaml', join(dir, 'config.yaml'));
  const { live } = start(join(dir, 'config.yaml'));
  await live.watch(stop.signal);
  symlinkSync('v2', join(dir, '..data.new'));
  renameSync(join(dir, '..data.new'), join(dir, '..data'));
  await becomesSeven(live);
});

test('[R124] a change behind a link to another directory is noticed, before and after the link moves', async () => {
  mkdirSync(join(dir, 'one'));
  mkdirSync(join(dir, 'two'));
  writeFileSync(join(dir, 'one/config.yaml'), ACCOUNTS);
  writeFileSync(join(dir, 'two/config.yaml'), `${ACCOUNTS}quota: {confirm_polls: 4}\n`);
  symlinkSync('one', join(dir, 'etc'));
  const { live } = start(join(dir, 'etc/config.yaml'));
  await live.watch(stop.signal);
  writeFileSync(join(dir, 'one/config.yaml'), `${ACCOUNTS}quota: {confirm_polls: 3}\n`);
  await vi.waitFor(() => expect(live.current.quota.confirmPolls).toBe(3), { timeout: 30_000, interval: 20 });
  symlinkSync('two', join(dir, 'etc.new'));
  renameSync(join(dir, 'etc.new'), join(dir, 'etc'));
  await vi.waitFor(() => expect(live.current.quota.confirmPolls).toBe(4), { timeout: 30_000, interval: 20 });
  writeFileSync(join(dir, 'two/config.yaml'), CHANGED);
  await becomesSeven(live);
});

test('a change between the start and the watch is noticed', async () => {
  const { live, save } = open(ACCOUNTS);
  save(CHANGED);
  await live.watch(stop.signal);
  await becomesSeven(live);
});

test('a change after the signal is not loaded any more', async () => {
  const clock = new FakeClock();
  const file = join(dir, 'config.yaml');
  writeFileSync(file, ACCOUNTS);
  const { live, save } = start(file, (ms, signal) => clock.sleep(ms, signal));
  await live.watch(stop.signal);
  await clock.advance(500);
  expect(clock.pending).toBe(0);
  save(CHANGED);
  await vi.waitFor(() => expect(clock.pending).toBe(1), { timeout: 30_000 });
  stop.abort();
  await clock.advance(5_000);
  expect(live.current.quota.confirmPolls).toBe(2);
});

test('[R121] whoever asks while a file is being read gets the old snapshot at once', () => {
  const file = join(dir, 'config.yaml');
  writeFileSync(file, ACCOUNTS);
  const seen: { config: unknown; ms: number }[] = [];
  let live: LiveConfig | null = null;
  // The environment is asked in the middle of a reload.
  const env = new Proxy<Record<string, string | undefined>>(
    {},
    {
      get() {
        if (live === null) return undefined;
        const before = performance.now();
        const config = live.current;
        seen.push({ config, ms: performance.now() - before });
        return undefined;
      },
    },
  );
  const surroundings = { env, home: '/home/ada' };
  const loaded = loadConfigFile({ path: file, ...surroundings });
  live = new LiveConfig({ loaded, ...surroundings, clock: { sleep: async () => undefined } });
  const before = live.current;
  writeFileSync(file, `${ACCOUNTS}mode: observe\n`);
  expect(live.reload().kind).toBe('applied');
  expect(seen.length).toBeGreaterThan(0);
  expect(seen.every(({ config }) => config === before)).toBe(true);
  expect(Math.min(...seen.map(({ ms }) => ms))).toBeLessThan(1);
  expect(live.current.mode).toBe('observe');
});

test('[R127] a snapshot that was replaced stays whole for whoever still holds it', () => {
  const { live, save } = open(ACCOUNTS);
  const held = live.current;
  const text = JSON.stringify(held);
  for (const seconds of [3, 4, 5]) {
    save(`${ACCOUNTS}quota: {poll_interval: ${seconds}s}\n`);
    live.reload();
  }
  expect(JSON.stringify(held)).toBe(text);
  expect(Object.isFrozen(held.quota)).toBe(true);
});

test('[R122] every loop decides by the new configuration at its very next tick, woken and not by its own interval', async () => {
  const { live, save } = open(ACCOUNTS);
  const clock = new FakeClock();
  const ticks: string[] = [];
  const loop = (name: string) => ({
    name,
    intervalMs: () => Number.POSITIVE_INFINITY,
    tick: async ({ config }: { config: { mode: string } }) => ticks.push(`${name} ${config.mode}`),
  });
  const loops = ['watcher', 'switcher', 'reconciler'].map(loop);
  const onFatal = () => undefined;
  const log = new RecordingLog();
  const supervisor = createSupervisor({ loops, config: () => live.current, clock, log, onFatal, onClockJump: onFatal });
  live.onChange(() => supervisor.wake());
  supervisor.start();
  await clock.advance(1);
  expect(ticks).toEqual(['watcher act', 'switcher act', 'reconciler act']);
  save(`${ACCOUNTS}mode: observe\n`);
  live.reload();
  await clock.advance(1);
  expect(ticks.slice(3)).toEqual(['watcher observe', 'switcher observe', 'reconciler observe']);
  await supervisor.stop(1000);
});
