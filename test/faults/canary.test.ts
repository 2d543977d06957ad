/**
 * Every token is a canary: over swaps, restarts of agents, refreshes, a kill and every command, none is found in a log, the
 * database, an answer, a message, or the arguments and environment of a process that the daemon starts.
 */
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { builtMain } from '../support/built.ts';
import { writeConfig } from '../support/daemon-config.ts';
import { type DaemonProcess, startDaemonProcess } from '../support/daemon-process.ts';
import { type Provider, startProvider } from '../support/providers.ts';
import { StandInWorld } from '../support/stand-in/index.ts';
import { startTmux, type TestTmux } from '../support/tmux.ts';
import { waitFor } from '../support/wait.ts';
import { standing } from './support/standing.ts';

const HOUR = 3_600_000;
const ON_SCREEN = 'canary-on-the-screen-0123456789abcdef';
const OF_THE_HOOK = 'canary-of-the-webhook-0123456789abcdef';

const COMMANDS = [
  ['status'],
  ['status', '--json'],
  ['why', 'last'],
  ['incidents', 'list'],
  ['incidents', 'show', 'last'],
  ['replay', 'last'],
  ['events'],
  ['events', '--json'],
  ['accounts', 'list'],
  ['sessions', 'list'],
  ['alerts', 'list'],
  ['stats'],
  ['health'],
  ['doctor'],
  ['notify', 'list'],
  ['config', 'check'],
  ['config', 'show'],
  ['swap', '--dry-run'],
  ['swap', '--to', 'nobody'],
] as const;
const ROUTES = [
  '/status',
  '/health',
  '/accounts/work-1',
  '/swaps',
  '/swaps/last',
  '/events',
  '/why/last',
  '/alerts',
  '/metrics',
];

let tmux: TestTmux;
let world: StandInWorld;
let hook: Provider;
let daemon: DaemonProcess | null = null;
/** Every token that was ever good. */
const canaries = new Set<string>([ON_SCREEN, OF_THE_HOOK]);

beforeAll(async () => {
  tmux = await startTmux();
  world = new StandInWorld();
  hook = await startProvider();
});

afterAll(async () => {
  await daemon?.end('SIGKILL');
  await tmux.kill();
  await hook.close();
  world.remove();
});

function collect(): void {
  const book = JSON.parse(readFileSync(world.book, 'utf8')) as Record<string, { refreshToken?: string }>;
  for (const [token, { refreshToken }] of Object.entries(book)) {
    for (const secret of [token, refreshToken ?? token]) canaries.add(secret.replace(/^sk-ant-o[ar]t01-/, ''));
  }
}

/** Programs of these names, first in PATH, that write down how they were started. @returns the folder */
function recorders(folder: string): string {
  mkdirSync(folder);
  for (const name of ['tmux', 'systemctl', 'systemd-notify', 'ps']) {
    const real = `PATH="\${PATH#*:}" exec ${name} "$@"`;
    const record = `cat /proc/$$/cmdline /proc/$$/environ >> '${join(folder, 'started')}'`;
    writeFileSync(join(folder, name), `#!/bin/sh\n${record}\n${real}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
}

function run(args: readonly string[], config: string): Promise<string> {
  const env = { PATH: process.env.PATH, HOME: world.user, LANG: 'C.UTF-8', TZ: 'UTC' };
  return new Promise((resolve) => {
    execFile(process.execPath, [builtMain(), ...args, '--config', config], { env, timeout: 60_000 }, (_, out, err) =>
      resolve(out + err),
    );
  });
}

/** Where a canary stands in this text. */
function findIn(text: string): readonly string[] {
  const known = [...canaries].filter((canary) => text.includes(canary));
  const shaped = text.match(/sk-ant-o[ar]t01-[\w-]{8,}/g) ?? [];
  return [...known, ...shaped];
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => lstatSync(path).isFile());
}

test('no token is found in logs, database, answers, messages, arguments or environments [R260]', {
  timeout: 900_000,
}, async () => {
  const bin = recorders(join(world.root, 'recorders'));
  const secret = join(world.root, 'hook-secret');
  writeFileSync(secret, OF_THE_HOOK, { mode: 0o600 });
  const config = writeConfig(world, tmux, {
    quota: { poll_interval: '200ms', swap_cooldown: '0s', account_reactivate_cooldown: '0s' },
    tmux: { submit_delay: '200ms' },
    switcher: { verify_timeout: '30s', exit_grace: '20s' },
    notifications: { min_severity: 'info', webhook: { enabled: true, url: hook.url, secret_file: secret } },
  });
  const says = `look: ANTHROPIC_API_KEY=sk-ant-api03-${ON_SCREEN} {"accessToken":"${ON_SCREEN}"}`;
  // The older one keeps what it read until it refreshes by itself; the newer one looks at the file before each request.
  const older = { STAND_IN_VERSION: '2.0.76', STAND_IN_REFRESH_MS: '3000' };
  const panes = [
    await world.startPane(tmux, { name: 'new', project: 'new', env: { STAND_IN_SAYS: says } }),
    await world.startPane(tmux, { name: 'old', project: 'old', env: { STAND_IN_SAYS: says, ...older } }),
  ];
  const start = (): Promise<DaemonProcess> => startDaemonProcess(world, config, { path: `${bin}:${process.env.PATH}` });
  daemon = await start();
  const outputs = new Map<string, string>();
  for (const [from, kind] of [
    ['work-1', 'five_hour'],
    ['work-2', 'seven_day'],
  ] as const) {
    const answered = world.servedBy().length + panes.length;
    for (const pane of panes) await pane.say('a question');
    await waitFor(() => world.servedBy().length >= answered);
    collect();
    const before = world.servedBy().length;
    for (const { account } of world.homes) world.setLimit(account, null);
    if (from === 'work-2') await run(['accounts', 'reset-quota', 'work-1'], config);
    world.setLimit(from, { kind, resetsAt: Date.now() + 30 * HOUR });
    for (const pane of panes) await pane.say('more work');
    await waitFor(() => world.activeAccount() !== from, { timeoutMs: 90_000 });
    collect();
    if (from === 'work-1') {
      await daemon.end('SIGKILL');
      daemon = await start();
    }
    // Locks that a killed daemon had not noted yet are left alone until they are stale, a minute later.
    await waitFor(() => world.servedBy().length >= before + panes.length, { timeoutMs: 150_000 }).catch(async () => {
      throw new Error(`not every pane came back: ${await standing(panes, daemon)}`);
    });
    await waitFor(async () => (await daemon?.get<{ swap: { phase: string } }>('/swaps/last'))?.swap.phase === 'done', {
      timeoutMs: 90_000,
    });
    collect();
  }
  for (const path of ROUTES) outputs.set(path, (await daemon.text(path)) ?? '');
  for (const command of COMMANDS) outputs.set(command.join(' '), await run(command, config));
  await waitFor(() => world.events('refresh').some(({ result }) => result === 'refreshed'), { timeoutMs: 90_000 });
  collect();
  await waitFor(() => hook.requests.length > 0);
  await daemon.end('SIGTERM');
  daemon = null;
  for (const command of COMMANDS) outputs.set(`${command.join(' ')}, stopped`, await run(command, config));
  collect();

  const started = join(bin, 'started');
  const places = new Map(outputs);
  for (const [i, { body, headers }] of hook.requests.entries())
    places.set(`message ${i}`, `${body}\n${JSON.stringify(headers)}`);
  const own = [join(world.root, 'state'), join(world.root, 'run')].filter((folder) => existsSync(folder));
  for (const path of [...own.flatMap(filesBelow), join(world.root, 'daemon.log'), config, started])
    places.set(path, readFileSync(path, 'latin1'));

  const found = [...places].flatMap(([place, text]) => findIn(text).map((canary) => `${place}: ${canary}`));
  expect(found).toEqual([]);
  // The search can find: the tokens were there to be seen, and the places are not empty.
  expect(canaries.size).toBeGreaterThan(6);
  expect(world.servedBy()).toContain('work-2');
  expect(readFileSync(world.home().credentials, 'utf8')).toMatch(/sk-ant-o[ar]t01-/);
  for (const place of ['status', '/status', '/swaps/last', 'why last', started, join(world.root, 'daemon.log')])
    expect(places.get(place)?.length, place).toBeGreaterThan(50);
  expect(places.get(join(world.root, 'state', 'state.db'))).toContain('swap_flipped');
  console.log(`${canaries.size} tokens, ${places.size} places: found ${found.length} times`);
});
