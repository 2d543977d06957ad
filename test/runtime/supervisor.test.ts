import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { FatalError } from '../../src/core/errors.ts';
import type { Loop } from '../../src/ports.ts';
import { createSupervisor, type Supervisor, type SupervisorOptions } from '../../src/runtime/supervisor.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLog } from '../support/recording-log.ts';

interface Config {
  readonly pollMs: number;
}
interface Bench {
  readonly clock: FakeClock;
  readonly log: RecordingLog;
  readonly supervisor: Supervisor;
  readonly job: (name: string) => ReturnType<Supervisor['jobs']>[number];
}

function bench(loops: readonly Loop<Config>[], options: Partial<SupervisorOptions<Config>> = {}): Bench {
  const clock = new FakeClock('2026-01-05T12:00:00Z');
  const log = new RecordingLog();
  const supervisor = createSupervisor<Config>({
    loops,
    config: () => ({ pollMs: 1000 }),
    clock,
    log,
    random: () => 0,
    ...options,
  });
  const job = (name: string): ReturnType<Supervisor['jobs']>[number] => {
    const found = supervisor.jobs().find((view) => view.name === name);
    if (found === undefined) throw new Error(`no job ${name}`);
    return found;
  };
  return { clock, log, supervisor, job };
}

function loop(name: string, tick: Loop<Config>['tick'], more: Partial<Loop<Config>> = {}): Loop<Config> {
  return { name, intervalMs: (config) => config.pollMs, tick, ...more };
}

const never = (): Promise<never> => new Promise(() => undefined);
const untilAbort = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

describe('the schedule', () => {
  test('has each name once [R167]', () => {
    const idle = async () => undefined;
    expect(() => bench([loop('a', idle), loop('b', idle), loop('a', idle)])).toThrow('two loops are named a');
  });

  test('each loop ticks at once and then one interval after its tick ended, with the config of that moment [R163]', async () => {
    let pollMs = 1000;
    const seen: [number, number][] = [];
    const { clock, supervisor } = bench(
      [
        loop('slow', async ({ now, config }) => {
          seen.push([now - Date.parse('2026-01-05T12:00:00Z'), config.pollMs]);
          await clock.sleep(500);
        }),
      ],
      { config: () => ({ pollMs }) },
    );
    supervisor.start();
    await clock.advance(1600);
    pollMs = 3000;
    await clock.advance(5000);
    expect(seen).toEqual([
      [0, 1000],
      [1500, 1000],
      [5000, 3000],
    ]);
  });

  test('a wake cuts the pause short, and a wake during a tick the pause after it', async () => {
    const starts: number[] = [];
    const { clock, supervisor } = bench([
      loop('x', async () => {
        starts.push(clock.monotonic());
        await clock.sleep(100);
      }),
    ]);
    supervisor.start();
    await clock.advance(300);
    supervisor.wake('x');
    await clock.advance(50);
    supervisor.wake('x');
    supervisor.wake('absent');
    await clock.advance(1200);
    expect(starts).toEqual([0, 300, 400, 1500]);
  });

  test('a loop with an endless interval ticks once and then only when woken', async () => {
    const tick = vi.fn(async () => undefined);
    const { clock, supervisor, job } = bench([loop('x', tick, { intervalMs: () => Number.POSITIVE_INFINITY })]);
    supervisor.start();
    await clock.advance(86_400_000 * 60);
    expect(tick).toHaveBeenCalledTimes(1);
    expect(job('x').nextAt).toBeNull();
    expect(supervisor.isHealthy()).toBe(true);
    supervisor.wake('x');
    await clock.advance(0);
    expect(tick).toHaveBeenCalledTimes(2);
  });

  test('jobs tell last start, duration, result and next run [R165]', async () => {
    const { clock, supervisor, job } = bench([loop('x', () => clock.sleep(250))]);
    expect(job('x')).toMatchObject({ state: 'idle', lastStartedAt: null, nextAt: null, runs: 0 });
    supervisor.start();
    await clock.advance(100);
    expect(job('x')).toMatchObject({ state: 'running', lastStartedAt: Date.parse('2026-01-05T12:00:00Z'), runs: 1 });
    await clock.advance(200);
    expect(job('x')).toMatchObject({
      state: 'idle',
      lastDurationMs: 250,
      lastResult: 'ok',
      nextAt: Date.parse('2026-01-05T12:00:01.250Z'),
    });
  });
});

describe('runOnce', () => {
  test('ticks every loop once in order, awaited, without a timer [R163]', async () => {
    const order: string[] = [];
    const { clock, supervisor } = bench(
      ['watcher', 'quota', 'switcher'].map((name) => loop(name, async () => void order.push(name))),
    );
    await expect(supervisor.runOnce()).resolves.toEqual([
      { name: 'watcher', result: 'ok' },
      { name: 'quota', result: 'ok' },
      { name: 'switcher', result: 'ok' },
    ]);
    expect(order).toEqual(['watcher', 'quota', 'switcher']);
    expect(clock.pending).toBe(0);
  });

  test('of a loop that is not there is a harmless nothing [R164]', async () => {
    const { supervisor } = bench([]);
    await expect(supervisor.runOnce('absent')).resolves.toEqual([]);
    await expect(supervisor.runOnce()).resolves.toEqual([]);
    expect(supervisor.isHealthy()).toBe(true);
  });

  test('during a tick is skipped and counted [R165]', async () => {
    const { clock, supervisor, job } = bench([loop('x', () => clock.sleep(500))]);
    supervisor.start();
    await clock.advance(100);
    await expect(supervisor.runOnce('x')).resolves.toEqual([{ name: 'x', result: 'skipped' }]);
    expect(job('x')).toMatchObject({ skipped: 1, runs: 1 });
  });

  test('from within its own tick is skipped, not started twice [R165]', async () => {
    const { supervisor, job } = bench([
      loop('x', async () => {
        expect(await supervisor.runOnce('x')).toEqual([{ name: 'x', result: 'skipped' }]);
      }),
    ]);
    await expect(supervisor.runOnce('x')).resolves.toEqual([{ name: 'x', result: 'ok' }]);
    expect(job('x')).toMatchObject({ runs: 1, skipped: 1 });
  });

  test('that outlasts the pause makes the schedule wait, not overlap [R165]', async () => {
    let running = 0;
    let most = 0;
    const durations = [0, 5000, 0, 0];
    const { clock, supervisor, job } = bench([
      loop('x', async () => {
        running += 1;
        most = Math.max(most, running);
        await clock.sleep(durations.shift() ?? 0);
        running -= 1;
      }),
    ]);
    supervisor.start();
    await clock.advance(500);
    const once = supervisor.runOnce('x');
    await clock.advance(6500);
    await expect(once).resolves.toEqual([{ name: 'x', result: 'ok' }]);
    expect(most).toBe(1);
    expect(job('x')).toMatchObject({ skipped: 1, runs: 3 });
  });

  test('tells a failure in its outcome and does not throw', async () => {
    const error = new Error('no tmux');
    const { supervisor } = bench([loop('x', () => Promise.reject(error)), loop('y', async () => undefined)]);
    await expect(supervisor.runOnce()).resolves.toEqual([
      { name: 'x', result: 'failed', error },
      { name: 'y', result: 'ok' },
    ]);
  });
});

describe('a failing loop', () => {
  test('comes back after 1, 2, 4 … seconds up to 5 minutes while its neighbour keeps time [R166]', async () => {
    const starts: number[] = [];
    let neighbour = 0;
    const { clock, supervisor } = bench([
      loop('bad', async () => {
        starts.push(clock.monotonic() / 1000);
        throw new Error('broken');
      }),
      loop('good', async () => {
        neighbour += 1;
      }),
    ]);
    supervisor.start();
    await clock.advance(24_000);
    expect(starts).toEqual([0, 1, 3, 7, 15]);
    expect(neighbour).toBe(25);
    await clock.advance(3_600_000);
    const pauses = starts.slice(1).map((start, i) => start - (starts[i] ?? 0));
    expect(Math.max(...pauses)).toBe(300);
    expect(pauses.at(-1)).toBe(300);
    expect(supervisor.isHealthy()).toBe(true);
  });

  test('is degraded after 5 failures in a row, and not after one success [R166]', async () => {
    let isBroken = true;
    const { clock, log, supervisor, job } = bench([
      loop('x', async () => {
        if (isBroken) throw new Error('broken');
      }),
    ]);
    supervisor.start();
    await clock.advance(14_000);
    expect(job('x')).toMatchObject({
      consecutiveFailures: 4,
      degraded: false,
      state: 'back-off',
      lastResult: 'failed',
    });
    await clock.advance(1000);
    expect(job('x')).toMatchObject({ consecutiveFailures: 5, degraded: true });
    isBroken = false;
    supervisor.wake();
    await clock.advance(0);
    expect(job('x')).toMatchObject({
      consecutiveFailures: 0,
      degraded: false,
      failures: 5,
      state: 'idle',
      lastResult: 'ok',
    });
    expect(log.at('info')).toEqual(['the loop works again']);
  });

  test('logs the first failure at warn, identical repeats at debug, and another failure at warn again', async () => {
    const messages = ['a', 'a', 'a', 'b', 'a'];
    const { clock, log, supervisor } = bench([loop('x', () => Promise.reject(new Error(messages.shift())))]);
    supervisor.start();
    await clock.advance(15_000);
    expect(log.levelsOf('a tick failed')).toEqual(['warn', 'debug', 'debug', 'warn', 'warn']);
    expect(log.at('error')).toEqual(['the loop is degraded']);
  });

  test('keeps its back-off when only it is woken, and loses it when all are (a changed config)', async () => {
    const tick = vi.fn(() => Promise.reject(new Error('broken')));
    const { clock, supervisor } = bench([loop('x', tick)]);
    supervisor.start();
    await clock.advance(8000);
    expect(tick).toHaveBeenCalledTimes(4);
    supervisor.wake('x');
    await clock.advance(100);
    expect(tick).toHaveBeenCalledTimes(4);
    supervisor.wake();
    await clock.advance(100);
    expect(tick).toHaveBeenCalledTimes(5);
  });

  test.each([
    ['an interval that is no number', { intervalMs: () => Number.NaN }],
    [
      'a tick that throws before it waits',
      {
        tick: () => {
          throw new Error('at once');
        },
      },
    ],
    ['a tick that throws no error', { tick: () => Promise.reject('text') }],
  ])('with %s backs off like any other', async (_name, broken) => {
    const { clock, supervisor, job } = bench([loop('x', async () => undefined, broken)]);
    supervisor.start();
    await clock.advance(15_000);
    expect(job('x')).toMatchObject({ state: 'back-off', consecutiveFailures: 5 });
  });

  test('spreads its back-offs by the injected random number', async () => {
    const starts: number[] = [];
    const { clock, supervisor } = bench(
      [
        loop('x', async () => {
          starts.push(clock.monotonic());
          throw new Error('broken');
        }),
      ],
      { random: () => 0.8 },
    );
    supervisor.start();
    await clock.advance(4000);
    expect(starts).toEqual([0, 1200, 3600]);
  });
});

describe('a fatal error', () => {
  test('stops every loop and is told once', async () => {
    const onFatal = vi.fn();
    const fatal = new FatalError('store_gone', 'the database is gone');
    const other = vi.fn(async () => undefined);
    const { clock, supervisor, job } = bench(
      [loop('bad', () => Promise.reject(fatal)), loop('bad2', () => Promise.reject(fatal)), loop('good', other)],
      { onFatal },
    );
    supervisor.start();
    await clock.advance(60_000);
    expect(onFatal).toHaveBeenCalledExactlyOnceWith(fatal);
    expect(other).toHaveBeenCalledTimes(1);
    expect(job('good').state).toBe('stopped');
    expect(job('bad')).toMatchObject({ state: 'stopped', lastError: 'FatalError: the database is gone' });
    expect(clock.pending).toBe(0);
  });
});

describe('a deadline', () => {
  test('aborts the signal of the tick after a minute, and the failure says so', async () => {
    const { clock, supervisor, job } = bench([loop('x', ({ signal }) => untilAbort(signal))]);
    supervisor.start();
    await clock.advance(60_000);
    expect(job('x')).toMatchObject({
      consecutiveFailures: 1,
      lastError: 'Error: the tick was ended after its deadline of 1 m',
      lastDurationMs: 60_000,
    });
    expect(supervisor.isHealthy()).toBe(true);
  });

  test('of its own lets a long swap run', async () => {
    const { clock, supervisor, job } = bench([loop('x', () => clock.sleep(200_000), { deadlineMs: 300_000 })]);
    supervisor.start();
    await clock.advance(190_000);
    expect(job('x').state).toBe('running');
    expect(supervisor.isHealthy()).toBe(true);
    await clock.advance(20_000);
    expect(job('x').lastResult).toBe('ok');
  });

  test('that is ignored makes the loop late and unhealthy but does not start it twice', async () => {
    const tick = vi.fn(never);
    const { clock, log, supervisor, job } = bench([loop('x', tick), loop('y', async () => undefined)]);
    supervisor.start();
    await clock.advance(64_999);
    expect(supervisor.isHealthy()).toBe(true);
    await clock.advance(1);
    expect(job('x').state).toBe('late');
    expect(supervisor.isHealthy()).toBe(false);
    await clock.advance(3_600_000);
    await supervisor.runOnce('x');
    expect(tick).toHaveBeenCalledTimes(1);
    expect(log.at('error')).toEqual(['a tick ignores its deadline; the loop waits for it']);
    expect(job('y').runs).toBeGreaterThan(3000);
  });

  test('that was ignored is forgiven when the tick ends after all', async () => {
    const { clock, supervisor, job } = bench([loop('x', () => clock.sleep(90_000))]);
    supervisor.start();
    await clock.advance(80_000);
    expect(supervisor.isHealthy()).toBe(false);
    await clock.advance(10_000);
    expect(supervisor.isHealthy()).toBe(true);
    expect(job('x')).toMatchObject({ state: 'idle', lastResult: 'ok' });
  });
});

describe('stopping', () => {
  test('aborts the ticks, waits for them and leaves nothing asleep [R96]', async () => {
    const ended: string[] = [];
    const { clock, supervisor, job } = bench([
      loop('swap', async ({ signal }) => {
        await clock.sleep(60_000, signal);
        await clock.sleep(3000);
        ended.push('its phase');
      }),
      loop('idle', async () => undefined),
    ]);
    supervisor.start();
    await clock.advance(500);
    const stopped = supervisor.stop(20_000);
    await clock.advance(2999);
    expect(ended).toEqual([]);
    await clock.advance(1);
    await expect(stopped).resolves.toEqual([]);
    expect(ended).toEqual(['its phase']);
    expect(job('idle').state).toBe('stopped');
    await clock.advance(100_000);
    expect(clock.pending).toBe(0);
    await expect(supervisor.runOnce('idle')).resolves.toEqual([{ name: 'idle', result: 'skipped' }]);
  });

  test('does not wait longer than the grace and names who is left [R96]', async () => {
    const { clock, log, supervisor } = bench([loop('stuck', never), loop('fine', async () => undefined)]);
    supervisor.start();
    await clock.advance(10);
    const stopped = supervisor.stop(20_000);
    await clock.advance(20_000);
    await expect(stopped).resolves.toEqual(['stuck']);
    expect(log.at('warn')).toEqual(['stopped without these loops']);
  });

  test('does not count what it interrupts as a failure', async () => {
    const { clock, log, supervisor, job } = bench([loop('x', ({ signal }) => untilAbort(signal))]);
    supervisor.start();
    await clock.advance(10);
    await supervisor.stop(1000);
    expect(job('x')).toMatchObject({ failures: 0, state: 'stopped' });
    expect(log.at('warn')).toEqual([]);
  });

  test('twelve loops share one signal without a warning about listeners', async () => {
    const warn = vi.fn();
    process.on('warning', warn);
    const { clock, supervisor } = bench(
      Array.from({ length: 12 }, (_, i) => loop(`loop${i}`, ({ signal }) => clock.sleep(100, signal))),
    );
    supervisor.start();
    await clock.advance(50);
    await supervisor.stop(1000);
    await clock.advance(0);
    process.off('warning', warn);
    expect(warn).not.toHaveBeenCalled();
  });
});

describe('a jump of the wall clock [R208]', () => {
  test.each([
    ['forward', '2026-01-05T13:00:00Z', 3_600_000 - 10_000],
    ['back', '2026-01-05T11:00:00Z', -3_600_000 - 10_000],
  ])('%s is logged and told once, and the loops keep time', async (_name, to, jumpMs) => {
    const onClockJump = vi.fn();
    const tick = vi.fn(async () => undefined);
    const { clock, log, supervisor } = bench([loop('x', tick)], { onClockJump });
    supervisor.start();
    await clock.advance(10_000);
    clock.set(to);
    await clock.advance(10_000);
    expect(onClockJump).toHaveBeenCalledExactlyOnceWith(jumpMs);
    expect(log.at('warn')).toEqual(['the wall clock jumped']);
    expect(tick).toHaveBeenCalledTimes(21);
    expect(supervisor.isHealthy()).toBe(true);
  });

  test('of less than five minutes is none', async () => {
    const onClockJump = vi.fn();
    const { clock, supervisor } = bench([loop('x', async () => undefined)], { onClockJump });
    supervisor.start();
    clock.set('2026-01-05T12:04:59Z');
    await clock.advance(10_000);
    expect(onClockJump).not.toHaveBeenCalled();
  });
});

test('whatever ticks do, none overlaps itself, none stops another, and the account adds up [R165] [R166]', async () => {
  const behaviour = fc.record({
    takesMs: fc.integer({ min: 0, max: 90_000 }),
    ends: fc.constantFrom<('well' | 'throws' | 'ignores')[]>('well', 'throws', 'ignores'),
  });
  const step = fc.oneof(
    fc.record({ do: fc.constant('advance' as const), ms: fc.integer({ min: 0, max: 40_000 }) }),
    fc.record({ do: fc.constantFrom('wake' as const, 'wakeAll' as const, 'runOnce' as const), ms: fc.constant(0) }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(behaviour, { minLength: 1, maxLength: 8 }),
      fc.array(step, { maxLength: 25 }),
      async (script, steps) => {
        let running = 0;
        let overlaps = 0;
        let started = 0;
        let neighbour = 0;
        const bad = loop('bad', async ({ signal }) => {
          const { takesMs, ends } = script[started % script.length] ?? { takesMs: 0, ends: 'well' };
          started += 1;
          running += 1;
          if (running > 1) overlaps += 1;
          await clock.sleep(takesMs, ends === 'ignores' ? undefined : signal);
          running -= 1;
          if (ends === 'throws') throw new Error('broken');
        });
        const good = loop('good', async () => {
          neighbour += 1;
        });
        const { clock, supervisor, job } = bench([bad, good]);
        supervisor.start();
        for (const { do: action, ms } of steps) {
          if (action === 'advance') await clock.advance(ms);
          else if (action === 'runOnce') void supervisor.runOnce('bad');
          else supervisor.wake(action === 'wake' ? 'bad' : undefined);
          const view = job('bad');
          expect(view.runs).toBe(started);
          expect(view.failures).toBeGreaterThanOrEqual(view.consecutiveFailures);
          expect(view.degraded).toBe(view.consecutiveFailures >= 5);
          expect(supervisor.isHealthy()).toBe(view.state !== 'late');
        }
        await clock.advance(0);
        expect(overlaps).toBe(0);
        expect(neighbour).toBeGreaterThanOrEqual(Math.floor(clock.monotonic() / 1000));
        const stopped = supervisor.stop(100_000);
        await clock.advance(100_000);
        await expect(stopped).resolves.toEqual([]);
        expect(clock.pending).toBe(0);
      },
    ),
    { numRuns: 150 },
  );
});
