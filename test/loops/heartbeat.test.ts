import { expect, test } from 'vitest';
import { createHeartbeatLoop } from '../../src/loops/heartbeat.ts';
import type { TickContext } from '../../src/ports.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLog } from '../support/recording-log.ts';

test('a heartbeat is sent once a minute while the daemon is well; what goes wrong is said once', async () => {
  const clock = new FakeClock();
  const log = new RecordingLog();
  const state = { isWell: true, problem: null as string | null, beats: 0 };
  const loop = createHeartbeatLoop({
    clock,
    isWell: () => state.isWell,
    heartbeat: {
      async beat() {
        state.beats++;
        return state.problem;
      },
    },
  });
  const tick = () => loop.tick({ log, signal: new AbortController().signal } as unknown as TickContext);
  expect(loop.intervalMs({} as never)).toBe(60_000);
  await tick();
  state.isWell = false;
  await tick();
  expect(state.beats).toBe(1);
  state.isWell = true;
  state.problem = 'status 500';
  for (let i = 0; i < 3; i++) await tick();
  expect(log.at('warn')).toEqual(['the heartbeat did not get through']);
  expect(clock.pending).toBe(0);
});
