/** The caretaker tells once of what keeps failing, and again when it has come back and fails anew. */
import { expect, test } from 'vitest';
import type { JournalEvent, NewEvent } from '../../src/core/events.ts';
import type { PaneSnapshot, PaneView, ServerState } from '../../src/core/panes.ts';
import type { JobFacts } from '../../src/core/status.ts';
import { createCaretaker } from '../../src/loops/caretaker.ts';
import type { LocalStore, TickContext } from '../../src/ports.ts';
import { createBoard } from '../../src/runtime/board.ts';
import { RecordingLog } from '../support/recording-log.ts';

const NOW = Date.parse('2026-01-05T12:00:00Z');

function bench() {
  const appended: NewEvent[] = [];
  const state = {
    storeFails: false,
    jobs: [] as JobFacts[],
    recent: [] as JournalEvent[],
    ended: null as string | null,
  };
  const local: Pick<LocalStore, 'probe' | 'append' | 'events'> = {
    async probe() {
      if (state.storeFails) throw new Error('disk I/O error');
    },
    async append(events) {
      appended.push(...events);
    },
    events: async () => state.recent,
  };
  const board = createBoard(() => undefined);
  const killSwitch = { endIfOver: async () => state.ended };
  const caretaker = createCaretaker({ local: local as LocalStore, board, killSwitch, jobs: () => state.jobs });
  const tick = (now = NOW): Promise<unknown> =>
    caretaker.tick({ now, log: new RecordingLog(), signal: new AbortController().signal } as unknown as TickContext);
  const show = (failures: number, server: ServerState = 'ok'): void =>
    board.postSnapshot({
      takenAt: NOW,
      servers: [{ server: '/s', state: server, reason: null, pid: 1 }],
      panes: [{ label: 'a:0.0', sessionName: 'a', failures } as unknown as PaneView],
    } satisfies PaneSnapshot);
  return { appended, state, caretaker, tick, show };
}

test('five captures in a row that fail make a session unreachable, told once [R28]', async () => {
  const { appended, tick, show } = bench();
  show(4);
  await tick();
  expect(appended).toEqual([]);
  show(5);
  await tick();
  show(9);
  await tick();
  expect(appended.map(({ type, pane }) => [type, pane])).toEqual([['session_unreachable', 'a:0.0']]);
  show(0);
  await tick();
  show(5);
  await tick();
  expect(appended).toHaveLength(2);
});

test('a loop that keeps failing is told once [R166]', async () => {
  const { appended, state, tick } = bench();
  state.jobs = [{ name: 'watcher', degraded: true, lastError: 'no' } as JobFacts];
  await tick();
  await tick();
  expect(appended.map(({ type, data }) => [type, data?.error])).toEqual([['loop_degraded', 'no']]);
});

test('a database that takes no writes is said and the loop fails, until it takes them again [R189]', async () => {
  const { state, caretaker, tick } = bench();
  state.storeFails = true;
  await expect(tick()).rejects.toThrow('disk I/O error');
  expect(caretaker.last().storeError).toBe('disk I/O error');
  state.storeFails = false;
  await tick();
  expect(caretaker.last().storeError).toBeNull();
});

test('tmux counts as down from the first look at which no server answered', async () => {
  const { caretaker, tick, show } = bench();
  show(0, 'absent');
  await tick(NOW);
  await tick(NOW + 60_000);
  expect(caretaker.last().tmuxDownSince).toBe(NOW);
  show(0, 'ok');
  await tick(NOW + 61_000);
  expect(caretaker.last().tmuxDownSince).toBeNull();
});

test('a pause that came to its end is written down once', async () => {
  const { appended, state, tick } = bench();
  state.ended = 'paused by ada';
  await tick();
  state.ended = null;
  await tick();
  expect(appended).toMatchObject([{ type: 'resumed', data: { reason: 'paused by ada' } }]);
});
