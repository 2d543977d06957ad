/** What a person may wish of a kept session: a new shell for an autonomous one, nothing of a dedicated one. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PaneSnapshot } from '../../src/core/panes.ts';
import type { LifecycleRow } from '../../src/core/sessions/lifecycle.ts';
import { createBoard } from '../../src/runtime/board.ts';
import type { KeepingPorts } from '../../src/steps/keeping-api.ts';
import { createKeepingApi } from '../../src/steps/keeping-api.ts';
import type { OpenedStore } from '../../src/store/open.ts';
import { openFor } from '../store/support/open.ts';
import { tempDir } from '../store/support/temp-dir.ts';
import { anAgent, NOON, PANE } from '../support/builders.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { aSession } from '../support/kept.ts';
import { silentLog } from '../support/panes.ts';

let store: OpenedStore;
let woken: string[];
let held: string | null;
let hasAgent: boolean;

beforeEach(async () => {
  store = await openFor(tempDir());
  woken = [];
  held = null;
  hasAgent = false;
});
afterEach(() => store.close());

async function restart(row: LifecycleRow) {
  await store.lifecycles.addLifecycle(row);
  const board = createBoard((name) => void woken.push(name));
  const view = { identity: PANE, process: hasAgent ? anAgent() : null };
  board.postSnapshot({ takenAt: NOON, servers: [], panes: [view] } as unknown as PaneSnapshot);
  const ports = {
    lifecycles: store.lifecycles,
    board,
    clock: new FakeClock(new Date(NOON).toISOString()),
    log: silentLog,
    killSwitch: { reason: async () => held },
    observing: () => null,
    config: () => ({}),
  } as unknown as KeepingPorts;
  const answer = await createKeepingApi(ports).restart(row.session);
  return { answer, after: await store.lifecycles.lifecycle(row.session) };
}

describe('a restart by hand', () => {
  test.each<[string, Partial<LifecycleRow>, Partial<LifecycleRow>]>([
    [
      'gives the task of one at work to the next',
      { state: 'working', taskId: 'p:t' },
      { state: 'failed', taskId: null },
    ],
    ['gives up one that is starting', { state: 'launching' }, { state: 'failed' }],
    [
      'tries one that is left alone at once',
      { state: 'failed', heldUntil: NOON + 1, restarts: [NOON] },
      { heldUntil: null, restarts: [] },
    ],
    ['waits for one that is being recycled', { state: 'done' }, { state: 'done' }],
  ])('%s', async (_, before, expected) => {
    const { answer, after } = await restart(aSession(before));
    expect(answer.kind).toBe('accepted');
    expect(after).toMatchObject(expected);
    expect(after?.lost?.taskId).toBe(before.taskId ?? undefined);
    expect(woken).toEqual(['lifecycle']);
  });

  test('asks the agent of one that rests to leave, and leaves a shell as it is', async () => {
    expect((await restart(aSession({ session: 'w-1', state: 'idle' }))).after?.state).toBe('idle');
    hasAgent = true;
    expect((await restart(aSession({ session: 'w-2', state: 'idle' }))).after?.state).toBe('draining');
  });

  test('is refused for somebody’s own, for one that is not kept, and while the daemon is paused [R244 R285]', async () => {
    const own = await restart(aSession({ session: 'main', kind: 'dedicated', state: 'working' }));
    expect(own).toMatchObject({ answer: { reason: 'dedicated' }, after: { state: 'working' } });
    held = 'by hand';
    const paused = await restart(aSession({ session: 'w-3', state: 'working', taskId: 'p:t' }));
    expect(paused).toMatchObject({ answer: { reason: 'held_back' }, after: { state: 'working' } });
    expect(woken).toEqual([]);
  });
});
