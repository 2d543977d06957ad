import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createServiceManager, type ServiceManager } from '../../src/adapters/systemd.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { waitFor } from '../support/wait.ts';

const STUB = fileURLToPath(new URL('../support/notify-socket.py', import.meta.url));
const missing = ['python3', 'systemd-notify'].filter(
  (program) => spawnSync(program, ['--version']).error !== undefined,
);
if (missing.length > 0) console.warn(`skipped: the notification tests need ${missing.join(' and ')}`);

let clock: FakeClock;
let log: RecordingLog;
beforeEach(() => {
  clock = new FakeClock();
  log = new RecordingLog();
});

function manager(env: Record<string, string>): ServiceManager {
  return createServiceManager({ env: { PATH: process.env.PATH, ...env }, pid: 4242, clock, log });
}

describe('without a service manager', () => {
  test('every call is silently nothing', async () => {
    const absent = manager({ WATCHDOG_USEC: '60000000' });
    expect(absent).toMatchObject({ isPresent: false, watchdogIntervalMs: null });
    await absent.ready('watching');
    await absent.feedWatchdog(() => true, new AbortController().signal);
    expect(log.lines).toEqual([]);
  });
});

describe('the watchdog period', () => {
  test.each([
    [{ WATCHDOG_USEC: '60000000' }, 30_000],
    [{ WATCHDOG_USEC: '60000000', WATCHDOG_PID: '4242' }, 30_000],
    [{ WATCHDOG_USEC: '60000000', WATCHDOG_PID: '1' }, null],
    [{ WATCHDOG_USEC: 'soon' }, null],
    [{}, null],
  ])('of %j is %j', (env, intervalMs) => {
    expect(manager({ NOTIFY_SOCKET: '/nowhere', ...env }).watchdogIntervalMs).toBe(intervalMs);
  });
});

test('a systemd that cannot be told is an error in the log once, and nothing worse', async () => {
  const mute = manager({ NOTIFY_SOCKET: '/nowhere', PATH: '/nowhere' });
  await mute.ready('watching');
  await mute.status('still watching');
  expect(log.levelsOf('systemd could not be told')).toEqual(['error', 'debug']);
});

describe.skipIf(missing.length > 0)('with a service manager', () => {
  let folder: string;
  let socket: string;
  let stub: ChildProcess;
  let received: string[];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cf-'));
    socket = join(folder, 'notify');
    received = [];
    stub = spawn('python3', [STUB, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
    if (stub.stdout === null) throw new Error('the stub has no output');
    createInterface({ input: stub.stdout }).on('line', (line) => received.push(JSON.parse(line) as string));
    await waitFor(() => received.includes('listening'));
    received.length = 0;
  });
  afterEach(() => {
    stub.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Without the barriers, which carry no message for us. */
  const messages = (): string[] => received.filter((message) => message !== 'BARRIER=1');

  test('it hears of readiness, status and stopping, one line each', async () => {
    const systemd = manager({ NOTIFY_SOCKET: socket });
    await systemd.ready('watching 3 panes');
    await systemd.status('hostile\nREADY=0');
    await systemd.stopping('waiting for a swap');
    await waitFor(() => messages().length === 3);
    expect(messages()).toEqual([
      'READY=1\nSTATUS=watching 3 panes',
      'STATUS=hostile READY=0',
      'STOPPING=1\nSTATUS=waiting for a swap',
    ]);
    expect(log.lines).toEqual([]);
  });

  test('the watchdog is fed at half its period while the loops are well, and not while one is late', async () => {
    const systemd = manager({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: '60000000' });
    const stop = new AbortController();
    let isHealthy = true;
    const feeding = systemd.feedWatchdog(() => isHealthy, stop.signal);
    const fedAndResting = (times: number) => () => messages().length === times && clock.pending === 1;
    await waitFor(fedAndResting(1));
    await clock.advance(29_999);
    expect(messages()).toHaveLength(1);
    await clock.advance(1);
    await waitFor(fedAndResting(2));
    isHealthy = false;
    await clock.advance(300_000);
    expect(messages()).toHaveLength(2);
    expect(log.at('error')).toEqual(['the watchdog is not fed: a loop is late']);
    isHealthy = true;
    await clock.advance(1000);
    await waitFor(fedAndResting(3));
    expect(messages()).toEqual(['WATCHDOG=1', 'WATCHDOG=1', 'WATCHDOG=1']);
    stop.abort();
    await feeding;
    expect(clock.pending).toBe(0);
  });
});
