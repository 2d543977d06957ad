import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/adapters/clock.ts';
import type { Clock } from '../../src/ports.ts';
import { FakeClock } from '../support/fake-clock.ts';

describe.each([
  ['the system clock', () => systemClock(), (_: Clock, ms: number) => wait(ms)],
  ['the fake clock', () => new FakeClock(), (clock: Clock, ms: number) => (clock as FakeClock).advance(ms)],
] as const)('%s', (_name, make, pass) => {
  test('sleeps for the time asked', async () => {
    const clock = make();
    const start = clock.monotonic();
    const sleep = clock.sleep(30);
    await pass(clock, 40);
    await sleep;
    expect(clock.monotonic() - start).toBeGreaterThanOrEqual(29);
  });

  test('wakes at once when the signal aborts, and does not reject', async () => {
    const clock = make();
    const controller = new AbortController();
    const sleep = clock.sleep(3_600_000, controller.signal);
    controller.abort(new Error('enough'));
    await expect(sleep).resolves.toBeUndefined();
    await expect(clock.sleep(3_600_000, controller.signal)).resolves.toBeUndefined();
  });

  test('leaves no listener behind after a sleep or a cleared deadline', async () => {
    const clock = make();
    const { signal } = new AbortController();
    const add = vi.spyOn(signal, 'addEventListener');
    const remove = vi.spyOn(signal, 'removeEventListener');
    for (let i = 0; i < 20; i++) {
      const sleep = clock.sleep(1, signal);
      await pass(clock, 2);
      await sleep;
      clock.deadline(60_000, signal).clear();
    }
    expect(add).toHaveBeenCalledTimes(40);
    expect(remove).toHaveBeenCalledTimes(40);
  });

  test('a deadline aborts after its time, says so, and never after it was cleared', async () => {
    const clock = make();
    const kept = clock.deadline(20);
    const cleared = clock.deadline(20);
    cleared.clear();
    await pass(clock, 40);
    expect(kept.signal.aborted).toBe(true);
    expect((kept.signal.reason as Error).name).toBe('TimeoutError');
    expect(cleared.signal.aborted).toBe(false);
  });

  test('a deadline aborts with its parent, and at once when the parent is aborted already', () => {
    const clock = make();
    const parent = new AbortController();
    const child = clock.deadline(60_000, parent.signal);
    parent.abort('stop');
    expect(child.signal.reason).toBe('stop');
    expect(clock.deadline(60_000, parent.signal).signal.aborted).toBe(true);
  });

  test('a wait longer than a Node timer can hold does not end at once', async () => {
    const clock = make();
    const controller = new AbortController();
    let hasEnded = false;
    const sleep = clock.sleep(40 * 86_400_000, controller.signal).then(() => {
      hasEnded = true;
    });
    const forever = clock.deadline(Number.POSITIVE_INFINITY);
    await pass(clock, 20);
    expect(hasEnded).toBe(false);
    expect(forever.signal.aborted).toBe(false);
    forever.clear();
    controller.abort();
    await sleep;
  });
});

describe('the fake clock', () => {
  test('wakes sleepers in the order of their times and of their arrival', async () => {
    const clock = new FakeClock();
    const woken: string[] = [];
    const sleeper = async (name: string, ms: number): Promise<void> => {
      await clock.sleep(ms);
      woken.push(`${name}@${clock.monotonic()}`);
    };
    void sleeper('late', 30);
    void sleeper('first', 10);
    void sleeper('second', 10);
    void sleeper('again', 5).then(() => sleeper('again', 5));
    await clock.advance(20);
    expect(woken).toEqual(['again@5', 'first@10', 'second@10', 'again@10']);
    expect(clock.pending).toBe(1);
  });

  test('setting the wall clock leaves the monotonic clock alone', () => {
    const clock = new FakeClock('2026-01-05T12:00:00Z');
    clock.set('2026-01-05T13:00:00Z');
    expect(clock.now()).toBe(Date.parse('2026-01-05T13:00:00Z'));
    expect(clock.monotonic()).toBe(0);
  });
});
