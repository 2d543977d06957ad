import { expect, test } from 'vitest';
import { debounce } from '../../src/config/debounce.ts';
import { FakeClock } from '../support/fake-clock.ts';

function setUp(run?: () => void | Promise<void>) {
  const clock = new FakeClock();
  const stop = new AbortController();
  const runs: number[] = [];
  const errors: unknown[] = [];
  const start = clock.now();
  const note = (): void => {
    runs.push(clock.now() - start);
  };
  const call = debounce(clock, 500, stop.signal, run ?? note, (error) => errors.push(error));
  return { clock, stop, runs, errors, call };
}

test('[R124] one change leads to one run half a second later', async () => {
  const { clock, runs, call } = setUp();
  call();
  await clock.advance(499);
  expect(runs).toEqual([]);
  await clock.advance(5_000);
  expect(runs).toEqual([500]);
});

test('[R124] a burst of changes leads to one run, after at least half a second of quiet', async () => {
  const { clock, runs, call } = setUp();
  for (let i = 0; i < 10; i++) {
    call();
    await clock.advance(100);
  }
  await clock.advance(5_000);
  expect(runs).toEqual([1_500]);
});

test('a change after the run leads to another', async () => {
  const { clock, runs, call } = setUp();
  call();
  await clock.advance(600);
  call();
  await clock.advance(600);
  expect(runs).toEqual([500, 1_100]);
});

test('a change during a run leads to another run, after it', async () => {
  const { clock, runs, call } = setUp(async () => {
    runs.push(0);
    await clock.sleep(2_000);
  });
  call();
  await clock.advance(600);
  call();
  await clock.advance(1_000);
  expect(runs).toHaveLength(1);
  await clock.advance(5_000);
  expect(runs).toHaveLength(2);
});

test('nothing runs after the signal', async () => {
  const { clock, stop, runs, call } = setUp();
  call();
  stop.abort();
  call();
  await clock.advance(5_000);
  expect(runs).toEqual([]);
});

test('a run that fails is told, and the next change runs again', async () => {
  const { clock, errors, call } = setUp(() => {
    throw new Error('disk');
  });
  call();
  await clock.advance(500);
  call();
  await clock.advance(500);
  expect(errors).toHaveLength(2);
});
