/** The dispatcher over a real queue and a real store, with a pane, its keys and the pool in the test's hand. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Config } from '../../src/config/schema.ts';
import { claude } from '../../src/core/agents/claude.ts';
import { QueueError, StoreError } from '../../src/core/errors.ts';
import type { PaneView } from '../../src/core/panes.ts';
import type { PoolFacts } from '../../src/core/quota/policy.ts';
import { newLifecycle } from '../../src/core/sessions/lifecycle.ts';
import { HOUR, MINUTE, SECOND } from '../../src/core/time.ts';
import { createDispatcher } from '../../src/loops/dispatcher.ts';
import type { DoneSignals } from '../../src/ports/dispatch.ts';
import type { Board, Clock, PoolStore } from '../../src/ports.ts';
import { createBoard } from '../../src/runtime/board.ts';
import { moveSession } from '../../src/steps/move-session.ts';
import { createTaskQueue } from '../../src/steps/task-queue.ts';
import type { OpenedStore } from '../../src/store/open.ts';
import { openFor } from '../store/support/open.ts';
import { anIncident } from '../store/support/rows.ts';
import { tempDir } from '../store/support/temp-dir.ts';
import { aLimitedAccount, anAccount, anAgent, aReading, aRecovery, aSwap, PANE } from '../support/builders.ts';
import { configFor, NOW, Projects, queueBench, queueDirFor } from '../support/queue-bench.ts';
import { RecordingLog } from '../support/recording-log.ts';

let store: OpenedStore;
let projects: Projects;
let board: Board;
let log: RecordingLog;
let now: number;
/** What the pane shows: null is its shell. */
let composer: string | null;
let keys: string[];
/** How often a task was judged. */
let looks: number;
let signal: { at: number; text: string } | null;
let paused: string | null;
let isStoreDown: boolean;
/** Projects that the safety hook was put into, and what stands in its way. */
let guarded: string[];
let unguarded: string | null;

beforeEach(async () => {
  store = await openFor(tempDir());
  await store.pool.ensureAccounts([{ name: 'work', pool: 'default' }]);
  projects = new Projects('house');
  board = createBoard(() => undefined);
  log = new RecordingLog();
  now = NOW;
  composer = null;
  keys = [];
  looks = 0;
  signal = null;
  paused = null;
  isStoreDown = false;
  guarded = [];
  unguarded = null;
  await store.lifecycles.addLifecycle({
    ...newLifecycle(
      { session: 'auto-1', server: PANE.server, kind: 'autonomous', pool: 'default', agent: 'claude', project: '/p' },
      NOW - 10 * MINUTE,
    ),
    state: 'idle',
    pane: PANE,
    isOurs: true,
  });
  showPool();
});
afterEach(() => store.close());

function paneView(): PaneView {
  return {
    identity: PANE,
    sessionName: 'auto-1',
    label: 'auto-1:0.0',
    tty: '/dev/pts/1',
    cwd: null,
    width: 80,
    height: 24,
    inMode: false,
    dead: false,
    clientActivityAt: null,
    process: composer === null ? null : anAgent(),
    shellInFront: composer === null,
    screen: { text: 'x', hash: 'x', capturedAt: now, changedAt: now },
    observed: true,
    failures: 0,
  };
}

function showPool(change: Partial<PoolFacts> = {}): void {
  const pool: PoolFacts = {
    pool: 'default',
    strategy: 'priority',
    accounts: [anAccount('work', { pool: 'default' })],
    active: 'work',
    state: 'normal',
    swaps: [],
    breakerOpenedAt: null,
    retryUntil: null,
    hold: null,
    ...change,
  };
  const view = { link: '/h/link', linkState: { kind: 'missing' }, partialReason: null, swapStateSince: null } as const;
  board.postPool({ pool, agent: 'claude', asOf: now, ...view }, board.ticket());
}

function bench(projectsDir: string | null = projects.dir, change: (config: Config) => Config = (config) => config) {
  const config: Config = change(configFor(projectsDir, { session_cooldown: '0s' }));
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    sleep: async () => undefined,
    deadline: () => ({ signal: new AbortController().signal, clear: () => undefined }),
    zone: () => 'UTC',
  };
  const queueDir = queueDirFor(() => config, log);
  const doneSignals: DoneSignals = {
    pathOf: (session) => `/s/agent-done-${session}`,
    async read() {
      looks += 1;
      return signal;
    },
    async consume() {
      signal = null;
      return true;
    },
    watch: async () => ({ close: async () => undefined }),
  };
  let ids = 0;
  const newId = (): string => `20261120-100000-${(ids++).toString(16).padStart(4, '0')}`;
  const { tasks, lifecycles, local } = store;
  const shared = new Proxy<PoolStore>(store.pool, {
    get(target, name: keyof PoolStore) {
      if (isStoreDown) return async () => Promise.reject(new StoreError('store_locked', 'it is busy'));
      return target[name].bind(target);
    },
  });
  const ports = {
    queue: createTaskQueue({ queueDir, tasks, daemonId: 'd', newId, config: () => config, isAtWork: () => false, log }),
    queueDir,
    queueWatch: { follow: () => undefined },
    doneSignals,
    tasks,
    lifecycles,
    local,
    shared,
    board,
    panes: { sweep: async () => Promise.reject(new Error('not asked for')), observe: async () => paneView() },
    keys: {
      async paste(_pane: unknown, text: string) {
        keys.push('paste');
        composer = text;
        return { kind: 'sent' } as const;
      },
      async press(_pane: unknown, key: string) {
        keys.push(key);
        composer = '';
        return { kind: 'sent' } as const;
      },
    },
    signals: {
      read: async () => ({ entry: null, sessionId: null, version: null, isGuess: false, transcript: null }),
      readSession: async () => Promise.reject(new Error('not asked for')),
    },
    clock,
    killSwitch: { reason: async () => paused, endIfOver: async () => null },
    observing: () => null,
    profiles: [claude],
    readScreen: () => aReading({ composer: composer === null ? null : { text: composer } }),
    host: 'here',
    safetyHook: {
      async deploy(project: string) {
        guarded.push(project);
        return unguarded;
      },
    },
  };
  const loop = createDispatcher(ports);
  const context = { config, log, signal: new AbortController().signal };
  return {
    loop,
    ports,
    config,
    async tick(afterMs = 0, isAsked = true) {
      now += afterMs;
      board.postSnapshot({
        takenAt: now,
        servers: [{ server: PANE.server, state: 'ok', reason: null, pid: PANE.serverPid }],
        panes: [paneView()],
      });
      if (isAsked) loop.look();
      await loop.tick({ ...context, now });
    },
    /** Its agent was started for the task, and shows its prompt. */
    async ready() {
      composer = '';
      await moveSession(ports, 'auto-1', { kind: 'ready' }, { log });
    },
    task: async (id = 'house:door') => store.tasks.task(id),
    session: async () => store.lifecycles.lifecycle('auto-1'),
    leases: async () => (await store.pool.leases(now)).map(({ holder }) => holder),
  };
}

test('a task goes the whole way: leased, claimed, launched, typed once, done by its signal, and all is given back [R70 R78 R81 R82 R209]', async () => {
  projects.drop('house', 'door');
  const { tick, ready, task, session, leases } = bench();
  await tick();
  expect(await task()).toMatchObject({ status: 'launching', workSession: 'auto-1', account: 'work' });
  expect(await session()).toMatchObject({ state: 'launching', taskId: 'house:door' });
  expect((await session())?.launch).toMatchObject({
    argv: ['claude', '--model', 'sonnet'],
    cwd: projects.path('house'),
  });
  expect(await leases()).toEqual(['task:house:door#1']);
  await tick(SECOND);
  expect(keys).toEqual([]);
  await ready();
  for (let i = 0; i < 8; i++) await tick(SECOND);
  expect(keys).toEqual(['paste', 'Enter']);
  expect(await task()).toMatchObject({ status: 'running' });
  expect(await session()).toMatchObject({ state: 'working' });
  signal = { at: now + SECOND, text: '{"summary":"oiled"}' };
  await tick(SECOND);
  await tick(SECOND);
  expect(await task()).toMatchObject({ status: 'done', completion: 'signal', summary: 'oiled', attempt: 1 });
  expect(await session()).toMatchObject({ state: 'done', taskId: null });
  expect([await leases(), signal]).toEqual([[], null]);
  expect(projects.names('house', 'done')).toContain('door.md');
  const events = await store.local.events({ types: ['task_started', 'task_done'], limit: 9 });
  expect(events.map(({ type }) => type)).toEqual(['task_done', 'task_started']);
});

describe('the safety hook', () => {
  const skipping = (config: Config): Config => ({
    ...config,
    dispatcher: { ...config.dispatcher, safetyHook: true },
    agents: { ...config.agents, claude: { ...agentOf(config), args: ['--dangerously-skip-permissions'] } },
  });
  const agentOf = ({ agents }: Config) => {
    if (agents.claude === undefined) throw new Error('no agent is configured');
    return agents.claude;
  };

  test('is put into the project before an agent that skips permissions is started there [R86]', async () => {
    projects.drop('house', 'door');
    const { tick, session } = bench(projects.dir, skipping);
    await tick();
    expect(guarded).toEqual([projects.path('house')]);
    expect((await session())?.launch?.argv).toContain('--dangerously-skip-permissions');
  });

  test('keeps an agent from being started where it cannot be put in: the attempt fails with the reason, and all is given back [R86]', async () => {
    unguarded = '/p/.claude is a symbolic link; put a directory in its place';
    projects.drop('house', 'door');
    const { tick, task, session, leases } = bench(projects.dir, skipping);
    await tick();
    expect(await session()).toMatchObject({ state: 'idle', taskId: null, launch: null });
    expect([await leases(), keys]).toEqual([[], []]);
    expect(await task()).toMatchObject({ status: 'retry_wait', attempt: 1 });
    const [event] = await store.local.events({ types: ['task_requeued', 'task_retry'], limit: 1 });
    expect(JSON.stringify([await task(), event])).toContain(
      '/p/.claude is a symbolic link; put a directory in its place',
    );
    unguarded = null;
    await tick(HOUR);
    expect(await session()).toMatchObject({ state: 'launching', taskId: 'house:door' });
  });

  test('is put nowhere while it is not asked for, or the agent asks for permission itself [R86]', async () => {
    unguarded = 'never';
    projects.drop('house', 'door');
    const { tick, session } = bench(projects.dir, (config) => ({
      ...skipping(config),
      dispatcher: { ...config.dispatcher, safetyHook: false },
    }));
    await tick();
    expect(await session()).toMatchObject({ state: 'launching' });
    expect(guarded).toEqual([]);
  });
});

test('a session at a task is looked at every poll, and judged every watcher.interval [R64]', async () => {
  projects.drop('house', 'door');
  const { tick, ready, task, loop, config } = bench();
  await tick();
  await ready();
  for (let i = 0; i < 8; i++) await tick(SECOND);
  expect(await task()).toMatchObject({ status: 'running' });
  expect([config.watcher.intervalMs, loop.intervalMs(config)]).toEqual([30 * SECOND, config.quota.pollIntervalMs]);
  await tick(30 * SECOND, false);
  looks = 0;
  for (let i = 0; i < 60; i++) await tick(SECOND, false);
  expect(looks).toBe(2);
});

test('a store that does not answer gives out nothing [R79 R246]', async () => {
  projects.drop('house', 'door');
  const { tick, task } = bench();
  isStoreDown = true;
  await expect(tick()).rejects.toThrow(StoreError);
  expect(await task()).toMatchObject({ status: 'queued' });
  expect(projects.names('house', 'inbox')).toContain('door.md');
  isStoreDown = false;
  await tick(SECOND);
  expect(await task()).toMatchObject({ status: 'launching' });
});

test('a swap that begins between claim and first key holds the key back, and later gives the task back untouched [R79]', async () => {
  projects.drop('house', 'door');
  const { tick, ready, task, session, leases } = bench();
  await tick();
  await ready();
  showPool({ state: 'switching' });
  for (let i = 0; i < 10; i++) await tick(SECOND);
  expect([keys, (await task())?.status]).toEqual([[], 'launching']);
  await tick(MINUTE);
  expect(keys).toEqual([]);
  expect(await task()).toMatchObject({ status: 'queued', attempt: 0 });
  expect(await session()).toMatchObject({ state: 'done', taskId: null });
  expect(await leases()).toEqual([]);
  expect(projects.names('house', 'inbox')).toContain('door.md');
});

test('a task whose session ended is taken care of once, and its session is free of it [R60 R211]', async () => {
  projects.drop('house', 'door');
  const { tick, task, session, ports, leases } = bench();
  await tick();
  await moveSession(ports, 'auto-1', { kind: 'launch_failed', detail: 'it did not come up' }, { log });
  await tick(SECOND);
  await tick(SECOND);
  expect(await task()).toMatchObject({ status: 'retry_wait', attempt: 1, errorKind: 'session_died' });
  expect(await session()).toMatchObject({ state: 'failed', lost: null, taskId: null });
  expect(await leases()).toEqual([]);
});

test('a task that is done before its resumed session was seen to move is charged to the account that did it [R211]', async () => {
  projects.drop('house', 'door');
  const { tick, ready, task } = bench();
  await tick();
  await ready();
  for (let i = 0; i < 8; i++) await tick(SECOND);
  const swap = aSwap({ pool: 'default', phase: 'recovering', startedAt: now, flippedAt: now, finishedAt: null });
  await store.local.createSwap(swap, anIncident(swap.id), []);
  const recovery = aRecovery({ startedAt: now, stateSince: now, state: 'prompted', promptedAt: now });
  await store.local.saveRecovery(recovery);
  showPool({ active: 'spare', swaps: [swap] });
  await tick(SECOND);
  expect(await task()).toMatchObject({ status: 'running', account: 'work' });
  signal = { at: now, text: '' };
  await tick(SECOND);
  expect(await task()).toMatchObject({ status: 'done', account: 'spare' });
  expect((await task())?.decisions).toMatchObject([{}, { account: 'work', reason: 'limit' }, { account: 'spare' }]);
});

test('a task that was cancelled leaves its session and its lease [R212 R219]', async () => {
  projects.drop('house', 'door');
  const { tick, ready, task, session, ports, leases } = bench();
  await tick();
  await ready();
  await ports.queue.cancel('house:door', 'by hand', now);
  await tick(SECOND);
  expect(await task()).toMatchObject({ status: 'cancelled' });
  expect(await session()).toMatchObject({ state: 'done', taskId: null });
  expect([await leases(), keys]).toEqual([[], []]);
});

describe('nothing happens', () => {
  test('where no projects are configured [R164]', async () => {
    projects.drop('house', 'door');
    const { tick, task } = bench(null);
    await tick();
    expect(await task()).toBeNull();
  });

  test('with every account at its limit tasks wait where they are, until one can be used again [R79 R246]', async () => {
    projects.drop('house', 'door');
    const limited = aLimitedAccount('work', now + HOUR, { pool: 'default' });
    showPool({ state: 'exhausted', accounts: [limited] });
    const { tick, task, loop } = bench();
    await tick();
    expect(loop.held().get('default')).toContain('exhausted');
    showPool({ accounts: [limited] });
    await tick(SECOND);
    expect(loop.held().get('default')).toContain('5-hour limit reached');
    expect(await task()).toMatchObject({ status: 'queued' });
    expect(projects.names('house', 'inbox')).toContain('door.md');
    showPool();
    await tick(SECOND);
    expect(await task()).toMatchObject({ status: 'launching' });
  });

  test('while the daemon is paused, and that is said once [R285]', async () => {
    projects.drop('house', 'door');
    paused = 'by hand';
    const { tick, task, loop } = bench();
    await tick();
    await tick(SECOND);
    expect(await task()).toMatchObject({ status: 'queued' });
    expect(loop.held().get('default')).toBe('paused: by hand');
    expect(log.lines.filter(({ message }) => message === 'no tasks are given out')).toHaveLength(1);
  });
});

test('a full disk leaves an ended task where its file is; nothing is lost, and the file follows later [R246]', async () => {
  projects.drop('house', 'door');
  let isFull = true;
  const { queue, rows } = await queueBench(projects, {
    wrap: ({ dir, tasks }) => ({
      tasks,
      dir: {
        ...dir,
        finish: async (...args) => {
          if (isFull) throw new QueueError('queue_write', 'no space is left on the disk');
          return dir.finish(...args);
        },
      },
    }),
  });
  await queue.scan(NOW);
  const [next] = await queue.next(NOW, 1);
  if (next === undefined) throw new Error('no task waits');
  const claimed = await queue.claim(next, { session: 'auto-1', account: 'work' }, NOW);
  if (claimed.kind !== 'claimed') throw new Error(claimed.kind);
  await queue.succeed(claimed.row, { completion: 'signal', summary: null, reason: 'signal' }, NOW);
  expect((await rows())['house:door']).toMatchObject({ status: 'done' });
  expect(projects.names('house', 'claimed').some((name) => name.endsWith('.md'))).toBe(true);
  isFull = false;
  await queue.scan(NOW + MINUTE);
  expect(projects.names('house', 'done')).toContain('door.md');
});
