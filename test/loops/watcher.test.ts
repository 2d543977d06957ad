/** The watcher over panes in the test's hand. */
import { expect, test } from 'vitest';
import type { PaneSnapshot } from '../../src/core/panes.ts';
import { createWatcher } from '../../src/loops/watcher.ts';
import type { WatchScope } from '../../src/ports.ts';
import { createBoard } from '../../src/runtime/board.ts';
import { NOON } from '../support/builders.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { configFor } from '../support/queue-bench.ts';
import { RecordingLog } from '../support/recording-log.ts';

test('every poll interval there is one snapshot of all watched panes, and whoever judges them is woken [R1 R64]', async () => {
  const base = configFor(null);
  const config = {
    ...base,
    quota: { ...base.quota, pollIntervalMs: 700 },
    tmux: { ...base.tmux, sockets: ['default', '/run/other'] },
    watch: { ...base.watch, exclude: ['scratch-*'] },
  };
  const scopes: WatchScope[] = [];
  const woken: string[] = [];
  const board = createBoard((loop) => woken.push(loop));
  const snapshot: PaneSnapshot = { takenAt: NOON, servers: [], panes: [] };
  const panes = {
    sweep: async (scope: WatchScope) => {
      scopes.push(scope);
      return snapshot;
    },
    observe: async () => null,
  };
  const watcher = createWatcher({ panes, board, clock: new FakeClock() });
  expect(watcher.intervalMs(config)).toBe(700);
  const context = { config, now: NOON, signal: new AbortController().signal, log: new RecordingLog() };
  await watcher.tick(context);
  await watcher.tick(context);
  expect(scopes).toHaveLength(2);
  expect(scopes[0]).toMatchObject({ sockets: ['default', '/run/other'], exclude: ['scratch-*'] });
  expect([board.snapshot(), woken]).toEqual([snapshot, ['quota-monitor', 'quota-monitor']]);
});
