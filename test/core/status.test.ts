/** What `/health` and `/status` say of the daemon's facts. */
import { describe, expect, test } from 'vitest';
import { needsAttention } from '../../src/core/events.ts';
import type { PoolView, StatusFacts } from '../../src/core/status.ts';
import { buildHealth, buildStatus, describeEvent } from '../../src/core/status.ts';
import { DAY, HOUR, MINUTE, SECOND } from '../../src/core/time.ts';
import { aSwap } from '../support/builders.ts';
import { account, event, NOW, poolView, quota, statusFacts } from '../support/daemon-facts.ts';

type PoolFacts = PoolView['pool'];
type Job = StatusFacts['jobs'][number];

/** Facts of one pool, changed. */
function facts(pool: Partial<PoolFacts>, view: Partial<PoolView> = {}, change: Partial<StatusFacts> = {}): StatusFacts {
  return statusFacts({ pools: [{ ...poolView(pool), ...view }], ...change });
}

const limited = (name: string, inMs: number) =>
  account(name, { quota: [quota(name, { used: 1, limitReached: true, resetAt: NOW + inMs })] });

const aChannel = (failingSince: number) => ({
  name: 'email',
  waiting: 2,
  oldestWaitingAt: failingSince,
  lastSentAt: null,
  failingSince,
  lastError: 'down',
});
const aJob = (change: Partial<Job> = {}): Job => ({
  name: 'quota-monitor',
  state: 'waiting',
  lastStartedAt: NOW - SECOND,
  lastDurationMs: 3,
  lastResult: 'ok',
  lastError: null,
  nextAt: NOW + SECOND,
  consecutiveFailures: 0,
  degraded: false,
  ...change,
});

const DOWN = { server: 'default', state: 'error', reason: '/opt/tmux is not installed', pid: null } as const;
const LEFT = {
  name: 'work-1',
  pool: 'work',
  status: 'active',
  statusReason: null,
  identity: null,
  activeSince: null,
  leftAt: NOW - SECOND,
  credentialsMtimeMs: null,
} as const;

function health(given: StatusFacts) {
  const { status, reasons, checks } = buildHealth(given, NOW);
  return { status, reasons, checks };
}

describe('health', () => {
  test('all is well: ok, without a reason', () => {
    expect(health(statusFacts())).toEqual({
      status: 'ok',
      reasons: [],
      checks: { tmux: 'pass', db: 'pass', link: 'pass', loops: 'pass', notifications: 'pass' },
    });
  });

  test.each<readonly [string, 'unhealthy' | 'degraded', string, StatusFacts]>([
    [
      'a partial pool',
      'unhealthy',
      'pool work: partial swap (the link is gone); run: claude-failover recover',
      facts({ state: 'partial' }, { partialReason: 'the link is gone' }),
    ],
    [
      'a pool without an eligible account',
      'unhealthy',
      'pool work: no account can be used (no_eligible_account)',
      facts({ accounts: [limited('work-2', HOUR), limited('work-3', HOUR)] }),
    ],
    [
      'a link that is not ours',
      'unhealthy',
      'pool work: the link is missing',
      facts({}, { linkState: { kind: 'missing' } }),
    ],
    [
      'tmux away for longer than a minute',
      'unhealthy',
      'no tmux server can be read (default: /opt/tmux is not installed)',
      statusFacts({ tmuxDownSince: NOW - MINUTE - 1, servers: [DOWN] }),
    ],
    [
      'tmux away for a minute',
      'degraded',
      'no tmux server can be read (default: /opt/tmux is not installed)',
      statusFacts({ tmuxDownSince: NOW - MINUTE, servers: [DOWN] }),
    ],
    [
      'a database that cannot be written',
      'unhealthy',
      'the database cannot be written: disk full',
      statusFacts({ storeError: 'disk full' }),
    ],
    [
      'a loop that is late',
      'unhealthy',
      'loop quota-monitor does not answer',
      statusFacts({ jobs: [aJob({ state: 'late' })] }),
    ],
    [
      'a loop that has stopped',
      'unhealthy',
      'loop quota-monitor does not answer',
      statusFacts({ jobs: [aJob({ state: 'stopped' })] }),
    ],
    [
      'a loop that keeps failing',
      'degraded',
      'loop quota-monitor keeps failing',
      statusFacts({ jobs: [aJob({ degraded: true })] }),
    ],
    [
      'a pool that is held',
      'degraded',
      'pool work: held until 2026-01-05 13:00 UTC: held by ada',
      facts({ hold: { until: NOW + HOUR, reason: 'held by ada' } }),
    ],
    [
      'the last usable account',
      'degraded',
      'pool work: no spare account',
      facts({ accounts: [account('work-2'), limited('work-1', HOUR)] }),
    ],
    [
      'a spare account that only rests for some minutes',
      'degraded',
      '',
      facts({ accounts: [account('work-2'), account('work-1', { row: LEFT })] }),
    ],
    [
      'an active account at its limit, with one to go to',
      'degraded',
      '',
      facts({ accounts: [limited('work-2', HOUR), account('work-3')] }),
    ],
    [
      'an open circuit breaker',
      'degraded',
      'pool work: circuit breaker open',
      facts({ breakerOpenedAt: NOW - DAY + 1 }),
    ],
    ['a circuit breaker whose day is over', 'degraded', '', facts({ breakerOpenedAt: NOW - DAY })],
    ['the kill switch', 'degraded', 'paused: by ada', statusFacts({ paused: 'by ada' })],
    ['observing only', 'degraded', 'observing only: new database', statusFacts({ observeReason: 'new database' })],
    [
      'a rejected configuration',
      'degraded',
      'the changed configuration was rejected: line 3',
      statusFacts({ config: { ...statusFacts().config, rejected: 'line 3' } }),
    ],
    [
      'a swap that takes longer than it may',
      'degraded',
      'pool work: switching for 10 m 1 s',
      facts({ state: 'switching' }, { swapStateSince: NOW - 10 * MINUTE - SECOND }),
    ],
    ['a swap within its time', 'degraded', '', facts({ state: 'switching' }, { swapStateSince: NOW - 10 * MINUTE })],
  ])('%s [R225 R143]', (_, status, reason, given) => {
    const told = health(given);
    // Without a reason of its own the thing is no trouble.
    expect(told.reasons).toEqual(reason === '' ? [] : [reason]);
    expect(told.status).toBe(reason === '' ? 'ok' : status);
  });

  test('what cannot go on outranks what is only worth a look, and all of it is told', () => {
    const told = health(facts({ state: 'partial' }, { partialReason: 'x' }, { paused: 'by ada' }));
    expect(told.status).toBe('unhealthy');
    expect(told.reasons).toHaveLength(2);
  });

  test('each check says which part it is', () => {
    const given = facts(
      {},
      { linkState: { kind: 'loop', target: 'x' } },
      { tmuxDownSince: NOW, storeError: 'x', jobs: [aJob({ degraded: true })], channels: [aChannel(NOW - 5 * MINUTE)] },
    );
    expect(health(given).checks).toEqual({
      tmux: 'warn',
      db: 'fail',
      link: 'fail',
      loops: 'warn',
      notifications: 'warn',
    });
  });

  test('a channel through which nothing went for five minutes is a reason, but nothing worse than degraded', () => {
    const channels = [aChannel(NOW - 5 * MINUTE), { ...aChannel(NOW - 4 * MINUTE), name: 'webhook' }];
    const { status, reasons } = buildHealth(statusFacts({ channels }), NOW);
    expect(status).toBe('degraded');
    expect(reasons).toEqual(['no message went through email for 5 m: down']);
    expect(buildStatus(statusFacts({ channels }), NOW).notifications[0]).toMatchObject({
      channel: 'email',
      waiting: 2,
    });
  });

  test('partial, exhausted and a running swap are named for each pool [R225]', () => {
    for (const state of ['partial', 'exhausted', 'switching'] as const) {
      const view = buildHealth(facts({ state }), NOW);
      expect(view.pools).toMatchObject([{ name: 'work', active_account: 'work-2', switcher: state }]);
      expect(view.partial_swap).toBe(state === 'partial');
    }
  });

  test('without a daemon its loops are no trouble', () => {
    expect(health(statusFacts({ daemon: null, jobs: [aJob({ state: 'stopped' })] })).status).toBe('ok');
  });
});

describe('pools', () => {
  const poolOf = (pool: Partial<PoolFacts>) => buildStatus(facts(pool), NOW).pools[0];

  test('all accounts exhausted: eligible is 0, whatever their status says [R143]', () => {
    expect(poolOf({ accounts: [limited('work-2', HOUR), limited('work-3', HOUR)] })).toMatchObject({ eligible: 0 });
  });

  test('the next reset is the earliest of all limits that are reached', () => {
    const accounts = [
      limited('work-1', 2 * HOUR),
      limited('work-2', HOUR),
      account('work-3', { quota: [quota('work-3', { resetAt: NOW + MINUTE })] }),
    ];
    expect(poolOf({ accounts })?.next_reset_at).toBe(new Date(NOW + HOUR).toISOString());
    expect(poolOf({ accounts: [account('work-2')] })?.next_reset_at).toBeNull();
  });

  test('the cooldown counts from the end of the last swap [R20]', () => {
    const swap = aSwap({ flippedAt: NOW - 3 * MINUTE, finishedAt: NOW - 2 * MINUTE });
    expect(poolOf({ swaps: [swap] })?.cooldown).toEqual({ active: true, remaining_s: 180 });
    expect(poolOf({ swaps: [aSwap({ flippedAt: NOW - HOUR, finishedAt: NOW - 5 * MINUTE })] })?.cooldown).toEqual({
      active: false,
      remaining_s: 0,
    });
    expect(poolOf({})?.cooldown.active).toBe(false);
  });

  test('the last swap is told with its outcome; panes that went on after a reset are no swap', () => {
    const swaps = [
      aSwap({ trigger: 'reset', id: 'r' }),
      aSwap({ id: 's', phase: 'failed', error: 'locked', flippedAt: null, startedAt: NOW }),
    ];
    expect(poolOf({ swaps })?.last_swap).toEqual({
      id: 's',
      at: new Date(NOW).toISOString(),
      from: 'work',
      to: 'spare',
      trigger_session: 'main:0.0',
      outcome: 'failed: locked',
    });
    expect(poolOf({})?.last_swap).toBeNull();
  });
});

describe('accounts', () => {
  const first = (change: Parameters<typeof account>[1]) =>
    buildStatus(facts({ accounts: [account('work-2', change)] }), NOW).accounts[0];

  test('state and reasons are derived at read time, never stored [R144]', () => {
    expect(first({ quota: [quota('work-2', { limitReached: true, resetAt: NOW + HOUR })] })).toMatchObject({
      state: 'limited',
      eligible: false,
      reasons: [{ code: 'limit_reached', until: new Date(NOW + HOUR).toISOString() }],
    });
  });

  test('a reset that has passed is over in every view at once [R139]', () => {
    expect(first({ quota: [quota('work-2', { limitReached: true, resetAt: NOW })] })).toMatchObject({
      state: 'active',
      eligible: true,
      quota: { '5h': { used: 0, limit_reached: false, reset_at: null } },
    });
  });

  test('a limit without a reset shows until when it is locked, even where no lock was written [R35]', () => {
    const until = new Date(NOW + 30 * MINUTE).toISOString();
    const locked = quota('work-2', { limitReached: true, resetAt: null, lockUntil: NOW + 30 * MINUTE });
    const bare = quota('work-2', { limitReached: true, resetAt: null, updatedAt: NOW - 30 * MINUTE });
    for (const record of [locked, bare]) {
      expect(first({ quota: [record] })).toMatchObject({ lock_until: until, quota: { '5h': { reset_at: null } } });
    }
    expect(first({})?.lock_until).toBeNull();
  });

  test('every window has its figures, their source and their age', () => {
    expect(first({ quota: [quota('work-2'), quota('work-2', { window: '7d', used: 0.12 })] })?.quota).toMatchObject({
      '5h': { used: 0.38, source: 'statusline', age_s: 60 },
      '7d': { used: 0.12 },
    });
  });

  test('an account whose own files do not tell who it is has no known identity', () => {
    expect(first({})?.identity).toBe('known');
    expect(first({ home: null })?.identity).toBe('unknown');
  });
});

test('times are ISO 8601, and a loop that never runs again has no next run', () => {
  const view = buildStatus(statusFacts({ jobs: [aJob({ nextAt: Number.POSITIVE_INFINITY })] }), NOW);
  expect(view.jobs[0]).toMatchObject({ next_run: null, last_start: new Date(NOW - SECOND).toISOString() });
  expect(view.daemon).toEqual({ running: true, pid: 4242, uptime_s: 3600 });
});

describe('attention', () => {
  const typesOf = (change: Partial<StatusFacts>) =>
    buildStatus(statusFacts(change), NOW).attention.map(({ type }) => type);
  const tmux = event({ type: 'tmux_unavailable', severity: 'warning' });
  const config = event({ type: 'config_rejected', severity: 'warning' });

  test('what is well again is not listed', () => {
    expect(typesOf({ attention: [tmux, config] })).toEqual([]);
    const rejected = { ...statusFacts().config, rejected: 'line 3' };
    expect(typesOf({ attention: [tmux, config], servers: [DOWN], config: rejected })).toEqual([
      'tmux_unavailable',
      'config_rejected',
    ]);
  });

  test('the same trouble of the same thing is listed once, with its newest time', () => {
    const drift = (id: number, pane: string) => event({ id, at: NOW - id, type: 'drift', severity: 'critical', pane });
    const shown = needsAttention([drift(1, 'a'), event(), drift(2, 'b'), drift(3, 'a')]);
    expect(shown.map(({ id }) => id)).toEqual([1, 2]);
  });

  test('a window that filled up is an alert for as long as it is so, and nothing besides', () => {
    expect(needsAttention([event({ type: 'quota_warning', severity: 'critical' })])).toEqual([]);
  });
});

test('keys that wait for a restart are told', () => {
  const needsRestart = ['tmux.sockets'];
  const { config } = buildStatus(statusFacts({ config: { ...statusFacts().config, needsRestart } }), NOW);
  expect(config.needs_restart).toEqual(needsRestart);
});

test('an event is told in its own words, and where it happened', () => {
  expect(
    describeEvent(event({ data: { detail: 'limit reached' }, pool: 'work', session: 'main', account: 'work-1' })),
  ).toBe('limit reached (work, main, work-1)');
  const tmux = { detail: 'tmux server a is error', reason: '/opt/tmux is not installed' };
  expect(
    describeEvent(
      event({ type: 'tmux_unavailable', data: tmux, pool: null, session: null, pane: null, account: null }),
    ),
  ).toBe('tmux server a is error: /opt/tmux is not installed');
  expect(
    describeEvent(event({ type: 'quota_hit', data: {}, pool: null, session: null, pane: null, account: null })),
  ).toBe('quota hit');
  const task = { task: 'site:fix', title: 'Fix it' };
  const of = (data: object) =>
    describeEvent(event({ type: 'task_failed', data: { ...task, ...data }, pool: null, session: 'a', pane: null }));
  expect([of({}), of({ reason: 'timed_out' })].map((text) => text.replace(/ \(.*/, ''))).toEqual([
    'site:fix',
    'site:fix: timed_out',
  ]);
});
