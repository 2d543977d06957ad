/** One tick after another over many panes: how many decisions come out, and what is told on the way. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { toConfig } from '../../src/config/schema.ts';
import { claude } from '../../src/core/agents/claude.ts';
import type { PaneSnapshot, PaneView } from '../../src/core/panes.ts';
import { readScreen } from '../../src/core/screen/reading.ts';
import { MINUTE, SECOND } from '../../src/core/time.ts';
import type { SessionSignals } from '../../src/core/verdict/signals.ts';
import type { QuotaMonitorPorts } from '../../src/loops/quota-monitor.ts';
import { createQuotaMonitor } from '../../src/loops/quota-monitor.ts';
import type { Board, Loop } from '../../src/ports.ts';
import { createBoard } from '../../src/runtime/board.ts';
import { type OpenedStore, openStore } from '../../src/store/open.ts';
import { aHome, anAgent, aRejection, aRow, aTranscript, NOON, PANE, signalsOf } from '../support/builders.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLog } from '../support/recording-log.ts';

const ACCOUNTS = {
  accounts: [
    { name: 'a', home: '/h/a' },
    { name: 'b', home: '/h/b' },
  ],
};
const RULE = '─'.repeat(80);
const COMPOSER = `\n${RULE}\n❯ \n${RULE}\n  ? for shortcuts`;
const IDLE = `❯ go\n\n● Done.\n${COMPOSER}`;
const LIMITED = `❯ go\n  ⎿  You've hit your session limit · resets 2pm (UTC)\n     /upgrade to increase your usage limit.\n${COMPOSER}`;
const STRANGE = `❯ go\n  ⎿  The allotment limit of sk-ant-api03-secret-key is spent, wait a while\n${COMPOSER}`;

let dir: string;
let store: OpenedStore;
let clock: FakeClock;
let config = toConfig(ACCOUNTS, {}, '/home/ada');
let board: Board;
let log: RecordingLog;
let monitor: Loop;
/** What the panes show and what their files say. */
let screens: string[];
let signals: (SessionSignals | null)[];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'cf-'));
  store = await openStore({ stateDir: dir, now: NOON });
  const names = ['a', 'b'].map((name) => ({ name, pool: 'default' }));
  await store.pool.ensureAccounts(names);
  await store.local.recordActivation({ pool: 'default', account: 'a', since: NOON - 60 * MINUTE, cause: 'adopted' });
  clock = new FakeClock(new Date(NOON).toISOString());
  config = toConfig(ACCOUNTS, {}, '/home/ada');
  board = createBoard(() => undefined);
  log = new RecordingLog();
  [screens, signals] = [[], []];
  monitor = createQuotaMonitor(ports());
});

afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

function ports(): QuotaMonitorPorts {
  let ids = 0;
  return {
    local: store.local,
    shared: store.pool,
    board,
    clock,
    profiles: [claude],
    readScreen: (text, now, agent) =>
      readScreen(text, { now, zone: 'UTC', extra: config.quota.patterns, ...(agent === undefined ? {} : { agent }) }),
    observing: () => null,
    newId: () => `swap-${++ids}`,
    killSwitch: { reason: async () => null, endIfOver: async () => null },
    signals: {
      read: async ({ pid }) => signals[pid] ?? signalsOf(null),
      readSession: async () => signalsOf(null),
    },
    link: {
      read: async () => ({ kind: 'account', account: 'a', target: '/h/a', movedAt: NOON - 60 * MINUTE }),
      point: async () => undefined,
      targetFor: (_link, home) => home,
      sweepLeftovers: async () => 0,
      accountOf: async () => ({ throughLink: true, account: 'a' }),
    },
    homes: {
      inspect: async (_profile, home) => aHome({ home, realPath: home, credentialsMtimeMs: NOON }),
      interruptedWrites: async () => [],
      freshen: async () => NOON,
    },
  } as QuotaMonitorPorts;
}

function view(pid: number): PaneView {
  const text = screens[pid] ?? '';
  const at = clock.now();
  return {
    identity: { ...PANE, paneId: `%${pid}`, panePid: 1000 + pid },
    sessionName: `s${pid}`,
    label: `s${pid}:0.0`,
    tty: `/dev/pts/${pid}`,
    cwd: null,
    width: 80,
    height: 24,
    inMode: false,
    dead: false,
    clientActivityAt: null,
    process: anAgent({ pid, startTicks: String(pid) }),
    shellInFront: null,
    screen: { text, hash: text, capturedAt: at, changedAt: at },
    observed: true,
    failures: 0,
  };
}

async function tick(afterMs: number = 2 * SECOND): Promise<void> {
  await clock.advance(afterMs);
  const snapshot: PaneSnapshot = { takenAt: clock.now(), servers: [], panes: screens.map((_text, pid) => view(pid)) };
  board.postSnapshot(snapshot);
  await monitor.tick({ config, now: clock.now(), signal: new AbortController().signal, log });
}

const told = async (type: 'swap_requested' | 'unknown_wall' | 'quota_suspected' | 'quota_hit') =>
  (await store.local.events({ types: [type], limit: 100 })).toReversed();

test('twenty panes that meet one limit at the same poll make one decision, with the evidence of each [R255]', async () => {
  screens = Array.from({ length: 20 }, () => IDLE);
  await tick();
  screens = screens.map(() => LIMITED);
  signals = screens.map((_screen, i) =>
    signalsOf(aTranscript({ lastAssistant: aRejection({ id: `row-${i}`, at: clock.now() }), requestAt: clock.now() })),
  );
  await tick();
  expect(await told('swap_requested')).toHaveLength(1);
  const request = board.request('default');
  expect(request).toMatchObject({ id: 'swap-1', wish: { kind: 'limit', structuredHits: 20, textHits: 0 } });
  expect(new Set(request?.hits.map(({ fingerprint }) => fingerprint)).size).toBe(20);
  expect(request?.evidence).toHaveLength(20);
  for (let i = 0; i < 5; i++) await tick();
  expect(await told('swap_requested')).toHaveLength(1);
  expect(board.request('default')?.id).toBe('swap-1');
});

test('a pane that meets the limit of an account that was left updates its record and asks for nothing [R27]', async () => {
  await store.local.recordActivation({ pool: 'default', account: 'b', since: NOON - 40 * MINUTE, cause: 'adopted' });
  await store.local.recordActivation({ pool: 'default', account: 'a', since: NOON - MINUTE, cause: 'adopted' });
  screens = [IDLE];
  await tick();
  screens = [LIMITED];
  const lastAssistant = aRejection({ at: clock.now() });
  signals = [signalsOf(aTranscript({ lastAssistant, requestAt: NOON - 30 * MINUTE }))];
  await tick();
  const records = (await store.pool.quota()).map(({ account, limitReached }) => [account, limitReached]);
  expect(records).toEqual([['b', true]]);
  expect(board.request('default')).toBeNull();
  expect(await told('swap_requested')).toEqual([]);
});

test('the request carries what a replay needs: screen, zone, time, every vote with its account [R250 R280]', async () => {
  screens = [IDLE];
  await tick();
  screens = [LIMITED];
  signals = [signalsOf(aTranscript({ lastAssistant: aRejection({ at: clock.now() }), requestAt: clock.now() }))];
  await tick();
  const [evidence] = board.request('default')?.evidence ?? [];
  expect(board.request('default')?.screen).toBe(LIMITED);
  expect(evidence).toMatchObject({
    pane: 's0:0.0',
    zone: 'UTC',
    agent: 'claude',
    judged_at: new Date(clock.now()).toISOString(),
    verdict: { class: 'quota', window: '5h', structured: true },
    votes: [
      { kind: 'screen', source: 'screen', account: 'a', weight: 'supports' },
      { kind: 'row', source: 'transcript', account: 'a', weight: 'decisive', recordId: 'row-1' },
    ],
  });
});

test('a contradiction that lasts is told once, with its reason, and moves nothing [R24 R252]', async () => {
  screens = [LIMITED];
  signals = [signalsOf(aTranscript({ lastAssistant: aRow({ at: NOON }) }))];
  await tick();
  expect(await told('quota_suspected')).toEqual([]);
  for (let i = 0; i < 5; i++) await tick();
  const events = await told('quota_suspected');
  expect(events).toHaveLength(1);
  expect(events[0]?.data).toMatchObject({ decision: 'vetoed', reason: expect.stringContaining('a normal answer') });
  expect(events[0]?.data.snippet).toContain("You've hit your session limit");
  expect(await told('swap_requested')).toEqual([]);
});

test('a wall in unknown words is told after five minutes, once for all panes, with its masked screen [R257]', async () => {
  screens = [STRANGE, STRANGE, IDLE];
  for (let i = 0; i < 10; i++) await tick(25 * SECOND);
  expect(await told('unknown_wall')).toEqual([]);
  for (let i = 0; i < 20; i++) await tick(25 * SECOND);
  const walls = await told('unknown_wall');
  expect(walls).toHaveLength(1);
  expect(walls[0]).toMatchObject({ severity: 'warning', pane: 's0:0.0', pool: 'default' });
  expect(walls[0]?.data).toMatchObject({
    wording: expect.stringContaining('the allotment limit'),
    evidence: { zone: 'UTC' },
  });
  expect(walls[0]?.data.screen).toContain('⎿  The allotment limit of [masked] is spent');
  expect(JSON.stringify(walls)).not.toContain('sk-ant');
});

test('the same wording is told again on another day', async () => {
  screens = [STRANGE];
  for (let i = 0; i < 15; i++) await tick(25 * SECOND);
  screens = [IDLE];
  await tick(25 * 60 * MINUTE);
  screens = [STRANGE];
  for (let i = 0; i < 15; i++) await tick(25 * SECOND);
  expect(await told('unknown_wall')).toHaveLength(2);
});

test('a pattern that is added while the wall stands there is used at the next poll [R258]', async () => {
  screens = [STRANGE];
  await tick();
  await tick();
  expect(await told('quota_suspected')).toEqual([]);
  const patterns = { extra: [{ id: 'allotment', substring: 'allotment limit' }] };
  config = toConfig({ ...ACCOUNTS, quota: { patterns, confirm_min_age: '2s' } }, {}, '/home/ada');
  await tick();
  expect((await told('quota_suspected'))[0]?.data).toMatchObject({ pattern: 'user:allotment' });
  await tick();
  expect(await told('quota_hit')).toHaveLength(1);
});

test('an old CLI that does not tell its session is not judged by the transcript of its neighbour, but by its own alone', async () => {
  screens = [IDLE, LIMITED];
  const row = aRejection({ at: NOON, window: 'unknown', resetAt: null });
  signals = [
    { ...signalsOf(aTranscript({ lastAssistant: row })), isGuess: true },
    { ...signalsOf(aTranscript({ lastAssistant: row })), isGuess: true },
  ];
  await tick();
  const kinds = () => [...board.findings().values()].map(({ decision }) => decision.kind);
  expect(kinds()).toEqual(['clear', 'confirmed']);
  screens = [IDLE];
  await tick(MINUTE);
  expect(kinds()).toEqual(['confirmed']);
});

test('an agent that cannot be switched yet is read and told, never swapped', async () => {
  const other = ports();
  monitor = createQuotaMonitor({ ...other, profiles: [{ ...claude, notSwitchable: 'its login is not moved yet' }] });
  screens = [LIMITED];
  await tick();
  expect(board.findings().size).toBe(1);
  expect([...board.findings().values()][0]?.notSwitchable?.reason).toBe('its login is not moved yet');
  await tick();
  expect(await told('swap_requested')).toEqual([]);
});

test('figures that a status line told while the screen stood still are read soon, once, and not in the middle of a turn', async () => {
  let toldAt = 0;
  let reads = 0;
  const other = ports();
  const read = async (): Promise<SessionSignals> => {
    reads++;
    return { ...signalsOf(null), sessionId: 'session' };
  };
  monitor = createQuotaMonitor({ ...other, signals: { ...other.signals, read, figuresAt: () => toldAt } });
  screens = [IDLE];
  await tick();
  expect(reads).toBe(1);
  toldAt = clock.now() + SECOND;
  await tick(2 * SECOND);
  expect(reads).toBe(1);
  await tick(4 * SECOND);
  await tick(6 * SECOND);
  await tick(6 * SECOND);
  expect(reads).toBe(2);
  screens = [`❯ go\n\n✻ Thinking… (12s · esc to interrupt)\n${COMPOSER}`];
  toldAt = clock.now() + SECOND;
  await tick(6 * SECOND);
  expect([...board.findings().values()][0]?.reading.busy).toBe(true);
  expect(reads).toBe(2);
  await tick(30 * SECOND);
  expect(reads).toBe(3);
});
