import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { EVENT_SEVERITY } from '../../src/core/events.ts';
import { OPEN_RECOVERY, UNFINISHED_PHASES } from '../../src/core/swap/swap.ts';
import type { LocalStore } from '../../src/ports.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { openFor } from './support/open.ts';
import { aHit, anIncident, aRecovery, aSession, aSwap, NOON } from './support/rows.ts';
import { tempDir } from './support/temp-dir.ts';

const HOUR = 3_600_000;
const open = async () => (await openFor(tempDir())).local;

async function withSwap(change: Parameters<typeof aSwap>[0] = {}): Promise<LocalStore> {
  const store = await open();
  const swap = aSwap(change);
  await store.createSwap(swap, anIncident(swap.id), []);
  return store;
}

describe('the journal', () => {
  test('an event gets the severity of its type and keeps its fields', async () => {
    const store = await open();
    await store.append(
      [
        { type: 'drift', pool: 'claude', data: { link: '/a' } },
        { type: 'paused', severity: 'debug' },
      ],
      NOON,
    );
    expect(await store.events({ limit: 10 })).toEqual([
      expect.objectContaining({ type: 'paused', severity: 'debug', data: {}, pool: null }),
      expect.objectContaining({
        type: 'drift',
        severity: EVENT_SEVERITY.drift,
        pool: 'claude',
        data: { link: '/a' },
        at: NOON,
      }),
    ]);
  });

  test('filters narrow it down, newest first, and the limit holds', async () => {
    const store = await open();
    await store.append([{ type: 'paused', pool: 'a' }], NOON);
    await store.append([{ type: 'resumed', pool: 'a', swap: 's' }], NOON + 1);
    await store.append([{ type: 'drift', pool: 'b' }], NOON + 2);
    const types = async (filter: Parameters<LocalStore['events']>[0]) =>
      (await store.events(filter)).map((event) => event.type);
    expect(await types({ limit: 2 })).toEqual(['drift', 'resumed']);
    expect(await types({ limit: 9, sinceAt: NOON + 1 })).toEqual(['drift', 'resumed']);
    expect(await types({ limit: 9, pool: 'a' })).toEqual(['resumed', 'paused']);
    expect(await types({ limit: 9, swap: 's' })).toEqual(['resumed']);
    expect(await types({ limit: 9, types: ['paused', 'drift'] })).toEqual(['drift', 'paused']);
    expect(await types({ limit: 9, types: [] })).toEqual([]);
  });
});

describe('swaps', () => {
  test('[R47] the plan, its incident and its events are written together and come back as they were', async () => {
    const store = await open();
    const incident = anIncident('swap-1', {
      steps: [{ at: NOON, step: 'plan', durationMs: 1.5, detail: { ok: true } }],
    });
    await store.createSwap(aSwap(), incident, [{ type: 'swap_prepared', swap: 'swap-1' }]);
    expect(await store.swap('swap-1')).toEqual(aSwap());
    expect(await store.incident('swap-1')).toEqual(incident);
    expect(await store.incidents(5)).toEqual([incident]);
    expect(await store.events({ swap: 'swap-1', limit: 5 })).toMatchObject([
      { type: 'swap_prepared', at: incident.at },
    ]);
  });

  test('a plan whose incident cannot be written is not there at all', async () => {
    const store = await withSwap();
    await expect(store.createSwap(aSwap({ id: 'swap-2' }), anIncident('swap-1'), [])).rejects.toThrow('state.db');
    expect(await store.swap('swap-2')).toBeNull();
  });

  test('a change and everything that follows from it are written together', async () => {
    const store = await withSwap();
    const steps = [{ at: NOON + 9, step: 'flip', durationMs: 3, detail: {} }];
    const swap = await store.updateSwap(
      'swap-1',
      { phase: 'flipped', flippedAt: NOON + 9, locks: [], error: null },
      {
        at: NOON + 9,
        steps,
        result: { panes: 1 },
        events: [{ type: 'swap_flipped' }],
        activation: { pool: 'claude', account: 'spare', since: NOON + 9, cause: 'swap' },
        recoveries: [aRecovery('swap-1')],
      },
    );
    expect(swap).toEqual(aSwap({ phase: 'flipped', flippedAt: NOON + 9, locks: [] }));
    expect(await store.incident('swap-1')).toEqual(anIncident('swap-1', { steps, result: { panes: 1 } }));
    expect(await store.events({ limit: 5 })).toMatchObject([{ type: 'swap_flipped', at: NOON + 9 }]);
    expect(await store.recoveries('swap-1')).toEqual([aRecovery('swap-1')]);
    expect(await store.activations('claude', 5)).toEqual([
      { pool: 'claude', account: 'spare', since: NOON + 9, cause: 'swap' },
    ]);
  });

  test('when one part fails, no part is written', async () => {
    const store = await withSwap();
    const orphan = aRecovery('swap-unknown');
    await expect(
      store.updateSwap(
        'swap-1',
        { phase: 'done' },
        { at: NOON, events: [{ type: 'swap_completed' }], recoveries: [orphan] },
      ),
    ).rejects.toMatchObject({ code: 'store_failed' });
    expect(await store.swap('swap-1')).toEqual(aSwap());
    expect(await store.events({ limit: 5 })).toEqual([]);
  });

  test('a change of a swap that is not there is an error that names it', async () => {
    const store = await open();
    await expect(store.updateSwap('swap-9', { phase: 'done' }, { at: NOON })).rejects.toMatchObject({
      code: 'swap_unknown',
      message: 'no swap with the id swap-9 is stored',
    });
  });

  test('every field can be changed, and an update without a change only adds', async () => {
    const store = await withSwap();
    const {
      id: _,
      pool: __,
      ...other
    } = aSwap({
      from: 'f',
      to: 't',
      trigger: 'manual',
      triggerPane: null,
      reason: 'r',
      resetAt: null,
      phase: 'partial',
      requestedAt: 1,
      startedAt: 2,
      flippedAt: 3,
      finishedAt: 4,
      error: 'e',
      fromTarget: 'x',
      toTarget: 'y',
      locks: [],
    });
    await store.updateSwap('swap-1', other, { at: NOON });
    expect(await store.updateSwap('swap-1', {}, { at: NOON })).toEqual({ id: 'swap-1', pool: 'claude', ...other });
  });

  test('lists are newest first and by pool; the unfinished ones are exactly those in an unfinished phase', async () => {
    const store = await open();
    const phases = [...UNFINISHED_PHASES, 'done', 'failed', 'partial'] as const;
    for (const [index, phase] of phases.entries()) {
      const id = `s${index}`;
      const pool = index % 2 === 0 ? 'even' : 'odd';
      await store.createSwap(aSwap({ id, phase, pool, startedAt: NOON + index }), anIncident(id), []);
    }
    const ids = (rows: readonly { readonly id: string }[]) => rows.map(({ id }) => id);
    expect(ids(await store.swaps({ limit: 3 }))).toEqual(['s7', 's6', 's5']);
    expect(ids(await store.swaps({ pool: 'odd', limit: 9 }))).toEqual(['s7', 's5', 's3', 's1']);
    expect(ids(await store.swaps({ sinceAt: NOON + 5, limit: 9 }))).toEqual(['s7', 's6', 's5']);
    expect(ids(await store.unfinishedSwaps())).toEqual(['s0', 's1', 's2', 's3', 's4']);
  });
});

describe('recoveries', () => {
  test('a row is replaced by its id; the open ones are exactly those in an open state', async () => {
    const store = await withSwap();
    const states = [...OPEN_RECOVERY, 'recovered', 'handed_over', 'gone'] as const;
    for (const [index, state] of states.entries()) {
      await store.saveRecovery(aRecovery('swap-1', { id: `r${index}`, state }), [{ type: 'session_gone' }]);
    }
    await store.saveRecovery(aRecovery('swap-1', { id: 'r0', state: 'recovered', launch: null, recoveredBy: 'self' }));
    expect((await store.openRecoveries()).map(({ id }) => id)).toEqual(
      OPEN_RECOVERY.map((_, index) => `r${index}`).slice(1),
    );
    expect((await store.recoveries('swap-1'))[0]).toEqual(
      aRecovery('swap-1', { id: 'r0', state: 'recovered', launch: null, recoveredBy: 'self' }),
    );
    expect(await store.events({ limit: 20 })).toHaveLength(states.length);
  });
});

test('how an agent is to be started again is kept: ended first, idle, without a session [R47 R270]', async () => {
  const store = await withSwap();
  const { launch } = aRecovery('swap-1', { id: 'r0' });
  const marked = aRecovery('swap-1', {
    id: 'r0',
    state: 'stopped',
    launch: launch && { ...launch, stopFirst: true, wasIdle: true, isFresh: true, retyped: true, screenSize: 12 },
  });
  await store.saveRecovery(marked);
  expect(await store.openRecoveries()).toEqual([marked]);
});

describe('activations, hits, sessions and single values', () => {
  test('activations are newest first, with their events', async () => {
    const store = await open();
    await store.recordActivation({ pool: 'p', account: 'a', since: NOON, cause: 'adopted' });
    await store.recordActivation({ pool: 'p', account: 'b', since: NOON, cause: 'external' }, [{ type: 'drift' }]);
    await store.recordActivation({ pool: 'p', account: 'c', since: NOON - HOUR, cause: 'recover' });
    expect((await store.activations('p', 2)).map(({ account }) => account)).toEqual(['b', 'a']);
    expect(await store.activations('q', 2)).toEqual([]);
    expect(await store.events({ limit: 5 })).toMatchObject([{ type: 'drift', at: NOON }]);
  });

  test('a hit is found by its fingerprint until it is dropped', async () => {
    const store = await open();
    await store.saveHit(aHit());
    await store.saveHit(aHit({ lastSeenAt: NOON + 1, swapId: 'swap-1' }));
    await store.saveHit(aHit({ fingerprint: 'f2', pool: 'other' }));
    expect(await store.hit('f1')).toEqual(aHit({ lastSeenAt: NOON + 1, swapId: 'swap-1' }));
    expect(await store.hits('claude')).toHaveLength(1);
    await store.dropHit('f1');
    expect(await store.hit('f1')).toBeNull();
  });

  test('sessions are replaced by their pane and can be removed', async () => {
    const store = await open();
    await store.saveSessions([aSession(), aSession({ id: 'b', label: 'web:0.0' })]);
    await store.saveSessions([aSession({ state: 'idle', stateReason: 'waits', agentPid: null })]);
    await store.saveSessions([]);
    expect(await store.sessions()).toEqual([
      aSession({ state: 'idle', stateReason: 'waits', agentPid: null }),
      aSession({ id: 'b', label: 'web:0.0' }),
    ]);
    await store.removeSession('b');
    expect(await store.sessions()).toHaveLength(1);
  });

  test('a value is kept until it is set to null', async () => {
    const store = await open();
    expect(await store.meta('k')).toBeNull();
    await store.setMeta('k', 'v');
    expect(await store.meta('k')).toBe('v');
    await store.setMeta('k', null);
    expect(await store.meta('k')).toBeNull();
  });

  test('fractions of a millisecond in instants never make a write fail', async () => {
    const store = await withSwap({ resetAt: NOON + 0.4, startedAt: NOON + 0.6 });
    expect(await store.swap('swap-1')).toMatchObject({ resetAt: NOON, startedAt: NOON + 1 });
    await store.append([{ type: 'paused' }], NOON + 0.2);
    await store.saveSessions([aSession({ stateSince: NOON + 0.1, lastSeenAt: NOON + 0.1 })]);
    await store.saveHit(aHit({ firstSeenAt: NOON + 0.1, lastSeenAt: NOON + 0.1 }));
    await store.saveRecovery(aRecovery('swap-1', { stateSince: NOON + 0.1, promptedAt: NOON + 0.1 }));
  });
});

describe('a stored value that cannot be read', () => {
  test('counts as empty, is told once, and costs no row', async () => {
    const stateDir = tempDir();
    const log = new RecordingLog();
    const { local, path } = await openFor(stateDir, { log });
    await local.createSwap(aSwap(), anIncident('swap-1'), [{ type: 'paused', data: { a: 1 } }]);
    await local.saveRecovery(aRecovery('swap-1'));
    const raw = new Database(path);
    raw.exec(`update swaps set locks_json = '[{"path": 7}]'; update events set data_json = '[1]';
      update incidents set evidence_json = '{', decision_json = 'null', result_json = '"x"';
      update recoveries set launch_json = '{"argv": ["claude", 7], "cwd": "/", "configDir": null, "pid": 1, "startTicks": ""}'`);
    raw.close();
    for (let time = 0; time < 2; time++) {
      expect(await local.swap('swap-1')).toEqual(aSwap({ locks: [] }));
      expect(await local.events({ limit: 1 })).toMatchObject([{ type: 'paused', data: {} }]);
      expect(await local.incident('swap-1')).toEqual(anIncident('swap-1', { evidence: [], decision: {}, result: {} }));
      expect(await local.recoveries('swap-1')).toEqual([aRecovery('swap-1', { launch: null })]);
    }
    expect(log.lines.map(({ level, fields }) => `${level} ${String(fields.where)}`)).toEqual([
      'warn swaps.locks_json of swap-1',
      'warn events.data_json of 1',
      'warn incidents.evidence_json of incident-of-swap-1',
      'warn incidents.decision_json of incident-of-swap-1',
      'warn incidents.result_json of incident-of-swap-1',
      'warn recoveries.launch_json of swap-1/1',
    ]);
  });
});
