/** Opening and climbing recoveries over a real store: once for each pane, and never for ever. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { toConfig } from '../../src/config/schema.ts';
import { claude } from '../../src/core/agents/claude.ts';
import { TmuxError } from '../../src/core/errors.ts';
import type { RecoveryRow, SwapRow } from '../../src/core/swap/swap.ts';
import { MINUTE } from '../../src/core/time.ts';
import type { PaneFinding } from '../../src/core/verdict/pane-finding.ts';
import type { Panes, TickContext } from '../../src/ports.ts';
import type { RecoveryPorts } from '../../src/steps/recover-panes.ts';
import { climbAll, openRecoveries } from '../../src/steps/recover-panes.ts';
import { type OpenedStore, openStore } from '../../src/store/open.ts';
import { anIncident } from '../store/support/rows.ts';
import { aRecovery, aSwap, NOON } from '../support/builders.ts';
import { paneRecord } from '../support/daemon-facts.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLog } from '../support/recording-log.ts';

let dir: string;
let store: OpenedStore;
let clock: FakeClock;
let log: RecordingLog;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'cf-'));
  store = await openStore({ stateDir: dir, now: NOON });
  clock = new FakeClock(new Date(NOON).toISOString());
  log = new RecordingLog();
});

afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

const config = toConfig(
  {
    accounts: [
      { name: 'a', home: '/h/a' },
      { name: 'b', home: '/h/b' },
    ],
  },
  {},
  '/home/ada',
);
const [pool] = config.pools;
if (pool === undefined) throw new Error('the configuration has no pool');

function context(): TickContext {
  return { config, now: clock.now(), signal: new AbortController().signal, log };
}

async function swapOf(id: string): Promise<SwapRow> {
  const swap = aSwap({ id, pool: 'default', phase: 'recovering', flippedAt: NOON, startedAt: NOON });
  await store.local.createSwap(swap, anIncident(id, { pool: 'default' }), []);
  return swap;
}

function stopped(): PaneFinding {
  return paneRecord().finding;
}

test('a pane that is still on the ladder of one swap is not put on a second one by another [R263]', async () => {
  const [first, second] = [await swapOf('one'), await swapOf('two')];
  const ports = { local: store.local, clock };
  expect(await openRecoveries(ports, first, [stopped()], pool, claude, context())).toBe(1);
  expect(await openRecoveries(ports, first, [stopped()], pool, claude, context())).toBe(0);
  expect(await openRecoveries(ports, second, [stopped()], pool, claude, context())).toBe(0);
  expect(await store.local.openRecoveries()).toHaveLength(1);
});

test('a server that never answers does not keep its swap open: the pane is handed over at the deadline [R56 R102]', async () => {
  await swapOf('one');
  const rows: RecoveryRow[] = [aRecovery({ id: 'one/p', swapId: 'one', startedAt: NOON, stateSince: NOON })];
  for (const row of rows) await store.local.saveRecovery(row);
  const panes: Panes = {
    sweep: () => Promise.reject(new Error('not asked for')),
    observe: () => Promise.reject(new TmuxError('tmux_hung', 'tmux server /s: no answer')),
  };
  const ports = { local: store.local, clock, panes } as unknown as RecoveryPorts;
  const failing = new Set<string>();
  expect(await climbAll(ports, rows, 'default', claude, failing, () => 'done', context())).toBe(1);
  await clock.advance(9 * MINUTE);
  expect(await climbAll(ports, rows, 'default', claude, failing, () => 'done', context())).toBe(1);
  expect(log.at('warn')).toHaveLength(1);
  await clock.advance(2 * MINUTE);
  expect(await climbAll(ports, rows, 'default', claude, failing, () => 'done', context())).toBe(0);
  expect(await store.local.recoveries('one')).toMatchObject([
    { state: 'handed_over', reason: 'its tmux server does not answer' },
  ]);
});

test('panes that cannot be looked at come last, so that eight of them do not starve the others', async () => {
  await swapOf('one');
  const rows = Array.from({ length: 9 }, (_, i) =>
    aRecovery({ id: `one/p${i}`, swapId: 'one', startedAt: NOON, pane: { ...aRecovery().pane, paneId: `%${i}` } }),
  );
  for (const row of rows) await store.local.saveRecovery(row);
  const looked: string[] = [];
  const panes: Panes = {
    sweep: () => Promise.reject(new Error('not asked for')),
    observe(pane) {
      looked.push(pane.paneId);
      return pane.paneId === '%8' ? Promise.resolve(null) : Promise.reject(new TmuxError('tmux_hung', 'no answer'));
    },
  };
  const ports = {
    local: store.local,
    clock,
    panes,
    signals: { read: async () => null, readSession: async () => ({ transcript: null }) },
  } as unknown as RecoveryPorts;
  const failing = new Set<string>();
  await climbAll(ports, rows, 'default', claude, failing, () => 'done', context());
  expect(looked).not.toContain('%8');
  await climbAll(ports, rows, 'default', claude, failing, () => 'done', context());
  expect(looked).toContain('%8');
  expect((await store.local.recoveries('one')).find((row) => row.id === 'one/p8')?.state).toBe('gone');
});

test('the pane whose hit another swap dealt with keeps that mark: a limit of yesterday is nobody’s work today [R18]', async () => {
  const swap = await swapOf('one');
  const finding = stopped();
  await openRecoveries({ local: store.local, clock }, swap, [finding], pool, claude, context());
  const hit = 'hit' in finding.decision ? finding.decision.hit : null;
  expect(hit).not.toBeNull();
  expect(await store.local.hit(hit?.fingerprint ?? '')).toMatchObject({ swapId: 'one' });
});

test('an agent of ours is brought back whether or not the safety hook can be put into its project again [R86]', async () => {
  await swapOf('one');
  const accounts = ['a', 'b'].map((name) => ({ name, home: `/h/${name}` }));
  const sessions = { autonomous: { prefix: 'auto-', start_index: 1, max: 1 } };
  const guarding = toConfig({ accounts, sessions, dispatcher: { safety_hook: true } }, {}, '/home/ada');
  const launch = { ...aRecovery().launch, argv: ['claude', '--dangerously-skip-permissions'] } as RecoveryRow['launch'];
  const row = aRecovery({
    id: 'one/p',
    swapId: 'one',
    label: 'auto-1:0.0',
    state: 'exiting',
    stateSince: NOON,
    launch,
  });
  await store.local.saveRecovery(row);
  const done: string[] = [];
  const view = {
    ...paneRecord().finding.view,
    sessionName: 'auto-1',
    process: null,
    shellInFront: true,
    cwd: '/home/ada/project',
    clientActivityAt: null,
    screen: { text: '$ ', hash: 'x', capturedAt: NOON, changedAt: NOON },
  };
  const ports = {
    local: store.local,
    clock,
    panes: { observe: async () => view },
    signals: { readSession: async () => ({ transcript: null }) },
    safetyHook: {
      async deploy(project: string) {
        done.push(`hook in ${project}`);
        return 'it is a link';
      },
    },
    keys: {
      async paste(_: unknown, text: string) {
        done.push(text.trim().slice(0, 6));
        return { kind: 'sent' };
      },
    },
  } as unknown as RecoveryPorts;
  await clock.advance(MINUTE);
  await climbAll(ports, [row], 'default', claude, new Set(), () => 'done', { ...context(), config: guarding });
  expect(done).toEqual(['hook in /home/ada/project', 'claude']);
  expect(log.at('warn')).toEqual(['an agent is brought back without the safety hook']);
});
